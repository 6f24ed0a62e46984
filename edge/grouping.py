"""Joins the pieces of one scratch, and finds scratches too faint to show anywhere but in their sum.

LEI (Mei et al., Sensors 2018, 18(5):1408) sums the picture along lines in 12 orientations at every pixel and
thresholds each sum. Here the lines are grown from what little is above half the limit: pieces that are long
point to where the scratch goes on, points in a row do so by their row. That is the same sum along a line, taken
only where there is something to add, in any orientation and around slight bends, and it says at once which
pieces belong together. Cost grows with the pieces, not with the picture.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.intp]
Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

LONG_PX = 1.6
"""Standard deviation along its axis from which on a piece has a direction."""
LONG_RATIO = 2.0
"""The same over the deviation across the axis."""
LATERAL_PX = 1.5
"""How far off its neighbour's axis a piece may lie."""
BEND = 0.35
"""Largest sine between a piece's axis and the way to the next one, and between two pieces' axes."""


@dataclass(frozen=True, slots=True)
class Pieces:
    """Connected pieces of a picture, one row each.

    Attributes:
        x: centroid, px.
        y: centroid, px.
        area: pixels.
        strong: whether a pixel of it exceeds the limit.
        axis_x: unit vector along its longest extent.
        axis_y: the same.
        reach_px: from the centroid to its ends.
        long: whether that axis means something.
    """

    x: Floats
    y: Floats
    area: Floats
    strong: Flags
    axis_x: Floats
    axis_y: Floats
    reach_px: Floats
    long: Flags


def pieces(x: Ints, y: Ints, piece: Ints, strong: Flags) -> Pieces:
    """What the pixels at (x, y), each of one piece, amount to; every piece has a pixel."""
    n = strong.size
    area = np.bincount(piece, minlength=n).astype(np.float64)
    middle_x = np.bincount(piece, weights=x, minlength=n) / area
    middle_y = np.bincount(piece, weights=y, minlength=n) / area
    off_x, off_y = x - middle_x[piece], y - middle_y[piece]
    xx = np.bincount(piece, weights=off_x * off_x, minlength=n) / area
    yy = np.bincount(piece, weights=off_y * off_y, minlength=n) / area
    xy = np.bincount(piece, weights=off_x * off_y, minlength=n) / area
    half_sum, spread = (xx + yy) / 2, np.hypot((xx - yy) / 2, xy)
    along = np.sqrt(half_sum + spread)
    across = np.sqrt(np.maximum(half_sum - spread, 0) + 1 / 12)
    angle = 0.5 * np.arctan2(2 * xy, xx - yy)
    long = (along >= LONG_PX) & (along >= LONG_RATIO * across)
    return Pieces(middle_x, middle_y, area, strong, np.cos(angle), np.sin(angle), np.sqrt(3.0) * along, long)


def join(found: Pieces, gap_px: float, faint_px: float) -> tuple[Ints, int]:
    """The number of the mark that each piece belongs to, -1 for none, and how many marks there are.

    Pieces belong together where the gap between their ends is at most `gap_px` and they lie on one line. A mark
    holds a strong piece, or is a line at least `faint_px` long, half of it drawn, of pieces each of which alone
    is too weak.
    """
    n = found.x.size
    parent = list(range(n))

    def root(k: int) -> int:
        while parent[k] != k:
            parent[k] = parent[parent[k]]
            k = parent[k]
        return k

    for a, b in _links(found, gap_px):
        parent[root(a)] = root(b)
    group = np.array([root(k) for k in range(n)], dtype=np.intp)
    keep = np.zeros(n, np.bool_)
    keep[group[found.strong]] = True
    weak = np.flatnonzero(~keep[group])
    drawn = np.bincount(group[weak], weights=2 * found.reach_px[weak], minlength=n)
    for k in np.flatnonzero(drawn >= 0.5 * faint_px):
        keep[k] = _is_line(found, np.flatnonzero(group == k), float(drawn[k]), faint_px)
    number = np.cumsum(keep) - 1
    return np.where(keep[group], number[group], -1), int(np.count_nonzero(keep))


def _is_line(found: Pieces, member: Ints, drawn_px: float, faint_px: float) -> bool:
    """Whether pieces make a line at least `faint_px` long, half of it drawn."""
    x = found.x[member] + found.axis_x[member] * found.reach_px[member] * np.array([[-1.0], [1.0]])
    y = found.y[member] + found.axis_y[member] * found.reach_px[member] * np.array([[-1.0], [1.0]])
    length = float(np.hypot(np.ptp(x), np.ptp(y)))
    slim = bool(np.any(found.long[member]))
    return slim and length >= faint_px and drawn_px >= 0.5 * length


