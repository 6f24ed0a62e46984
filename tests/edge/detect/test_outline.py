"""Where marks end, beside each mark outlined by itself, pixel by pixel."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from drawn_faces import blots, marks_of
from hypothesis import given, settings
from hypothesis import strategies as st
from slow_definitions import all_solid, slow_outline

from edge.detect.comparison import Layer
from edge.detect.linking import Marks
from edge.detect.outline import NEARBY_PX, half_strength, mark_pixels, slightly_smoothed


@settings(deadline=None, max_examples=25)
@given(seed=st.integers(0, 5000))
def test_outlines_equal_their_slow_definition(seed: int) -> None:
    """Points and areas, mark by mark."""
    layer = blots(seed)
    marks = marks_of(layer)
    pixels = mark_pixels(layer, marks)
    outline = half_strength(layer, pixels)
    width = layer.seen.shape[1]
    groups = [{divmod(int(p), width) for p in marks.pixel[marks.mark == k]} for k in range(marks.n_marks)]
    solid = all_solid(layer, groups)
    assert {divmod(int(p), width) for p in pixels.pixel[outline.solid]} == solid
    for k, group in enumerate(groups):
        points, area_px = slow_outline(layer, group, solid)
        of_mark = outline.mark == k
        assert sorted(zip(outline.x[of_mark], outline.y[of_mark], strict=True)) == sorted(points)
        assert outline.area_px[k] == pytest.approx(area_px, rel=1e-12)
        assert outline.n_solid[k] == len(group & solid)


@pytest.mark.parametrize("part", [0.1, 0.3, 0.5, 0.8])
def test_a_straight_edge_is_found_between_pixels(part: float) -> None:
    """A bar whose edge covers a part of a pixel ends there, to a 10th of a pixel, through the blur of a camera."""
    for blur in (0.6, 0.8, 1.0):
        grey = np.full((32, 48), 100.0)
        grey[:, 16:32] = 160.0
        grey[:, 32] = 100 + 60 * part
        seen = np.rint(cv2.GaussianBlur(grey, (0, 0), blur)).astype(np.uint8)
        layer = Layer(seen, np.full_like(seen, 100), np.ones_like(seen), 1.0, blur, 0, 0)
        pixel = np.flatnonzero(seen > 110)
        outline = half_strength(layer, mark_pixels(layer, Marks(pixel, np.zeros_like(pixel), 1)))
        inner = (outline.y > 8) & (outline.y < 24)
        assert outline.x[inner].max() == pytest.approx(31.5 + part, abs=0.1)
        assert outline.x[inner].min() == pytest.approx(15.5, abs=0.1)


def test_the_order_of_the_pixels_does_not_matter() -> None:
    """Marks may come mixed: they are sorted by mark, in a mark as they came."""
    layer = blots(3)
    marks = marks_of(layer)
    pixels = mark_pixels(layer, marks)
    assert (np.diff(pixels.mark) >= 0).all()
    assert pixels.count.sum() == marks.pixel.size
    for k, start in enumerate(pixels.start):
        of_mark = pixels.pixel[start : start + pixels.count[k]]
        assert np.array_equal(of_mark, marks.pixel[marks.mark == k])
        assert pixels.peak[k] == pixels.strength[start : start + pixels.count[k]].max()


def test_the_slight_smoothing_equals_its_slow_definition() -> None:
    """[1 2 1] / 4 along rows and columns, wherever outlines look; the picture itself stays as it is."""
    seen = np.random.default_rng(0).integers(0, 256, (40, 44), dtype=np.uint8)
    before = seen.copy()
    pixel = np.array([20 * 44 + 10, 22 * 44 + 30])
    smoothed = slightly_smoothed(seen, pixel)
    padded = np.pad(seen.astype(int), 1, mode="reflect")
    rows = padded[:, :-2] + 2 * padded[:, 1:-1] + padded[:, 2:]
    slow = (rows[:-2] + 2 * rows[1:-1] + rows[2:] + 8) >> 4
    box = np.s_[20 - NEARBY_PX : 23 + NEARBY_PX, 10 - NEARBY_PX : 31 + NEARBY_PX]
    assert np.array_equal(smoothed[box], slow[box])
    assert np.array_equal(seen, before)
