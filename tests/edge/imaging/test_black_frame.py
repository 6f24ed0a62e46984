"""Where a black frame ends, asked in three ways."""

from __future__ import annotations

import numpy as np
import pytest
from drawn_discs import draw_disc

from edge.imaging.black_frame import inside_frame, is_black, last_lit, lit_rows


def test_a_black_frame_is_left_out() -> None:
    """On each side where there is one, with the two blurred pixels beside it; a black picture has none."""
    picture = draw_disc()
    framed = np.zeros((180, 220), np.uint8)
    framed[20:, 8:-12] = picture
    assert inside_frame(framed) == (10, 22, 206, 180)
    assert inside_frame(picture) == (0, 0, 200, 160)
    assert inside_frame(np.zeros((60, 80), np.uint8)) == (0, 0, 80, 60)


@pytest.mark.parametrize(("frame_grey", "expected"), [(0, (14, 56)), (16, (14, 56)), (17, (0, 70))])
def test_rows_of_a_frame_are_left_out(frame_grey: int, expected: tuple[int, int]) -> None:
    """With the four rows of its blurred edge, up to 16 grey levels; a brighter border is part of the face."""
    rows = np.full((70, 40), frame_grey, np.uint8)
    rows[10:-10] = 120
    assert lit_rows(rows) == expected


def test_a_row_that_shows_anything_is_lit() -> None:
    """One bright pixel is enough; without a frame nothing is left out."""
    rows = np.zeros((70, 40), np.uint8)
    rows[0, 3] = rows[-1, 7] = 90
    assert lit_rows(rows) == (0, 70)


def test_where_a_ray_ends_in_black_is_told() -> None:
    """After its last two lit samples; a hot pixel in the black, and what lies outside the picture, is none."""
    grey = np.array([[90, 90, 12, 200, 0], [13, 13, 13, 13, 13], [200, 0, 0, 0, 0]], np.uint8)
    inside = np.ones(grey.shape, np.bool_)
    assert last_lit(grey, inside).tolist() == [2, 5, 1]
    inside[1, 3:] = False
    assert last_lit(grey, inside).tolist() == [2, 3, 1]


def test_most_of_the_samples_make_it_black() -> None:
    """More than half of them; half is not enough."""
    assert is_black(np.array([[12, 12, 200]], np.uint8))
    assert not is_black(np.array([[12, 12, 200, 200]], np.uint8))
