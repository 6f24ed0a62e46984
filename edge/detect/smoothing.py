"""The blur before marks are looked for: a Gaussian whose sums are whole numbers, the same on every machine."""

from __future__ import annotations

import math
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

U8 = NDArray[np.uint8]
F32 = NDArray[np.float32]

CUT_OFF_SIGMA = 2
"""The kernel ends here; a twentieth of a Gaussian lies beyond. Chosen on real end faces."""
WEIGHT_STEPS = 256
"""Weights are multiples of 1/256, so that float32 holds every sum of them exactly."""


def smoothed(pixels: U8, sigma_px: float) -> U8:
    """(h, w) uint8: the picture through a Gaussian of one sigma `sigma_px`; beyond its edge it is mirrored."""
    kernel = _kernel(sigma_px)
    return cv2.sepFilter2D(pixels, cv2.CV_8U, kernel, kernel)  # type: ignore[return-value]


@lru_cache(maxsize=8)
def _kernel(sigma_px: float) -> F32:
    """(n,) float32, read-only: a Gaussian cut off at two sigma, in 256ths; its sum is 1."""
    reach = round(CUT_OFF_SIGMA * sigma_px)
    weights = [math.exp(-0.5 * (k / sigma_px) ** 2) for k in range(-reach, reach + 1)]
    parts = [round(WEIGHT_STEPS * weight / sum(weights)) for weight in weights]
    parts[reach] += WEIGHT_STEPS - sum(parts)
    kernel: F32 = np.array(parts, np.float32) / np.float32(WEIGHT_STEPS)
    kernel.flags.writeable = False
    return kernel
