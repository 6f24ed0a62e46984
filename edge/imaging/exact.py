"""Arithmetic that gives the same bits on every processor.

OpenCV and NumPy round differently from processor to processor: vector units multiply and add in one step, or sum in
another order. So whatever decides something is made of whole numbers, or of multiples of a power of two, small enough
that no sum is ever rounded. Then the order of the sums does not matter.
"""

from __future__ import annotations

import math
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.arrays import F32, F64, U8, U16

GRID = 4096.0
"""Steps per unit of offsets, directions and weights that are fitted to.

A product of a weight up to 4096, an offset below 256 px and a direction has 44 bits, the sum of 256 of them 52:
float64 holds 53.
"""
SOLUTION_GRID = 65536.0
"""Steps per unit of what the solver returns; the last bits of a quotient may differ, these do not."""
SLOPE_REACH_SIGMA = 2.5
"""Where the kernel of `slope` is cut off. Beyond lie 4 % of its weight."""


def on_grid(values: F64) -> F64:
    """The values rounded to multiples of 1/4096."""
    return np.rint(values * GRID) / GRID


def solve_symmetric_4x4(normal: list[float], right: list[float]) -> list[float]:
    """The four unknowns of normal equations, in multiples of 1/65536: Gaussian elimination without pivoting.

    Written out, because libraries order and fuse its steps differently.

    Args:
        normal: 4 x 4, row by row; symmetric and positive definite.
        right: 4.
    """
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
    return [round(x * SOLUTION_GRID) / SOLUTION_GRID for x in (x0, x1, x2, x3)]


@lru_cache(maxsize=64)
def _derivative_kernels(sigma_tenths: int, n_rays: int, largest: int) -> tuple[F32, F32]:
    """A derivative of a Gaussian in whole numbers along the rays, and the factor that undoes their scale across.

    As fine as float32 holds the sums of samples of up to `largest` exactly.
    """
    sigma = sigma_tenths / 10
    reach = math.ceil(SLOPE_REACH_SIGMA * sigma)
    t = np.arange(-reach, reach + 1, dtype=np.float64)
    g = t * np.exp(-(t**2) / (2 * sigma**2))
    g /= (g * t).sum() * n_rays
    bits = math.floor(math.log2(2**24 / (largest * n_rays * float(np.abs(g).sum()))) - 0.01)
    return np.rint(g * 2.0**bits).astype(np.float32), np.full(n_rays, 0.5**bits, np.float32)


def slope(grey: U8 | U16, sigma: float, n_rays: int = 1, largest: int = 255) -> F32:
    """(n, m) float32: the derivative along the second axis, in grey per sample.

    Args:
        grey: (n, m), a ray a row.
        sigma: Gaussian smoothing along the ray, in samples; at least 0.5.
        n_rays: neighbouring rays to average.
        largest: no sample is above it.
    """
    along, across = _derivative_kernels(max(5, round(10 * sigma)), n_rays, largest)
    out = cv2.sepFilter2D(grey, cv2.CV_32F, along, across, borderType=cv2.BORDER_REPLICATE)
    return out.astype(np.float32, copy=False)


def gaussian_weights(sigma: float, reach: int, total: int) -> list[int]:
    """A Gaussian in whole numbers, from -reach to reach; rounding may leave their sum a little off `total`."""
    weights = [math.exp(-0.5 * (k / sigma) ** 2) for k in range(-reach, reach + 1)]
    whole = sum(weights)
    return [round(total * weight / whole) for weight in weights]


@lru_cache(maxsize=8)
def unit_gaussian_kernel(sigma: float) -> F32:
    """(n,) float32, read-only: a Gaussian that sums to 1, cut off at two sigma, in 256ths."""
    reach = round(2 * sigma)
    weights = gaussian_weights(sigma, reach, 256)
    weights[reach] += 256 - sum(weights)
    kernel: F32 = np.array(weights, np.float32) / np.float32(256)
    kernel.flags.writeable = False
    return kernel


def median_upper(values: NDArray[np.floating | np.integer]) -> float:
    """The median of a non-empty array, of an even count the larger of the middle two.

    `numpy.median` takes ten times as long on a few hundred values.
    """
    flat = values.flatten()
    k = flat.size // 2
    flat.partition(k)
    return float(flat[k])


def median(values: NDArray[np.floating | np.integer]) -> float:
    """The median of a non-empty array, of an even count the mean of the middle two, as `numpy.median` has it."""
    flat = values.flatten()
    k = flat.size // 2
    flat.partition(k)
    upper = float(flat[k])
    return upper if flat.size % 2 else (float(flat[:k].max()) + upper) / 2
