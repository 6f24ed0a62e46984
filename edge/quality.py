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
from edge.imaging.ellipse import Ellipse, View, median, noise_of, slope, unroll
from edge.records import EndFace, Quality

_U8 = NDArray[np.uint8]
_F32 = NDArray[np.float32]

_N_RAYS = 128
_SCRATCH_UM = 3.0
_N_LIGHT_RAYS = 64
# In cladding radii; a ring counts for as much as it is long.
_LIGHT_RADII = np.linspace(0.03, 1.9, 48).astype(np.float32)
_LIGHT_WEIGHT = np.linspace(0.03, 1.9, 48) / np.linspace(0.03, 1.9, 48).sum()
# Frame grabbers leave some grey levels of black.
_BLACK_GREY = 12.0

# Cladding radii; a profile reaches to a few.
_FARTHEST = 1000.0


@dataclass(frozen=True)
class QualitySettings:
    """What a picture needs to be judged. The figures come from `scripts/calibrate_quality.py`.

    Attributes:
        min_focus: least share of its contrast that a scratch 3 um wide (IEC 61300-3-35, the limit of zone B)
            keeps in the blur of this picture.
        min_brightness: least mean grey of ferrule and glass, over 255.
        min_contrast: least grey step at the cladding's edge, over 255.
        max_noise: largest noise of a pixel (one sigma), over 255.
        max_saturation: largest share of white in the core, in the cladding or in the ferrule around it.
        field: what must be in the picture, in cladding radii; 1.08 is zone C of a 125 um fibre.
    """

    min_focus: float = 0.95
    min_brightness: float = 0.33
    min_contrast: float = 0.08
    max_noise: float = 0.03
    max_saturation: float = 0.25
    field: float = 1.08

    def __post_init__(self) -> None:
        for name in ("min_focus", "min_brightness", "min_contrast", "max_noise", "max_saturation"):
            check_number(getattr(self, name), name, 0, 1)
        check_number(self.field, "field", 0, _FARTHEST)


@dataclass(frozen=True)
class _Measures:
    """What was measured, in the units of the sentences."""

    blur_px: float
    blur_um: float
    brightness: float
    step_grey: float
    noise_grey: float
    saturation: float
    worst_saturation: float
    cut_off: float


def assess(pixels: _U8, face: EndFace | None, settings: QualitySettings = QualitySettings()) -> Quality:
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
        return Quality(0.0, float(pixels[::8, ::8].mean()) / 255, 0.0, 0.0, ("no end face found",))
    seen = _measured(pixels, face, settings)
    return Quality(
        focus=_kept_contrast(seen.blur_um),
        brightness=seen.brightness,
        contrast=seen.step_grey / 255,
        saturation=seen.saturation,
        problems=tuple(_problems(seen, settings)),
    )


def _problems(seen: _Measures, settings: QualitySettings) -> Iterator[str]:
    if seen.cut_off > 0:
        yield (
            f"cut off: {seen.cut_off:.0%} of the circle at {settings.field:.2f} cladding radii is outside the picture "
            "or behind a black frame, none may be"
        )
    focus = _kept_contrast(seen.blur_um)
    if focus < settings.min_focus:
        yield (
            f"blurred: a {_SCRATCH_UM:.0f} um scratch keeps {focus:.2f} of its contrast "
            f"(blur {seen.blur_um:.1f} um, {seen.blur_px:.1f} px), at least {settings.min_focus:.2f} is needed"
        )
    if seen.brightness < settings.min_brightness:
        yield f"dark: mean brightness {seen.brightness:.2f}, at least {settings.min_brightness:.2f} is needed"
    if seen.step_grey < 255 * settings.min_contrast:
        yield (
            f"low contrast: the cladding's edge steps by {seen.step_grey:.1f} grey levels, at least "
            f"{255 * settings.min_contrast:.1f} are needed"
        )
    if seen.noise_grey > 255 * settings.max_noise:
        yield f"noisy: {seen.noise_grey:.1f} grey levels, at most {255 * settings.max_noise:.1f} may be"
    if seen.worst_saturation > settings.max_saturation:
        yield (
            f"overexposed: {seen.worst_saturation:.0%} of the core, the cladding or the ferrule is white, "
            f"at most {settings.max_saturation:.0%} may be"
        )


def _kept_contrast(blur_um: float) -> float:
    """0..1: what a Gaussian blur of this sigma leaves of the contrast in the middle of a 3 um wide line."""
    # to nine digits: in the last of its sixteen, libraries differ
    return round(math.erf(_SCRATCH_UM / (2 * math.sqrt(2) * max(blur_um, 1e-3))), 9)


