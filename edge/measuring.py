"""How large a mark is: the standard's sizes in um, to a fraction of a pixel.

A mark ends where its deviation from the background falls to half of its strength nearby. For a mark that is
larger than the picture's blur this is its true edge whatever the blur; a smaller one looks as large as the
blur, which is taken off again. The crossing is interpolated between pixels along rows and columns.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from edge import strokes
from edge.records import Candidate, EndFace

Grey = NDArray[np.uint8]
Ints = NDArray[np.intp]
Floats = NDArray[np.float64]
Shape = Literal["disc", "stroke"]

STROKE_RATIO = 3.0
"""From here on a mark is measured as a stroke: its width is its mean cross-section (3:1 as open code has it)."""
CURVED_FROM_PX = 12.0
"""From here on a mark that fills little of its box is a stroke too, one that is curved or branches."""
EDGE_BIAS_PX = 0.15
"""What interpolation and the estimate of the blur leave, one sigma of a diameter."""
_SEEN: dict[Shape, Floats] = {
    "disc": np.array(
        [
            [0.0, 1.0, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 8.0],
            [2.35, 2.43, 2.53, 2.67, 2.87, 3.12, 3.80, 4.68, 5.68, 7.74],
        ]
    ),
    "stroke": np.array(
        [[0.0, 1.0, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0], [2.35, 2.46, 2.58, 2.77, 3.02, 3.33, 4.11, 5.03, 6.0]]
    ),
}
"""True size, and size between half-strength points, of a uniform disc or stroke through a Gaussian blur; in sigmas."""


@dataclass(frozen=True, slots=True)
class Sheet:
    """A region of a picture and what was expected there.

    Attributes:
        region: (h, w) uint8, the picture, or one that is hardly smoothed (`blur_px` holds that, too).
        expected: (h, w) uint8, the background.
        limit: (h, w) uint8, the deviation from which on a pixel is a mark.
        x_px: the region's first column in the picture.
        y_px: its first row.
        limit_sigma: how many sigma of the noise `limit` is.
        blur_px: one sigma of the region's blur.
    """

    region: Grey
    expected: Grey
    limit: Grey
    x_px: int
    y_px: int
    limit_sigma: float
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
    start = np.searchsorted(mark, np.arange(n_marks))
    width = sheet.region.shape[1]
    y, x = np.divmod(pixel, width)
    deviation = _deviation(sheet, pixel)
    strength = np.abs(deviation)
    peak = np.maximum.reduceat(strength, start)
    nearby = cv2.dilate(cv2.absdiff(sheet.region, sheet.expected), np.ones((7, 7), np.uint8)).reshape(-1)[pixel]
    half = 0.5 * np.minimum(nearby, peak[mark])
    solid = strength >= half
    outline = _outline(sheet, pixel[solid], mark[solid], deviation[solid], half[solid])

    area_px = np.bincount(mark[solid], minlength=n_marks) + outline.partial_px
    um_x, um_y = face.um_per_px_x, face.um_per_px_y
    unit_um = float(np.sqrt(um_x * um_y))
    # the outline in um from the cladding's centre
    edge_x = (outline.x + sheet.x_px - face.x_px) * um_x
    edge_y = (outline.y + sheet.y_px - face.y_px) * um_y
    edge_mark, edge_start = outline.mark, np.searchsorted(outline.mark, np.arange(n_marks))
    centre_x, centre_y = _mean(edge_x, edge_mark, n_marks), _mean(edge_y, edge_mark, n_marks)
    off_x, off_y = edge_x - centre_x[edge_mark], edge_y - centre_y[edge_mark]
    axis = 0.5 * np.arctan2(
        2 * _mean(off_x * off_y, edge_mark, n_marks), _mean(off_x**2 - off_y**2, edge_mark, n_marks)
    )
    along = off_x * np.cos(axis)[edge_mark] + off_y * np.sin(axis)[edge_mark]
    across = off_y * np.cos(axis)[edge_mark] - off_x * np.sin(axis)[edge_mark]
    length = np.maximum.reduceat(along, edge_start) - np.minimum.reduceat(along, edge_start)
    breadth = np.maximum.reduceat(across, edge_start) - np.minimum.reduceat(across, edge_start)
    length, breadth = np.maximum(length, breadth), np.minimum(length, breadth)

    distance = np.hypot(edge_x, edge_y)
    noise = np.add.reduceat(sheet.limit.reshape(-1)[pixel].astype(np.float64), start) / np.bincount(mark)
    noise /= sheet.limit_sigma
    at_peak = np.flatnonzero(strength == peak[mark])
    contrast = deviation[at_peak[np.searchsorted(mark[at_peak], np.arange(n_marks))]]
    mean = np.add.reduceat(deviation, start) / np.bincount(mark)
    box_x0, box_x1 = np.minimum.reduceat(x, start), np.maximum.reduceat(x, start)
    box_y0, box_y1 = np.minimum.reduceat(y, start), np.maximum.reduceat(y, start)
    edges = np.column_stack([edge_x, edge_y]).astype(np.float32)
    edge_stop = np.append(edge_start[1:], edge_mark.size)
    area_um2 = np.maximum(area_px, 0.25) * unit_um**2
    enclosed = np.array(
        [
            2 * cv2.minEnclosingCircle(edges[i:j])[1]
            for i, j in zip(edge_start.tolist(), edge_stop.tolist(), strict=True)
        ]
    )
    thin = (length**2 > STROKE_RATIO * area_um2) & (length > CURVED_FROM_PX * unit_um)
    stroke = (length > STROKE_RATIO * breadth) | thin
    if stroke.any():
        solid_mark = mark[solid]
        turned = x[solid] * um_x * np.cos(axis)[solid_mark] + y[solid] * um_y * np.sin(axis)[solid_mark]
        solid_start = np.searchsorted(solid_mark, np.arange(n_marks))
        section, dotted = strokes.section(turned, solid_mark, solid_start, unit_um)
        bend = strokes.bend(along, across, edge_mark, edge_start, unit_um)
        dots = strokes.dot_breadth(along, across, edge_mark, edge_start, unit_um)
        drawn = section * area_px / np.bincount(solid_mark, minlength=n_marks) / bend
        drawn = np.where(dotted, np.maximum(drawn, dots), drawn)
        length = np.where(stroke, length * bend, length)
        breadth = np.where(stroke, np.minimum(breadth, drawn), breadth)
    blur_um = sheet.blur_px * unit_um
    columns = {
        "x_px": box_x0 + sheet.x_px,
        "y_px": box_y0 + sheet.y_px,
        "w_px": box_x1 - box_x0 + 1,
        "h_px": box_y1 - box_y0 + 1,
        "area_px": np.maximum(1, np.rint(area_px)).astype(np.intp),
        "diameter_um": _without_blur(enclosed, blur_um, "disc"),
        "length_um": _without_blur(length, blur_um, "disc"),
        "width_um": np.where(
            stroke, _without_blur(breadth, blur_um, "stroke"), _without_blur(breadth, blur_um, "disc")
        ),
        "area_um2": area_um2,
        "distance_um": np.hypot(centre_x, centre_y),
        "nearest_um": np.minimum.reduceat(distance, edge_start),
        "farthest_um": np.maximum.reduceat(distance, edge_start),
        "contrast_grey": contrast,
        "mean_grey": mean,
        "noise_grey": noise,
        "uncertainty_um": np.hypot(
            unit_um * np.hypot(EDGE_BIAS_PX, 2.0 * noise / np.maximum(peak, 1.0)),
            # a mark near the blur's own size is not resolved
            0.5 * blur_um * np.clip(3.5 - breadth / blur_um, 0.0, 1.0),
        ),
    }
    rows = zip(*(column.tolist() for column in columns.values()), strict=True)
    return [Candidate(**dict(zip(columns, row, strict=True))) for row in rows]


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
    sign = np.sign(deviation)
    strength = np.abs(deviation)
    n_marks = int(mark[-1]) + 1
    # marks do not touch, so that a neighbour within any mark is within this one
    inner = np.zeros(height * width, np.bool_)
    inner[pixel] = True
    partial = np.zeros(n_marks)
    xs, ys, marks = [], [], []
    for dx, dy in ((-1, 0), (1, 0), (0, -1), (0, 1)):
        inside = (x + dx >= 0) & (x + dx < width) if dx else (y + dy >= 0) & (y + dy < height)
        neighbour = np.where(inside, pixel + dx + dy * width, pixel)
        ends = ~inside | ~inner[neighbour]
        beyond = np.where(inside, sign * _deviation(sheet, neighbour), 0.0)[ends]
        step = (strength[ends] - half[ends]) / np.maximum(strength[ends] - beyond, 1e-6)
        # where another mark begins before this one has faded, they share the gap
        step = np.where(beyond < half[ends], np.clip(step, 0.0, 1.0), 0.5)
        xs.append(x[ends] + dx * step)
        ys.append(y[ends] + dy * step)
        marks.append(mark[ends])
        partial += 0.5 * np.bincount(mark[ends], weights=step - 0.5, minlength=n_marks)
    every = np.concatenate(marks)
    order = np.argsort(every, kind="stable")
    return _Outline(np.concatenate(xs)[order], np.concatenate(ys)[order], every[order], partial)


def _deviation(sheet: Sheet, pixel: Ints) -> Floats:
    return sheet.region[np.divmod(pixel, sheet.region.shape[1])].astype(np.float64) - sheet.expected.reshape(-1)[pixel]


def _mean(values: Floats, mark: Ints, n_marks: int) -> Floats:
    return np.bincount(mark, weights=values, minlength=n_marks) / np.bincount(mark, minlength=n_marks)


def _without_blur(seen_um: Floats, blur_um: float, shape: Shape) -> Floats:
    """The sizes of marks that are seen, at half strength, `seen_um` large through a blur of one sigma `blur_um`.

    Never less than half of what is seen: a mark smaller than the blur cannot be told from a yet smaller one.
    """
    true_sigma, seen_sigma = _SEEN[shape]
    seen = seen_um / blur_um
    true = np.where(seen < seen_sigma[-1], np.interp(seen, seen_sigma, true_sigma), seen)
    return np.maximum(true * blur_um, 0.5 * seen_um)
