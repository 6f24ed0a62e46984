"""How verdicts, zones and marks look: colours that colour-blind eyes keep apart, and a shape for each label.

Colours: Okabe and Ito, Color Universal Design (2008), made to be told apart by all kinds of colour vision; each label
has a shape besides, and each verdict a sign, so that colour is never the only difference.
"""

from __future__ import annotations

import math

from edge.labels import CHIP, CONTAMINATION, DIG, SCRATCH
from edge.overlay.drawing import Box, Colour, EllipseItem, Path, Pen
from edge.records import Candidate, EndFace, Status

WHITE: Colour = (255, 255, 255)
INK: Colour = (24, 24, 24)
PALE: Colour = (200, 200, 200)
GREEN: Colour = (0, 158, 115)
GOLD: Colour = (255, 214, 102)

# The purple is lighter than Okabe and Ito's (204, 121, 167), to be read as small text on a dark ground.
LABEL_COLOURS: dict[str, Colour] = {
    "scratch": (86, 180, 233),
    "dig": (230, 159, 0),
    "contamination": (240, 228, 66),
    "chip": (224, 138, 190),
}
# Fill and ink of the verdict, from the same palette; the green and the red are darkened until white stands out with
# more than 4.5 : 1 (WCAG 2.1, 1.4.3).
STATUS_COLOURS: dict[Status, tuple[Colour, Colour]] = {
    Status.PASS: ((0, 122, 88), WHITE),
    Status.FAIL: ((184, 60, 0), WHITE),
    Status.UNREADABLE: ((230, 159, 0), (0, 0, 0)),
}


def label_colour(label: str) -> Colour:
    """The colour of a label; white for `unknown` and for what other models name."""
    return LABEL_COLOURS.get(label, WHITE)


def size_text(size_um: float) -> str:
    """A size without its unit, with a digit after the point below 100."""
    return f"{size_um:.1f}" if size_um < 99.95 else f"{size_um:.0f}"


def outline(label: str, box: Box, pen: Pen, slope: int = 0) -> tuple[Path | EllipseItem, ...]:
    """The label's shape around a box.

    A scratch has brackets at its ends (at all four corners where its `slope` is not known), a dig a circle,
    contamination a frame of eight sides, a chip a diamond, everything else a rectangle.
    """
    (x, y), rx, ry = box.centre, box.w / 2, box.h / 2
    if label == SCRATCH:
        return _brackets(box, pen, slope)
    if label == DIG:
        r = max(rx, ry) * 1.1
        return (EllipseItem(x, y, r, r, pen),)
    if label == CONTAMINATION:
        cut = 0.3 * min(box.w, box.h)
        xs = (box.x, box.x + cut, box.right - cut, box.right)
        ys = (box.y, box.y + cut, box.bottom - cut, box.bottom)
        corners = ((1, 0), (2, 0), (3, 1), (3, 2), (2, 3), (1, 3), (0, 2), (0, 1))
        return (Path(tuple((xs[i], ys[j]) for i, j in corners), pen, closed=True),)
    if label == CHIP:
        # A diamond holds the whole box when its half diagonals are rx + ry; corners are seldom part of a chip.
        r = (rx + ry) * 0.95
        return (Path(((x, y - r), (x + r, y), (x, y + r), (x - r, y)), pen, closed=True),)
    return (Path(((box.x, box.y), (box.right, box.y), (box.right, box.bottom), (box.x, box.bottom)), pen, closed=True),)


def _brackets(box: Box, pen: Pen, slope: int) -> tuple[Path | EllipseItem, ...]:
    """Corners of a box: long scratches have large boxes, and a whole frame would hide more than it shows."""
    arm = min(0.25 * max(box.w, box.h), 12 * max(pen.width, 1.0))
    ax, ay = min(arm, box.w / 2), min(arm, box.h / 2)
    corners = [
        (x, dx, y, dy) for x, dx in ((box.x, ax), (box.right, -ax)) for y, dy in ((box.y, ay), (box.bottom, -ay))
    ]
    if slope:
        corners = [corner for corner in corners if (corner[1] > 0) == ((corner[3] > 0) == (slope > 0))]
    return tuple(Path(((x + dx, y), (x, y), (x, y + dy)), pen) for x, dx, y, dy in corners)


def slope_of(candidate: Candidate, face: EndFace) -> int:
    """Which diagonal of its box a long mark follows: 1 falls to the right, -1 rises, 0 cannot be told.

    A record holds no direction, but of the box's two diagonals only one passes the centre of the cladding at the
    mark's nearest distance and ends at its farthest.
    """
    c = candidate
    x, y = c.x_px - 0.5 - face.x_px, c.y_px - 0.5 - face.y_px
    x0, x1 = x * face.um_per_px_x, (x + c.w_px) * face.um_per_px_x
    y0, y1 = y * face.um_per_px_y, (y + c.h_px) * face.um_per_px_y
    length = math.hypot(x1 - x0, y1 - y0)
    misses = [
        abs(_from_origin(ax, ay, bx, by) - c.nearest_um)
        + abs(max(math.hypot(ax, ay), math.hypot(bx, by)) - c.farthest_um)
        for ax, ay, bx, by in ((x0, y0, x1, y1), (x0, y1, x1, y0))
    ]
    sure = 0.04 * length + 1.0
    if min(misses) > 0.15 * length + 2.0 or abs(misses[0] - misses[1]) < sure:
        return 0
    return 1 if misses[0] < misses[1] else -1


def _from_origin(ax: float, ay: float, bx: float, by: float) -> float:
    """Distance of a segment from (0, 0)."""
    dx, dy = bx - ax, by - ay
    t = min(max(-(ax * dx + ay * dy) / max(dx * dx + dy * dy, 1e-12), 0.0), 1.0)
    return math.hypot(ax + t * dx, ay + t * dy)


def sign_of(status: Status, box: Box, colour: Colour) -> tuple[Path, ...]:
    """A tick, a cross or an exclamation mark that fills the box."""
    pen = Pen(colour, max(2.0, box.h * 0.16))

    def at(u: float, v: float) -> tuple[float, float]:
        return box.x + u * box.w, box.y + v * box.h

    if status is Status.PASS:
        return (Path((at(0.05, 0.55), at(0.38, 0.9), at(0.95, 0.12)), pen),)
    if status is Status.FAIL:
        return Path((at(0.1, 0.1), at(0.9, 0.9)), pen), Path((at(0.9, 0.1), at(0.1, 0.9)), pen)
    return Path((at(0.5, 0.02), at(0.5, 0.6)), pen), Path((at(0.5, 0.9), at(0.5, 0.93)), pen)
