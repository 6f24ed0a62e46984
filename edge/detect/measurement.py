"""How large a mark is: the standard's sizes in um, to a fraction of a pixel.

A mark ends where its deviation from the background falls to half of its strength nearby. For a mark that is
larger than the picture's blur this is its true edge whatever the blur; a smaller one looks as large as the
blur, which is taken off again. The crossing is interpolated between pixels along rows and columns.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from typing import Any, Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.detect import linking, strokes
from edge.records import Candidate, EndFace

Grey = NDArray[np.uint8]
Ints = NDArray[np.intp]
Floats = NDArray[np.float64]
Shape = Literal["disc", "stroke"]

_FIELDS = tuple(field.name for field in fields(Candidate))

NEARBY_PX = 3
"""How far around a pixel, along rows and columns, a mark's strength is looked for."""
STROKE_RATIO = 3.0
"""From here on a mark is measured as a stroke: its width is its mean cross-section (3:1 as open code has it)."""
CURVED_FROM_PX = 12.0
"""From here on a mark that fills little of its box is a stroke too, one that is curved or branches."""
EDGE_BIAS_PX = 0.15
"""What interpolation and the estimate of the blur leave, one sigma of a diameter."""
_SEEN: dict[Shape, Floats] = {
    "disc": np.array(
        [
            [0.0, 1.0, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0],
            [2.35, 2.43, 2.53, 2.67, 2.87, 3.12, 3.80, 4.68, 5.68, 7.74, 10.0],
        ]
    ),
    "stroke": np.array(
        [[0.0, 1.0, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0], [2.35, 2.46, 2.58, 2.77, 3.02, 3.33, 4.11, 5.03, 6.0]]
    ),
}
"""True size, and size between half-strength points, of a uniform disc or stroke through a Gaussian blur; in sigmas.

From 8 to 10 what blur takes off a disc (2 / d) is let go: cameras sharpen, which gives back the little that is left,
and without a step a mark that is seen larger is told larger.
"""


@dataclass(frozen=True, slots=True)
class Sheet:
    """A region of a picture and what was expected there.

    Attributes:
        region: (h, w) uint8, the picture, or one that is hardly smoothed (`blur_px` holds that, too).
        expected: (h, w) uint8, the background.
        limit: (h, w) uint8, what the deviation of a mark exceeds, in any unit.
        x_px: the region's first column in the picture.
        y_px: its first row.
        per_noise: by what `limit` is to be divided for one sigma of the noise.
        blur_px: one sigma of the region's blur.
    """

    region: Grey
    expected: Grey
    limit: Grey
    x_px: int
    y_px: int
    per_noise: float
    blur_px: float


