"""Scratches followed beyond their ends: through weak stretches, across the core, to where they fade.

A scratch is straight. Where one was found, its line is known, and what is too weak to be found by itself shows along
it: the mean over a stretch of the line stands out of the same mean beside it, as LEI sums along lines (Mei et al.,
Sensors 2018, 18(5):1408). A scratch that is seen at both ends becomes one mark so. That is done in the glass, where a
scratch matters; on a worn ferrule there is always another line to go on with.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from edge.arrays import F64, U8, Index
from edge.detect.comparison import LEVEL
from edge.detect.groups import united
from edge.detect.linking import Marks, Pieces, pieces
from edge.detect.region import InspectedRegion
from edge.imaging.noise import MAD_TO_SIGMA

# Chosen on drawn and on real end faces.
MIN_LENGTH = 0.4
"""Least length of a mark that is followed, in cladding radii."""
MIN_ASPECT = 8.0
"""Its least length over its mean breadth."""
MAX_ASIDE = 0.05
"""Largest deviation of its pixels from its axis, one sigma, over half its length."""
STRETCH_PX = 8
"""Over so many pixels the line is summed."""
ASIDE_PX = 10
"""How far to either side it is looked at."""
MAX_DRIFT_PX = 2
"""How far a stretch may lie off where the one before points to."""
BESIDE_PX = 4
"""From here on to either side there is no line, but what noise makes of such a sum."""
MIN_SIGMA = 5.0
"""How far the line must stand out of that."""
MIN_STRENGTH = 0.25
"""And least share of the mean deviation of the mark that is followed."""
MAX_WEAK = 3
"""Weak stretches in a row that a line is followed through, to where it shows again."""
MIN_AGAIN = 2
"""Stretches in a row that show that it does."""
SAME_LINE = 0.985
"""Least cosine between the axes of two marks on one line."""
_SIDE = np.arange(-ASIDE_PX, ASIDE_PX + 1)


def followed_on(difference: U8, marks: Marks, region: InspectedRegion) -> Marks:
    """The marks with their lines followed; those that turn out to be one are one.

    Args:
        difference: (h, w) uint8, deviations from the background, 128 is none.
        marks: what was found, with flat indices into `difference`.
        region: where the glass is in it.
    """
    count = np.bincount(marks.mark, minlength=marks.n_marks)
    least_px = MIN_LENGTH * region.radius
    if not (count >= least_px).any():
        return marks
    width = difference.shape[1]
    y, x = np.divmod(marks.pixel, width)
    strong = np.ones(marks.n_marks, np.bool_)
    found = pieces(x, y, marks.mark, strong)
    length = 2 * found.reach_px
    lines = np.flatnonzero((length >= least_px) & (length * length >= MIN_ASPECT * count))
    if lines.size == 0:
        return marks
    deviation = difference.astype(np.int16) - LEVEL
    owner = np.full(difference.size, -1, np.intp)
    owner[marks.pixel] = marks.mark
    new_pixel, new_mark, links = [], [], []
    for mark in lines.tolist():
        of = marks.mark == mark
        aside = (y[of] - found.y[mark]) * found.axis_x[mark] - (x[of] - found.x[mark]) * found.axis_y[mark]
        if math.sqrt(float((aside * aside).mean())) > MAX_ASIDE * found.reach_px[mark]:
            continue  # it bends, or is a web of lines
        own = deviation.reshape(-1)[marks.pixel[of]]
        strength = int(own.sum()) / own.size
        for side in (1.0, -1.0):
            pixel = np.unique(_way(deviation, region, found, mark, side, strength))
            met = np.unique(owner[pixel])
            links += [(mark, other) for other in met.tolist() if other >= 0 and _on_one_line(found, mark, other)]
            free = pixel[owner[pixel] < 0]
            owner[free] = mark
            new_pixel.append(free)
            new_mark.append(np.full(free.size, mark))
    group = united(marks.n_marks, links)
    pixel, mark = np.concatenate([marks.pixel, *new_pixel]), group[np.concatenate([marks.mark, *new_mark])]
    order = np.argsort(pixel, kind="stable")
    kept, number = np.unique(mark, return_inverse=True)
    return Marks(pixel[order], number[order].astype(np.intp), kept.size)


def _on_one_line(found: Pieces, a: int, b: int) -> bool:
    """Whether another mark is a stretch of the same line: long enough to point somewhere, and there it points."""
    cosine = abs(found.axis_x[a] * found.axis_x[b] + found.axis_y[a] * found.axis_y[b])
    return a != b and bool(found.long[b] and cosine >= SAME_LINE)


def _way(
    deviation: NDArray[np.int16], region: InspectedRegion, found: Pieces, mark: int, side: float, strength: float
) -> Index:
    """Flat indices of the pixels along which a mark goes on in the glass, from one end outwards."""
    ux, uy = side * float(found.axis_x[mark]), side * float(found.axis_y[mark])
    x0 = float(found.x[mark]) + ux * float(found.reach_px[mark])
    y0 = float(found.y[mark]) + uy * float(found.reach_px[mark])
    n = int(_room_px(region, x0, y0, ux, uy)) // STRETCH_PX
    if n == 0:
        return np.zeros(0, np.intp)
    height, width = deviation.shape
    along = np.arange(1, n * STRETCH_PX + 1)
    x = np.rint(x0 + ux * along[:, None] - uy * _SIDE).astype(np.intp)
    y = np.rint(y0 + uy * along[:, None] + ux * _SIDE).astype(np.intp)
    inside = (x >= 0) & (x < width) & (y >= 0) & (y < height)
    held_x, held_y = np.minimum(np.maximum(x, 0), width - 1), np.minimum(np.maximum(y, 0), height - 1)
    seen = np.where(inside, deviation[held_y, held_x], 0)
    sums = math.copysign(1.0, strength) * seen.reshape(n, STRETCH_PX, _SIDE.size).sum(axis=1)
    middle, last = _traced(sums, abs(strength) * STRETCH_PX)
    path = np.repeat(middle[:last], STRETCH_PX)
    rows = np.arange(path.size)[:, None]
    columns = np.minimum(np.maximum(path[:, None] + np.array([-1, 0, 1]) + ASIDE_PX, 0), _SIDE.size - 1)
    kept = inside[rows, columns]
    pixel: Index = (y * width + x)[rows, columns][kept]
    return pixel


def _room_px(region: InspectedRegion, x: float, y: float, ux: float, uy: float) -> float:
    """How far it is from a point in a direction to the rim of the glass; 0 from outside of it."""
    px, py = (x - region.centre_x_px) / region.unit_x_px, (y - region.centre_y_px) / region.unit_y_px
    vx, vy = ux / region.unit_x_px, uy / region.unit_y_px
    a, b, c = vx * vx + vy * vy, px * vx + py * vy, px * px + py * py - region.radius**2
    return 0.0 if c >= 0 else (math.sqrt(b * b - a * c) - b) / a


def _traced(sums: F64, strength: float) -> tuple[Index, int]:
    """How far aside each stretch of the line lies, and up to how many stretches it goes on."""
    n = sums.shape[0]
    middle = np.zeros(n, np.intp)
    at, last, again, weak = 0, 0, 0, 0
    for k in range(n):
        low, high = max(at - MAX_DRIFT_PX, -ASIDE_PX), min(at + MAX_DRIFT_PX, ASIDE_PX)
        near = sums[k, low + ASIDE_PX : high + ASIDE_PX + 1]
        best = low + int(near.argmax())
        beside = sums[k, np.abs(_SIDE - best) >= BESIDE_PX]
        level = float(np.median(beside))
        noise = MAD_TO_SIGMA * float(np.median(np.abs(beside - level))) + STRETCH_PX / 4
        height = float(near.max()) - level
        if height >= max(MIN_SIGMA * noise, MIN_STRENGTH * strength):
            at = best
            again += 1
            if weak == 0 or again >= MIN_AGAIN:
                last, weak = k + 1, 0
        else:
            again = 0
            weak += 1
            if weak > MAX_WEAK:
                break
        middle[k] = at
    return middle, last
