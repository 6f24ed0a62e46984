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
    half_sum, spread, axis_x, axis_y = main_axis(xx, yy, xy)
    along = np.sqrt(half_sum + spread)
    across = np.sqrt(np.maximum(half_sum - spread, 0) + 1 / 12)
    long = (along >= LONG_PX) & (along >= LONG_RATIO * across)
    return Pieces(middle_x, middle_y, area, strong, axis_x, axis_y, np.sqrt(3.0) * along, long)


def main_axis(xx: Floats, yy: Floats, xy: Floats) -> tuple[Floats, Floats, Floats, Floats]:
    """Of second moments: half their sum, how much more there is along the main axis, and that axis' x (>= 0) and y.

    By square roots, which are the same on every machine; angles are not.
    """
    half_sum, half_difference = (xx + yy) / 2, (xx - yy) / 2
    spread = np.sqrt(half_difference * half_difference + xy * xy)
    cosine = np.divide(half_difference, spread, out=np.ones_like(spread), where=spread > 0)
    axis_x = np.sqrt(np.maximum(0.5 + 0.5 * cosine, 0))
    axis_y = np.copysign(np.sqrt(np.maximum(0.5 - 0.5 * cosine, 0)), xy)
    return half_sum, spread, axis_x, axis_y


def join(found: Pieces, gap_px: float, faint_px: float) -> tuple[Ints, int]:
    """The number of the mark that each piece belongs to, -1 for none, and how many marks there are.

    Pieces belong together where the gap between their ends is at most `gap_px` and they lie on one line. A mark
    holds a strong piece, or is a line at least `faint_px` long, half of it drawn, of pieces each of which alone
    is too weak.
    """
    n = found.x.size
    group = united(n, _links(found, gap_px))
    keep = np.zeros(n, np.bool_)
    keep[group[found.strong]] = True
    weak = ~keep[group]
    if weak.any():
        keep |= _lines(found, np.where(weak, group, -1), faint_px)
    number = np.cumsum(keep) - 1
    return np.where(keep[group], number[group], -1), int(np.count_nonzero(keep))


def united(n: int, links: list[tuple[int, int]]) -> Ints:
    """(n,) the least of all that each one is linked to, directly or through others."""
    group = np.arange(n)
    parent: dict[int, int] = {}

    def root(k: int) -> int:
        above = parent.get(k, k)
        while above != k:
            # the way up is halved, so that it stays short
            parent[k] = parent.get(above, above)
            k = parent[k]
            above = parent.get(k, k)
        return k

    for a, b in links:
        one, other = root(a), root(b)
        parent[max(one, other)] = min(one, other)
    for k in parent:
        group[k] = root(k)
    return group


def _lines(found: Pieces, group: Ints, faint_px: float) -> Flags:
    """(n,) whether the pieces of each group make a line at least `faint_px` long, half of it drawn.

    A piece of group -1 belongs to none.
    """
    n = group.size
    drawn = np.bincount(group + 1, weights=2 * found.reach_px, minlength=n + 1)[1:]
    lines = drawn >= 0.5 * faint_px
    # the longest few are looked at more closely
    member = np.flatnonzero(lines[group] & (group >= 0))
    if member.size == 0:
        return np.zeros(n, np.bool_)
    member = member[np.argsort(group[member], kind="stable")]
    start = np.flatnonzero(np.diff(group[member], prepend=-1))
    extent = []
    for middle, axis in ((found.x, found.axis_x), (found.y, found.axis_y)):
        half = np.abs(axis[member]) * found.reach_px[member]
        extent.append(
            np.maximum.reduceat(middle[member] + half, start) - np.minimum.reduceat(middle[member] - half, start)
        )
    length = np.sqrt(extent[0] ** 2 + extent[1] ** 2)
    slim = np.logical_or.reduceat(found.long[member], start)
    candidate = group[member[start]]
    lines[:] = False
    lines[candidate] = slim & (length >= faint_px) & (drawn[candidate] >= 0.5 * length)
    return lines


def _links(found: Pieces, gap_px: float) -> list[tuple[int, int]]:
    """Pairs of pieces that belong together."""
    n = found.x.size
    if gap_px <= 0:
        return []
    # a long piece has two ends that point outwards; a point has one end, itself
    out = np.where(found.long, 1.0, 0.0) * found.reach_px
    ahead = np.arange(n)
    back = np.flatnonzero(found.long)
    owner = np.concatenate([ahead, back])
    side = np.concatenate([np.ones(n), -np.ones(back.size)])
    ux, uy = side * found.axis_x[owner], side * found.axis_y[owner]
    x, y = found.x[owner] + ux * out[owner], found.y[owner] + uy * out[owner]
    a, b = close_pairs(x, y, gap_px)
    if a.size == 0:
        return []
    apart = owner[a] != owner[b]
    a, b = a[apart], b[apart]
    long_a, long_b = found.long[owner[a]], found.long[owner[b]]
    points = ~(long_a | long_b)
    links = _rows(owner[a[points]], owner[b[points]], found)
    if points.all():
        return links
    a, b, long_a, long_b = a[~points], b[~points], long_a[~points], long_b[~points]
    dx, dy = x[b] - x[a], y[b] - y[a]
    gap = np.sqrt(dx * dx + dy * dy)
    on_a = _points_to(ux[a], uy[a], dx, dy, gap) | ~long_a
    on_b = _points_to(ux[b], uy[b], -dx, -dy, gap) | ~long_b
    opposite = (ux[a] * ux[b] + uy[a] * uy[b] < 0) & (np.abs(ux[a] * uy[b] - uy[a] * ux[b]) <= BEND)
    fits = on_a & on_b & (opposite | ~(long_a & long_b))
    return links + list(zip(owner[a[fits]].tolist(), owner[b[fits]].tolist(), strict=True))


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
    gap = np.maximum(np.sqrt(dx * dx + dy * dy), 1e-6)
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
    both = middle[step] | middle[following]
    used = np.concatenate([step[both], following[both]])
    return list(zip(start[used].tolist(), stop[used].tolist(), strict=True))


def close_pairs(x: Floats, y: Floats, reach: float) -> tuple[Ints, Ints]:
    """All pairs of points at most `reach` apart, each once, by a grid of cells of that size."""
    column, row = np.floor(x / reach).astype(np.intp) + 1, np.floor(y / reach).astype(np.intp) + 1
    width = int(column.max(initial=0)) + 2
    cell = row * width + column
    order = np.argsort(cell, kind="stable")
    ranked = cell[order]
    # what follows in the same cell and the next one, and the three cells of the next row, each without a gap
    every = np.arange(ranked.size)
    first = np.concatenate([every + 1, np.searchsorted(ranked, ranked + (width - 1), side="left")])
    last = np.concatenate(
        [np.searchsorted(ranked, ranked + 1, side="right"), np.searchsorted(ranked, ranked + (width + 1), side="right")]
    )
    count = last - first
    stop = np.cumsum(count)
    left = np.repeat(np.concatenate([order, order]), count)
    right = order[np.arange(left.size) + np.repeat(first - stop + count, count)]
    dx, dy = x[left] - x[right], y[left] - y[right]
    near = dx * dx + dy * dy <= reach * reach
    return left[near], right[near]
