"""Sizes of all marks at once, beside each mark measured by itself, pixel by pixel."""

from __future__ import annotations

import math

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from edge.detect import measurement
from edge.records import EndFace

Grey = NDArray[np.uint8]
Place = tuple[int, int]
FACE = EndFace(20.3, 18.8, 15.0, 16.0, None, 0.5, 0.4)


def sheet(seed: int) -> measurement.Sheet:
    """A small region with blots on an even background."""
    random = np.random.default_rng(seed)
    grey = np.full((40, 44), 120.0, np.float32)
    for _ in range(8):
        x, y, size = random.integers(0, 44), random.integers(0, 40), random.integers(1, 4)
        cv2.circle(grey, (int(x), int(y)), int(size), float(random.choice([50, 70, 190])), cv2.FILLED)
    noisy = cv2.GaussianBlur(grey, (0, 0), 1.0) + random.normal(0, 2, grey.shape)
    region = np.clip(np.rint(noisy), 0, 255).astype(np.uint8)
    limit = random.integers(16, 22, region.shape, dtype=np.uint8)
    return measurement.Sheet(region, np.full_like(region, 120), limit, 7, 5, 10.0, 0.9)


def marks(seen: measurement.Sheet) -> tuple[NDArray[np.intp], NDArray[np.intp], int]:
    """Connected pixels that are off by more than 8 grey levels."""
    off = (cv2.absdiff(seen.region, seen.expected) > 8).astype(np.uint8)
    n, parts = cv2.connectedComponents(off)
    pixel = np.flatnonzero(off)
    return pixel, parts.reshape(-1)[pixel].astype(np.intp) - 1, n - 1


def slow_outline(
    seen: measurement.Sheet, mark: set[Place], every: set[Place]
) -> tuple[list[tuple[float, float]], float]:
    """Where a mark ends, in px of the region, and its area: half-strength crossings towards each neighbour."""
    h, w = seen.region.shape
    away = seen.region.astype(int) - seen.expected
    peak = max(abs(int(away[p])) for p in mark)

    def half(p: Place) -> float:
        y, x = p
        nearby = np.abs(away[max(y - 3, 0) : y + 4, max(x - 3, 0) : x + 4]).max()
        return 0.5 * min(int(nearby), peak)

    solid = [p for p in sorted(mark) if abs(int(away[p])) >= half(p)]
    points, area = [], float(len(solid))
    for dx, dy in ((-1, 0), (1, 0), (0, -1), (0, 1)):
        for y, x in solid:
            beside = (y + dy, x + dx)
            if beside in every:
                continue
            seen_beside = 0.0
            if 0 <= beside[0] < h and 0 <= beside[1] < w:
                seen_beside = float(np.sign(away[y, x]) * away[beside])
            strength, least = abs(int(away[y, x])), half((y, x))
            step = 0.5
            if seen_beside < least:
                step = min(max((strength - least) / max(strength - seen_beside, 1e-6), 0.0), 1.0)
            points.append((x + dx * step, y + dy * step))
            area += 0.5 * (step - 0.5)
    return points, area


def all_solid(seen: measurement.Sheet, groups: list[set[Place]]) -> set[Place]:
    """The pixels of any mark that are at least half as strong as what is nearby."""
    away = np.abs(seen.region.astype(int) - seen.expected)
    solid = set()
    for mark in groups:
        peak = max(int(away[p]) for p in mark)
        for y, x in mark:
            nearby = int(away[max(y - 3, 0) : y + 4, max(x - 3, 0) : x + 4].max())
            if away[y, x] >= 0.5 * min(nearby, peak):
                solid.add((y, x))
    return solid


