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

_U8 = NDArray[np.uint8]
_F32 = NDArray[np.float32]
_F64 = NDArray[np.float64]
_Bool = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Ellipse:
    """Centre and half axes in pixels of the picture it was found in."""

    x_px: float
    y_px: float
    rx_px: float
    ry_px: float

    @property
    def mean_px(self) -> float:
        """The radius of the circle of equal area."""
        return math.sqrt(self.rx_px * self.ry_px)

    def scaled(self, factor: float) -> Ellipse:
        """The same ellipse in a picture `factor` times as large; pixel centres lie at whole numbers in both."""
        return Ellipse(
            (self.x_px + 0.5) * factor - 0.5,
            (self.y_px + 0.5) * factor - 0.5,
            self.rx_px * factor,
            self.ry_px * factor,
        )

    def grown(self, factor: float) -> Ellipse:
        """A concentric ellipse of the same aspect, `factor` times as large."""
        return replace(self, rx_px=self.rx_px * factor, ry_px=self.ry_px * factor)

    def moved(self, parameters: _F64) -> Ellipse:
        """Moved by the four parameters of a fit, which count in px of the mean radius."""
        kx, ky = self.rx_px / self.mean_px, self.ry_px / self.mean_px
        return Ellipse(
            self.x_px + float(parameters[0]) * kx,
            self.y_px + float(parameters[1]) * ky,
            self.rx_px + float(parameters[2]) * kx,
            self.ry_px + float(parameters[3]) * ky,
        )


@dataclass(frozen=True, slots=True)
class View:
    """A grey picture at some scale, and the part of it that shows anything.

    Attributes:
        pixels: (h, w) uint8.
        left: first column that may be sampled; what lies outside is a black frame.
        top: first row.
        right: last column.
        bottom: last row.
    """

    pixels: _U8
    left: float
    top: float
    right: float
    bottom: float


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
        noise_grey: noise beside the edge, one sigma.
    """

    ellipse: Ellipse
    step_grey: float
    coverage: float
    agreement: float
    visible: float
    width_px: float
    noise_grey: float

    @property
    def steepness(self) -> float:
        """Grey levels per px at the steepest point."""
        return abs(self.step_grey) / (math.sqrt(2 * math.pi) * max(self.width_px, 0.1))

    def scaled(self, factor: float) -> Rim:
        """The same rim in a picture `factor` times as large."""
        return replace(self, ellipse=self.ellipse.scaled(factor), width_px=self.width_px * factor)


@lru_cache(maxsize=8)
def directions(n: int) -> tuple[_F32, _F32]:
    """Cosine and sine of `n` angles, (n,) float32 each, from the x axis towards the y axis."""
    theta = np.arange(n) * (2 * np.pi / n)
    return np.cos(theta).astype(np.float32), np.sin(theta).astype(np.float32)


@lru_cache(maxsize=8)
def design(n: int) -> tuple[_F64, _F64]:
    """(n, 4): the edge's way along each ray for a unit of each parameter; (n, 16): the outer products of its rows."""
    c, s = (a.astype(np.float64) for a in directions(n))
    rows = np.stack([c, s, c * c, s * s], axis=1)
    return rows, (rows[:, :, None] * rows[:, None, :]).reshape(n, 16)


@lru_cache(maxsize=64)
def _derivative(sigma_tenths: int) -> _F32:
    sigma = sigma_tenths / 10
    t = np.arange(-math.ceil(2.5 * sigma), math.ceil(2.5 * sigma) + 1, dtype=np.float64)
    g = t * np.exp(-(t**2) / (2 * sigma**2))
    kernel: _F32 = (g / (g * t).sum()).astype(np.float32)
    return kernel


def slope(grey: _U8 | _F32, sigma: float, n_rays: int = 1) -> _F32:
    """(n, m) float32: derivative along the second axis in grey per sample.

    Args:
        grey: (n, m), a ray a row.
        sigma: Gaussian smoothing along the ray, in samples; at least 0.5.
        n_rays: neighbouring rays to average.
    """
    along = _derivative(max(5, round(10 * sigma)))
    across = np.full(n_rays, 1 / n_rays, np.float32)
    out = cv2.sepFilter2D(grey, cv2.CV_32F, along, across, borderType=cv2.BORDER_REPLICATE)
    return out.astype(np.float32, copy=False)


def median(values: NDArray[np.floating | np.integer]) -> float:
    """The upper median of a non-empty array; numpy's own costs ten times as much on a few hundred values."""
    k = values.size // 2
    return float(np.partition(values, k, axis=None)[k])


