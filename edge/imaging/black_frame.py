"""Where a black frame ends: the border that frame grabbers and field stops leave around a picture.

Three questions are asked of it, and no one test answers them all with the same bits:

- `inside_frame`: which rectangle of a whole small picture is lit. Means, so that neither noise nor a hot pixel counts.
- `lit_rows`: where a frame ends in the box that is inspected, in full size. The brightest pixel of a row, so that
  a row that shows anything is inspected.
- `last_lit`: where each ray outwards ends in black. A field stop is round, so no rectangle tells it.
"""

from __future__ import annotations

import cv2
import numpy as np

from edge.arrays import U8, Bool, Index
from edge.imaging.exact import median_upper

BLACK_GREY = 12.0
"""Frame grabbers and field stops leave some grey levels of black. Chosen on drawn and real end faces; not derived."""
BLACK_ROW_GREY = 16
"""The same for the brightest pixel of a row: the noise of a whole row comes on top. Chosen on real end faces."""
ROW_SEAM_PX = 4
"""Rows next to a frame in full size that its blurred edge spoils. Chosen on real end faces; not derived."""
_SEAM_PX = 2
"""The same in the small picture."""
_DARK_SHARE = 0.25
"""No picture falls off to a quarter of its brightness over a whole column."""


def inside_frame(pixels: U8) -> tuple[int, int, int, int]:
    """Columns and rows (left, top, right, bottom; half open) inside a black frame; all of them without one.

    Where less than half of the columns or rows would be left, the picture is dark and has no frame.
    """
    h, w = pixels.shape
    columns = cv2.reduce(pixels, 0, cv2.REDUCE_AVG)[0]
    rows = cv2.reduce(pixels, 1, cv2.REDUCE_AVG)[:, 0]
    black = max(BLACK_GREY, _DARK_SHARE * median_upper(rows))
    xs, ys = np.flatnonzero(columns > black), np.flatnonzero(rows > black)
    if xs.size < max(1, w // 2) or ys.size < max(1, h // 2):
        return 0, 0, w, h
    left, top, right, bottom = int(xs[0]), int(ys[0]), int(xs[-1]) + 1, int(ys[-1]) + 1
    return (
        left + _SEAM_PX * (left > 0),
        top + _SEAM_PX * (top > 0),
        right - _SEAM_PX * (right < w),
        bottom - _SEAM_PX * (bottom < h),
    )


def lit_rows(rows: U8, black_grey: int = BLACK_ROW_GREY, seam_px: int = ROW_SEAM_PX) -> tuple[int, int]:
    """First and past-the-last row inside a black frame; the frame's blurred edge is left out with it.

    Args:
        rows: (h, w); transposed for columns.
        black_grey: a row of a frame has no pixel above it.
        seam_px: rows next to a frame that are left out.
    """
    first, last = 0, rows.shape[0]
    while first < last and int(rows[first].max()) <= black_grey:
        first += 1
    while last > first and int(rows[last - 1].max()) <= black_grey:
        last -= 1
    return (first + seam_px if first else 0), (last - seam_px if last < rows.shape[0] else last)


def last_lit(grey: U8, inside: Bool) -> Index:
    """(n,) after how many samples each ray is black to its end; one bright sample by itself is a hot pixel.

    Args:
        grey: (n, m), a ray a row, from inside to outside.
        inside: (n, m), which of its samples lie in the picture.
    """
    lit = inside & (grey > BLACK_GREY)
    lit[:, 1:] &= lit[:, :-1]
    return np.where(lit.any(axis=1), lit.shape[1] - lit[:, ::-1].argmax(axis=1), 0).astype(np.intp)


def is_black(grey: U8) -> bool:
    """Whether more than half of the samples, (n, m) or of any other shape, are as black as a frame."""
    return median_upper(grey) <= BLACK_GREY
