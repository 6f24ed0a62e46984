"""Sizes of all marks at once, beside each mark measured by itself, pixel by pixel."""

from __future__ import annotations

import math

import cv2
import numpy as np
import pytest
from drawn_faces import blots, marks_of
from hypothesis import given, settings
from hypothesis import strategies as st
from slow_definitions import all_solid, slow_outline

from edge.detect import measurement
from edge.detect.deblur import without_blur
from edge.detect.linking import NO_MARKS, Marks
from edge.records import EndFace

FACE = EndFace(20.3, 18.8, 15.0, 16.0, None, 0.5, 0.4)


@settings(deadline=None, max_examples=25)
@given(seed=st.integers(0, 5000))
def test_measuring_equals_its_slow_definition(seed: int) -> None:
    """Boxes and grey levels are the same to the last bit, lengths and areas to rounding, mark by mark."""
    layer = blots(seed)
    marks = marks_of(layer)
    found = measurement.measure(layer, FACE, marks)
    assert len(found) == marks.n_marks
    width = layer.seen.shape[1]
    groups = [{divmod(int(p), width) for p in marks.pixel[marks.mark == k]} for k in range(marks.n_marks)]
    every = all_solid(layer, groups)
    for candidate, group in zip(found, groups, strict=True):
        ys, xs = [p[0] for p in group], [p[1] for p in group]
        away = {p: int(layer.seen[p]) - int(layer.expected[p]) for p in sorted(group)}
        peak = max(abs(a) for a in away.values())
        assert (candidate.x_px, candidate.y_px) == (min(xs) + layer.x_px, min(ys) + layer.y_px)
        assert (candidate.w_px, candidate.h_px) == (max(xs) - min(xs) + 1, max(ys) - min(ys) + 1)
        assert candidate.contrast_grey == next(a for a in away.values() if abs(a) == peak)
        assert candidate.mean_grey == sum(away.values()) / len(group)
        assert candidate.noise_grey == sum(int(layer.limit[p]) for p in group) / (len(group) * layer.limit_per_sigma)

        points, area_px = slow_outline(layer, group, every)
        assert candidate.area_px == max(1, round(area_px))
        assert candidate.area_um2 == pytest.approx(max(area_px, 0.25) * 0.2, rel=1e-12)
        um = [((x + layer.x_px - FACE.x_px) * 0.5, (y + layer.y_px - FACE.y_px) * 0.4) for x, y in points]
        distance = [math.hypot(x, y) for x, y in um]
        assert candidate.nearest_um == pytest.approx(min(distance), rel=1e-12)
        assert candidate.farthest_um == pytest.approx(max(distance), rel=1e-12)
        middle = sum(x for x, _ in um) / len(um), sum(y for _, y in um) / len(um)
        assert candidate.distance_um == pytest.approx(math.hypot(*middle), rel=1e-9)
        assert candidate.width_um <= candidate.length_um * 1.2
        circle = 2 * cv2.minEnclosingCircle(np.array(um, np.float32))[1]
        # the circle's centre lies on a grid of a 64th of a pixel: at most half a grid's diagonal from OpenCV's own
        unit_um = math.sqrt(0.2)
        bounds = np.array([circle - 0.002 * unit_um, circle + (0.002 + math.sqrt(2) / 64) * unit_um])
        least, most = without_blur(bounds, layer.blur_px * unit_um, "disc")
        assert least <= candidate.diameter_um <= most


@settings(deadline=None, max_examples=15)
@given(seed=st.integers(0, 5000))
def test_each_mark_is_measured_as_if_alone(seed: int) -> None:
    """Taking every second mark away changes nothing of the others that do not touch them."""
    layer = blots(seed)
    marks = marks_of(layer)
    found = measurement.measure(layer, FACE, marks)
    kept = marks.mark % 2 == 0
    every_second = Marks(marks.pixel[kept], marks.mark[kept] // 2, (marks.n_marks + 1) // 2)
    alone = measurement.measure(layer, FACE, every_second)
    assert alone == found[::2]


def test_no_mark_gives_no_candidate() -> None:
    """Nothing to measure is no error."""
    assert measurement.measure(blots(0), FACE, NO_MARKS) == []
    assert measurement.measure_smoothed(blots(0), FACE, NO_MARKS) == []
