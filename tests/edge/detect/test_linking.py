"""What hangs together: pixels into parts, parts into scratches, beside slow and plain versions of the same."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from edge.detect import hysteresis, linking

Ints = NDArray[np.intp]


def families(n: int, links: list[tuple[int, int]]) -> list[int]:
    """The least member of each one's family, by spreading it until nothing changes."""
    least = list(range(n))
    changed = True
    while changed:
        changed = False
        for a, b in links:
            low = min(least[a], least[b])
            changed |= least[a] != low or least[b] != low
            least[a] = least[b] = low
    return least


@settings(deadline=None, max_examples=60)
@given(n=st.integers(1, 30), data=st.data())
def test_what_is_linked_is_united(n: int, data: st.DataObject) -> None:
    """Links in any order, also in rings and chains, give each one the least of its family."""
    one = st.integers(0, n - 1)
    links = data.draw(st.lists(st.tuples(one, one), max_size=60))
    assert linking.united(n, links).tolist() == families(n, links)


def test_a_long_chain_is_united_from_either_end() -> None:
    """A chain of ten thousand links is one family, without a recursion."""
    chain = [(k, k + 1) for k in range(9_999)]
    for links in (chain, chain[::-1], [(b, a) for a, b in chain]):
        assert not linking.united(10_000, links).any()


@settings(deadline=None, max_examples=60)
@given(n=st.integers(0, 60), seed=st.integers(0, 1000), reach=st.sampled_from([0.5, 3.0, 11.7, 400.0]))
def test_close_pairs_are_all_pairs_that_are_close(n: int, seed: int, reach: float) -> None:
    """The grid of cells finds each pair of points within reach once, and no other."""
    x, y = np.random.default_rng(seed).integers(-20, 400, (2, n)) / 4
    a, b = linking.close_pairs(np.abs(x), np.abs(y), reach)
    x, y = np.abs(x), np.abs(y)
    found = sorted((min(i, j), max(i, j)) for i, j in zip(a.tolist(), b.tolist(), strict=True))
    near = [
        (i, j)
        for i, j in itertools.combinations(range(n), 2)
        if (x[i] - x[j]) ** 2 + (y[i] - y[j]) ** 2 <= reach * reach
    ]
    assert found == near


def pixels(seed: int, density: float, shape: tuple[int, int] = (24, 32)) -> Ints:
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


def random_pieces(seed: int, n: int) -> linking.Pieces:
    """Short strokes and points, some of them in line."""
    random = np.random.default_rng(seed)
    xs, ys, owner = [], [], []
    for k in range(n):
        x, y, turn = random.uniform(5, 70), random.uniform(5, 70), random.choice([0.0, 0.3, 1.2])
        length = int(random.choice([1, 1, 2, 9, 14]))
        line = sorted({(round(x + t * math.cos(turn)), round(y + t * math.sin(turn))) for t in range(length)})
        xs += [p[0] for p in line]
        ys += [p[1] for p in line]
        owner += [k] * len(line)
    strong = random.random(n) < 0.3
    return linking.pieces(np.array(xs, np.intp), np.array(ys, np.intp), np.array(owner, np.intp), strong)


