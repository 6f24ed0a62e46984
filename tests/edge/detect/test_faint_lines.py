"""Scratches that no single pixel shows."""

from __future__ import annotations

import numpy as np
import pytest

from edge.detect.comparison import Comparison, Layer
from edge.detect.faint_lines import faint_lines
from edge.detect.region import InspectedRegion
from edge.records import EndFace

NONE = np.zeros(0, np.intp)


def compared(grey: float, x: int = 20, y: int = 40, length: int = 60, thick: int = 4) -> tuple[Comparison, EndFace]:
    """A flat region that begins at (100, 200) in its picture, with a horizontal line; a block's limit is 1.25 grey."""
    difference = np.full((128, 160), 128, np.uint8)
    difference[y : y + thick, x : x + length] = 128 + round(4 * grey)
    plane, blocks = np.full((128, 160), 100, np.uint8), np.ones((32, 40), np.uint8)
    region = InspectedRegion(plane, 100, 200, 80.0, 64.0, 1.0, 1.0, 40.0, 80.0)
    layer = Layer(plane, plane, plane, 10.0, 1.0, 100, 200)
    face = EndFace(180.0, 264.0, 40.0, 40.0, None, 0.5, 0.5)
    return Comparison(region, plane, difference, layer, 5 * blocks, 5.0, blocks), face


@pytest.mark.parametrize("grey", [-2.0, 3.0])
def test_a_faint_line_is_found_and_measured(grey: float) -> None:
    """Where it lies in the picture, as long as it is to a block, and its contrast in grey levels."""
    (found,) = faint_lines(*_args(compared(grey)), 6.0, 40.0)
    assert (found.x_px, found.y_px, found.w_px, found.h_px) == (120, 240, 60, 4)
    assert found.length_um == pytest.approx(30, abs=2)
    assert found.contrast_grey == pytest.approx(grey, abs=0.01)
    # a limit of 5 quarters is 5 sigma of a mean
    assert found.noise_grey == pytest.approx(0.25)
    assert found.distance_um == pytest.approx(np.hypot(150 - 180, 242 - 264) / 2, abs=1)


def test_what_is_too_weak_or_too_short_is_no_line() -> None:
    """Below a block's limit nothing is seen; below the least length it is no line."""
    assert faint_lines(*_args(compared(1.25)), 6.0, 40.0) == []
    assert faint_lines(*_args(compared(3.0, length=36)), 6.0, 40.0) == []
    assert faint_lines(*_args(compared(0.0)), 6.0, 40.0) == []


def test_what_marks_hold_already_is_left_out() -> None:
    """Blocks of marks, and the blocks beside them, are not looked at again."""
    seen, face = compared(3.0)
    taken = np.ravel_multi_index((np.full(60, 41), np.arange(20, 80)), (128, 160))
    assert faint_lines(seen, taken, face, 6.0, 40.0) == []
    far = np.ravel_multi_index((np.full(60, 100), np.arange(20, 80)), (128, 160))
    assert len(faint_lines(seen, far, face, 6.0, 40.0)) == 1


def test_a_line_at_the_edge_stays_inside_the_region() -> None:
    """Its box ends with the region."""
    (found,) = faint_lines(*_args(compared(3.0, x=80, y=124, length=80)), 6.0, 40.0)
    assert (found.x_px + found.w_px, found.y_px + found.h_px) == (260, 328)


def _args(seen: tuple[Comparison, EndFace]) -> tuple[Comparison, np.ndarray, EndFace]:
    return seen[0], NONE, seen[1]
