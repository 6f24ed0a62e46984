"""The region beside its background: deviations and limits."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from drawn_faces import Drawing, draw

from edge.detect import DetectSettings
from edge.detect.background import background_of
from edge.detect.comparison import MAX_LIMIT, Comparison, compare, limit_tables
from edge.detect.noise import SPREAD_STEPS, noise_of
from edge.detect.region import inspected_region
from edge.detect.smoothing import smoothed


def compared(settings: DetectSettings) -> Comparison:
    """A drawn clean face beside its background."""
    pixels, face = draw(Drawing())
    region = inspected_region(pixels, face, settings.reach)
    assert region is not None
    smooth = smoothed(region.pixels, settings.smooth_px)
    background = background_of(smooth, region, face, settings)
    return compare(region, smooth, background, noise_of(background, region, face, settings), settings)


def test_limits_follow_from_noise_and_settings() -> None:
    """In quarters of a grey level: half of 5 sigma or of 8 grey levels; for faint lines a quarter; both bounded."""
    limit_of, block_limit_of = limit_tables(DetectSettings())
    for spread, limit_grey, block_grey in ((0, 4.0, 1.25), (28, 4.0, 1.25), (56, 5.0, 2.5), (84, 7.5, 3.75)):
        assert limit_of[spread] == int(4 * limit_grey)
        assert block_limit_of[spread] == int(4 * block_grey)
    assert limit_of.max() <= MAX_LIMIT
    assert (np.diff(limit_of.astype(int)) >= 0).all()
    loud = limit_tables(replace(DetectSettings(), limit_sigma=50.0, faint_sigma=50.0))
    assert loud[0][-1] == MAX_LIMIT
    assert loud[1][-1] == 255


def test_the_largest_limit_is_63_grey_levels() -> None:
    """As the settings say: half of it is what one byte of quarters holds."""
    assert MAX_LIMIT / 4 / DetectSettings().follow == 63


def test_deviations_are_quarters_of_a_grey_level() -> None:
    """Four times picture less background, from 128, cut off to a byte."""
    seen = compared(DetectSettings())
    away = 4 * (seen.smooth.astype(int) - seen.pixels.expected) + 128
    assert np.array_equal(seen.difference, np.clip(away, 0, 255))
    assert seen.pixels.seen is seen.region.pixels


def test_blocks_beyond_the_reach_are_not_looked_at() -> None:
    """A block counts if its middle lies within the reach."""
    seen = compared(DetectSettings(reach=1.5))
    h, w = seen.blocks_in_reach.shape
    assert seen.block_limit.shape == (h, w) == (seen.smooth.shape[0] // 4, seen.smooth.shape[1] // 4)
    rows, columns = np.mgrid[:h, :w] * 4 + 1.5
    away = np.hypot(columns - seen.region.centre_x_px, rows - seen.region.centre_y_px)
    sure = np.abs(away - seen.region.reach) > 0.01
    assert np.array_equal(seen.blocks_in_reach[sure], (away < seen.region.reach)[sure])


@pytest.mark.parametrize("spread", [0, 1, 255])
def test_the_tables_are_kept_and_cannot_be_written_to(spread: int) -> None:
    """The same settings give the same tables, which no caller can change."""
    table = limit_tables(DetectSettings())[0]
    assert table is limit_tables(DetectSettings())[0]
    with pytest.raises(ValueError, match="read-only"):
        table[spread] = 0
    assert SPREAD_STEPS * 9 < 256
