"""How much a pixel varies by itself, told apart from what the picture shows."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from edge.imaging.exact import median_upper

MAD_TO_SIGMA = 1.4826
"""Sigma of a Gaussian over its median absolute deviation: 1 / 0.6745 (F. R. Hampel, JASA 69(346), 1974)."""
IQR_PER_SIGMA = 1.35
"""Interquartile range of a Gaussian over its sigma: 2 x 0.6745, rounded."""


def noise_of(grey: NDArray[np.uint8], step_px: float) -> float:
    """One sigma of a pixel's noise in grey levels, from second differences along rays.

    The mean absolute difference over what it is for Gaussian noise of sigma 1, as in J. Immerkaer, Computer Vision
    and Image Understanding 64(2), 1996, but along one axis. Differences at edges are clipped to three times the
    median difference.

    Args:
        grey: (n, m), a ray a row.
        step_px: distance of the samples; of closer ones only every full pixel counts.
    """
    pixels = grey[:, :: max(1, round(1 / step_px))].astype(np.int16)
    if pixels.shape[1] < 3:
        return 0.0
    bend = pixels[:, 2:] + pixels[:, :-2]
    pixels *= 2
    bend -= pixels[:, 1:-1]
    np.abs(bend, out=bend)
    np.minimum(bend, np.int16(3 * median_upper(bend) + 1), out=bend)
    # a second difference has sqrt(6) sigma, and a Gaussian's mean absolute value is sqrt(2 / pi) of its sigma
    return float(bend.sum(dtype=np.int64)) / bend.size * math.sqrt(math.pi / 12)
