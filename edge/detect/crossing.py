"""How broad scratches are that cross and so are one mark: as broad as the broadest of them, not as all together.

A mean cross-section along one axis tells nothing of lines that run in several directions. So the lines are found first,
by votes for their directions and places.
"""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.arrays import Index
from edge.detect.strokes import section

CLOSE_PX = 5
"""Gaps of fewer pixels lie within a stroke. Chosen on real end faces."""
MIN_BREADTH_PX = 2.5
"""From this breadth on strokes that cross are solid; thinner ones are often a web of specks. Chosen on real ones."""
MOST_PIXELS = 2000
"""Of a larger mark evenly spread pixels vote."""
N_TURNS = 60
"""Directions in which lines are looked for, 3 degrees apart."""
MIN_TURNS_APART = 7
"""Lines that cross are 20 degrees apart or more; those of an arc are less. Chosen on real end faces."""
MOST_LINES = 4
"""Scratches that one mark may consist of."""
MIN_HELD = 0.7
"""Share of a mark's pixels that lines have to hold. Chosen on drawn and real end faces."""
MIN_LINE_ASPECT = 5.0
"""A line is so many times as long as broad."""
MIN_LINES_ASPECT = 25.0
"""All lines together are so many times as long as broad: what is smaller is a mark with branches. Chosen on real end
faces."""

_TURNS = np.arange(N_TURNS) * (math.pi / N_TURNS)
_COSINES, _SINES = np.round(np.cos(_TURNS), 9), np.round(np.sin(_TURNS), 9)
"""Rounded, because processors differ in the last digit."""


def crossing_breadth_px(x: Index, y: Index) -> float | None:
    """How broad the broadest of a few straight lines is that cross and hold most of a mark; None where none do.

    Args:
        x: columns of the mark's pixels, at least one.
        y: rows of them.
    """
    breadth = _breadth_px(x, y)
    if breadth < MIN_BREADTH_PX:
        return None
    every = 1 + x.size // MOST_PIXELS
    x, y = x[::every], y[::every]
    rho = np.outer(_COSINES, x - x.min()) + np.outer(_SINES, y - y.min())
    reach = breadth / 2 + 1
    left = np.ones(x.size, np.bool_)
    found: list[int] = []
    broadest = breadth
    while left.any() and len(found) < MOST_LINES:
        step = np.floor((rho[:, left] - rho.min()) / (2 * reach)).astype(np.intp)
        n_steps = int(step.max()) + 1
        votes = np.bincount((step + n_steps * np.arange(N_TURNS)[:, None]).ravel(), minlength=n_steps * N_TURNS)
        turn, at = divmod(int(votes.argmax()), n_steps)
        middle = rho[turn, left][step[turn] == at].mean()
        on = np.abs(rho[turn] - middle) <= reach
        if every * np.count_nonzero(on & left) < MIN_LINE_ASPECT * breadth * breadth:
            break
        along = y[on] * _COSINES[turn] - x[on] * _SINES[turn]
        one = np.zeros(along.size, np.intp)
        broadest = max(broadest, every * float(section(along, one, one[:1], 1.0)[0][0]))
        left &= ~on
        found.append(turn)
    held = x.size - np.count_nonzero(left)
    apart = max((min(abs(a - b), N_TURNS - abs(a - b)) for a in found for b in found), default=0)
    long = every * held >= MIN_LINES_ASPECT * breadth * breadth
    return broadest if long and apart >= MIN_TURNS_APART and held >= MIN_HELD * x.size else None


def _breadth_px(x: Index, y: Index) -> float:
    """How broad strokes are that cross or branch: their area over half the way around them, small gaps closed.

    Args:
        x: columns of the mark's pixels, at least one.
        y: rows of them.
    """
    x, y = x - x.min() + CLOSE_PX, y - y.min() + CLOSE_PX
    held = np.zeros((int(y.max()) + 1 + CLOSE_PX, int(x.max()) + 1 + CLOSE_PX), np.uint8)
    held[y, x] = 1
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (CLOSE_PX, CLOSE_PX))
    closed = cv2.morphologyEx(held, cv2.MORPH_CLOSE, disc)
    around, _ = cv2.findContours(closed, cv2.RETR_LIST, cv2.CHAIN_APPROX_NONE)
    # of a band of breadth b and length l, the way through the outermost pixels' centres is 2 (b - 1) + 2 (l - 1)
    way = sum(_way(np.asarray(line[:, 0], np.int32)) + 4 for line in around)
    area = cv2.countNonZero(closed)
    return (way - math.sqrt(max(way * way - 16 * area, 0.0))) / 4


def _way(line: NDArray[np.int32]) -> float:
    """How far it is around a closed line of (n, 2) neighbouring pixels: OpenCV's own sum differs in its last digits."""
    steps = np.abs(line - np.roll(line, 1, axis=0)).sum(axis=1)
    aslant = np.count_nonzero(steps == 2)
    return float(np.count_nonzero(steps == 1) + aslant * math.sqrt(2))
