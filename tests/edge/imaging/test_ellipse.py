"""Ellipses move and scale as said."""

from __future__ import annotations

import numpy as np
import pytest
from drawn_discs import DISC, off_px
from hypothesis import given
from hypothesis import strategies as st

from edge.imaging.ellipse import Ellipse, VisiblePicture


@given(factor=st.sampled_from([0.125, 0.25, 0.5, 2.0, 4.0]))
def test_scaling_and_scaling_back_changes_nothing(factor: float) -> None:
    """And the picture's corner stays where it is: half a pixel before the first centre."""
    assert off_px(DISC.scaled(factor).scaled(1 / factor)) < 1e-9
    assert Ellipse(-0.5, -0.5, 1, 1).scaled(factor).x_px == -0.5


def test_a_circle_moves_by_the_four_parameters() -> None:
    """In the order x, y, rx, ry; on an ellipse each counts in px of the mean radius."""
    assert Ellipse(10, 20, 30, 30).moved(np.array([1.0, 2.0, 3.0, 4.0])) == Ellipse(11, 22, 33, 34)
    moved = Ellipse(0, 0, 40, 10).moved(np.array([1.0, 1.0, 1.0, 1.0]))
    assert moved == Ellipse(2, 0.5, 42, 10.5)


def test_a_grown_ellipse_keeps_centre_and_aspect() -> None:
    """Its mean radius is that of the circle of equal area."""
    grown = DISC.grown(1.5)
    assert (grown.x_px, grown.y_px) == (DISC.x_px, DISC.y_px)
    assert grown.rx_px / grown.ry_px == pytest.approx(DISC.rx_px / DISC.ry_px)
    assert grown.mean_px == pytest.approx(1.5 * DISC.mean_px)


def test_a_whole_picture_is_visible_to_its_last_pixel() -> None:
    """Columns and rows of the outermost pixel centres."""
    picture = VisiblePicture.whole(np.zeros((30, 40), np.uint8))
    assert (picture.left, picture.top, picture.right, picture.bottom) == (0, 0, 39, 29)
