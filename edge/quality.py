"""Whether a picture can be judged at all: sharp, lit, not washed out, and all of the fibre in it.

A blurred or dark picture shows no marks, so it would pass; it must not. `scripts/calibrate_quality.py` prints
what the limits do to real pictures that are blurred, darkened, washed out, cropped and shifted more and more.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.arguments import check_grey, check_kind, check_number
from edge.arrays import U8
from edge.imaging.black_frame import black_rays
from edge.imaging.ellipse import Ellipse, VisiblePicture
from edge.imaging.exact import median_upper, slope
from edge.imaging.noise import noise_of
from edge.imaging.polar import strip_offsets, unroll
from edge.records import EndFace, Quality

_SCRATCH_UM = 3.0
"""Width of the scratch that stands for focus: the limit of zone B in IEC 61300-3-35."""
# From here on: chosen on drawn and real end faces; not derived.
_N_RAYS = 128
"""Rays across the rim, and around the field that must be in the picture."""
_RIM_REACH = 0.1
"""How far to either side of the rim its edge and the noise are measured, in cladding radii."""
_MIN_RIM_REACH_PX = 5.0
"""The same in px, at least."""
_RIM_SMOOTH_PX = 0.6
"""Smoothing along the rays, one sigma; it is taken off the blur again."""
_LIGHT_RADII = np.linspace(0.03, 1.9, 48).astype(np.float32)
"""Where light is measured, in cladding radii."""
_LIGHT_WEIGHT = np.linspace(0.03, 1.9, 48) / np.linspace(0.03, 1.9, 48).sum()
"""A ring counts for as much as it is long."""
_N_LIGHT_RAYS = 64
"""Rays on which light is measured."""
_WHITE_GREY = 255
"""White is the largest grey level: what is brighter on the glass is lost."""
_UNKNOWN_CORE = 0.5
"""Where the core is not known, what is inside of half the cladding's radius counts as core."""
_IN_CORE, _OFF_CORE = 0.95, 1.05
"""Rings up to here, in core radii, are core; rings from here on are cladding."""
_IN_CLADDING, _OFF_CLADDING = 0.97, 1.03
"""Rings up to here, in cladding radii, are cladding; rings from here on are ferrule."""
_FRAME_RADII = (1.0, 1.12, 1.25)
"""A black frame is black here, in radii of the field that must be in the picture."""
_DARK_FERRULE = 0.6
"""Where so large a share of the rays end in black, it is the ferrule that is dark, and no frame."""

# Cladding radii; a profile reaches to a few.
_FARTHEST = 1000.0


@dataclass(frozen=True)
class QualitySettings:
    """What a picture needs to be judged. The limits were chosen by `scripts/calibrate_quality.py` on real end faces.

    Attributes:
        min_focus: least share of its contrast that a scratch 3 um wide (IEC 61300-3-35, the limit of zone B)
            keeps in the blur of this picture.
        min_brightness: least mean grey of ferrule and glass, over 255.
        min_contrast: least grey step at the cladding's edge, over 255.
        min_sure_contrast: the same, below which the edge may be none: half of it; nothing is judged then.
        max_noise: largest noise of a pixel (one sigma), over 255.
        max_saturation: largest share of white in the core, in the cladding or in the ferrule around it.
        field: what must be in the picture, in cladding radii; 1.08 is zone C of a 125 um fibre.
    """

    min_focus: float = 0.95
    min_brightness: float = 0.33
    min_contrast: float = 0.08
    min_sure_contrast: float = 0.04
    max_noise: float = 0.03
    max_saturation: float = 0.25
    field: float = 1.08

    def __post_init__(self) -> None:
        for name in ("min_focus", "min_brightness", "min_contrast", "min_sure_contrast", "max_noise", "max_saturation"):
            check_number(getattr(self, name), name, 0, 1)
        check_number(self.field, "field", 0, _FARTHEST)


@dataclass(frozen=True)
class _Measures:
    """What was measured, in the units that the problems name."""

    blur_px: float
    blur_um: float
    brightness: float
    step_grey: float
    noise_grey: float
    saturation: float
    worst_saturation: float
    cut_off: float


