"""What an overlay is made of: panes of the picture, and lines and texts over them, in canvas pixels.

The layout makes a `Drawing`; `raster` and `svg` paint it. Coordinates are canvas pixels, x to the right and y down,
with (0, 0) the top left corner of the canvas, so that the centre of its first pixel is at (0.5, 0.5).
"""

from __future__ import annotations

import math
from bisect import bisect_right
from dataclasses import dataclass, field

import cv2

Colour = tuple[int, int, int]
"""Red, green, blue, each 0..255."""

_FONT = cv2.FONT_HERSHEY_SIMPLEX
# OpenCV's Hershey capitals are 21 units high at scale 1 (opencv/modules/imgproc/src/drawing.cpp, getTextSize).
HERSHEY_CAP = 21.0


@dataclass(frozen=True, slots=True)
class Box:
    """An upright rectangle."""

    x: float
    y: float
    w: float
    h: float

    @property
    def right(self) -> float:
        """x of the right edge."""
        return self.x + self.w

    @property
    def bottom(self) -> float:
        """y of the lower edge."""
        return self.y + self.h

    @property
    def centre(self) -> tuple[float, float]:
        """x and y of the middle."""
        return self.x + self.w / 2, self.y + self.h / 2

    def grown(self, by: float) -> Box:
        """The rectangle with `by` more on each side."""
        return Box(self.x - by, self.y - by, self.w + 2 * by, self.h + 2 * by)

    def overlap(self, other: Box) -> float:
        """Area that both cover."""
        w = min(self.right, other.right) - max(self.x, other.x)
        h = min(self.bottom, other.bottom) - max(self.y, other.y)
        return w * h if w > 0 and h > 0 else 0.0

    def inside(self, other: Box) -> bool:
        """Whether the other rectangle holds all of this one."""
        return self.x >= other.x and self.y >= other.y and self.right <= other.right and self.bottom <= other.bottom


@dataclass(frozen=True, slots=True)
class Pen:
    """How a line is drawn.

    Attributes:
        colour: of the line.
        width: in canvas pixels.
        dash: lengths of stroke and gap; None is a solid line.
        halo: width of the dark rim on each side, so that the line shows on bright and dark ground.
        opacity: 0..1.
    """

    colour: Colour
    width: float
    dash: tuple[float, float] | None = None
    halo: float = 0.0
    opacity: float = 1.0


@dataclass(frozen=True, slots=True)
class Path:
    """A line through points, closed or open."""

    points: tuple[tuple[float, float], ...]
    pen: Pen
    closed: bool = False


@dataclass(frozen=True, slots=True)
class EllipseItem:
    """An upright ellipse."""

    x: float
    y: float
    rx: float
    ry: float
    pen: Pen

    def as_path(self) -> Path:
        """The ellipse as a closed line, within a tenth of a pixel."""
        r = max(self.rx, self.ry, 1.0)
        n = max(24, min(720, math.ceil(math.pi / math.acos(max(1 - 0.1 / r, 0.0)))))
        turn = [2 * math.pi * i / n for i in range(n)]
        points = tuple((self.x + self.rx * math.cos(t), self.y + self.ry * math.sin(t)) for t in turn)
        return Path(points, self.pen, closed=True)


@dataclass(frozen=True, slots=True)
class Panel:
    """A filled rectangle."""

    box: Box
    fill: Colour
    opacity: float = 1.0


@dataclass(frozen=True, slots=True)
class Label:
    """One line of text; x is its left end, y its baseline, cap the height of its capitals."""

    x: float
    y: float
    text: str
    cap: float
    colour: Colour
    bold: bool = False

    @property
    def width(self) -> float:
        """How wide the text is drawn."""
        return text_width(self.text, self.cap, self.bold)


@dataclass(frozen=True, slots=True)
class Group:
    """Items that belong together and have a name, for programs and for whoever points at them.

    Attributes:
        kinds: words that say what it is, such as `mark scratch fails`.
        title: one sentence for people.
        items: what is drawn.
    """

    kinds: str
    title: str
    items: tuple[Path | EllipseItem | Panel | Label, ...]


Item = Path | EllipseItem | Panel | Label | Group


@dataclass(frozen=True)
class Pane:
    """A part of the picture shown in a part of the canvas, and what is drawn over it; all of it is clipped.

    A picture point (x_px, y_px), counted from the centre of the first pixel, lies at
    `box.x + (x_px + 0.5 - left_px) * scale_x`, and so for y.

    Attributes:
        box: where on the canvas.
        left_px: the picture's column edge at the box's left.
        top_px: the picture's row edge at the box's top.
        scale_x: canvas pixels per picture pixel.
        scale_y: the same, downwards; differs when pixels are not square.
        items: drawn in this order.
    """

    box: Box
    left_px: float
    top_px: float
    scale_x: float
    scale_y: float
    items: list[Item] = field(default_factory=list)

    def x(self, x_px: float) -> float:
        """Where a picture column lies on the canvas."""
        return self.box.x + (x_px + 0.5 - self.left_px) * self.scale_x

    def y(self, y_px: float) -> float:
        """Where a picture row lies on the canvas."""
        return self.box.y + (y_px + 0.5 - self.top_px) * self.scale_y

    def around(self, x_px: int, y_px: int, w_px: int, h_px: int) -> Box:
        """Where a box of pixels lies on the canvas, whole pixels included."""
        return Box(self.x(x_px - 0.5), self.y(y_px - 0.5), w_px * self.scale_x, h_px * self.scale_y)


@dataclass(frozen=True)
class Drawing:
    """A whole overlay: its size, its ground, panes of the picture, then items over everything."""

    width: int
    height: int
    ground: Colour
    title: str
    description: str
    panes: list[Pane] = field(default_factory=list)
    items: list[Item] = field(default_factory=list)


def stroke_width(cap: float, bold: bool) -> int:
    """Thickness of the strokes of a text of this height."""
    return max(1, round(cap * (0.16 if bold else 0.1)))


def text_width(text: str, cap: float, bold: bool = False) -> float:
    """Width of a text in OpenCV's Hershey font, which every painter keeps to."""
    (width, _), _ = cv2.getTextSize(printable(text), _FONT, cap / HERSHEY_CAP, stroke_width(cap, bold))
    return float(width)


def printable(text: str) -> str:
    """The text with what the Hershey font lacks replaced: it knows ASCII only."""
    return "".join(c if " " <= c <= "~" else "?" for c in text.replace("µ", "u").replace("μ", "u").replace("\t", " "))


def shortened(text: str, cap: float, width: float, bold: bool = False) -> str:
    """The text, cut with `...` where it is wider than `width`."""
    if text_width(text, cap, bold) <= width:
        return text
    fits = bisect_right(range(len(text)), width, key=lambda n: text_width(text[:n].rstrip() + "...", cap, bold)) - 1
    return text[: max(fits, 0)].rstrip() + "..."


def wrapped(text: str, cap: float, width: float, n_lines: int) -> list[str]:
    """The text in at most `n_lines` lines, broken between words; the last is cut with `...` where it must be."""
    lines: list[str] = []
    for word in text.split():
        if lines and text_width(f"{lines[-1]} {word}", cap) <= width:
            lines[-1] += f" {word}"
        else:
            lines.append(word)
    kept = lines[:n_lines]
    if len(lines) > n_lines:
        kept[-1] = " ".join(lines[n_lines - 1 :])
    return [shortened(line, cap, width) for line in kept]
