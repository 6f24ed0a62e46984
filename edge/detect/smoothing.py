"""The blur before marks are looked for: a Gaussian whose sums are whole numbers, the same on every machine."""

from __future__ import annotations

import cv2

from edge.arrays import U8
from edge.imaging.exact import unit_gaussian_kernel


def smoothed(pixels: U8, sigma_px: float) -> U8:
    """(h, w) uint8: the picture through a Gaussian of one sigma `sigma_px`; beyond its edge it is mirrored."""
    kernel = unit_gaussian_kernel(sigma_px)
    return cv2.sepFilter2D(pixels, cv2.CV_8U, kernel, kernel)  # type: ignore[return-value]
