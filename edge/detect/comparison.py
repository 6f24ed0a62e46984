"""The inspected region beside its background: how far each pixel is off, and the limit for each.

Deviations are kept in bytes, in quarters of a grey level, and 128 is none. Those of more than about 31 grey levels are
cut off, which decides nothing, since no limit is that high.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np

from edge.arrays import U8
from edge.detect import polar_to_pixels
from edge.detect.background import Background
from edge.detect.noise import SPREAD_STEPS, Noise
from edge.detect.region import InspectedRegion
from edge.detect.settings import DetectSettings

LEVEL = 128
"""Stands for no deviation, so that a byte holds both signs."""
STEPS_PER_GREY = 4
"""Deviations are kept in quarters of a grey level, because faint lines are weaker than one."""
MAX_LIMIT = 126
"""Largest limit: a deviation that is cut off at 0 or 255 still exceeds it."""
SLIGHT_BLUR_PX2 = 0.5
"""Variance of the weights [1 2 1] / 4, by which pixels are smoothed before marks are measured."""


@dataclass(frozen=True, slots=True)
class Layer:
    """A picture at one scale beside its background: what marks are measured in.

    Attributes:
        seen: (h, w) uint8, the picture.
        expected: (h, w) uint8, its background.
        limit: (h, w) uint8, what the deviation of a mark's pixels exceeds, in any unit.
        limit_per_sigma: by what `limit` is to be divided for one sigma of the noise.
        blur_px: one sigma of the picture's blur, in pixels of this layer.
        x_px: first column in the whole picture, in pixels of this layer.
        y_px: first row.
    """

    seen: U8
    expected: U8
    limit: U8
    limit_per_sigma: float
    blur_px: float
    x_px: int
    y_px: int


@dataclass(frozen=True, slots=True)
class Comparison:
    """The inspected region beside its background.

    Attributes:
        region: where it is.
        smooth: (h, w) uint8, the region smoothed: what marks are looked for in.
        difference: (h, w) uint8, how far that is off the background, in quarters of a grey level from 128.
        pixels: the region itself with its background; its limit is what a mark is followed down to, in quarters of a
            grey level, and its blur holds the slight smoothing that comes before measuring.
        block_limit: (h / 4, w / 4) uint8, what the mean of a block on a faint line must exceed, in quarters of a grey
            level.
        block_limit_per_sigma: by what that is to be divided for one sigma of the noise of a block's mean.
        blocks_in_reach: (h / 4, w / 4) uint8, 1 for a block that is inspected, else 0.
    """

    region: InspectedRegion
    smooth: U8
    difference: U8
    pixels: Layer
    block_limit: U8
    block_limit_per_sigma: float
    blocks_in_reach: U8


def compare(
    region: InspectedRegion, smooth: U8, background: Background, noise: Noise, settings: DetectSettings
) -> Comparison:
    """The smoothed region, (h, w) uint8, less its background, with the limits that follow from the noise."""
    limit_of, block_limit_of = limit_tables(settings)
    grid = polar_to_pixels.blocks(region)
    laid = polar_to_pixels.lay_out(background.expected, noise.spread, limit_of, grid, settings.sharp * region.radius)
    difference: U8 = cv2.addWeighted(smooth, STEPS_PER_GREY, laid.expected, -STEPS_PER_GREY, LEVEL)  # type: ignore[assignment]
    blur_px = math.sqrt(noise.blur_px**2 + SLIGHT_BLUR_PX2)
    limit_per_sigma = STEPS_PER_GREY * settings.follow * settings.limit_sigma
    return Comparison(
        region=region,
        smooth=smooth,
        difference=difference,
        pixels=Layer(region.pixels, laid.expected, laid.limit, limit_per_sigma, blur_px, region.x_px, region.y_px),
        block_limit=cv2.LUT(laid.spread, block_limit_of),  # type: ignore[arg-type]
        # a mean of 16 pixels has a quarter of one pixel's noise: right while faint_sigma is a quarter of limit_sigma
        block_limit_per_sigma=settings.limit_sigma,
        blocks_in_reach=(grid.radius <= np.float32(region.reach)).view(np.uint8),
    )


@lru_cache(maxsize=8)
def limit_tables(settings: DetectSettings) -> tuple[U8, U8]:
    """(256,) uint8 twice, read-only, in quarters of a grey level, for each spread in 28ths of a grey level.

    The first is down to which deviation a mark is followed, the second what the mean of a block on a faint line must
    exceed.
    """
    spread_grey = np.arange(256) / SPREAD_STEPS
    limit_grey = settings.follow * np.maximum(settings.limit_sigma * spread_grey, settings.limit_grey)
    block_limit_grey = np.maximum(settings.faint_sigma * spread_grey, settings.faint_grey)
    limit_of = np.minimum(STEPS_PER_GREY * limit_grey, MAX_LIMIT).astype(np.uint8)
    block_limit_of = np.minimum(STEPS_PER_GREY * block_limit_grey, 255).astype(np.uint8)
    for table in (limit_of, block_limit_of):
        table.flags.writeable = False
    return limit_of, block_limit_of
