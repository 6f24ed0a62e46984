"""How large marks are: the standard's sizes in um, to a fraction of a pixel.

All marks are measured at once, as flat arrays sorted by mark. Sizes are read off the outline (`edge.detect.outline`);
what the picture's blur adds to small ones is taken off again (`edge.detect.deblur`). Long marks are measured as strokes
(`edge.detect.strokes`), all others as discs.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, fields, replace
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.arrays import F64, Bool, Index
from edge.detect import deblur, strokes
from edge.detect.comparison import Layer
from edge.detect.crossing import crossing_breadth_px
from edge.detect.linking import Marks
from edge.detect.outline import MarkPixels, Outline, half_strength, mark_pixels, slightly_smoothed, summed
from edge.imaging.moments import main_axis
from edge.records import Candidate, EndFace

Columns = dict[str, NDArray[Any]]
"""Fields of candidates: one (marks,) array for each."""

_FIELDS = tuple(field.name for field in fields(Candidate))

STROKE_RATIO = 3.0
"""From this ratio of length to breadth on a mark is measured as a stroke: 3:1, as open programs have it."""
CURVED_FROM_PX = 12.0
"""From this length on a mark that fills little of its box is a stroke, too, one that is curved or branches. Chosen on
real end faces."""
MIN_AREA_PX = 0.25
"""Least area of a mark. Chosen on real end faces."""
CIRCLE_GRID = 64
"""The enclosing circle's centre is rounded to a 64th of a pixel."""
EDGE_BIAS_PX = 0.15
"""What interpolation and the estimate of the blur leave, one sigma of a diameter. Chosen on real end faces."""
STROKE_BIAS_PX = 0.2
"""The same of a stroke's width, which its ends and weak stretches thin."""
UNEVEN = 0.03
"""One sigma of what a mark's own unevenness, and that of the glass under it, adds: a share of its breadth."""
SPREAD = 3.0
"""A section so many times as broad as the strokes of which it consists is that of several that cross. Chosen on drawn
and real end faces: a gouge with two edges stays as wide as both."""
EDGES = 2.0
"""A diameter has two edges, and the noise moves both."""
RESOLVED_SIGMA = 4.0
"""A mark that looks this broad, in sigmas of the blur, is resolved; one narrower by a sigma is not at all. Chosen on
real end faces."""
UNRESOLVED_SIGMA = 0.5
"""Uncertainty of a mark that is not resolved, in sigmas of the blur. Chosen on real end faces."""


@dataclass(frozen=True, slots=True)
class Axes:
    """Outlines in um from the cladding's centre, sorted by mark, and along their main axes.

    Attributes:
        mark: the mark that each point belongs to.
        start: (marks,) each mark's first point.
        distance: of each point from the cladding's centre.
        centre_x: (marks,) the mean of a mark's points.
        centre_y: (marks,) the same.
        off_x: of each point from its mark's mean.
        off_y: the same.
        axis_x: (marks,) x of the unit vector along a mark's main axis.
        axis_y: (marks,) y of it.
        along: of each point, `off` along that axis.
        across: the same across it.
    """

    mark: Index
    start: Index
    distance: F64
    centre_x: F64
    centre_y: F64
    off_x: F64
    off_y: F64
    axis_x: F64
    axis_y: F64
    along: F64
    across: F64


@dataclass(frozen=True, slots=True)
class Extents:
    """How large marks look, in um, before the blur is taken off.

    Attributes:
        length: (marks,) of a stroke along its path.
        breadth: (marks,) of a stroke the mean cross-section.
        enclosed: (marks,) the diameter of the smallest circle around it.
        area_um2: (marks,) what its outline encloses.
        stroke: (marks,) whether it is measured as a stroke.
    """

    length: F64
    breadth: F64
    enclosed: F64
    area_um2: F64
    stroke: Bool


def measure_smoothed(layer: Layer, face: EndFace, marks: Marks) -> list[Candidate]:
    """What `measure` gives for a layer whose pixels are smoothed slightly first; its blur must hold that already."""
    if marks.n_marks == 0:
        return []
    return measure(replace(layer, seen=slightly_smoothed(layer.seen, marks.pixel)), face, marks)