def unroll(view: View, at: Ellipse, offsets_px: _F32, n_rays: int) -> tuple[_U8, _Bool]:
    """Grey along rays through an ellipse.

    Args:
        view: where to sample; outside of the picture its border is repeated.
        at: the ellipse that is offset 0.
        offsets_px: (m,) ascending distances from it, in px of the mean radius.
        n_rays: angles, evenly spaced in the ellipse's own parameter.

    Returns:
        (n_rays, m) uint8, and (n_rays,) whether the whole ray lies inside the view.
    """
    c, s = directions(n_rays)
    k = (1 + offsets_px / np.float32(at.mean_px))[None, :]
    columns = (np.float32(at.rx_px) * c)[:, None] * k
    columns += np.float32(at.x_px)
    rows = (np.float32(at.ry_px) * s)[:, None] * k
    rows += np.float32(at.y_px)
    grey = cv2.remap(view.pixels, columns, rows, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    # a view is convex: with both ends inside, so is the ray
    inside = np.ones(n_rays, np.bool_)
    for end in (0, -1):
        x, y = columns[:, end], rows[:, end]
        inside &= (x >= view.left) & (x <= view.right) & (y >= view.top) & (y <= view.bottom)
    return grey.astype(np.uint8, copy=False), inside


_FREE = 1e-6 * np.eye(4)


def solve(offsets_px: _F64, weight: _F64, ridge: _F64 = _FREE) -> _F64:
    """(4,): the weighted least-squares parameters for one offset a ray; `ridge` (4, 4) holds them back."""
    rows, products = design(offsets_px.size)
    normal = (weight @ products).reshape(4, 4) + ridge * (weight.sum() + 1e-9)
    # numpy's own solver takes five times as long for four unknowns
    _, parameters = cv2.solve(normal, (weight * offsets_px) @ rows, flags=cv2.DECOMP_CHOLESKY)
    return parameters[:, 0].astype(np.float64, copy=False)


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
    residual = offsets_px - median(offsets_px[used])
    parameters = np.zeros(4)
    for k in _TUKEY:
        spread = 1.4826 * median(np.abs(residual[used]))
        width = max(floor_px, min(reach_px, 2.0 * k * spread))
        u = np.minimum(np.abs(residual) / width, 1)
        parameters = solve(offsets_px, weight * (1 - u * u) ** 2)
        residual = offsets_px - rows @ parameters
    return parameters, residual


def steepest(slopes: _F32, step_px: float, first_px: float) -> tuple[_F64, _F64]:
    """Per ray the place (px, below a sample by a parabola) and the height of the largest slope."""
    n, m = slopes.shape
    best = slopes[:, 1:-1].argmax(axis=1) + 1
    flat = slopes.ravel()
    at = np.arange(n) * m + best
    left, peak, right = flat[at - 1].astype(np.float64), flat[at].astype(np.float64), flat[at + 1].astype(np.float64)
    bend = left - 2 * peak + right
    shift = np.where(bend < -1e-9, 0.5 * (left - right) / np.minimum(bend, -1e-9), 0.0)
    return first_px + step_px * (best + np.clip(shift, -1, 1)), peak


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
    weight = np.clip(peak / max(median(peak[seen]), 1e-6), 0.0, 1.0) * seen
    if not weight.any():
        return None
    tolerance = tolerance_px(start.mean_px)
    parameters, residual = robust(along, weight, half_px, tolerance)
    if np.abs(parameters).max() > min(1.5 * half_px, 0.5 * start.mean_px):
        return None
    on_it = float(np.count_nonzero(np.abs(residual[seen]) < tolerance)) / n_seen
    rim = described(start, parameters, on_it, (grey, slopes, seen), (step, sign))
    # Gaussian blur moves the steepest point of a curved edge inwards, by sigma^2 / 2 r
    blur2 = max(0.0, min(rim.width_px, half_px) ** 2 - sigma_px**2)
    return replace(rim, ellipse=rim.ellipse.grown(1 + blur2 / (2 * rim.ellipse.mean_px**2)))


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
    path = np.clip(np.rint(rows @ parameters / step).astype(np.intp) + width // 2, 0, width - 1)
    steep = median(slopes[np.arange(n_rays), path][seen]) / step
    typical = median(across)
    return Rim(
        start.moved(parameters),
        step_grey=sign * typical,
        coverage=coverage,
        agreement=float(np.count_nonzero(across > 0)) / across.size,
        visible=across.size / n_rays,
        width_px=typical / (math.sqrt(2 * math.pi) * steep) if steep > 1e-6 else math.inf,
        noise_grey=noise_of(grey[:, -third:], step),
    )


def noise_of(grey: _U8, step_px: float) -> float:
    """One sigma of a pixel's noise, from second differences along rays; edges among them are clipped."""
    pixels = grey[:, :: max(1, round(1 / step_px))].astype(np.float32)
    if pixels.shape[1] < 3:
        return 0.0
    bend = np.abs(pixels[:, 2:] - 2 * pixels[:, 1:-1] + pixels[:, :-2])
    return float(np.minimum(bend, 3 * median(bend) + 1).mean()) * math.sqrt(math.pi / 12)
