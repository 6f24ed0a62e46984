"""Where texts go, so that they hide neither marks nor each other."""

from __future__ import annotations

import math
from dataclasses import dataclass

from edge.overlay.drawing import Box, Colour, Item, Label, Panel, Path, Pen, text_width

_INK: Colour = (16, 16, 16)
# Right, left, above, below, then the corners: the order in which a place is preferred.
_DIRECTIONS = ((1, 0), (-1, 0), (0, -1), (0, 1), (0.7, -0.7), (0.7, 0.7), (-0.7, -0.7), (-0.7, 0.7))


@dataclass(frozen=True, slots=True)
class Note:
    """A text that belongs to a box.

    Attributes:
        text: one line.
        cap: height of its capitals.
        colour: of the text and of its leader.
        box: what it belongs to.
        must: whether it is drawn even where no free place is found.
        bold: heavier strokes.
    """

    text: str
    cap: float
    colour: Colour
    box: Box
    must: bool = False
    bold: bool = False


def place(notes: list[Note], frame: Box, keep_clear: list[Box]) -> list[Item]:
    """Texts beside their boxes, with a line to the box where they had to move away.

    No text covers another, or leaves the frame; each takes, nearest first, the place that hides least of
    `keep_clear`. A note that finds no place is left out, unless it must be drawn: then it covers what it must.

    Args:
        notes: in the order in which they may choose.
        frame: the pane.
        keep_clear: boxes that are better not covered.
    """
    leaders: list[Item] = []
    texts: list[Item] = []
    taken: list[Box] = []
    for note in notes:
        best = _best(note, frame, keep_clear, taken)
        if best is None:
            continue
        taken.append(best.grown(note.cap * 0.12))
        leaders += _leader(note, best)
        texts.append(Panel(best, _INK, 0.72))
        texts.append(
            Label(best.x + note.cap * 0.4, best.bottom - note.cap * 0.45, note.text, note.cap, note.colour, note.bold)
        )
    # No leader crosses a text.
    return [*leaders, *texts]


def _best(note: Note, frame: Box, keep_clear: list[Box], taken: list[Box]) -> Box | None:
    w, h = text_width(note.text, note.cap, note.bold) + note.cap * 0.8, note.cap * 1.85
    near = [box for box in keep_clear if box is not note.box]
    best, least = None, math.inf
    for step, far in enumerate((0.35, 1.6, 3.5, 6.0, 9.5, 14.0)):
        # From here on nothing can cost less than the way there.
        if least <= 0.5 * step:
            break
        for turn, (dx, dy) in enumerate(_DIRECTIONS):
            gap = far * note.cap
            cx, cy = note.box.centre
            x = cx + dx * (note.box.w / 2 + gap) + (w / 2 * (dx > 0) - w / 2 * (dx < 0)) - w / 2
            y = cy + dy * (note.box.h / 2 + gap) + (h / 2 * (dy > 0) - h / 2 * (dy < 0)) - h / 2
            spot = Box(x, y, w, h)
            if not spot.inside(frame):
                if not note.must:
                    continue
                x = max(frame.x, min(x, frame.right - w))
                spot = Box(x, max(frame.y, min(y, frame.bottom - h)), w, h)
            on_text = sum(spot.overlap(other) for other in taken)
            if on_text and not note.must:
                continue
            hidden = sum(spot.overlap(other) for other in near) + spot.overlap(note.box)
            cost = (40 * on_text + 3 * hidden) / (w * h) + 0.5 * step + 0.02 * turn
            if cost < least:
                best, least = spot, cost
    return best


def _leader(note: Note, spot: Box) -> list[Item]:
    """A line from the text to its box where they stand apart by more than a text's height."""
    cx, cy = note.box.centre
    sx, sy = min(max(cx, spot.x), spot.right), min(max(cy, spot.y), spot.bottom)
    bx, by = min(max(sx, note.box.x), note.box.right), min(max(sy, note.box.y), note.box.bottom)
    if math.hypot(bx - sx, by - sy) <= note.cap:
        return []
    return [Path(((sx, sy), (bx, by)), Pen(note.colour, max(1.0, note.cap * 0.1), halo=1.0))]