def measure(layer: Layer, face: EndFace, marks: Marks) -> list[Candidate]:
    """One candidate for each mark, in order of the mark's number.

    Args:
        layer: a picture beside its background.
        face: centre and scale, in the layer's pixels.
        marks: the pixels of each mark.
    """
    if marks.n_marks == 0:
        return []
    pixels = mark_pixels(layer, marks)
    outline = half_strength(layer, pixels)
    at = axes(outline, layer, face)
    grey = grey_levels(layer, pixels)
    seen = extents(pixels, outline, at, face)
    unit_um = math.sqrt(face.um_per_px_x * face.um_per_px_y)
    blur_um = layer.blur_px * unit_um
    return candidates(
        **boxes(layer, pixels),
        **sizes(seen, blur_um),
        **distances(at),
        **grey,
        area_px=np.maximum(1, np.rint(outline.area_px)).astype(np.intp),
        area_um2=seen.area_um2,
        uncertainty_um=uncertainty(seen, outline.softness_px * grey["noise_grey"] / pixels.peak, unit_um, blur_um),
    )


def axes(outline: Outline, layer: Layer, face: EndFace) -> Axes:
    """Where each mark's outline lies on the end face, and along and across which line."""
    mark, n_marks = outline.mark, outline.area_px.size
    x = (outline.x + (layer.x_px - face.x_px)) * face.um_per_px_x
    y = (outline.y + (layer.y_px - face.y_px)) * face.um_per_px_y
    count = np.bincount(mark, minlength=n_marks)
    start = np.cumsum(count) - count
    centre_x, centre_y = summed(x, mark, n_marks) / count, summed(y, mark, n_marks) / count
    off_x, off_y = x - centre_x[mark], y - centre_y[mark]
    moments = (summed(product, mark, n_marks) for product in (off_x * off_x, off_y * off_y, off_x * off_y))
    _, _, axis_x, axis_y = main_axis(*moments)
    along = off_x * axis_x[mark] + off_y * axis_y[mark]
    across = off_y * axis_x[mark] - off_x * axis_y[mark]
    distance = np.sqrt(x * x + y * y)
    return Axes(mark, start, distance, centre_x, centre_y, off_x, off_y, axis_x, axis_y, along, across)


def extents(pixels: MarkPixels, outline: Outline, at: Axes, face: EndFace) -> Extents:
    """How large each mark looks: as a disc, or as a stroke if it is long and thin."""
    unit_um = math.sqrt(face.um_per_px_x * face.um_per_px_y)
    length = np.maximum.reduceat(at.along, at.start) - np.minimum.reduceat(at.along, at.start)
    breadth = np.maximum.reduceat(at.across, at.start) - np.minimum.reduceat(at.across, at.start)
    length, breadth = np.maximum(length, breadth), np.minimum(length, breadth)
    area_um2 = np.maximum(outline.area_px, MIN_AREA_PX) * unit_um**2
    enclosed = _enclosed(at, unit_um)
    thin = (length**2 > STROKE_RATIO * area_um2) & (length > CURVED_FROM_PX * unit_um)
    stroke = (length > STROKE_RATIO * breadth) | thin
    if stroke.any():
        bend, drawn = _strokes(pixels, outline, at, face, stroke)
        length = np.where(stroke, length * bend, length)
        breadth = np.where(stroke, np.minimum(breadth, drawn), breadth)
    return Extents(length, breadth, enclosed, area_um2, stroke)


def _strokes(pixels: MarkPixels, outline: Outline, at: Axes, face: EndFace, stroke: Bool) -> tuple[F64, F64]:
    """Of each mark, if it is a stroke: how much longer its path is than a straight line, and its breadth in um."""
    um_x, um_y = face.um_per_px_x, face.um_per_px_y
    unit_um = math.sqrt(um_x * um_y)
    solid, mark = outline.solid, pixels.mark[outline.solid]
    turned = pixels.x[solid] * um_x * at.axis_x[mark] + pixels.y[solid] * um_y * at.axis_y[mark]
    section, dotted = strokes.section(turned, mark, np.cumsum(outline.n_solid) - outline.n_solid, unit_um)
    bend = strokes.bend(at.along, at.across, at.mark, at.start, unit_um)
    # the section is of whole pixels along the straight line: scaled to the true area, and turned with the path
    drawn = section * outline.area_px / outline.n_solid / bend
    if (stroke & dotted).any():
        dots = strokes.dot_breadth(at.along, at.across, at.mark, at.start, unit_um)
        drawn = np.where(dotted, np.maximum(drawn, dots), drawn)
    # strokes that cross spread far over the axis: what they have in common is no width
    edge_px = np.bincount(at.mark, minlength=stroke.size)
    for i in np.flatnonzero(stroke & (drawn > SPREAD * 2 * outline.area_px / edge_px * unit_um)).tolist():
        of = np.flatnonzero(solid[pixels.start[i] : pixels.start[i] + pixels.count[i]]) + pixels.start[i]
        breadth = crossing_breadth_px(pixels.x[of], pixels.y[of])
        if breadth is not None and drawn[i] > SPREAD * breadth * unit_um:
            drawn[i] = breadth * unit_um
    return bend, drawn


