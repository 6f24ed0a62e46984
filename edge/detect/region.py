"""The part of a picture that is inspected, and polar coordinates in it.

Arrays index `[y, x]`. A region is made of whole blocks of 4x4 px, because the background and the faint lines are
worked out block by block.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from edge.arrays import U8
from edge.imaging.black_frame import lit_rows
from edge.records import EndFace

BLOCK_PX = 4
"""Side of a block: about as wide as a scratch with its blur. Chosen on real end faces."""
MIN_SIDE_PX = 8
"""A region that is narrower shows nothing: two blocks."""


@dataclass(frozen=True, slots=True)
class InspectedRegion:
    """The box of a picture that is inspected, and the polar coordinates in it.

    One unit of radius is one pixel of the mean cladding radius. Where pixels are not square, a circle of the glass is
    an ellipse in the picture and a circle again in units.

    Attributes:
        pixels: (h, w) uint8, the box as a view into the picture; h and w are multiples of 4.
        x_px: first column of the box in the picture.
        y_px: first row.
        centre_x_px: the cladding's centre, counted from the box's first column.
        centre_y_px: the same, counted from its first row.
        unit_x_px: columns per unit of radius.
        unit_y_px: rows per unit of radius.
        radius: the cladding's radius in units.
        reach: largest radius inspected, in units.
    """

    pixels: U8
    x_px: int
    y_px: int
    centre_x_px: float
    centre_y_px: float
    unit_x_px: float
    unit_y_px: float
    radius: float
    reach: float


def inspected_region(pixels: U8, face: EndFace, reach: float) -> InspectedRegion | None:
    """The box around the face out to `reach` cladding radii, less what lies outside the picture or in a black frame.

    It is whole blocks of 4 px wide and high: enlarged where the picture goes on, else up to 3 px smaller at the right
    and at the bottom. None if it would be less than 8 px wide or high.
    """
    h, w = pixels.shape
    x0 = max(0, int(np.floor(face.x_px - reach * face.cladding_rx_px)))
    y0 = max(0, int(np.floor(face.y_px - reach * face.cladding_ry_px)))
    x1 = min(w, int(np.ceil(face.x_px + reach * face.cladding_rx_px)) + 1)
    y1 = min(h, int(np.ceil(face.y_px + reach * face.cladding_ry_px)) + 1)
    if min(x1 - x0, y1 - y0) < MIN_SIDE_PX:
        return None
    left, right = lit_rows(pixels[y0:y1, x0:x1].T)
    top, bottom = lit_rows(pixels[y0:y1, x0:x1])
    free_x, free_y = x0 + right == x1, y0 + bottom == y1
    x0, x1, y0, y1 = x0 + left, x0 + right, y0 + top, y0 + bottom
    x0, x1 = _whole_blocks(x0, x1, left == 0, free_x, w)
    y0, y1 = _whole_blocks(y0, y1, top == 0, free_y, h)
    if min(x1 - x0, y1 - y0) < MIN_SIDE_PX:
        return None
    radius = float(np.sqrt(face.cladding_rx_px * face.cladding_ry_px))
    unit_x, unit_y = face.cladding_rx_px / radius, face.cladding_ry_px / radius
    box = pixels[y0:y1, x0:x1]
    return InspectedRegion(box, x0, y0, face.x_px - x0, face.y_px - y0, unit_x, unit_y, radius, reach * radius)


def _whole_blocks(first: int, last: int, may_start_before: bool, may_end_behind: bool, size: int) -> tuple[int, int]:
    """The span from `first` to before `last`, made a multiple of the block's side within 0 to `size`."""
    missing = (first - last) % BLOCK_PX
    if may_end_behind and last + missing <= size:
        return first, last + missing
    if may_start_before and first >= missing:
        return first - missing, last
    return first, last - (last - first) % BLOCK_PX
