"""Pixels that are off, into parts, beside slow and plain versions of the same."""

from __future__ import annotations

import itertools

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from slow_definitions import families

from edge.detect import DetectSettings, hysteresis
from edge.detect.comparison import Comparison, Layer
from edge.detect.region import InspectedRegion

Index = NDArray[np.intp]


def pixels(seed: int, density: float, shape: tuple[int, int] = (24, 32)) -> Index:
    """Flat indices of random pixels, clustered a little."""
    random = np.random.default_rng(seed)
    taken = random.random(shape) < density
    taken[4:8, 5:20:3] |= random.random((4, 5)) < 0.5
    return np.flatnonzero(taken)


@settings(deadline=None, max_examples=60)
@given(seed=st.integers(0, 1000), density=st.sampled_from([0.0, 0.01, 0.04, 0.1, 0.3]))
def test_parts_equal_their_slow_definition(seed: int, density: float) -> None:
    """Two pixels are of one part if their 2x2 cells touch or two pixels lie between them in a row or column."""
    shape = (24, 32)
    pixel = pixels(seed, density, shape)
    part, n_parts = hysteresis.parts(pixel, shape)
    place = [divmod(int(p), shape[1]) for p in pixel]
    links = []
    for i, j in itertools.combinations(range(len(place)), 2):
        (y0, x0), (y1, x1) = place[i], place[j]
        touching = abs(y0 // 2 - y1 // 2) <= 1 and abs(x0 // 2 - x1 // 2) <= 1
        beyond = (y0 == y1 and abs(x0 - x1) == 3) or (x0 == x1 and abs(y0 - y1) == 3)
        if touching or beyond:
            links.append((i, j))
    slow = families(len(place), links)
    pairs = {(a, b) for a, b in zip(slow, part.tolist(), strict=True)}
    assert len({a for a, _ in pairs}) == len({b for _, b in pairs}) == len(pairs) == n_parts - 1
    assert sorted({b for _, b in pairs}) == list(range(1, n_parts))


@settings(deadline=None, max_examples=40)
@given(seed=st.integers(0, 1000), share=st.sampled_from([0.0, 0.2, 0.5, 1.0]), low=st.sampled_from([1, 5, 60]))
def test_what_lies_beside_a_strong_mark_equals_its_slow_definition(seed: int, share: float, low: int) -> None:
    """Each pixel is held against the strongest of the others within 6 px, each way."""
    shape = (24, 32)
    pixel = pixels(seed, 0.08, shape)
    deviation = np.random.default_rng(seed).integers(low, 100, pixel.size)
    beside = hysteresis.beside_strong(pixel, deviation, shape[1], share)
    y, x = np.divmod(pixel, shape[1])
    for k in range(pixel.size):
        strongest = max(deviation[(np.abs(y - y[k]) <= 6) & (np.abs(x - x[k]) <= 6)])
        assert beside[k] == (deviation[k] <= round(share * int(strongest)))


def test_what_is_beyond_its_limit_equals_its_slow_definition() -> None:
    """Every pixel whose difference from 128 exceeds its limit, in order, also where the difference is cut off."""
    random = np.random.default_rng(0)
    difference = random.choice(np.array([0, 1, 2, 100, 127, 128, 129, 200, 254, 255], np.uint8), (20, 28))
    limit = random.choice(np.array([0, 1, 27, 28, 72, 125, 126], np.uint8), (20, 28))
    slow = [k for k in range(560) if abs(int(difference.flat[k]) - 128) > int(limit.flat[k])]
    assert hysteresis.beyond(difference, limit).tolist() == slow


def compared(marks: list[tuple[int, int, int, int, int]]) -> Comparison:
    """A flat region with boxes (x, y, w, h, deviation in grey levels); the limit is 8 grey levels everywhere."""
    expected = np.full((64, 64), 100, np.uint8)
    smooth = expected.copy()
    for x, y, w, h, grey in marks:
        smooth[y : y + h, x : x + w] = 100 + grey
    difference = np.clip(4 * (smooth.astype(int) - 100) + 128, 0, 255).astype(np.uint8)
    limit = np.full_like(expected, 16)
    region = InspectedRegion(smooth, 0, 0, 32.0, 32.0, 1.0, 1.0, 15.0, 30.0)
    layer = Layer(smooth, expected, limit, limit_per_sigma=10.0, blur_px=1.0, x_px=0, y_px=0)
    blocks = np.ones((16, 16), np.uint8)
    return Comparison(region, smooth, difference, layer, blocks, 5.0, blocks)


def test_a_mark_is_followed_down_to_half_its_limit() -> None:
    """A strong middle takes its weak surroundings along; specks below the limit are dropped, larger ones kept."""
    surroundings, middle = (10, 20, 6, 6, -5), (12, 22, 2, 2, -9)
    speck, piece, noise = (40, 20, 3, 1, 5), (20, 44, 2, 2, 5), (44, 44, 4, 4, 4)
    found = hysteresis.followed(compared([surroundings, middle, speck, piece, noise]), DetectSettings())
    assert found.width == 64
    assert found.strong.tolist() == [True, False]
    assert np.bincount(found.part).tolist() == [36, 4]
    assert sorted(set((found.pixel[found.part == 0] // 64).tolist())) == list(range(20, 26))


def test_what_pales_beside_a_strong_mark_is_no_part() -> None:
    """A deviation of a fifth of its neighbour's belongs to neither; far from it, it does."""
    for x, n_pixels in ((21, 16), (40, 32)):
        found = hysteresis.followed(compared([(16, 30, 4, 4, -60), (x, 30, 4, 4, 9)]), DetectSettings())
        assert found.pixel.size == n_pixels


def test_nothing_beyond_the_reach_is_a_part() -> None:
    """Pixels outside the circle that is inspected are left out, on each axis by its own unit."""
    assert hysteresis.followed(compared([(0, 0, 6, 6, -60)]), DetectSettings()).pixel.size == 0
    region = InspectedRegion(np.zeros((8, 8), np.uint8), 0, 0, 0.0, 0.0, 2.0, 1.0, 3.0, 3.0)
    inside = hysteresis.within_reach(np.arange(64), region)
    assert np.flatnonzero(inside[:8]).tolist() == list(range(7))
    assert np.flatnonzero(inside[::8]).tolist() == list(range(4))
