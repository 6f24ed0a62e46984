"""Where marks end: at half of their strength nearby, to a fraction of a pixel.

A mark's strength is its deviation from the background. Where that falls to half of the strongest deviation nearby, a
mark that is larger than the picture's blur has its true edge, whatever the blur. The crossing is interpolated between
pixels along rows and columns.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.arrays import F64, U8, Bool, Index
from edge.detect.comparison import Layer
from edge.detect.linking import Marks

NEARBY_PX = 3
"""How far around a pixel, along rows and columns, the strongest deviation is looked for. Chosen on real end faces."""
HALF = 0.5
"""Share of the strength nearby at which a mark ends: where a straight edge lies, whatever the blur."""
MIN_FALL_GREY = 1e-6
"""Keeps an even pair of pixels from a division by zero."""
_STEP_X, _STEP_Y = np.array([[-1], [1], [0], [0]]), np.array([[0], [0], [-1], [1]])
"""The four neighbours of a pixel."""


@dataclass(frozen=True, slots=True)
class MarkPixels:
    """The pixels of all marks, sorted by mark, and in a mark by row and column.

    Attributes:
        pixel: flat indices.
        x: columns.
        y: rows.
        mark: the mark that each belongs to.
        start: (marks,) each mark's first pixel.
        count: (marks,) how many pixels each has.
        deviation: grey levels off the background, negative where darker.
        strength: the same without its sign.
        peak: (marks,) each mark's largest strength.
    """

    pixel: Index
    x: Index
    y: Index
    mark: Index
    start: Index
    count: Index
    deviation: F64
    strength: F64
    peak: F64


@dataclass(frozen=True, slots=True)
class Outline:
    """Where marks end, in pixels of the layer, sorted by mark.

    Attributes:
        x: of each point.
        y: of each point.
        mark: the mark that each belongs to; every mark has a point.
        area_px: (marks,) what each encloses.
        solid: of the marks' pixels, whether each is at least half as strong as what is nearby.
        n_solid: (marks,) how many these are.
        softness_px: (marks,) how far a mark's edge takes to rise by the mark's strength, at the slope it has halfway.
    """

    x: F64
    y: F64
    mark: Index
    area_px: F64
    solid: Bool
    n_solid: Index
    softness_px: F64


def slightly_smoothed(seen: U8, pixel: Index) -> U8:
    """(h, w) uint8: a picture smoothed by [1 2 1] / 4, so that noise no longer frays edges and little else is lost.

    Only where the marks' pixels are, at least one, and as far around them as outlines look; elsewhere it holds
    anything.
    """
    y, x = np.divmod(pixel, seen.shape[1])
    box = _around(x, y, NEARBY_PX + 1)
    smoothed: U8 = np.empty(seen.shape, np.uint8)
    smoothed[box] = cv2.GaussianBlur(seen[box], (3, 3), 0)
    return smoothed


def mark_pixels(layer: Layer, marks: Marks) -> MarkPixels:
    """The pixels of at least one mark with their deviations."""
    order = np.argsort(marks.mark, kind="stable")
    pixel, mark = marks.pixel[order], marks.mark[order]
    count = np.bincount(mark)
    start = np.cumsum(count) - count
    y, x = np.divmod(pixel, layer.seen.shape[1])
    deviation = _deviation(layer, pixel)
    strength = np.abs(deviation)
    return MarkPixels(pixel, x, y, mark, start, count, deviation, strength, np.maximum.reduceat(strength, start))


def half_strength(layer: Layer, of: MarkPixels) -> Outline:
    """The outline of each mark."""
    half = HALF * np.minimum(_strongest(layer, of.x, of.y), of.peak[of.mark])
    solid = of.strength >= half
    mark = of.mark[solid]
    n_solid = np.bincount(mark, minlength=of.count.size)
    at = _crossings(layer, of.pixel[solid], mark, of.deviation[solid], half[solid])
    # a whole pixel reaches half a pixel beyond its centre; each side counts for half of what is missing or beyond
    beyond_px = 0.5 * summed(at.step - 0.5, at.mark, n_solid.size)
    rise, fall = (summed(values, at.mark, n_solid.size) for values in (at.rise, at.fall))
    softness_px = np.where(fall > 0, rise / np.maximum(fall, MIN_FALL_GREY), 1.0)
    return Outline(at.x, at.y, at.mark, n_solid + beyond_px, solid, n_solid, softness_px)


@dataclass(frozen=True, slots=True)
class _Crossings:
    """Where the strength falls to half between a pixel and one of its four neighbours, sorted by mark.

    Attributes:
        x: of each crossing.
        y: of each crossing.
        mark: the mark that each belongs to.
        step: its distance from the pixel, 0 to 1.
        rise: the mark's strength there, grey levels; 0 where the neighbour belongs to another mark.
        fall: what the strength falls by from the pixel to the neighbour, grey levels; 0 likewise.
    """

    x: F64
    y: F64
    mark: Index
    step: F64
    rise: F64
    fall: F64


def _crossings(layer: Layer, pixel: Index, mark: Index, deviation: F64, half: F64) -> _Crossings:
    """Half-strength crossings from each pixel to those of its four neighbours that are below."""
    height, width = layer.seen.shape
    y, x = np.divmod(pixel, width)
    strength = np.abs(deviation)
    # marks do not touch, so that a neighbour within any mark is within this one
    inner = np.zeros(height * width, np.bool_)
    inner[pixel] = True
    # beyond the region nothing is known of a mark
    inside = np.stack([x > 0, x < width - 1, y > 0, y < height - 1])
    neighbour = np.where(inside, pixel + _STEP_X + _STEP_Y * width, pixel)
    side, at = np.nonzero(~(inside & inner[neighbour]))
    beyond = np.sign(deviation[at]) * _deviation(layer, neighbour[side, at]) * inside[side, at]
    above, half, mark = strength[at], half[at], mark[at]
    step = (above - half) / np.maximum(above - beyond, MIN_FALL_GREY)
    # where another mark begins before this one has faded, they share the gap
    faded = beyond < half
    step = np.where(faded, np.minimum(np.maximum(step, 0.0), 1.0), 0.5)
    order = np.argsort(mark, kind="stable")
    at, step, side, faded = at[order], step[order], side[order], faded[order]
    return _Crossings(
        x[at] + _STEP_X[side, 0] * step,
        y[at] + _STEP_Y[side, 0] * step,
        mark[order],
        step,
        np.where(faded, half[order] / HALF, 0.0),
        np.where(faded, above[order] - beyond[order], 0.0),
    )


def summed(values: NDArray[Any], mark: Index, n_marks: int) -> F64:
    """(n_marks,) float64: the sum of each mark's values."""
    total: F64 = np.bincount(mark, weights=values, minlength=n_marks)  # type: ignore[assignment]
    return total


def _around(x: Index, y: Index, reach: int) -> tuple[slice, slice]:
    """Rows and columns of the box around pixels, at least one, and `reach` px beyond; it may pass the region's end."""
    rows, columns = (slice(max(int(at.min()) - reach, 0), int(at.max()) + reach + 1) for at in (y, x))
    return rows, columns


def _strongest(layer: Layer, x: Index, y: Index) -> U8:
    """(n,) uint8: the strongest deviation in the 7x7 px around each pixel."""
    side = 2 * NEARBY_PX + 1
    box = _around(x, y, NEARBY_PX)
    away = cv2.dilate(cv2.absdiff(layer.seen[box], layer.expected[box]), np.ones((side, side), np.uint8))
    strongest: U8 = away[y - box[0].start, x - box[1].start]
    return strongest


def _deviation(layer: Layer, pixel: Index) -> F64:
    return layer.seen.reshape(-1)[pixel].astype(np.float64) - layer.expected.reshape(-1)[pixel]