def slow_links(found: linking.Pieces, gap_px: float) -> list[tuple[int, int]]:
    """Pairs of pieces that belong together, end by end."""
    ends = []
    for k in range(found.x.size):
        for side in (1.0, -1.0) if found.long[k] else (1.0,):
            out = found.reach_px[k] if found.long[k] else 0.0
            ux, uy = side * found.axis_x[k], side * found.axis_y[k]
            ends.append((k, ux, uy, found.x[k] + ux * out, found.y[k] + uy * out))
    links, steps = [], []
    for (i, uxa, uya, xa, ya), (j, uxb, uyb, xb, yb) in itertools.combinations(ends, 2):
        dx, dy = xb - xa, yb - ya
        if i == j or dx * dx + dy * dy > gap_px * gap_px:
            continue
        if not found.long[i] and not found.long[j]:
            steps += [(i, j), (j, i)]
            continue
        slack = linking.LATERAL_PX + linking.BEND * min(math.sqrt(dx * dx + dy * dy), 4.0)
        on_a = uxa * dx + uya * dy > -linking.LATERAL_PX and abs(uxa * dy - uya * dx) <= slack
        on_b = -uxb * dx - uyb * dy > -linking.LATERAL_PX and abs(uxb * dy - uyb * dx) <= slack
        if found.long[i] and found.long[j]:
            opposite = uxa * uxb + uya * uyb < 0 and abs(uxa * uyb - uya * uxb) <= linking.BEND
            fits = on_a and on_b and opposite
        else:
            fits = on_a if found.long[i] else on_b
        if fits:
            links.append((i, j))

    def goes_straight_on(step: tuple[int, int], following_: tuple[int, int]) -> bool:
        if step[1] != following_[0]:
            return False
        way = [(found.x[b] - found.x[a], found.y[b] - found.y[a]) for a, b in (step, following_)]
        (dx, dy), (ex, ey) = way
        gap, other = (max(math.sqrt(x * x + y * y), 1e-6) for x, y in way)
        return bool((dx * ex + dy * ey) / (gap * other) >= math.sqrt(1 - linking.BEND**2))

    rows = [(s, t) for s in steps for t in steps if goes_straight_on(s, t)]
    middle = {s for s, _ in rows} & {t for _, t in rows}
    for s, t in rows:
        if s in middle or t in middle:
            links += [s, t]
    return links


@settings(deadline=None, max_examples=60)
@given(seed=st.integers(0, 10_000), n=st.integers(1, 24), gap_px=st.sampled_from([0.0, 4.0, 11.0]))
def test_joining_equals_its_slow_definition(seed: int, n: int, gap_px: float) -> None:
    """Pieces are joined end to end, points in rows of four, and kept if strong or a line: pair by pair the same."""
    found, faint_px = random_pieces(seed, n), 18.0
    mark, n_marks = linking.join(found, gap_px, faint_px)
    family = families(n, slow_links(found, gap_px) if gap_px else [])
    kept = []
    for first in sorted(set(family)):
        member = [k for k in range(n) if family[k] == first]
        drawn = sum(2 * found.reach_px[k] for k in member)
        x, y = (
            [middle[k] + side * axis[k] * found.reach_px[k] for k in member for side in (-1, 1)]
            for middle, axis in ((found.x, found.axis_x), (found.y, found.axis_y))
        )
        length = math.hypot(max(x) - min(x), max(y) - min(y))
        line = any(found.long[k] for k in member) and length >= faint_px and drawn >= 0.5 * max(length, faint_px)
        if any(found.strong[k] for k in member) or line:
            kept.append(first)
    assert mark.tolist() == [kept.index(f) if f in kept else -1 for f in family]
    assert n_marks == len(kept)


@pytest.mark.parametrize("turn", np.linspace(-1.5, 1.5, 13).tolist())
def test_the_main_axis_is_that_of_the_angle(turn: float) -> None:
    """The axis found by square roots is the one that the arc tangent gives."""
    xx, yy = (
        np.array([9 * math.cos(turn) ** 2 + math.sin(turn) ** 2]),
        np.array([math.cos(turn) ** 2 + 9 * math.sin(turn) ** 2]),
    )
    xy = np.array([8 * math.sin(turn) * math.cos(turn)])
    half_sum, spread, axis_x, axis_y = linking.main_axis(xx, yy, xy)
    assert (half_sum + spread)[0] == pytest.approx(9)
    assert (half_sum - spread)[0] == pytest.approx(1)
    assert (axis_x[0], axis_y[0]) == pytest.approx((math.cos(turn), math.sin(turn)), abs=1e-7)
    assert linking.main_axis(np.ones(1), np.ones(1), np.zeros(1))[2:] == (np.ones(1), np.zeros(1))