def measure(sheet: Sheet, face: EndFace, pixel: Ints, mark: Ints, n_marks: int) -> list[Candidate]:
    """One candidate for each mark, in order of the mark's number.

    Args:
        sheet: the region and its background.
        face: centre and scale.
        pixel: flat indices into the region; each belongs to one mark.
        mark: number of the mark that each pixel belongs to, 0 to n_marks - 1; every mark has a pixel.
        n_marks: how many marks there are.
    """
    if n_marks == 0:
        return []
    order = np.argsort(mark, kind="stable")
    pixel, mark = pixel[order], mark[order]
    count = np.bincount(mark)
    start = np.cumsum(count) - count
    y, x = np.divmod(pixel, sheet.region.shape[1])
    deviation = _deviation(sheet, pixel)
    strength = np.abs(deviation)
    peak = np.maximum.reduceat(strength, start)
    half = 0.5 * np.minimum(_strongest(sheet, x, y), peak[mark])
    solid = strength >= half
    solid_mark = mark[solid]
    n_solid = np.bincount(solid_mark, minlength=n_marks)
    outline = _outline(sheet, pixel[solid], solid_mark, deviation[solid], half[solid])

    area_px = n_solid + outline.partial_px
    um_x, um_y = face.um_per_px_x, face.um_per_px_y
    unit_um = math.sqrt(um_x * um_y)
    # the outline in um from the cladding's centre
    edge_x = (outline.x + (sheet.x_px - face.x_px)) * um_x
    edge_y = (outline.y + (sheet.y_px - face.y_px)) * um_y
    edge_mark = outline.mark
    n_edge = np.bincount(edge_mark, minlength=n_marks)
    edge_start = np.cumsum(n_edge) - n_edge
    centre_x, centre_y = _sum(edge_x, edge_mark, n_marks) / n_edge, _sum(edge_y, edge_mark, n_marks) / n_edge
    off_x, off_y = edge_x - centre_x[edge_mark], edge_y - centre_y[edge_mark]
    moments = (_sum(product, edge_mark, n_marks) for product in (off_x * off_x, off_y * off_y, off_x * off_y))
    _, _, axis_x, axis_y = linking.main_axis(*moments)
    along = off_x * axis_x[edge_mark] + off_y * axis_y[edge_mark]
    across = off_y * axis_x[edge_mark] - off_x * axis_y[edge_mark]
    length = np.maximum.reduceat(along, edge_start) - np.minimum.reduceat(along, edge_start)
    breadth = np.maximum.reduceat(across, edge_start) - np.minimum.reduceat(across, edge_start)
    length, breadth = np.maximum(length, breadth), np.minimum(length, breadth)

    distance = np.sqrt(edge_x * edge_x + edge_y * edge_y)
    noise = _sum(sheet.limit.reshape(-1)[pixel], mark, n_marks) / (count * sheet.per_noise)
    at_peak = np.flatnonzero(strength == peak[mark])
    contrast = deviation[at_peak[np.searchsorted(mark[at_peak], np.arange(n_marks))]]
    mean = _sum(deviation, mark, n_marks) / count
    box_x0, box_x1 = np.minimum.reduceat(x, start), np.maximum.reduceat(x, start)
    # the pixels of a mark are in order
    box_y0, box_y1 = y[start], y[start + count - 1]
    area_um2 = np.maximum(area_px, 0.25) * unit_um**2
    enclosed = _enclosed(off_x, off_y, edge_mark, edge_start, unit_um)
    thin = (length**2 > STROKE_RATIO * area_um2) & (length > CURVED_FROM_PX * unit_um)
    stroke = (length > STROKE_RATIO * breadth) | thin
    if stroke.any():
        turned = x[solid] * um_x * axis_x[solid_mark] + y[solid] * um_y * axis_y[solid_mark]
        section, dotted = strokes.section(turned, solid_mark, np.cumsum(n_solid) - n_solid, unit_um)
        bend = strokes.bend(along, across, edge_mark, edge_start, unit_um)
        drawn = section * area_px / n_solid / bend
        if (stroke & dotted).any():
            dots = strokes.dot_breadth(along, across, edge_mark, edge_start, unit_um)
            drawn = np.where(dotted, np.maximum(drawn, dots), drawn)
        length = np.where(stroke, length * bend, length)
        breadth = np.where(stroke, np.minimum(breadth, drawn), breadth)
    blur_um = sheet.blur_px * unit_um
    sizes = np.stack([breadth, length, enclosed])
    width, length, diameter = _without_blur(sizes, blur_um, "disc")
    if stroke.any():
        drawn_width, drawn_length = _without_blur(sizes[:2], blur_um, "stroke")
        width, length = np.where(stroke, drawn_width, width), np.where(stroke, drawn_length, length)
    unsure = 2.0 * noise / np.maximum(peak, 1.0)
    unresolved = 0.5 * blur_um * np.minimum(np.maximum(3.5 - breadth / blur_um, 0.0), 1.0)
    columns = {
        "x_px": box_x0 + sheet.x_px,
        "y_px": box_y0 + sheet.y_px,
        "w_px": box_x1 - box_x0 + 1,
        "h_px": box_y1 - box_y0 + 1,
        "area_px": np.maximum(1, np.rint(area_px)).astype(np.intp),
        "diameter_um": diameter,
        "length_um": length,
        "width_um": width,
        "area_um2": area_um2,
        "distance_um": np.sqrt(centre_x * centre_x + centre_y * centre_y),
        "nearest_um": np.minimum.reduceat(distance, edge_start),
        "farthest_um": np.maximum.reduceat(distance, edge_start),
        "contrast_grey": contrast,
        "mean_grey": mean,
        "noise_grey": noise,
        # a mark near the blur's own size is not resolved
        "uncertainty_um": np.sqrt(unit_um**2 * (EDGE_BIAS_PX**2 + unsure * unsure) + unresolved * unresolved),
    }
    return [Candidate(*row) for row in zip(*(columns[name].tolist() for name in _FIELDS), strict=True)]


def around(x: Ints, y: Ints, reach: int) -> tuple[slice, slice]:
    """Rows and columns of the box around pixels, at least one, and `reach` px beyond; it may pass the region's end."""
    rows, columns = (slice(max(int(at.min()) - reach, 0), int(at.max()) + reach + 1) for at in (y, x))
    return rows, columns