@settings(deadline=None, max_examples=25)
@given(seed=st.integers(0, 5000))
def test_measuring_equals_its_slow_definition(seed: int) -> None:
    """Boxes and grey levels are the same to the last bit, lengths and areas to rounding, mark by mark."""
    seen = sheet(seed)
    pixel, mark, n_marks = marks(seen)
    found = measurement.measure(seen, FACE, pixel, mark, n_marks)
    assert len(found) == n_marks
    width = seen.region.shape[1]
    groups = [{divmod(int(p), width) for p in pixel[mark == k]} for k in range(n_marks)]
    every = all_solid(seen, groups)
    for candidate, group in zip(found, groups, strict=True):
        ys, xs = [p[0] for p in group], [p[1] for p in group]
        away = {p: int(seen.region[p]) - int(seen.expected[p]) for p in sorted(group)}
        peak = max(abs(a) for a in away.values())
        assert (candidate.x_px, candidate.y_px) == (min(xs) + seen.x_px, min(ys) + seen.y_px)
        assert (candidate.w_px, candidate.h_px) == (max(xs) - min(xs) + 1, max(ys) - min(ys) + 1)
        assert candidate.contrast_grey == next(a for a in away.values() if abs(a) == peak)
        assert candidate.mean_grey == sum(away.values()) / len(group)
        assert candidate.noise_grey == sum(int(seen.limit[p]) for p in group) / (len(group) * seen.per_noise)

        points, area_px = slow_outline(seen, group, every)
        assert candidate.area_px == max(1, round(area_px))
        assert candidate.area_um2 == pytest.approx(max(area_px, 0.25) * 0.2, rel=1e-12)
        um = [((x + seen.x_px - FACE.x_px) * 0.5, (y + seen.y_px - FACE.y_px) * 0.4) for x, y in points]
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
        least, most = measurement._without_blur(bounds, seen.blur_px * unit_um, "disc")
        assert least <= candidate.diameter_um <= most


@settings(deadline=None, max_examples=15)
@given(seed=st.integers(0, 5000))
def test_each_mark_is_measured_as_if_alone(seed: int) -> None:
    """Taking every second mark away changes nothing of the others that do not touch them."""
    seen = sheet(seed)
    pixel, mark, n_marks = marks(seen)
    found = measurement.measure(seen, FACE, pixel, mark, n_marks)
    kept = mark % 2 == 0
    alone = measurement.measure(seen, FACE, pixel[kept], mark[kept] // 2, (n_marks + 1) // 2)
    assert alone == found[::2]


@pytest.mark.parametrize("shape", ["disc", "stroke"])
def test_what_looks_larger_is_larger(shape: measurement.Shape) -> None:
    """The size that a mark truly has rises with the size that is seen, without a step."""
    seen = np.arange(0.01, 60, 0.001)
    rise = np.diff(measurement._without_blur(seen, 1.0, shape)) / 0.001
    assert rise.min() > 0
    # steepest where the mark is as small as the blur
    assert rise.max() < 14


@pytest.mark.parametrize(("sigmas", "slack"), [(1, 0.05), (2, 0.05), (4, 0.05), (7, 0.05), (9, 0.1), (12, 0.18)])
def test_a_disc_has_its_true_size_whatever_the_blur(sigmas: int, slack: float) -> None:
    """Seen between half-strength points through a Gaussian blur, a disc gets its size back to a 20th of a sigma.

    A large one is at most as much too small as it is seen to be, 2 / d.
    """
    sigma = 12
    middle = 12 * sigma
    away = np.arange(2 * middle + 1) - middle
    disc = np.clip(sigmas * sigma / 2 - np.hypot(*np.meshgrid(away, away)) + 0.5, 0, 1)
    row = cv2.GaussianBlur(disc, (0, 0), sigma)[middle, middle:]
    k = int(np.argmax(row < row[0] / 2))
    seen = 2 * (k - 1 + (row[k - 1] - row[0] / 2) / (row[k - 1] - row[k])) / sigma
    true = measurement._without_blur(np.array([seen]), 1.0, "disc")[0]
    assert true == pytest.approx(max(sigmas, seen / 2), abs=slack)
    assert true >= min(seen, sigmas)


def test_no_mark_gives_no_candidate() -> None:
    """Nothing to measure is no error."""
    nothing = np.zeros(0, np.intp)
    assert measurement.measure(sheet(0), FACE, nothing, nothing, 0) == []
