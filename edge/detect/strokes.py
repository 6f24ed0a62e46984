"""How long and how broad strokes are: bent ones along their path, dotted ones without their gaps.

All marks are measured at once. Their points come as flat arrays sorted by mark, with the index of each mark's first.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from edge.arrays import F64, Bool, Index

BEND_STEP_PX = 8
"""Pixels between the points of a stroke's path. Chosen on real end faces."""
SECTION_STEP_PX = 2
"""Pixels over which a cross-section is counted. Chosen on real end faces."""
DOT_STEP_PX = 4
"""Pixels over which the breadth of a dot is read off its outline. Chosen on real end faces."""
MIN_DRAWN = 0.5
"""A step that holds a smaller share of the fullest step's pixels is a gap. Chosen on real end faces."""
MAX_GAPS = 0.25
"""A stroke with a larger share of gaps is dotted. Chosen on real end faces."""
MIN_KNOTS = 3
"""A path of fewer points has no bend."""


@dataclass(frozen=True, slots=True)
class Bins:
    """Equal steps along each mark's axis, all marks' steps in one row.

    Attributes:
        step: the step that each point is in.
        first: each mark's first step.
        mark: the mark of each step.
    """

    step: Index
    first: Index
    mark: Index


def _bins(along: F64, mark: Index, start: Index, size: float) -> Bins:
    """The steps of `size` along each mark, counted from its lowest point along the axis."""
    step = np.floor((along - np.minimum.reduceat(along, start)[mark]) / size).astype(np.intp)
    n_steps = np.maximum.reduceat(step, start) + 1
    first = np.cumsum(n_steps) - n_steps
    return Bins(step + first[mark], first, np.repeat(np.arange(start.size), n_steps))


def bend(along: F64, across: F64, mark: Index, start: Index, pixel: float) -> F64:
    """(n,) float64, at least 1: how much longer each mark's path is than the straight line between its ends.

    Args:
        along: the outline's points along the mark's axis.
        across: the same across it.
        mark: whose points they are.
        start: each mark's first point.
        pixel: size of a pixel in the unit of the points.
    """
    bins = _bins(along, mark, start, BEND_STEP_PX * pixel)
    count = np.bincount(bins.step, minlength=bins.mark.size)
    held = count > 0
    position = np.bincount(bins.step, weights=along, minlength=bins.mark.size)[held] / count[held]
    middle = np.bincount(bins.step, weights=across, minlength=bins.mark.size)[held] / count[held]
    owner = bins.mark[held]
    goes_on = owner[1:] == owner[:-1]
    onward, aside = np.diff(position), np.diff(middle)
    walked = np.where(goes_on, np.sqrt(onward * onward + aside * aside), 0.0)
    curved = np.bincount(owner[1:], weights=walked, minlength=start.size)
    n_knots = np.bincount(owner, minlength=start.size)
    last = np.cumsum(n_knots) - 1
    straight = position[last] - position[last - n_knots + 1]
    bent = (n_knots >= MIN_KNOTS) & (straight > 0)
    return np.where(bent, np.maximum(curved / np.where(bent, straight, 1.0), 1.0), 1.0)


def section(along: F64, mark: Index, start: Index, pixel: float) -> tuple[F64, Bool]:
    """The mean cross-section of each mark where it is drawn, and whether more than a quarter of it is gaps.

    The mean counts each step by the fifth power of its own section, so that thin ends and weak stretches do not make a
    stroke thin. With that power the widths of drawn lines are right to a tenth of a pixel in the middle.

    Args:
        along: the mark's pixels along its axis.
        mark: whose pixels they are.
        start: each mark's first pixel.
        pixel: size of a pixel in the unit of `along`.
    """
    bins = _bins(along, mark, start, SECTION_STEP_PX * pixel)
    count = np.bincount(bins.step, minlength=bins.mark.size).astype(np.float64) * (pixel / SECTION_STEP_PX)
    drawn = count >= MIN_DRAWN * np.maximum.reduceat(count, bins.first)[bins.mark]
    n_drawn = np.add.reduceat(drawn.astype(np.intp), bins.first)
    n_steps = np.bincount(bins.mark, minlength=start.size)
    weight = np.where(drawn, _fifth_power(count), 0.0)
    once, twice = weight, weight * count
    dotted = n_drawn < (1 - MAX_GAPS) * n_steps
    return np.add.reduceat(twice, bins.first) / np.add.reduceat(once, bins.first), dotted


def dot_breadth(along: F64, across: F64, mark: Index, start: Index, pixel: float) -> F64:
    """(n,) float64: how broad each mark's dots are, from its outline, the broader ones counting more."""
    bins = _bins(along, mark, start, DOT_STEP_PX * pixel)
    order = np.argsort(bins.step, kind="stable")
    step = bins.step[order]
    begin = np.flatnonzero(np.diff(step, prepend=-1))
    extent = np.maximum.reduceat(across[order], begin) - np.minimum.reduceat(across[order], begin)
    owner = bins.mark[step[begin]]
    once = np.bincount(owner, weights=extent, minlength=start.size)
    return np.bincount(owner, weights=extent * extent, minlength=start.size) / np.maximum(once, 1e-9)


def _fifth_power(values: F64) -> F64:
    """By products, which are the same on every processor, as powers are not."""
    squares = values * values
    return squares * squares * values
