"""Parts into marks: joins the pieces of one scratch, and keeps lines too faint to show anywhere but in their sum.

LEI (Mei et al., Sensors 2018, 18(5):1408) sums the picture along lines in 12 orientations at every pixel and
thresholds each sum. Here lines are grown from the few pixels above half the limit. A long piece points to where its
scratch goes on; points show it by their row. It is the same sum along a line, taken only where there is something to
add, in any orientation and around slight bends, and it tells which pieces belong together. Cost grows with the pieces,
not with the picture.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from edge.arrays import F64, Bool, Index
from edge.detect.groups import united
from edge.imaging.moments import main_axis

MIN_LONG_PX = 1.6
"""Standard deviation along its axis from which on a piece has a direction. Chosen on real end faces."""
MIN_LONG_RATIO = 2.0
"""The same over the deviation across the axis. Chosen on real end faces."""
MAX_ASIDE_PX = 1.5
"""How far off its neighbour's axis a piece may lie. Chosen on real end faces."""
MAX_BEND = 0.35
"""Largest sine between a piece's axis and the way to the next one, and between two pieces' axes. Chosen on real end
faces."""
BEND_TO_PX = 4.0
"""A bend opens a wider way up to so far from a piece's end, and no wider from there on. Chosen on real end faces."""
MIN_DRAWN = 0.5
"""Share of a faint line that its pieces must cover. Chosen on real end faces."""


@dataclass(frozen=True, slots=True)
class Parts:
    """Connected pixels that may be marks or pieces of some.

    Attributes:
        pixel: (n,) flat indices, in order.
        part: (n,) which part each belongs to, from 0; every part has a pixel.
        strong: (parts,) whether a part is a mark by itself.
        width: columns of the picture that the indices count in.
    """

    pixel: Index
    part: Index
    strong: Bool
    width: int


@dataclass(frozen=True, slots=True)
class Marks:
    """The pixels of all marks.

    Attributes:
        pixel: (n,) flat indices, in order; each belongs to one mark.
        mark: (n,) which mark that is, from 0; every mark has a pixel.
        n_marks: how many marks there are.
    """

    pixel: Index
    mark: Index
    n_marks: int


NO_MARKS = Marks(np.zeros(0, np.intp), np.zeros(0, np.intp), 0)


@dataclass(frozen=True, slots=True)
class Pieces:
    """Where parts lie and which way they point, one row each.

    Attributes:
        x: centroid, px.
        y: centroid, px.
        strong: whether it is a mark by itself.
        axis_x: x of the unit vector along its longest extent.
        axis_y: y of it.
        reach_px: from the centroid to its ends.
        long: whether it is long enough to have a direction.
    """

    x: F64
    y: F64
    strong: Bool
    axis_x: F64
    axis_y: F64
    reach_px: F64
    long: Bool


def joined(parts: Parts, gap_px: float, faint_px: float) -> Marks:
    """The marks that parts make up: strong ones with all that belongs to them, and long lines of weak ones.

    Args:
        parts: connected pixels.
        gap_px: largest gap within a scratch.
        faint_px: shortest line of parts each of which alone is too weak.
    """
    if parts.pixel.size == 0:
        return NO_MARKS
    y, x = np.divmod(parts.pixel, parts.width)
    found = pieces(x, y, parts.part, parts.strong)
    # a line needs a piece with a direction
    if not (parts.strong.any() or found.long.any()):
        return NO_MARKS
    number, n_marks = join(found, gap_px, faint_px)
    mark = number[parts.part]
    kept = mark >= 0
    return Marks(parts.pixel[kept], mark[kept], n_marks)


def pieces(x: Index, y: Index, piece: Index, strong: Bool) -> Pieces:
    """The pieces that the pixels at (x, y) make up; `piece` tells whose each is, and every piece has one."""
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
    # 1/12 is the variance of one pixel's own width
    across = np.sqrt(np.maximum(half_sum - spread, 0) + 1 / 12)
    long = (along >= MIN_LONG_PX) & (along >= MIN_LONG_RATIO * across)
    # an even line reaches sqrt(3) standard deviations to each side
    return Pieces(middle_x, middle_y, strong, axis_x, axis_y, np.sqrt(3.0) * along, long)


def join(found: Pieces, gap_px: float, faint_px: float) -> tuple[Index, int]:
    """The number of the mark that each piece belongs to, -1 for none, and how many marks there are.

    Pieces belong together where the gap between their ends is at most `gap_px` and they lie on one line. What belongs
    together is a mark if one piece is strong, or if it is a line at least `faint_px` long that its pieces cover by half
    or more.
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


def _lines(found: Pieces, group: Index, faint_px: float) -> Bool:
    """(n,) whether the pieces of each group make a line at least `faint_px` long, half of it drawn.

    A piece of group -1 belongs to none.
    """
    n = group.size
    drawn = np.bincount(group + 1, weights=2 * found.reach_px, minlength=n + 1)[1:]
    lines = drawn >= MIN_DRAWN * faint_px
    # few groups are left, and those are looked at more closely
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
    lines[candidate] = slim & (length >= faint_px) & (drawn[candidate] >= MIN_DRAWN * length)
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
    opposite = (ux[a] * ux[b] + uy[a] * uy[b] < 0) & (np.abs(ux[a] * uy[b] - uy[a] * ux[b]) <= MAX_BEND)
    fits = on_a & on_b & (opposite | ~(long_a & long_b))
    return links + list(zip(owner[a[fits]].tolist(), owner[b[fits]].tolist(), strict=True))


def _points_to(ux: F64, uy: F64, dx: F64, dy: F64, gap: F64) -> Bool:
    """Whether the step (dx, dy), `gap` long, goes on in the direction (ux, uy), but for a slight bend."""
    ahead, aside = ux * dx + uy * dy, np.abs(ux * dy - uy * dx)
    return (ahead > -MAX_ASIDE_PX) & (aside <= MAX_ASIDE_PX + MAX_BEND * np.minimum(gap, BEND_TO_PX))


def _rows(a: Index, b: Index, found: Pieces) -> list[tuple[int, int]]:
    """Links among pieces without a direction: four of them in a row, that is three steps in about one direction."""
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
    straight = cosine >= np.sqrt(1 - MAX_BEND**2)
    step, following = step[straight], following[straight]
    goes_on, comes_from = np.zeros(start.size, np.bool_), np.zeros(start.size, np.bool_)
    goes_on[step] = True
    comes_from[following] = True
    # the middle one of three steps in a row
    middle = goes_on & comes_from
    both = middle[step] | middle[following]
    used = np.concatenate([step[both], following[both]])
    return list(zip(start[used].tolist(), stop[used].tolist(), strict=True))


def close_pairs(x: F64, y: F64, reach: float) -> tuple[Index, Index]:
    """All pairs of points at most `reach` apart, each once, by a grid of cells of that size."""
    column, row = np.floor(x / reach).astype(np.intp) + 1, np.floor(y / reach).astype(np.intp) + 1
    width = int(column.max(initial=0)) + 2
    cell = row * width + column
    order = np.argsort(cell, kind="stable")
    ranked = cell[order]
    # sorted by cell, what may be near a point comes in two runs: behind it in its cell and the next, and in the three
    # cells of the next row
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
