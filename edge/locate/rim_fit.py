"""A rim: an axis-aligned ellipse on which the grey steps, fitted below a pixel along rays.

Pixels need not be square, and rows and columns are what a camera stretches, so the axes of the ellipse
are those of the picture. To first order an edge moves along the ray at angle t by
`dx cos t + dy sin t + drx cos^2 t + dry sin^2 t`: four parameters, linear, and one small solve a step.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.imaging.ellipse import Ellipse, View, directions, median, slope, unroll

_U8 = NDArray[np.uint8]
_F32 = NDArray[np.float32]
_F64 = NDArray[np.float64]
_Bool = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Rim:
    """A fitted rim and how well the picture supports it.

    Attributes:
        ellipse: the fit.
        step_grey: median step from inside to outside, positive where the inside is the darker.
        coverage: share of the visible rays whose steepest point lies on the ellipse.
        agreement: share of the visible rays whose grey steps the same way across the ellipse.
        visible: share of the rays whose crossing lies inside the view.
        width_px: width of the edge, as the sigma of a Gaussian-blurred step.
    """

    ellipse: Ellipse
    step_grey: float
    coverage: float
    agreement: float
    visible: float
    width_px: float

    @property
    def steepness(self) -> float:
        """Grey levels per px at the steepest point."""
        return abs(self.step_grey) / (math.sqrt(2 * math.pi) * max(self.width_px, 0.1))

    def scaled(self, factor: float) -> Rim:
        """The same rim in a picture `factor` times as large."""
        return replace(self, ellipse=self.ellipse.scaled(factor), width_px=self.width_px * factor)


# Of a pixel, of a direction and of a weight: with as many bits float64 holds the sums below exactly, in any order.
_GRID = 4096.0
_FINE_GRID = 65536.0


def on_grid(values: _F64) -> _F64:
    """The values rounded to multiples of 1/4096."""
    return np.rint(values * _GRID) / _GRID


@lru_cache(maxsize=8)
def design(n: int) -> tuple[_F64, _F64]:
    """(n, 4): the edge's way along each ray for a unit of each parameter; (n, 16): the outer products of its rows.

    In multiples of 1/4096, which moves no parameter by more than a ten-thousandth of itself.
    """
    c, s = (a.astype(np.float64) for a in directions(n))
    rows = on_grid(np.stack([c, s, c * c, s * s], axis=1))
    return rows, (rows[:, :, None] * rows[:, None, :]).reshape(n, 16)


_FREE = tuple((1e-6 * np.eye(4)).ravel().tolist())


def solve(offsets_px: _F64, weight: _F64, ridge: tuple[float, ...] = _FREE) -> _F64:
    """The weighted least-squares parameters for one offset a ray.

    The same bits on every processor where sums are exact: for weights that are whole numbers up to 4096, and for
    offsets below 256 px in multiples of 1/4096 px.

    Args:
        offsets_px: (n,) offsets.
        weight: (n,) weights; only their ratios count.
        ridge: 4 x 4, row by row, holds the parameters back; in units of the sum of the weights.

    Returns:
        (4,) in multiples of 1/65536 px.
    """
    rows, products = design(offsets_px.size)
    normal = (weight @ products).tolist()
    # cos^2 + sin^2 of each ray: the sum of the weights
    total = normal[0] + normal[5] + 1e-9
    held = [a + b * total for a, b in zip(normal, ridge, strict=True)]
    return np.array(_eliminated(held, ((weight * offsets_px) @ rows).tolist()))


def _eliminated(normal: list[float], right: list[float]) -> list[float]:
    """Gauss's elimination of four unknowns, symmetric and positive; libraries order and fuse its steps differently."""
    a00, a01, a02, a03, _, a11, a12, a13, _, _, a22, a23, _, _, _, a33 = normal
    b0, b1, b2, b3 = right
    f1, f2, f3 = a01 / a00, a02 / a00, a03 / a00
    a11, a12, a13, b1 = a11 - f1 * a01, a12 - f1 * a02, a13 - f1 * a03, b1 - f1 * b0
    a22, a23, b2 = a22 - f2 * a02, a23 - f2 * a03, b2 - f2 * b0
    a33, b3 = a33 - f3 * a03, b3 - f3 * b0
    f2, f3 = a12 / a11, a13 / a11
    a22, a23, b2 = a22 - f2 * a12, a23 - f2 * a13, b2 - f2 * b1
    a33, b3 = a33 - f3 * a13, b3 - f3 * b1
    f3 = a23 / a22
    x3 = (b3 - f3 * b2) / (a33 - f3 * a23)
    x2 = (b2 - a23 * x3) / a22
    x1 = (b1 - a12 * x2 - a13 * x3) / a11
    x0 = (b0 - a01 * x1 - a02 * x2 - a03 * x3) / a00
    return [round(x * _FINE_GRID) / _FINE_GRID for x in (x0, x1, x2, x3)]


_TUKEY = (2.0, 1.5, 1.2, 1.0, 1.0)
# A chip spans more rays than this, and what spans fewer is noise.
_N_TOGETHER = 3


