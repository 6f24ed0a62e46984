"""Halved pictures show everything where it is."""

from __future__ import annotations

import cv2
import numpy as np
from drawn_discs import DISC, draw_disc, off_px

from edge.locate.pyramid import pyramid_of
from edge.locate.rim_fit import fit_rim


def test_halving_moves_nothing() -> None:
    """Every level shows the disc where it is, to a tenth of its own pixel."""
    large = cv2.resize(draw_disc(), (800, 640), interpolation=cv2.INTER_CUBIC)
    truth = DISC.scaled(4)
    pyramid = pyramid_of(np.asarray(large, np.uint8))
    assert len(pyramid.levels) == 4
    for k, picture in enumerate(pyramid.levels[:3]):
        rim = fit_rim(picture, truth.scaled(0.5**k), 12.0 * 0.5**k, 1.0, 256, 4.0 * 0.5**k)
        assert rim is not None
        assert off_px(rim.ellipse, truth.scaled(0.5**k)) < 0.1 * 4 / 2**k


def test_discs_are_looked_for_in_small_pictures() -> None:
    """The first level below 192 px and its half; a tiny picture has only itself."""
    pyramid = pyramid_of(np.full((480, 640), 128, np.uint8))
    assert pyramid.searched == (2, 3)
    assert [picture.pixels.shape for picture in pyramid.levels] == [(480, 640), (240, 320), (120, 160), (60, 80)]
    assert pyramid_of(np.full((7, 9), 128, np.uint8)).searched == (0,)


def test_a_level_is_found_by_a_radius() -> None:
    """The first one on which it is below the limit, and the last one where it is on none."""
    pyramid = pyramid_of(np.full((480, 640), 128, np.uint8))
    assert [pyramid.level_below(radius, 64) for radius in (10, 63.9, 64, 127, 300, 5000)] == [0, 0, 1, 1, 3, 3]


def test_no_level_shows_the_black_frame() -> None:
    """It is found once, and left out of every level."""
    picture = np.full((480, 640), 128, np.uint8)
    picture[:, :40] = 3
    picture[-32:] = 3
    pyramid = pyramid_of(picture)
    for k, level in enumerate(pyramid.levels):
        assert level.left >= 40 / 2**k
        assert level.bottom <= 448 / 2**k
        assert (level.top, level.right) == (0, level.pixels.shape[1] - 1)