def _enclosed(at: Axes, unit_um: float) -> F64:
    """(marks,) the diameter of the smallest circle around each mark's points, to a 64th of a pixel.

    OpenCV's circle differs in its last digits from machine to machine, so only its centre is taken, to that grid.
    """
    points = np.column_stack([at.off_x, at.off_y]).astype(np.float32)
    stop = np.append(at.start[1:], at.mark.size)
    middles = [cv2.minEnclosingCircle(points[i:j])[0] for i, j in zip(at.start.tolist(), stop.tolist(), strict=True)]
    grid = unit_um / CIRCLE_GRID
    middle = np.rint(np.array(middles) / grid) * grid
    dx, dy = at.off_x - middle[at.mark, 0], at.off_y - middle[at.mark, 1]
    diameter: F64 = 2 * np.sqrt(np.maximum.reduceat(dx * dx + dy * dy, at.start))
    return diameter


def sizes(seen: Extents, blur_um: float) -> Columns:
    """Length, width and diameter with the blur, one sigma of it in um, taken off."""
    looks = np.stack([seen.breadth, seen.length, seen.enclosed])
    width, length, diameter = deblur.without_blur(looks, blur_um, "disc")
    if seen.stroke.any():
        drawn_width, drawn_length = deblur.without_blur(looks[:2], blur_um, "stroke")
        width = np.where(seen.stroke, drawn_width, width)
        length = np.where(seen.stroke, drawn_length, length)
    return {"width_um": width, "length_um": length, "diameter_um": diameter}


def uncertainty(seen: Extents, edge_noise_px: F64, unit_um: float, blur_um: float) -> F64:
    """One sigma of diameter and width in um: the outline's own, what noise adds, and that of marks not resolved.

    Args:
        seen: how large the marks look.
        edge_noise_px: by how much one sigma of the noise moves each mark's edge.
        unit_um: size of a pixel.
        blur_um: one sigma of the blur.
    """
    outline_px = np.where(seen.stroke, STROKE_BIAS_PX, EDGE_BIAS_PX)
    noise_px = EDGES * edge_noise_px
    # a mark near the blur's own size is not resolved
    share = np.minimum(np.maximum(RESOLVED_SIGMA - seen.breadth / blur_um, 0.0), 1.0)
    unresolved = UNRESOLVED_SIGMA * blur_um * share
    uneven = UNEVEN * seen.breadth
    squares = unit_um**2 * (outline_px**2 + noise_px * noise_px) + unresolved * unresolved + uneven * uneven
    sigma: F64 = np.sqrt(squares)
    return sigma


def boxes(layer: Layer, pixels: MarkPixels) -> Columns:
    """Each mark's box in the whole picture."""
    x, y, start = pixels.x, pixels.y, pixels.start
    left, right = np.minimum.reduceat(x, start), np.maximum.reduceat(x, start)
    # the pixels of a mark are in order of their rows
    top, bottom = y[start], y[start + pixels.count - 1]
    return {
        "x_px": left + layer.x_px,
        "y_px": top + layer.y_px,
        "w_px": right - left + 1,
        "h_px": bottom - top + 1,
    }


def distances(at: Axes) -> Columns:
    """From the cladding's centre to each mark's centroid, nearest and farthest point, um."""
    return {
        "distance_um": np.sqrt(at.centre_x * at.centre_x + at.centre_y * at.centre_y),
        "nearest_um": np.minimum.reduceat(at.distance, at.start),
        "farthest_um": np.maximum.reduceat(at.distance, at.start),
    }


def grey_levels(layer: Layer, pixels: MarkPixels) -> Columns:
    """Each mark's strongest and mean deviation, and the noise around it."""
    mark, n_marks = pixels.mark, pixels.count.size
    at_peak = np.flatnonzero(pixels.strength == pixels.peak[mark])
    first = at_peak[np.searchsorted(mark[at_peak], np.arange(n_marks))]
    limit = summed(layer.limit.reshape(-1)[pixels.pixel], mark, n_marks)
    return {
        "contrast_grey": pixels.deviation[first],
        "mean_grey": summed(pixels.deviation, mark, n_marks) / pixels.count,
        "noise_grey": limit / (pixels.count * layer.limit_per_sigma),
    }


def candidates(**columns: NDArray[Any]) -> list[Candidate]:
    """Rows of columns: one (marks,) array for each field of a candidate."""
    return [Candidate(*row) for row in zip(*(columns[name].tolist() for name in _FIELDS), strict=True)]
