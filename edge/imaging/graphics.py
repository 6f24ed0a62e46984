"""What a program drew into a picture: rings, letters, boxes, a scale bar, an on-screen display.

Optics blur; programs do not. So a drawn line rises and falls within one pixel, and the picture beside it is even. And a
picture of a connector has one tint, which a coloured line leaves. Chosen on drawn graphics and on real end faces
without any: of 84 none has a line or an edge that counts.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.arrays import U8, Bool

LINE_GREY = 30
"""Least step at both sides of a line, in grey levels."""
LINE_EVEN, LINE_SAME = 5, 4
"""Beside a line the picture varies by at most a fifth of the step, along its breadth the line by a quarter."""
LINE_BREADTHS = (1, 2)
"""Pixels; what is broader has edges."""
EDGE_GREY = 40
"""Least step of a broader shape's edge."""
EDGE_EVEN = 8
"""Three pixels to either side together vary by at most an eighth of the step."""
MIN_PIECE_PX = 8
"""Pieces that are shorter are single pixels and corners."""
MIN_LINES_PX = 24
"""All pieces of lines together."""
MIN_EDGE_PX = 20
"""The longest piece of an edge."""
MIN_COLOUR_PX = 12
"""All coloured pieces together."""
GATE = 4
"""Of each fourth row it is seen whether there is any colour at all."""
MOST_PIXELS = 4_000_000
ROWS_PX = 400_000
"""Pixels that are looked at in all, and at once: 64 megapixels must not take more memory than to decode them."""
BLACK_GREY = 16
"""Up to here a pixel has no colour to tell of."""
MIN_COLOUR = 32
"""How far a channel is, at least, from what the tint makes of the pixel's grey. On real pictures without graphics none
is by 30."""
MOST_COLOURED = 0.05
"""With a larger share of such pixels it is a colourful picture, and nothing is told."""


def sharp(rows: U8) -> Bool:
    """(n, m) bool, where along each row something is too sharp for optics: a line, or the edge of a broader shape.

    Args:
        rows: (n, m) uint8, rows of a picture, or rays in it.
    """
    some = np.ascontiguousarray(rows)
    return (_lines(some) | _edges(some)).view(np.bool_)


def drawn(grey: U8) -> Bool | None:
    """(h, w) bool, where lines and edges are too sharp for optics; None where that is nowhere, or too little.

    Args:
        grey: (h, w) uint8, a part of a picture.
    """
    lines, edges = (_both_ways(find, grey) for find in (_lines, _edges))
    found = np.zeros(grey.shape, np.bool_)
    n_lines, of_lines = _pieces(lines)
    if n_lines.sum() >= MIN_LINES_PX:
        found |= of_lines
    n_edges, of_edges = _pieces(edges)
    if n_edges.max(initial=0) >= MIN_EDGE_PX:
        found |= of_edges
    return found if found.any() else None


