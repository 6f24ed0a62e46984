"""Parts into marks, beside slow and plain versions of the same."""

from __future__ import annotations

import itertools
import math

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from slow_definitions import families

from edge.detect import groups, linking


@settings(deadline=None, max_examples=60)
@given(n=st.integers(1, 30), data=st.data())
def test_what_is_linked_is_united(n: int, data: st.DataObject) -> None:
    """Links in any order, also in rings and chains, give each one the least of its family."""
    one = st.integers(0, n - 1)
    links = data.draw(st.lists(st.tuples(one, one), max_size=60))
    assert groups.united(n, links).tolist() == families(n, links)


def test_a_long_chain_is_united_from_either_end() -> None:
    """A chain of ten thousand links is one family, without a recursion."""
    chain = [(k, k + 1) for k in range(9_999)]
    for links in (chain, chain[::-1], [(b, a) for a, b in chain]):
        assert not groups.united(10_000, links).any()


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
        slack = linking.MAX_ASIDE_PX + linking.MAX_BEND * min(math.sqrt(dx * dx + dy * dy), linking.BEND_TO_PX)
        on_a = uxa * dx + uya * dy > -linking.MAX_ASIDE_PX and abs(uxa * dy - uya * dx) <= slack
        on_b = -uxb * dx - uyb * dy > -linking.MAX_ASIDE_PX and abs(uxb * dy - uyb * dx) <= slack
        if found.long[i] and found.long[j]:
            opposite = uxa * uxb + uya * uyb < 0 and abs(uxa * uyb - uya * uxb) <= linking.MAX_BEND
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
        return bool((dx * ex + dy * ey) / (gap * other) >= math.sqrt(1 - linking.MAX_BEND**2))

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


def parts_of(lines: list[tuple[int, int, int]], strong: list[bool]) -> linking.Parts:
    """Horizontal lines (x, y, length) in a picture 100 px wide."""
    pixel = np.concatenate([100 * y + np.arange(x, x + n) for x, y, n in lines])
    part = np.repeat(np.arange(len(lines)), [n for _, _, n in lines])
    order = np.argsort(pixel)
    return linking.Parts(pixel[order], part[order], np.array(strong), 100)


def test_parts_in_line_are_one_mark() -> None:
    """A strong part takes a weak one in its line along; a weak one beside them is dropped, pixels and all."""
    parts = parts_of([(10, 5, 20), (33, 5, 20), (10, 40, 5)], [True, False, False])
    marks = linking.joined(parts, 8.0, 40.0)
    assert marks.n_marks == 1
    assert marks.pixel.tolist() == [*range(510, 530), *range(533, 553)]
    assert not marks.mark.any()


def test_weak_parts_alone_must_make_a_line() -> None:
    """Weak parts are a mark from a length on; points without a direction never are."""
    weak = [(10, 5, 20), (33, 5, 20)]
    assert linking.joined(parts_of(weak, [False, False]), 8.0, 40.0).n_marks == 1
    assert linking.joined(parts_of(weak, [False, False]), 8.0, 60.0).n_marks == 0
    points = [(10 + 5 * k, 5, 1) for k in range(12)]
    assert linking.joined(parts_of(points, [False] * 12), 8.0, 40.0).n_marks == 0


def test_no_part_gives_no_mark() -> None:
    """Nothing to join is no error."""
    nothing = np.zeros(0, np.intp)
    marks = linking.joined(linking.Parts(nothing, nothing, np.zeros(0, np.bool_), 100), 8.0, 40.0)
    assert (marks.pixel.size, marks.mark.size, marks.n_marks) == (0, 0, 0)
