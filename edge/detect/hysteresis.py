"""Which pixels are off their background, and which of them hang together.

Nearly all of a picture is background: it is looked at once, in whole bytes, and everything after that costs what
the few pixels cost that stand out.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.detect import linking

Grey = NDArray[np.uint8]
Ints = NDArray[np.intp]
Flags = NDArray[np.bool_]


MOST = 126
"""Largest limit: a difference that is cut off at 0 or 255 exceeds it."""


def beyond(difference: Grey, limit: Grey) -> Ints:
    """Flat indices of the pixels, in order, whose difference is farther from 128 than their limit.

    Args:
        difference: (h, w) uint8; h and w are multiples of 4.
        limit: (h, w) uint8, up to `MOST`.
    """
    seen = cv2.compare(cv2.absdiff(difference, 128.0), limit, cv2.CMP_GT)  # type: ignore[call-overload]
    # nearly all of it is empty, and eight pixels are looked at as one
    eights = seen.reshape(-1, 8)
    some = np.flatnonzero(eights.view(np.uint64).reshape(-1) != 0)
    at = np.flatnonzero(eights[some].reshape(-1) != 0)
    pixel: Ints = 8 * some[at >> 3] + (at & 7)
    return pixel


def beside_strong(pixel: Ints, deviation: Ints, width: int, share: float) -> Flags:
    """Whether each pixel is off by no more than a share of the strongest deviation of these pixels within 6 px."""
    least = np.rint(share * np.arange(256))
    beside: Flags = np.zeros(pixel.size, np.bool_)
    # only what is strong enough to outdo the weakest pixel has neighbours to look at
    strong = np.flatnonzero(least[deviation] >= deviation.min(initial=255))
    if strong.size == 0:
        return beside
    reach = 6
    y, x = np.divmod(pixel, width)
    top, left = int(y[strong].min()) - reach, int(x[strong].min()) - reach
    height, wide = int(y[strong].max()) + reach + 1 - top, int(x[strong].max()) + reach + 1 - left
    y, x = y - top, x - left
    box = np.zeros((height, wide), np.uint8)
    box[y[strong], x[strong]] = deviation[strong]
    strongest = cv2.dilate(box, np.ones((2 * reach + 1, 2 * reach + 1), np.uint8))
    near = np.flatnonzero((y >= 0) & (y < height) & (x >= 0) & (x < wide))
    beside[near] = deviation[near] <= least[strongest[y[near], x[near]]]
    return beside


def parts(pixel: Ints, shape: tuple[int, ...]) -> tuple[Ints, int]:
    """Which part each pixel belongs to, from 1, and one more than there are.

    Pixels belong together if the 2x2 px they lie in are one or touch, so that a gap of a pixel is closed, and if
    two pixels or less lie between them along a row or a column.
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
    for step, along in ((3, width), (3 * width, 1)):
        # the first that is not before the place three pixels on is there, or nothing is
        at = np.minimum(np.searchsorted(pixel, pixel + step), pixel.size - 1)
        over = (pixel[at] == pixel + step) & (part[at] != part) & (pixel % along < along - step % along)
        links += list(zip(part[over].tolist(), part[at[over]].tolist(), strict=True))
    if not links:
        return part, n_parts
    group = linking.united(n_parts, links)
    number = np.cumsum(group == np.arange(n_parts)) - 1
    return number[group[part]], int(number[-1]) + 1