def coloured(bgr: NDArray[np.uint8 | np.uint16]) -> Bool | None:
    """(h, w) bool, where the colour is not the picture's own tint; None where that is nowhere, or too little.

    Args:
        bgr: (h, w, 3) uint8 or uint16, blue, green and red. Of a large picture every so many pixels are looked at.
    """
    height, width = bgr.shape[:2]
    every = math.ceil(math.sqrt(height * width / MOST_PIXELS))
    some = bgr[::every, ::every]
    n = max(1, ROWS_PX // some.shape[1])
    tint = _tint(_bytes(some[:: 2 * GATE, :: 2 * GATE]))
    if not any(_off_tint(_bytes(some[k : k + n : GATE]), tint).any() for k in range(0, some.shape[0], n)):
        return None
    off = np.concatenate([_off_tint(_bytes(some[k : k + n]), tint) for k in range(0, some.shape[0], n)])
    if off.mean() > MOST_COLOURED:
        return None
    n_pieces, found = _pieces(off.view(np.uint8))
    if n_pieces.sum() < MIN_COLOUR_PX:
        return None
    return repeated(found, every, height, width)


def repeated(found: Bool, times: int, height: int, width: int) -> Bool:
    """(height, width) bool: the same in a picture so many times as large."""
    return np.repeat(np.repeat(found, times, axis=0), times, axis=1)[:height, :width]


def _bytes(bgr: NDArray[np.uint8 | np.uint16]) -> NDArray[np.uint8]:
    """Eight bits of each colour."""
    return bgr if bgr.dtype == np.uint8 else (bgr >> 8).astype(np.uint8)  # type: ignore[return-value]


def _tint(bgr: NDArray[np.uint8]) -> NDArray[np.float32]:
    """(3,) what each channel is of the grey, in the middle; black tells nothing."""
    channels = bgr.reshape(-1, 3).astype(np.float32)
    grey = channels.mean(axis=1)
    lit = grey > BLACK_GREY
    if not lit.any():
        return np.ones(3, np.float32)
    tint: NDArray[np.float32] = np.median(channels[lit] / grey[lit, None], axis=0).astype(np.float32)
    return tint


def _off_tint(bgr: NDArray[np.uint8], tint: NDArray[np.float32]) -> Bool:
    """Where a channel is far from its share of the pixel's grey."""
    channels = bgr.astype(np.float32)
    grey = channels.mean(axis=2)
    off: Bool = np.abs(channels - grey[..., None] * tint).max(axis=2) >= MIN_COLOUR
    return off


def _both_ways(find: Callable[[U8], U8], grey: U8) -> U8:
    """What is found along rows or along columns."""
    across = find(np.ascontiguousarray(grey))
    along = find(np.ascontiguousarray(grey.T)).T
    both: U8 = across | along
    return both


def _pieces(found: U8) -> tuple[NDArray[np.int32], Bool]:
    """How long the pieces are that are long enough, and where they are; gaps of two pixels are none."""
    joined = cv2.dilate(found, np.ones((3, 3), np.uint8))
    _, piece, stats, _ = cv2.connectedComponentsWithStats(joined, connectivity=8)
    length = np.maximum(stats[:, cv2.CC_STAT_WIDTH], stats[:, cv2.CC_STAT_HEIGHT]) - 2
    length[0] = 0
    long = length >= MIN_PIECE_PX
    return length[long], long[piece]


def _lines(grey: U8) -> U8:
    """1 where a line of one or two pixels crosses a row, brighter or darker than both sides."""
    found = np.zeros_like(grey)
    for breadth in LINE_BREADTHS:
        n = grey.shape[1] - breadth - 3
        if n <= 0:
            continue
        far, near, first, last, next_near, next_far = (
            grey[:, k : k + n] for k in (0, 1, 2, breadth + 1, breadth + 2, breadth + 3)
        )
        most = np.maximum(np.maximum(far, near), np.maximum(next_near, next_far))
        least = np.minimum(np.minimum(far, near), np.minimum(next_near, next_far))
        high, low = (first, first) if breadth == 1 else (np.maximum(first, last), np.minimum(first, last))
        step = np.maximum(np.maximum(low, most) - most, least - np.minimum(high, least))
        is_line = step >= LINE_GREY
        if not is_line.any():
            continue
        is_line &= (most - least <= step // LINE_EVEN) & (high - low <= step // LINE_SAME)
        for k in range(breadth):
            found[:, 2 + k : 2 + k + n] |= is_line.view(np.uint8)
    return found


def _edges(grey: U8) -> U8:
    """1 at both sides of a step between even stretches of three pixels of a row."""
    found = np.zeros_like(grey)
    n = grey.shape[1] - 5
    if n <= 0:
        return found
    a, b, c, d, e, f = (grey[:, k : k + n] for k in range(6))
    high, low = np.maximum(np.maximum(a, b), c), np.minimum(np.minimum(a, b), c)
    next_high, next_low = np.maximum(np.maximum(d, e), f), np.minimum(np.minimum(d, e), f)
    step = np.maximum(np.maximum(low, next_high) - next_high, np.maximum(next_low, high) - high)
    is_edge = step >= EDGE_GREY
    if is_edge.any():
        # neither difference exceeds what is left beside the step, so that their sum fits into a byte
        is_edge &= (high - low) + (next_high - next_low) <= step // EDGE_EVEN
        found[:, 2 : 2 + n] |= is_edge.view(np.uint8)
        found[:, 3 : 3 + n] |= is_edge.view(np.uint8)
    return found