def robust(offsets_px: _F64, weight: _F64, reach_px: float, floor_px: float) -> tuple[_F64, _F64]:
    """Tukey's biweight with a width that falls from `reach_px` to twice the spread of the residuals.

    Returns:
        the four parameters, and (n,) residuals in px.
    """
    rows, _ = design(offsets_px.size)
    used = weight > 0
    every = bool(used.all())
    residual = offsets_px - median(offsets_px if every else offsets_px[used])
    most = _GRID * weight
    parameters = np.zeros(4)
    for k in _TUKEY:
        square = residual * residual
        spread = 1.4826 * math.sqrt(median(square if every else square[used]))
        width = max(floor_px, min(reach_px, 2.0 * k * spread))
        square *= -1 / (width * width)
        square += 1
        np.maximum(square, 0, out=square)
        square *= square
        square *= most
        parameters = solve(offsets_px, np.rint(square, out=square))
        residual = offsets_px - rows @ parameters
    return parameters, residual


def steepest(slopes: _F32, step_px: float, first_px: float) -> tuple[_F64, _F64]:
    """Per ray the place (px, by a parabola, in multiples of 1/4096) and the height of the largest slope."""
    n, m = slopes.shape
    best = slopes[:, 1:-1].argmax(axis=1)
    at = np.arange(0, n * m, m) + best
    left, peak, right = slopes.ravel().take((at, at + 1, at + 2)).astype(np.float64)
    bend = left - 2 * peak + right
    shift = np.where(bend < -1e-9, 0.5 * (left - right) / np.minimum(bend, -1e-9), 0.0)
    np.minimum(np.maximum(shift, -1, out=shift), 1, out=shift)
    return on_grid(first_px + step_px * (best + (1 + shift))), peak


def strip_offsets(half_px: float, n_half: int = 24) -> tuple[_F32, float]:
    """Offsets from -half to half, about `n_half` to either side but no closer than a quarter px, and their step."""
    step = max(0.25, half_px / n_half)
    m = math.ceil(half_px / step)
    return (np.arange(-m, m + 1) * step).astype(np.float32), step


def fit_rim(view: View, start: Ellipse, half_px: float, sign: float, n_rays: int, sigma_px: float = 1.0) -> Rim | None:
    """One fit of the steepest points within `half_px` of `start`.

    Args:
        view: the picture.
        start: where to look.
        half_px: how far to either side.
        sign: +1 where grey rises outwards (dark glass), -1 where it falls.
        n_rays: rays.
        sigma_px: smoothing along the ray; best near the edge's own blur (matched filter).

    Returns:
        the rim; None where less than a fifth of it is visible or the fit leaves the strip.
    """
    offsets, step = strip_offsets(half_px)
    grey, seen = unroll(view, start, offsets, n_rays)
    n_seen = int(np.count_nonzero(seen))
    if n_seen < 0.2 * n_rays:
        return None
    slopes = slope(grey, sigma_px / step, _N_TOGETHER)
    if sign < 0:
        np.negative(slopes, out=slopes)
    along, peak = steepest(slopes, step, float(offsets[0]))
    typical = median(peak if n_seen == n_rays else peak[seen])
    weight = np.minimum(np.maximum(peak / max(typical, 1e-6), 0.0), 1.0)
    weight *= seen
    if not weight.any():
        return None
    tolerance = tolerance_px(start.mean_px)
    parameters, residual = robust(along, weight, half_px, tolerance)
    if np.abs(parameters).max() > min(1.5 * half_px, 0.5 * start.mean_px):
        return None
    on_it = float(np.count_nonzero(np.abs(residual[seen]) < tolerance)) / n_seen
    rim = described(start, parameters, on_it, (grey, slopes, seen), (step, sign))
    # Gaussian blur moves the steepest point of a curved edge inwards, by sigma^2 / 2 r
    at, width = rim.ellipse, min(rim.width_px, half_px)
    blur2 = max(0.0, width * width - sigma_px * sigma_px)
    return replace(rim, ellipse=at.grown(1 + blur2 / (2 * at.rx_px * at.ry_px)))


def tolerance_px(mean_px: float) -> float:
    """How far a ray's edge may lie from the ellipse and still count as on it."""
    return max(0.7, 0.012 * mean_px)


def described(
    start: Ellipse, parameters: _F64, coverage: float, strip: tuple[_U8, _F32, _Bool], unit: tuple[float, float]
) -> Rim:
    """What a strip (grey, slopes of the sign looked for, rays seen) in a `unit` (step_px, sign) says of a fit."""
    (grey, slopes, seen), (step, sign) = strip, unit
    n_rays, width = grey.shape
    # the ends of the strip stand for either side: what lies between them may be a gap, a dark line, a highlight
    third = max(1, width // 3)
    outer = cv2.reduce(grey[:, -third:], 1, cv2.REDUCE_AVG, dtype=cv2.CV_32F)
    inner = cv2.reduce(grey[:, :third], 1, cv2.REDUCE_AVG, dtype=cv2.CV_32F)
    across = sign * (outer - inner)[:, 0][seen]
    rows, _ = design(n_rays)
    path = np.minimum(np.maximum(np.rint(rows @ parameters / step) + width // 2, 0), width - 1).astype(np.intp)
    steep = median(slopes[np.arange(n_rays), path][seen]) / step
    typical = median(across)
    return Rim(
        start.moved(parameters),
        step_grey=sign * typical,
        coverage=coverage,
        agreement=float(np.count_nonzero(across > 0)) / across.size,
        visible=across.size / n_rays,
        width_px=typical / (math.sqrt(2 * math.pi) * steep) if steep > 1e-6 else math.inf,
    )