def assess(pixels: U8, face: EndFace | None, settings: QualitySettings = QualitySettings()) -> Quality:
    """How well one fibre's picture can be judged, and what stands against it.

    Args:
        pixels: (h, w) uint8 grey, not changed.
        face: the fibre in it; None where none was found, which is a problem by itself.
        settings: the limits.

    Raises:
        UsageError: `pixels` is no grey picture, or the rest is of another type.
    """
    check_grey(pixels)
    check_kind(face, (EndFace, type(None)), "face")
    check_kind(settings, QualitySettings, "settings")
    if face is None:
        return Quality(0.0, float(pixels[::8, ::8].mean()) / 255, 0.0, 0.0, ("no end face found",), is_trusted=False)
    seen = _measured(pixels, face, settings)
    return Quality(
        focus=_kept_contrast(seen.blur_um),
        brightness=seen.brightness,
        contrast=seen.step_grey / 255,
        saturation=seen.saturation,
        problems=tuple(_problems(seen, settings)),
        is_trusted=seen.worst_saturation <= settings.max_saturation
        and seen.step_grey >= 255 * settings.min_sure_contrast,
    )


def _problems(seen: _Measures, settings: QualitySettings) -> Iterator[str]:
    if seen.cut_off > 0:
        yield (
            f"cut off: {_beyond(100 * seen.cut_off, 0, 0)}% of the circle at {settings.field:.2f} cladding radii is "
            "outside the picture or behind a black frame, none may be"
        )
    focus = _kept_contrast(seen.blur_um)
    if focus < settings.min_focus:
        yield (
            f"blurred: a {_SCRATCH_UM:.0f} um scratch keeps {_beyond(focus, settings.min_focus, 2)} of its contrast "
            f"(blur {seen.blur_um:.1f} um, {seen.blur_px:.1f} px), at least {settings.min_focus:.2f} is needed"
        )
    if seen.brightness < settings.min_brightness:
        mean, least = _beyond(seen.brightness, settings.min_brightness, 2), f"{settings.min_brightness:.2f}"
        yield f"dark: mean brightness {mean}, at least {least} is needed"
    least_step, most_noise = 255 * settings.min_contrast, 255 * settings.max_noise
    if seen.step_grey < least_step:
        step = _beyond(seen.step_grey, least_step, 1)
        yield f"low contrast: the cladding's edge steps by {step} grey levels, at least {least_step:.1f} are needed"
    if seen.noise_grey > most_noise:
        yield f"noisy: {_beyond(seen.noise_grey, most_noise, 1)} grey levels, at most {most_noise:.1f} may be"
    if seen.worst_saturation > settings.max_saturation:
        white = _beyond(100 * seen.worst_saturation, 100 * settings.max_saturation, 0)
        yield (
            f"overexposed: {white}% of the core, the cladding or the ferrule is white, "
            f"at most {settings.max_saturation:.0%} may be"
        )


def _beyond(value: float, limit: float, digits: int) -> str:
    """A value beyond its limit, rounded to nearest, but never to the figure that the limit is told as."""
    step = 10.0**-digits
    told = round(value / step)
    if told == round(limit / step):
        told += 1 if value > limit else -1
    return f"{told * step:.{digits}f}"


def _kept_contrast(blur_um: float) -> float:
    """0..1: what a Gaussian blur of this sigma leaves of the contrast in the middle of a 3 um wide line."""
    # to nine digits: in the last of its sixteen, libraries differ
    return round(math.erf(_SCRATCH_UM / (2 * math.sqrt(2) * max(blur_um, 1e-3))), 9)


def _measured(pixels: U8, face: EndFace, settings: QualitySettings) -> _Measures:
    picture = VisiblePicture.whole(pixels)
    at = Ellipse(face.x_px, face.y_px, face.cladding_rx_px, face.cladding_ry_px)
    step_grey, noise_grey, blur_px = _edge(picture, at)
    brightness, saturation, worst = _light(picture, at, face.core_r_px)
    return _Measures(
        blur_px=blur_px,
        blur_um=blur_px * face.um_per_px,
        brightness=brightness,
        step_grey=step_grey,
        noise_grey=noise_grey,
        saturation=saturation,
        worst_saturation=worst,
        cut_off=_cut_off(picture, at, settings.field),
    )