def _links(found: Pieces, gap_px: float) -> list[tuple[int, int]]:
    """Pairs of pieces that belong together."""
    n = found.x.size
    # a long piece has two ends that point outwards; a point has one end, itself
    out = np.where(found.long, 1.0, 0.0) * found.reach_px
    ahead = np.arange(n)
    back = np.flatnonzero(found.long)
    owner = np.concatenate([ahead, back])
    side = np.concatenate([np.ones(n), -np.ones(back.size)])
    ux, uy = side * found.axis_x[owner], side * found.axis_y[owner]
    x, y = found.x[owner] + ux * out[owner], found.y[owner] + uy * out[owner]
    a, b = _close_pairs(x, y, gap_px)
    apart = owner[a] != owner[b]
    a, b = a[apart], b[apart]
    dx, dy = x[b] - x[a], y[b] - y[a]
    gap = np.hypot(dx, dy)
    long_a, long_b = found.long[owner[a]], found.long[owner[b]]
    on_a = _points_to(ux[a], uy[a], dx, dy, gap) | ~long_a
    on_b = _points_to(ux[b], uy[b], -dx, -dy, gap) | ~long_b
    opposite = (ux[a] * ux[b] + uy[a] * uy[b] < 0) & (np.abs(ux[a] * uy[b] - uy[a] * ux[b]) <= BEND)
    fits = on_a & on_b & (long_a | long_b) & (opposite | ~(long_a & long_b))
    links = list(zip(owner[a[fits]].tolist(), owner[b[fits]].tolist(), strict=True))
    points = ~long_a & ~long_b
    return links + _rows(owner[a[points]], owner[b[points]], found)


def _points_to(ux: Floats, uy: Floats, dx: Floats, dy: Floats, gap: Floats) -> Flags:
    """Whether the way (dx, dy) goes on in the direction (ux, uy), but for a slight bend."""
    ahead, aside = ux * dx + uy * dy, np.abs(ux * dy - uy * dx)
    return (ahead > -LATERAL_PX) & (aside <= LATERAL_PX + BEND * np.minimum(gap, 4.0))


def _rows(a: Ints, b: Ints, found: Pieces) -> list[tuple[int, int]]:
    """Links among points: three steps in a row, that is four points, in about one direction."""
    if a.size < 3:
        return []
    start, stop = np.concatenate([a, b]), np.concatenate([b, a])
    order = np.argsort(start, kind="stable")
    start, stop = start[order], stop[order]
    dx, dy = found.x[stop] - found.x[start], found.y[stop] - found.y[start]
    gap = np.maximum(np.hypot(dx, dy), 1e-6)
    first = np.searchsorted(start, stop, side="left")
    count = np.searchsorted(start, stop, side="right") - first
    step = np.repeat(np.arange(start.size), count)
    following = np.arange(step.size) - np.repeat(np.cumsum(count) - count, count) + np.repeat(first, count)
    cosine = (dx[step] * dx[following] + dy[step] * dy[following]) / (gap[step] * gap[following])
    straight = cosine >= np.sqrt(1 - BEND**2)
    step, following = step[straight], following[straight]
    goes_on, comes_from = np.zeros(start.size, np.bool_), np.zeros(start.size, np.bool_)
    goes_on[step] = True
    comes_from[following] = True
    # the middle one of three steps in a row
    middle = goes_on & comes_from
    links = []
    for k, m in zip(step.tolist(), following.tolist(), strict=True):
        if middle[k] or middle[m]:
            links += [(int(start[k]), int(stop[k])), (int(start[m]), int(stop[m]))]
    return links


def _close_pairs(x: Floats, y: Floats, reach: float) -> tuple[Ints, Ints]:
    """All pairs of points at most `reach` apart, each once, by a grid of cells of that size."""
    column, row = np.floor(x / reach).astype(np.intp) + 1, np.floor(y / reach).astype(np.intp) + 1
    width = int(column.max(initial=0)) + 2
    cell = row * width + column
    order = np.argsort(cell, kind="stable")
    ranked = cell[order]
    lefts, rights = [], []
    for offset in (0, 1, width - 1, width, width + 1):
        first = np.searchsorted(ranked, ranked + offset, side="left")
        count = np.searchsorted(ranked, ranked + offset, side="right") - first
        left = np.repeat(np.arange(ranked.size), count)
        right = np.arange(left.size) - np.repeat(np.cumsum(count) - count, count) + np.repeat(first, count)
        if offset == 0:
            left, right = left[right > left], right[right > left]
        lefts.append(left)
        rights.append(right)
    a, b = order[np.concatenate(lefts)], order[np.concatenate(rights)]
    near = np.hypot(x[a] - x[b], y[a] - y[b]) <= reach
    return a[near], b[near]
