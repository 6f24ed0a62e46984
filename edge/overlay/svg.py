"""Writes a drawing as SVG: for reports, pages and other programs."""

from __future__ import annotations

import base64
import hashlib
import re
from typing import Literal
from xml.sax.saxutils import escape, quoteattr

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.overlay.drawing import Colour, Drawing, EllipseItem, Group, Item, Label, Panel, Pen

Embedded = Literal["jpeg", "png", "none"]

_HALO = "#101010"
# Capitals of common sans-serif fonts are about 0.72 of the font's size; textLength fits the width exactly.
_CAP_OF_SIZE = 0.72
# What XML 1.0 does not allow, not even escaped (section 2.2), lone surrogates of undecodable file names included.
_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def write(drawing: Drawing, pixels: NDArray[np.uint8], embed: Embedded) -> str:
    """The drawing as one SVG document that stands alone.

    Args:
        drawing: what to draw.
        pixels: (h, w) uint8; goes in once, however many panes show it.
        embed: whether the picture goes in as JPEG or PNG, or a grey ground stands for it.
    """
    # Ids are made from the content, so that several drawings can stand in one page.
    key = "f" + hashlib.sha256((drawing.title + drawing.description).encode("utf-8", "replace")).hexdigest()[:8]
    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {drawing.width} {drawing.height}" '
        f'width="{drawing.width}" height="{drawing.height}" role="img" aria-labelledby="{key}-t {key}-d" '
        f'font-family="Inter, Helvetica, Arial, sans-serif">',
        f'<title id="{key}-t">{_text(drawing.title)}</title>',
        f'<desc id="{key}-d">{_text(drawing.description)}</desc>',
        "<defs>",
        _picture(pixels, embed, f"{key}-p"),
    ]
    for i, pane in enumerate(drawing.panes):
        out.append(
            f'<clipPath id="{key}-v{i}"><rect {_box(pane.box.x, pane.box.y, pane.box.w, pane.box.h)}/></clipPath>'
        )
    out += ["</defs>", f'<rect width="100%" height="100%" fill="{_hex(drawing.ground)}"/>']
    for i, pane in enumerate(drawing.panes):
        left, top = pane.box.x - pane.left_px * pane.scale_x, pane.box.y - pane.top_px * pane.scale_y
        out += [
            f'<g class="view" clip-path="url(#{key}-v{i})">',
            f'<use href="#{key}-p" transform="translate({_n(left)} {_n(top)}) '
            f'scale({pane.scale_x:.6g} {pane.scale_y:.6g})"/>',
            *(_item(item) for item in pane.items),
            "</g>",
        ]
    return "\n".join([*out, *(_item(item) for item in drawing.items), "</svg>", ""])


def _picture(pixels: NDArray[np.uint8], embed: Embedded, name: str) -> str:
    height, width = pixels.shape
    size = f'id="{name}" width="{width}" height="{height}"'
    if embed == "none":
        return f'<rect {size} fill="#808080"/>'
    options = [cv2.IMWRITE_JPEG_QUALITY, 92] if embed == "jpeg" else []
    _, data = cv2.imencode(".jpg" if embed == "jpeg" else ".png", pixels, options)
    text = base64.b64encode(data.tobytes()).decode("ascii")
    return f'<image {size} preserveAspectRatio="none" href="data:image/{embed};base64,{text}"/>'


def _item(item: Item) -> str:
    if isinstance(item, Group):
        parts = "".join(_item(part) for part in item.items)
        return f"<g class={quoteattr(_clean(item.kinds))}><title>{_text(item.title)}</title>{parts}</g>"
    if isinstance(item, Panel):
        box, see = item.box, f' fill-opacity="{_n(item.opacity)}"' if item.opacity < 1 else ""
        return f'<rect {_box(box.x, box.y, box.w, box.h)} fill="{_hex(item.fill)}"{see}/>'
    if isinstance(item, Label):
        bold = ' font-weight="700"' if item.bold else ""
        return (
            f'<text x="{_n(item.x)}" y="{_n(item.y)}" font-size="{_n(item.cap / _CAP_OF_SIZE)}"{bold} '
            f'fill="{_hex(item.colour)}" textLength="{_n(item.width)}" lengthAdjust="spacingAndGlyphs">'
            f"{_text(item.text)}</text>"
        )
    if isinstance(item, EllipseItem):
        shape = f'<ellipse cx="{_n(item.x)}" cy="{_n(item.y)}" rx="{_n(item.rx)}" ry="{_n(item.ry)}"'
    else:
        points = " ".join(f"{_n(x)},{_n(y)}" for x, y in item.points)
        shape = f'<{"polygon" if item.closed else "polyline"} points="{points}"'
    return _stroked(shape, item.pen)


def _stroked(shape: str, pen: Pen) -> str:
    dash = f' stroke-dasharray="{_n(pen.dash[0])} {_n(pen.dash[1])}"' if pen.dash else ""
    line = f'{shape} fill="none" stroke="{_hex(pen.colour)}" stroke-width="{_n(pen.width)}"{dash}/>'
    if pen.halo > 0:
        line = f'{shape} fill="none" stroke="{_HALO}" stroke-width="{_n(pen.width + 2 * pen.halo)}"{dash}/>{line}'
    return f'<g opacity="{_n(pen.opacity)}">{line}</g>' if pen.opacity < 1 else line


def _box(x: float, y: float, w: float, h: float) -> str:
    return f'x="{_n(x)}" y="{_n(y)}" width="{_n(max(w, 0.0))}" height="{_n(max(h, 0.0))}"'


def _hex(colour: Colour) -> str:
    return "#{:02x}{:02x}{:02x}".format(*colour)


def _n(value: float) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".")


def _clean(text: str) -> str:
    return _NOT_XML.sub("\ufffd", text)


def _text(text: str) -> str:
    return escape(_clean(text))