def _edge(picture: VisiblePicture, at: Ellipse) -> tuple[float, float, float]:
    """Grey step, noise in grey levels (one sigma) and blur in px (one sigma) along rays across the rim.

    The blur is that of the sharpest edge along each ray, wherever on the ray it is: under a film the rim is hidden,
    and the film's own edges tell the blur. Of all rays the lower quartile counts.
    """
    offsets, step = strip_offsets(max(_MIN_RIM_REACH_PX, _RIM_REACH * at.mean_px))
    grey, seen = unroll(picture, at, offsets, _N_RAYS)
    if not seen.all():
        grey = grey[seen]
    if grey.size == 0:
        return 0.0, 0.0, math.inf
    third = offsets.size // 3
    across = _sums(grey[:, -third:], 1) - _sums(grey[:, :third], 1)
    slopes = slope(grey, _RIM_SMOOTH_PX / step)
    steepest = cv2.reduce(np.abs(slopes, out=slopes), 1, cv2.REDUCE_MAX)[:, 0].astype(np.float64) / step
    reach = cv2.subtract(cv2.reduce(grey, 1, cv2.REDUCE_MAX), cv2.reduce(grey, 1, cv2.REDUCE_MIN))[:, 0]
    width = reach / (math.sqrt(2 * math.pi) * np.maximum(steepest, 1e-3))
    quarter = width.size // 4
    sharpest = float(np.partition(width, quarter)[quarter])
    blur_px = math.sqrt(max(0.0, sharpest * sharpest - _RIM_SMOOTH_PX * _RIM_SMOOTH_PX))
    return abs(median_upper(across)) / third, noise_of(grey, step), blur_px


def _sums(grey: U8, axis: int) -> NDArray[np.int32]:
    """Sums along an axis, as whole numbers."""
    return cv2.reduce(grey, axis, cv2.REDUCE_SUM, dtype=cv2.CV_32S).ravel()  # type: ignore[return-value]


def _light(picture: VisiblePicture, at: Ellipse, core_r_px: float | None) -> tuple[float, float, float]:
    """Mean grey over 255 within two radii, share of white there, and the largest share in core, cladding or ferrule."""
    grey, _ = unroll(picture, at, (_LIGHT_RADII - 1) * np.float32(at.mean_px), _N_LIGHT_RAYS)
    brightness = float((_sums(grey, 0) * _LIGHT_WEIGHT).sum()) / (255 * _N_LIGHT_RAYS)
    if not (grey == _WHITE_GREY).any():
        return brightness, 0.0, 0.0
    white = _sums((grey == _WHITE_GREY).view(np.uint8), 0) * _LIGHT_WEIGHT / _N_LIGHT_RAYS
    core = _UNKNOWN_CORE if core_r_px is None else core_r_px / at.mean_px
    in_core = _IN_CORE * core > _LIGHT_RADII
    in_cladding = (_OFF_CORE * core < _LIGHT_RADII) & (_LIGHT_RADII < _IN_CLADDING)
    rings = (ring for ring in (in_core, in_cladding, _LIGHT_RADII > _OFF_CLADDING) if ring.any())
    worst = max(float(white[ring].sum() / _LIGHT_WEIGHT[ring].sum()) for ring in rings)
    return brightness, float(white.sum()), worst


def _cut_off(picture: VisiblePicture, at: Ellipse, field: float) -> float:
    """Share of the circle at `field` cladding radii that is outside the picture or behind a black frame."""
    offsets = (np.array([share * field for share in _FRAME_RADII], np.float32) - 1) * np.float32(at.mean_px)
    grey, inside = unroll(picture, at, offsets, _N_RAYS)
    if not inside.all():
        _, inside = unroll(picture, at, offsets[:1], _N_RAYS)
    # a frame is black from here outwards; where everything is, the ferrule itself is dark
    black = int(np.count_nonzero(black_rays(grey) & inside))
    n_inside = int(np.count_nonzero(inside))
    return (_N_RAYS - n_inside + (black if black < _DARK_FERRULE * n_inside else 0)) / _N_RAYS
