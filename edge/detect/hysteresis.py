"""Which pixels are off their background, and which of them hang together.

A mark must exceed its limit somewhere and is followed down to a share of it: hysteresis thresholding (Canny, IEEE PAMI
8(6), 1986). Nearly all of a picture is background: it is looked at once, in whole bytes, and everything after that
costs what the few pixels cost that stand out.
"""

from __future__ import annotations

import cv2
import numpy as np

from edge.arrays import U8, Bool, Index
from edge.detect.comparison import LEVEL, STEPS_PER_GREY, Comparison
from edge.detect.groups import united
from edge.detect.linking import Parts
from edge.detect.region import InspectedRegion
from edge.detect.settings import DetectSettings

NEARBY_PX = 6
"""How far around a pixel a stronger one counts as beside it, along rows and columns. Chosen on real end faces."""
MAX_GAP_PX = 2
"""Pixels that may lie between two pixels of one part, along a row or a column. Chosen on real end faces."""


def followed(compared: Comparison, settings: DetectSettings) -> Parts:
    """The parts of marks: connected pixels that reach the share `follow` of their limit.

    A part none of whose pixels exceeds the whole limit is kept, too, unless it is a speck: it may belong to a scratch.
    """
    limit, width = compared.pixels.limit, compared.smooth.shape[1]
    pixel = beyond(compared.difference, limit)
    pixel = pixel[within_reach(pixel, compared.region)]
    expected = compared.pixels.expected.reshape(-1)[pixel]
    deviation = np.abs(compared.smooth.reshape(-1)[pixel].astype(np.intp) - expected)
    free = ~beside_strong(pixel, deviation, width, settings.share)
    pixel, deviation = pixel[free], deviation[free]
    part, n_parts = parts(pixel, compared.smooth.shape)
    above = STEPS_PER_GREY * settings.follow * deviation > limit.reshape(-1)[pixel]
    strong = np.bincount(part[above], minlength=n_parts) > 0
    held = strong | (np.bincount(part, minlength=n_parts) >= settings.min_piece_px)
    held[0] = False
    inside = held[part]
    return Parts(pixel[inside], (np.cumsum(held) - 1)[part[inside]], strong[held], width)


def beyond(difference: U8, limit: U8) -> Index:
    """Flat indices of the pixels, in order, whose difference is farther from 128 than their limit.

    Args:
        difference: (h, w) uint8; h and w are multiples of 4.
        limit: (h, w) uint8, up to `edge.detect.comparison.MAX_LIMIT`.
    """
    seen = cv2.compare(cv2.absdiff(difference, float(LEVEL)), limit, cv2.CMP_GT)  # type: ignore[call-overload]
    # nearly all of it is empty, and eight pixels are looked at as one
    eights = seen.reshape(-1, 8)
    some = np.flatnonzero(eights.view(np.uint64).reshape(-1) != 0)
    at = np.flatnonzero(eights[some].reshape(-1) != 0)
    pixel: Index = 8 * some[at >> 3] + (at & 7)
    return pixel


def within_reach(pixel: Index, region: InspectedRegion) -> Bool:
    """(n,) whether each pixel of a region lies within the largest radius inspected."""
    y, x = np.divmod(pixel, region.pixels.shape[1])
    across, down = (x - region.centre_x_px) / region.unit_x_px, (y - region.centre_y_px) / region.unit_y_px
    inside: Bool = across * across + down * down <= region.reach**2
    return inside


def beside_strong(pixel: Index, deviation: Index, width: int, share: float) -> Bool:
    """(n,) whether each pixel is off by no more than a share of the strongest deviation of these pixels within 6 px."""
    min_beside = np.rint(share * np.arange(256))
    beside: Bool = np.zeros(pixel.size, np.bool_)
    # only what is strong enough to outdo the weakest pixel has neighbours to look at
    strong = np.flatnonzero(min_beside[deviation] >= deviation.min(initial=255))
    if strong.size == 0:
        return beside
    y, x = np.divmod(pixel, width)
    top, left = int(y[strong].min()) - NEARBY_PX, int(x[strong].min()) - NEARBY_PX
    height, wide = int(y[strong].max()) + NEARBY_PX + 1 - top, int(x[strong].max()) + NEARBY_PX + 1 - left
    y, x = y - top, x - left
    box = np.zeros((height, wide), np.uint8)
    box[y[strong], x[strong]] = deviation[strong]
    strongest = cv2.dilate(box, np.ones((2 * NEARBY_PX + 1, 2 * NEARBY_PX + 1), np.uint8))
    near = np.flatnonzero((y >= 0) & (y < height) & (x >= 0) & (x < wide))
    beside[near] = deviation[near] <= min_beside[strongest[y[near], x[near]]]
    return beside


def parts(pixel: Index, shape: tuple[int, ...]) -> tuple[Index, int]:
    """Which part each pixel belongs to, from 1, and one more than there are.

    Two pixels belong to one part if their cells of 2x2 px are the same or touch, so that a gap of one pixel is closed.
    They also do if at most two pixels lie between them along a row or a column.
    """
    width = shape[1]
    y, x = np.divmod(pixel, width)
    y, x = y // 2, x // 2
    taken = np.zeros((shape[0] // 2, width // 2), np.uint8)
    taken[y, x] = 1
    # no more parts than pixels: the smaller type where it suffices
    n_parts, labels = cv2.connectedComponents(taken, ltype=cv2.CV_16U if pixel.size < 2**16 else cv2.CV_32S)
    part = labels[y, x].astype(np.intp)
    links = []
    over_px = MAX_GAP_PX + 1
    for step, along in ((over_px, width), (over_px * width, 1)):
        # the pixel right behind the gap, if it is one of these
        at = np.minimum(np.searchsorted(pixel, pixel + step), pixel.size - 1)
        over = (pixel[at] == pixel + step) & (part[at] != part) & (pixel % along < along - step % along)
        links += list(zip(part[over].tolist(), part[at[over]].tolist(), strict=True))
    if not links:
        return part, n_parts
    group = united(n_parts, links)
    number = np.cumsum(group == np.arange(n_parts)) - 1
    return number[group[part]], int(number[-1]) + 1