def _strongest(sheet: Sheet, x: Ints, y: Ints) -> Grey:
    """(n,) uint8: the strongest deviation in the 7x7 px around each pixel."""
    side = 2 * NEARBY_PX + 1
    box = around(x, y, NEARBY_PX)
    away = cv2.dilate(cv2.absdiff(sheet.region[box], sheet.expected[box]), np.ones((side, side), np.uint8))
    strongest: Grey = away[y - box[0].start, x - box[1].start]
    return strongest


def _enclosed(x: Floats, y: Floats, mark: Ints, start: Ints, pixel: float) -> Floats:
    """(n,) float64: the diameter of the smallest circle around each mark's points, to a 64th of a pixel.

    OpenCV's circle differs in its last digits from machine to machine, so only its centre is taken, to that grid.
    """
    points = np.column_stack([x, y]).astype(np.float32)
    stop = np.append(start[1:], mark.size)
    middles = [cv2.minEnclosingCircle(points[i:j])[0] for i, j in zip(start.tolist(), stop.tolist(), strict=True)]
    grid = pixel / 64
    middle = np.rint(np.array(middles) / grid) * grid
    dx, dy = x - middle[mark, 0], y - middle[mark, 1]
    diameter: Floats = 2 * np.sqrt(np.maximum.reduceat(dx * dx + dy * dy, start))
    return diameter


@dataclass(frozen=True, slots=True)
class _Outline:
    """Where marks end: points (x, y) in the region, sorted by mark, and the area beyond whole pixels."""

    x: Floats
    y: Floats
    mark: Ints
    partial_px: Floats


def _outline(sheet: Sheet, pixel: Ints, mark: Ints, deviation: Floats, half: Floats) -> _Outline:
    """Half-strength crossings from each pixel to its four neighbours, where the neighbour is below."""
    height, width = sheet.region.shape
    y, x = np.divmod(pixel, width)
    strength = np.abs(deviation)
    n_marks = int(mark[-1]) + 1
    # marks do not touch, so that a neighbour within any mark is within this one
    inner = np.zeros(height * width, np.bool_)
    inner[pixel] = True
    # beyond the region nothing is known of a mark
    inside = np.stack([x > 0, x < width - 1, y > 0, y < height - 1])
    neighbour = np.where(inside, pixel + _STEP_X + _STEP_Y * width, pixel)
    side, at = np.nonzero(~(inside & inner[neighbour]))
    beyond = np.sign(deviation[at]) * _deviation(sheet, neighbour[side, at]) * inside[side, at]
    above, half, mark = strength[at], half[at], mark[at]
    step = (above - half) / np.maximum(above - beyond, 1e-6)
    # where another mark begins before this one has faded, they share the gap
    step = np.where(beyond < half, np.minimum(np.maximum(step, 0.0), 1.0), 0.5)
    order = np.argsort(mark, kind="stable")
    at, step, side, mark = at[order], step[order], side[order], mark[order]
    partial = 0.5 * _sum(step - 0.5, mark, n_marks)
    return _Outline(x[at] + _STEP_X[side, 0] * step, y[at] + _STEP_Y[side, 0] * step, mark, partial)


_STEP_X, _STEP_Y = np.array([[-1], [1], [0], [0]]), np.array([[0], [0], [-1], [1]])


def _deviation(sheet: Sheet, pixel: Ints) -> Floats:
    return sheet.region.reshape(-1)[pixel].astype(np.float64) - sheet.expected.reshape(-1)[pixel]


def _sum(values: NDArray[Any], mark: Ints, n_marks: int) -> Floats:
    total: Floats = np.bincount(mark, weights=values, minlength=n_marks)  # type: ignore[assignment]
    return total


def _without_blur(seen_um: Floats, blur_um: float, shape: Shape) -> Floats:
    """The sizes of marks that are seen, at half strength, `seen_um` large through a blur of one sigma `blur_um`.

    Never less than half of what is seen: a mark smaller than the blur cannot be told from a yet smaller one.
    """
    true_sigma, seen_sigma = _SEEN[shape]
    seen = seen_um / blur_um
    true: Floats = np.where(seen < seen_sigma[-1], np.interp(seen, seen_sigma, true_sigma), seen)
    return np.maximum(true * blur_um, 0.5 * seen_um)
