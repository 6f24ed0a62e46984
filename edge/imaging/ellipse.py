"""Grey along rays: where a fibre's edges are looked for, and the arithmetic that gives the same bits everywhere.

OpenCV and NumPy round differently from processor to processor: floating-point maps, vector units that multiply and
add in one step, sums in another order. So whatever is decided here rests on whole numbers: samples at 32nds of a
pixel, kernels of whole numbers whose sums float32 holds exactly, sums of multiples of a power of two.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

_U8 = NDArray[np.uint8]
_U16 = NDArray[np.uint16]
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


@lru_cache(maxsize=8)
def directions(n: int) -> tuple[_F32, _F32]:
    """Cosine and sine of `n` angles, (n,) float32 each, from the x axis towards the y axis."""
    theta = np.arange(n) * (2 * np.pi / n)
    return np.cos(theta).astype(np.float32), np.sin(theta).astype(np.float32)


def sampled(pixels: _U8, columns: _F32, rows: _F32) -> _U8:
    """Grey at points between pixels, (n, m) uint8; outside of the picture its border is repeated.

    Bilinear at the nearest 32nd of a pixel: with floating-point maps each build of OpenCV rounds in its own way.
    """
    where, between = cv2.convertMaps(columns, rows, cv2.CV_16SC2)
    grey = cv2.remap(pixels, where, between, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return grey.astype(np.uint8, copy=False)


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
    k = 1 + offsets_px / np.float32(at.mean_px)
    columns = np.multiply.outer(np.float32(at.rx_px) * c, k)
    columns += np.float32(at.x_px)
    rows = np.multiply.outer(np.float32(at.ry_px) * s, k)
    rows += np.float32(at.y_px)
    inside = np.ones(n_rays, np.bool_)
    reach_x, reach_y = (r * max(abs(float(k[0])), abs(float(k[-1]))) + 0.01 for r in (at.rx_px, at.ry_px))
    if not (
        view.left + reach_x <= at.x_px <= view.right - reach_x
        and view.top + reach_y <= at.y_px <= view.bottom - reach_y
    ):
        # a view is convex: with both ends inside, so is the ray
        for end in (0, -1):
            x, y = columns[:, end], rows[:, end]
            inside &= (x >= view.left) & (x <= view.right) & (y >= view.top) & (y <= view.bottom)
    return sampled(view.pixels, columns, rows), inside


@lru_cache(maxsize=64)
def _derivative(sigma_tenths: int, n_rays: int, largest: int) -> tuple[_F32, _F32]:
    """A kernel of whole numbers along the rays, and one of equal powers of two across `n_rays` of them.

    As fine as float32 holds the sums of samples of up to `largest` exactly.
    """
    sigma = sigma_tenths / 10
    t = np.arange(-math.ceil(2.5 * sigma), math.ceil(2.5 * sigma) + 1, dtype=np.float64)
    g = t * np.exp(-(t**2) / (2 * sigma**2))
    g /= (g * t).sum() * n_rays
    bits = math.floor(math.log2(2**24 / (largest * n_rays * float(np.abs(g).sum()))) - 0.01)
    return np.rint(g * 2.0**bits).astype(np.float32), np.full(n_rays, 0.5**bits, np.float32)


def slope(grey: _U8 | _U16, sigma: float, n_rays: int = 1, largest: int = 255) -> _F32:
    """(n, m) float32: derivative along the second axis in grey per sample; the same bits on every processor.

    Args:
        grey: (n, m), a ray a row.
        sigma: Gaussian smoothing along the ray, in samples; at least 0.5.
        n_rays: neighbouring rays to average.
        largest: no sample is above it.
    """
    along, across = _derivative(max(5, round(10 * sigma)), n_rays, largest)
    out = cv2.sepFilter2D(grey, cv2.CV_32F, along, across, borderType=cv2.BORDER_REPLICATE)
    return out.astype(np.float32, copy=False)


def median(values: NDArray[np.floating | np.integer]) -> float:
    """The upper median of a non-empty array; numpy's own costs ten times as much on a few hundred values."""
    flat = values.flatten()
    k = flat.size // 2
    flat.partition(k)
    return float(flat[k])


def true_median(values: NDArray[np.floating | np.integer]) -> float:
    """The median of a non-empty array: of an even count the mean of the middle two, as `numpy.median` has it."""
    flat = values.flatten()
    k = flat.size // 2
    flat.partition(k)
    upper = float(flat[k])
    return upper if flat.size % 2 else (float(flat[:k].max()) + upper) / 2


def noise_of(grey: _U8, step_px: float) -> float:
    """One sigma of a pixel's noise, from second differences along rays; edges among them are clipped."""
    pixels = grey[:, :: max(1, round(1 / step_px))].astype(np.int16)
    if pixels.shape[1] < 3:
        return 0.0
    bend = pixels[:, 2:] + pixels[:, :-2]
    pixels *= 2
    bend -= pixels[:, 1:-1]
    np.abs(bend, out=bend)
    np.minimum(bend, np.int16(3 * median(bend) + 1), out=bend)
    return float(bend.sum(dtype=np.int64)) / bend.size * math.sqrt(math.pi / 12)
