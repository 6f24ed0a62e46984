"""Whether a picture can be judged at all: sharp, lit, not washed out, and all of the fibre in it.

A blurred or dark picture shows no marks, so it would pass; it must not. `scripts/calibrate_quality.py` prints
what the limits do to real pictures that are blurred, darkened, washed out, cropped and shifted more and more.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edge.records import EndFace, Quality
from edge.rim import Ellipse, View, median, slope, unroll

_U8 = NDArray[np.uint8]
_F32 = NDArray[np.float32]

_N_RAYS = 128
_SCRATCH_UM = 3.0
# Frame grabbers leave some grey levels of black.
_BLACK_GREY = 12.0


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
    """
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
    return math.erf(_SCRATCH_UM / (2 * math.sqrt(2) * max(blur_um, 1e-3)))


def _measured(pixels: _U8, face: EndFace, settings: QualitySettings) -> _Measures:
    h, w = pixels.shape
    view = View(pixels, 0, 0, w - 1, h - 1)
    at = Ellipse(face.x_px, face.y_px, face.cladding_rx_px, face.cladding_ry_px)
    step_grey, noise_grey, blur_px = _edge(view, at)
    brightness, saturation, worst = _light(view, at, face.core_r_px)
    return _Measures(
        blur_px=blur_px,
        blur_um=blur_px * math.sqrt(face.um_per_px_x * face.um_per_px_y),
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
    if not seen.any():
        return 0.0, 0.0, math.inf
    grey = grey[seen]
    third = (2 * m + 1) // 3
    across = grey[:, -third:].mean(axis=1) - grey[:, :third].mean(axis=1)
    smooth_px = 0.6
    steepest = np.abs(slope(grey, smooth_px / step)).max(axis=1) / step
    reach = grey.max(axis=1).astype(np.float64) - grey.min(axis=1)
    width = np.sort(reach / (math.sqrt(2 * math.pi) * np.maximum(steepest, 1e-3)))[grey.shape[0] // 4]
    pixel = max(1, round(1 / step))
    # second differences of neighbouring pixels; most of them lie beside the edges, and those on them are clipped
    bend = np.abs(np.diff(grey[:, ::pixel].astype(np.float32), 2, axis=1))
    noise = float(np.minimum(bend, 3 * median(bend) + 1).mean()) * math.sqrt(math.pi / 2) / math.sqrt(6)
    return abs(median(across)), noise, math.sqrt(max(0.0, float(width) ** 2 - smooth_px**2))


def _light(view: View, at: Ellipse, core_r_px: float | None) -> tuple[float, float, float]:
    """Mean grey over 255 within two radii, share of white there, and the largest share in core, cladding or ferrule."""
    radii = np.linspace(0.03, 1.9, 48, dtype=np.float32)
    grey, _ = unroll(view, at, (radii - 1) * np.float32(at.mean_px), 64)
    weight = radii / radii.sum()
    white = (grey == 255).mean(axis=0)
    core = 0.5 if core_r_px is None else core_r_px / at.mean_px
    rings = (radii < 0.95 * core, (radii > 1.05 * core) & (radii < 0.97), radii > 1.03)
    worst = max((float(np.average(white[ring], weights=weight[ring])) for ring in rings if ring.any()), default=0.0)
    return float(grey.mean(axis=0) @ weight) / 255, float(white @ weight), worst


def _cut_off(view: View, at: Ellipse, field: float) -> float:
    """Share of the circle at `field` cladding radii that is outside the picture or lost in a black frame."""
    offsets = (np.array([field, 1.12 * field, 1.25 * field], np.float32) - 1) * np.float32(at.mean_px)
    grey, _ = unroll(view, at, offsets, _N_RAYS)
    _, inside = unroll(view, at, offsets[:1], _N_RAYS)
    # a frame is black from here outwards; where everything is, the ferrule itself is dark
    black = (grey <= _BLACK_GREY).all(axis=1) & inside
    lost = np.count_nonzero(~inside) + (np.count_nonzero(black) if black.sum() < 0.6 * inside.sum() else 0)
    return float(lost) / _N_RAYS
