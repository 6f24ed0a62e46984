"""Scratches that no single pixel shows: lines of a few hundredths of the picture's range, found by their sum.

A line is summed in two steps, across it and along it: means over blocks of 4x4 px, about as wide as a scratch
and its blur, then a chain of such blocks (`edge.detect.linking`). LEI (Mei et al., Sensors 2018, 18(5):1408) sums along
straight lines in 12 orientations at full resolution instead.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.detect import background, linking, measurement
from edge.records import Candidate, EndFace

Grey = NDArray[np.uint8]
Ints = NDArray[np.intp]

BLOCK_PX = background.COARSE_PX
STEPS_PER_GREY = 4
"""Block means are kept in quarters of a grey level."""
LEVEL = 128
LEAST_BLOCKS = 2


@dataclass(frozen=True, slots=True)
class Weak:
    """What is left of a picture without its background, finer than whole grey levels.

    Attributes:
        difference: (h, w) uint8, in quarters of a grey level, from 128; strong marks are cut off.
        looked_at: (h / 4, w / 4) uint8, 1 for a block within reach, else 0.
        limit: (h / 4, w / 4) uint8, what the mean of a block must exceed, in quarters of a grey level.
        per_noise: how many sigma of the noise in a block's mean `limit` is taken for.
    """

    difference: Grey
    looked_at: Grey
    limit: Grey
    per_noise: float


def lines(
    weak: Weak, taken: Ints, sheet: measurement.Sheet, face: EndFace, gap_px: float, least_px: float
) -> list[Candidate]:
    """Faint lines, measured as well as blocks allow.

    Args:
        weak: where to look.
        taken: flat indices of the pixels that marks hold already.
        sheet: the region at full resolution.
        face: centre and scale.
        gap_px: largest gap within a line.
        least_px: shortest line.
    """
    # in two halvings, which OpenCV has at hand
    half = cv2.resize(weak.difference, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
    shown: Grey = cv2.resize(half, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)  # type: ignore[assignment]
    w = shown.shape[1]
    level = np.full_like(shown, LEVEL)
    held_by_marks = np.zeros_like(weak.looked_at)
    y, x = np.divmod(taken, weak.difference.shape[1])
    held_by_marks[y // BLOCK_PX, x // BLOCK_PX] = 1
    free = cv2.subtract(weak.looked_at, cv2.dilate(held_by_marks, np.ones((3, 3), np.uint8)))
    low = cv2.bitwise_and(cv2.compare(cv2.absdiff(shown, level), weak.limit, cv2.CMP_GT), free)
    n_parts, parts = cv2.connectedComponents(low)
    # 0 or 1, as a bool is
    pixel = np.flatnonzero(low.reshape(-1).view(np.bool_))
    part = parts.reshape(-1)[pixel].astype(np.intp)
    held = np.bincount(part, minlength=n_parts) >= LEAST_BLOCKS
    held[0] = False
    inside = held[part]
    if not inside.any():
        return []
    pixel, part = pixel[inside], (np.cumsum(held) - 1)[part[inside]]
    y, x = np.divmod(pixel, w)
    found = linking.pieces(x, y, part, np.zeros(int(part.max()) + 1, np.bool_))
    if not found.long.any():
        return []
    mark, n_marks = linking.join(found, gap_px / BLOCK_PX, least_px / BLOCK_PX)
    if n_marks == 0:
        return []
    mark = mark[part]
    pixel, mark = pixel[mark >= 0], mark[mark >= 0]
    # the blocks are a picture of their own, with pixels four times as large
    middle = (BLOCK_PX - 1) / 2
    small_face = replace(
        face,
        x_px=(face.x_px - sheet.x_px - middle) / BLOCK_PX,
        y_px=(face.y_px - sheet.y_px - middle) / BLOCK_PX,
        um_per_px_x=face.um_per_px_x * BLOCK_PX,
        um_per_px_y=face.um_per_px_y * BLOCK_PX,
    )
    blur = float(np.sqrt(sheet.blur_px**2 + BLOCK_PX**2 / 12)) / BLOCK_PX
    small = measurement.Sheet(shown, level, weak.limit, 0, 0, weak.per_noise, blur)
    return [_enlarged(c, sheet) for c in measurement.measure(small, small_face, pixel, mark, n_marks)]


def _enlarged(candidate: Candidate, sheet: measurement.Sheet) -> Candidate:
    """A candidate of blocks as one of pixels."""
    height, width = sheet.region.shape
    x, y = candidate.x_px * BLOCK_PX, candidate.y_px * BLOCK_PX
    return replace(
        candidate,
        x_px=x + sheet.x_px,
        y_px=y + sheet.y_px,
        w_px=min(candidate.w_px * BLOCK_PX, width - x),
        h_px=min(candidate.h_px * BLOCK_PX, height - y),
        area_px=candidate.area_px * BLOCK_PX**2,
        contrast_grey=candidate.contrast_grey / STEPS_PER_GREY,
        mean_grey=candidate.mean_grey / STEPS_PER_GREY,
        noise_grey=candidate.noise_grey / STEPS_PER_GREY,
    )
