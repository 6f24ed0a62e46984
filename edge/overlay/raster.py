"""Paints a drawing with OpenCV."""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.overlay.drawing import (
    HERSHEY_CAP,
    Box,
    Colour,
    Drawing,
    EllipseItem,
    Group,
    Item,
    Label,
    Pane,
    Panel,
    Pen,
    printable,
    stroke_width,
)

Canvas = NDArray[np.uint8]
_HALO: Colour = (16, 16, 16)
# cv2 takes fixed-point coordinates; 4 bits are a sixteenth of a pixel.
_SHIFT = 4
# Fixed-point coordinates are 32 bit; what lies this far outside the canvas is cut there, where nobody sees it.
_FAR = 30_000.0


def paint(drawing: Drawing, pixels: NDArray[np.uint8]) -> Canvas:
    """The drawing as (height, width, 3) uint8 BGR; `pixels` is (h, w) uint8 and is not changed."""
    canvas = np.full((drawing.height, drawing.width, 3), _bgr(drawing.ground), np.uint8)
    for pane in drawing.panes:
        region = _region(canvas, pane.box)
        region[:] = cv2.cvtColor(_shown(pane, pixels, region.shape[1], region.shape[0]), cv2.COLOR_GRAY2BGR)
        for item in pane.items:
            _draw(region, item, pane.box.x, pane.box.y)
    for item in drawing.items:
        _draw(canvas, item, 0.0, 0.0)
    return canvas


def _bgr(colour: Colour) -> Colour:
    return colour[2], colour[1], colour[0]


def _region(canvas: Canvas, box: Box) -> Canvas:
    x, y = max(0, round(box.x)), max(0, round(box.y))
    return canvas[y : max(y, round(box.bottom)), x : max(x, round(box.right))]


def _shown(pane: Pane, pixels: NDArray[np.uint8], width: int, height: int) -> NDArray[np.uint8]:
    """The pane's part of the picture at the canvas's scale, black outside the picture."""
    if pane.left_px == 0 and pane.top_px == 0 and min(pane.scale_x, pane.scale_y) <= 1:
        # The whole picture, made smaller: every pixel counts, so that a thin scratch does not fall between.
        return np.asarray(cv2.resize(pixels, (width, height), interpolation=cv2.INTER_AREA), dtype=np.uint8)
    # Canvas pixel centres (i + 0.5) back to the picture's, which begin at 0.
    to_picture = np.array(
        [
            [1 / pane.scale_x, 0, pane.left_px + 0.5 / pane.scale_x - 0.5],
            [0, 1 / pane.scale_y, pane.top_px + 0.5 / pane.scale_y - 0.5],
        ]
    )
    whole = pane.left_px == 0 and pane.top_px == 0
    border = cv2.BORDER_REPLICATE if whole else cv2.BORDER_CONSTANT
    flags = cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP
    return np.asarray(cv2.warpAffine(pixels, to_picture, (width, height), flags=flags, borderMode=border), np.uint8)


def _draw(region: Canvas, item: Item, x0: float, y0: float) -> None:
    if isinstance(item, Group):
        for part in item.items:
            _draw(region, part, x0, y0)
    elif isinstance(item, Panel):
        _fill(region, item, x0, y0)
    elif isinstance(item, Label):
        _write(region, item, x0, y0)
    else:
        path = item.as_path() if isinstance(item, EllipseItem) else item
        points = np.array(path.points, np.float64) - (x0 + 0.5, y0 + 0.5)
        _stroke(region, points, path.closed, path.pen)


def _fill(region: Canvas, panel: Panel, x0: float, y0: float) -> None:
    box = panel.box
    part = _region(region, Box(box.x - x0, box.y - y0, box.w, box.h))
    if panel.opacity >= 1:
        part[:] = _bgr(panel.fill)
    elif part.size:
        part[:] = np.round(part * (1 - panel.opacity) + np.array(_bgr(panel.fill)) * panel.opacity).astype(np.uint8)


def _write(region: Canvas, label: Label, x0: float, y0: float) -> None:
    where = (round(label.x - x0), round(label.y - y0))
    cv2.putText(
        region,
        printable(label.text),
        where,
        cv2.FONT_HERSHEY_SIMPLEX,
        label.cap / HERSHEY_CAP,
        _bgr(label.colour),
        stroke_width(label.cap, label.bold),
        cv2.LINE_AA,
    )


def _stroke(region: Canvas, points: NDArray[np.float64], closed: bool, pen: Pen) -> None:
    points = np.clip(points, -_FAR, _FAR)
    if pen.opacity >= 1:
        _lines(region, points, closed, pen)
        return
    reach = math.ceil(pen.width / 2 + pen.halo) + 2
    low = np.floor(points.min(axis=0) - reach).astype(int).clip(0)
    high = np.ceil(points.max(axis=0) + reach).astype(int).clip(0) + 1
    part = region[low[1] : high[1], low[0] : high[0]]
    if part.size:
        over = part.copy()
        _lines(over, points - low, closed, pen)
        cv2.addWeighted(over, pen.opacity, part, 1 - pen.opacity, 0, dst=part)


def _lines(region: Canvas, points: NDArray[np.float64], closed: bool, pen: Pen) -> None:
    pieces = [points] if pen.dash is None else _dashes(points, closed, pen.dash)
    closed = closed and pen.dash is None
    fixed = [np.round(piece * (1 << _SHIFT)).astype(np.int32).reshape(-1, 1, 2) for piece in pieces]
    if pen.halo > 0:
        thick = max(1, round(pen.width + 2 * pen.halo))
        cv2.polylines(region, fixed, closed, _bgr(_HALO), thick, cv2.LINE_AA, _SHIFT)
    cv2.polylines(region, fixed, closed, _bgr(pen.colour), max(1, round(pen.width)), cv2.LINE_AA, _SHIFT)


def _dashes(points: NDArray[np.float64], closed: bool, dash: tuple[float, float]) -> list[NDArray[np.float64]]:
    """Cuts a line into strokes; on a closed one stroke and gap are stretched so that the last gap is a whole one."""
    ring = np.vstack([points, points[:1]]) if closed else points
    along = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(ring, axis=0).T))])
    length = float(along[-1])
    if length <= sum(dash):
        return [ring]
    period = length / round(length / sum(dash)) if closed else sum(dash)
    on = period * dash[0] / sum(dash)
    pieces = []
    for start in np.arange(0.0, length - 1e-6, period):
        end = min(start + on, length)
        inner = along[(along > start) & (along < end)]
        at = np.concatenate([[start], inner, [end]])
        pieces.append(np.column_stack([np.interp(at, along, ring[:, 0]), np.interp(at, along, ring[:, 1])]))
    return pieces