def _measured(pixels: _U8, face: EndFace, settings: QualitySettings) -> _Measures:
    h, w = pixels.shape
    view = View(pixels, 0, 0, w - 1, h - 1)
    at = Ellipse(face.x_px, face.y_px, face.cladding_rx_px, face.cladding_ry_px)
    step_grey, noise_grey, blur_px = _edge(view, at)
    brightness, saturation, worst = _light(view, at, face.core_r_px)
    return _Measures(
        blur_px=blur_px,
        blur_um=blur_px * face.um_per_px,
        brightness=brightness,
        step_grey=step_grey,
        noise_grey=noise_grey,
        saturation=saturation,
        worst_saturation=worst,
        cut_off=_cut_off(view, at, settings.field),
    )


def _edge(view: View, at: Ellipse) -> tuple[float, float, float]:
    """Grey step, noise in grey levels (one sigma) and blur in px (one sigma) along rays across the rim.

    The blur is that of the sharpest quarter of the rays, and of whatever is sharpest along each: under a film the
    rim itself is hidden, and the film's own edges tell.
    """
    half = max(5.0, 0.1 * at.mean_px)
    step = max(0.25, half / 24)
    m = math.ceil(half / step)
    offsets = (np.arange(-m, m + 1) * step).astype(np.float32)
    grey, seen = unroll(view, at, offsets, _N_RAYS)
    if not seen.all():
        grey = grey[seen]
    if grey.size == 0:
        return 0.0, 0.0, math.inf
    third = (2 * m + 1) // 3
    across = _sums(grey[:, -third:], 1) - _sums(grey[:, :third], 1)
    smooth_px = 0.6
    slopes = slope(grey, smooth_px / step)
    steepest = cv2.reduce(np.abs(slopes, out=slopes), 1, cv2.REDUCE_MAX)[:, 0].astype(np.float64) / step
    reach = cv2.subtract(cv2.reduce(grey, 1, cv2.REDUCE_MAX), cv2.reduce(grey, 1, cv2.REDUCE_MIN))[:, 0]
    width = reach / (math.sqrt(2 * math.pi) * np.maximum(steepest, 1e-3))
    quarter = width.size // 4
    sharpest = float(np.partition(width, quarter)[quarter])
    blur_px = math.sqrt(max(0.0, sharpest * sharpest - smooth_px * smooth_px))
    return abs(median(across)) / third, noise_of(grey, step), blur_px


def _sums(grey: _U8, axis: int) -> NDArray[np.int32]:
    """Sums along an axis, as whole numbers."""
    return cv2.reduce(grey, axis, cv2.REDUCE_SUM, dtype=cv2.CV_32S).ravel()  # type: ignore[return-value]


def _light(view: View, at: Ellipse, core_r_px: float | None) -> tuple[float, float, float]:
    """Mean grey over 255 within two radii, share of white there, and the largest share in core, cladding or ferrule."""
    grey, _ = unroll(view, at, (_LIGHT_RADII - 1) * np.float32(at.mean_px), _N_LIGHT_RAYS)
    brightness = float((_sums(grey, 0) * _LIGHT_WEIGHT).sum()) / (255 * _N_LIGHT_RAYS)
    if not (grey == 255).any():
        return brightness, 0.0, 0.0
    white = _sums((grey == 255).view(np.uint8), 0) * _LIGHT_WEIGHT / _N_LIGHT_RAYS
    core = 0.5 if core_r_px is None else core_r_px / at.mean_px
    inside, around = 0.95 * core > _LIGHT_RADII, (1.05 * core < _LIGHT_RADII) & (_LIGHT_RADII < 0.97)
    rings = (ring for ring in (inside, around, _LIGHT_RADII > 1.03) if ring.any())
    worst = max(float(white[ring].sum() / _LIGHT_WEIGHT[ring].sum()) for ring in rings)
    return brightness, float(white.sum()), worst


def _cut_off(view: View, at: Ellipse, field: float) -> float:
    """Share of the circle at `field` cladding radii that is outside the picture or lost in a black frame."""
    offsets = (np.array([field, 1.12 * field, 1.25 * field], np.float32) - 1) * np.float32(at.mean_px)
    grey, inside = unroll(view, at, offsets, _N_RAYS)
    if not inside.all():
        _, inside = unroll(view, at, offsets[:1], _N_RAYS)
    # a frame is black from here outwards; where everything is, the ferrule itself is dark
    black = int(np.count_nonzero((cv2.reduce(grey, 1, cv2.REDUCE_MAX)[:, 0] <= _BLACK_GREY) & inside))
    n_inside = int(np.count_nonzero(inside))
    return (_N_RAYS - n_inside + (black if black < 0.6 * n_inside else 0)) / _N_RAYS
