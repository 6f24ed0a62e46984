"""A picture by sector and radius, and medians around its circles.

The picture is sampled around the cladding along 240 directions, five to each of 48 sectors. Arrays index
`[sector, radius]`.

Whatever decides something is a whole number, or a float made by single operations that IEEE 754 rounds correctly, so
that every machine finds the same marks (docs/decisions/0016).
"""

from __future__ import annotations

import math

import cv2
import numpy as np

from edge.arrays import U8
from edge.detect.region import InspectedRegion
from edge.imaging.polar import sampled

Samples = tuple[U8, ...]

N_SECTORS = 48
"""Directions at which the background is kept, 7.5 degrees apart. Chosen on real end faces."""
SAMPLES_PER_SECTOR = 5
"""Five, because the median of five takes few minima and maxima."""
_TURNS = [
    2 * math.pi * (sector / N_SECTORS + (k - SAMPLES_PER_SECTOR // 2) / (N_SECTORS * SAMPLES_PER_SECTOR))
    for k in range(SAMPLES_PER_SECTOR)
    for sector in range(N_SECTORS)
]
_COSINES = np.array([math.cos(turn) for turn in _TURNS])
_SINES = np.array([math.sin(turn) for turn in _TURNS])
"""The directions of the samples: every sector's first, then every sector's second, and so on."""


def unroll(grey: U8, region: InspectedRegion) -> Samples:
    """Five times (48, n) uint8: the region along 240 directions at whole radii, every fifth direction together.

    Args:
        grey: (h, w) uint8, the region's pixels or a smoothed copy of them; beyond its edge its border is repeated.
        region: where the centre lies, and how far to look.
    """
    radius = np.arange(int(np.ceil(region.reach)) + 2, dtype=np.float32)
    x = np.multiply.outer((_COSINES * region.unit_x_px).astype(np.float32), radius)
    y = np.multiply.outer((_SINES * region.unit_y_px).astype(np.float32), radius)
    x += np.float32(region.centre_x_px)
    y += np.float32(region.centre_y_px)
    samples = sampled(grey, x, y)
    return tuple(samples[k : k + N_SECTORS] for k in range(0, samples.shape[0], N_SECTORS))


def median5(a: U8, b: U8, c: U8, d: U8, e: U8) -> U8:
    """The median of five arrays, element by element, by minima and maxima alone."""
    low = cv2.max(cv2.min(a, b), cv2.min(c, d))
    high = cv2.min(cv2.max(a, b), cv2.max(c, d))
    return cv2.max(cv2.min(low, high), cv2.min(cv2.max(low, high), e))  # type: ignore[return-value]


def neighbours_median(polar: U8, step: int) -> U8:
    """(48, n) uint8: the median of five sectors, `step` sectors apart, centred on each sector."""
    n = polar.shape[0]
    ring = np.concatenate([polar[-2 * step :], polar, polar[: 2 * step]])
    return median5(*(ring[k * step : k * step + n] for k in range(5)))


def circle_median(polar: U8) -> U8:
    """(1, n) uint8: the median over the circle, as the median of nine medians of five neighbouring sectors."""
    nine = median5(*(polar[k : k + 41 : 5] for k in range(5)))
    return np.sort(nine, axis=0)[4:5]


def radial_step(polar: U8) -> U8:
    """(48, n) uint8: grey levels by which it changes over two units of radius, the largest of three neighbours."""
    padded = cv2.copyMakeBorder(polar, 0, 0, 1, 1, cv2.BORDER_REPLICATE)
    return cv2.dilate(cv2.absdiff(padded[:, 2:], padded[:, :-2]), np.ones((1, 3), np.uint8))  # type: ignore[return-value]
