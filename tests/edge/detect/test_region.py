"""The part of a picture that is inspected."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.detect.region import inspected_region
from edge.records import EndFace


@settings(deadline=None, max_examples=40)
@given(
    w=st.integers(60, 140),
    h=st.integers(60, 140),
    x=st.floats(20, 110),
    y=st.floats(20, 110),
    border=st.tuples(*[st.integers(0, 12)] * 4),
)
def test_the_region_is_whole_blocks_within_the_picture(
    w: int, h: int, x: float, y: float, border: tuple[int, int, int, int]
) -> None:
    """Wherever the face lies and however wide a black border is, the region is whole blocks and inside the picture."""
    pixels = np.full((h, w), 90, np.uint8)
    left, right, top, bottom = border
    pixels[:, :left] = pixels[:top] = 0
    pixels[:, w - right :] = pixels[h - bottom :] = 0
    region = inspected_region(pixels, EndFace(x, y, 20, 21, None, 1, 1), 2.0)
    if region is not None:
        h_px, w_px = region.pixels.shape
        assert h_px % 4 == w_px % 4 == 0
        rows, columns = np.mgrid[:h_px, :w_px]
        away = np.hypot(
            (columns - region.centre_x_px) / region.unit_x_px, (rows - region.centre_y_px) / region.unit_y_px
        )
        assert region.pixels[away <= region.reach].min(initial=255) > 0


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        ((200, 200), (60, 40, 84, 84)),  # 81 px, enlarged to the right and down
        ((142, 200), (57, 40, 84, 84)),  # the picture ends soon on the right: enlarged to the left
        ((200, 121), (60, 37, 84, 84)),
        ((103, 200), (59, 40, 44, 84)),  # it ends inside the box
    ],
)
def test_the_region_is_the_box_around_the_face(size: tuple[int, int], expected: tuple[int, int, int, int]) -> None:
    """Two radii to each side of the centre, in whole blocks, and a view of the picture."""
    w, h = size
    pixels = np.full((h, w), 90, np.uint8)
    region = inspected_region(pixels, EndFace(100.0, 80.0, 20.0, 20.0, None, 1, 1), 2.0)
    assert region is not None
    x, y, w_px, h_px = expected
    assert (region.x_px, region.y_px) == (x, y)
    assert region.pixels.shape == (h_px, w_px)
    assert np.shares_memory(region.pixels, pixels)
    assert (region.centre_x_px, region.centre_y_px) == (100.0 - x, 80.0 - y)
    assert (region.radius, region.reach) == (20.0, 40.0)


def test_a_circle_of_the_glass_is_a_circle_in_units() -> None:
    """With pixels that are not square, the unit of radius differs by axis, and both give the mean radius."""
    region = inspected_region(np.full((300, 300), 90, np.uint8), EndFace(150, 150, 40, 50, None, 1, 1), 2.0)
    assert region is not None
    assert region.radius == pytest.approx((40 * 50) ** 0.5)
    assert 40 / region.unit_x_px == pytest.approx(50 / region.unit_y_px)


def test_a_black_frame_and_its_seam_are_left_out() -> None:
    """A frame of up to 16 grey levels ends the region four pixels inside it; 17 are picture."""
    pixels = np.full((200, 200), 90, np.uint8)
    pixels[:, :70] = 16
    pixels[:50, 70:] = 17
    region = inspected_region(pixels, EndFace(100.0, 80.0, 20.0, 20.0, None, 1, 1), 2.0)
    assert region is not None
    assert (region.x_px, region.y_px) == (74, 40)


def test_where_nothing_can_be_seen_there_is_no_region() -> None:
    """Beside the picture, all black, or less than 8 px wide."""
    face = EndFace(100.0, 80.0, 20.0, 20.0, None, 1, 1)
    assert inspected_region(np.full((30, 30), 90, np.uint8), face, 2.0) is None
    assert inspected_region(np.zeros((200, 200), np.uint8), face, 2.0) is None
    assert inspected_region(np.full((200, 67), 90, np.uint8), face, 2.0) is None
