"""Published detectors as they are described, slow and plain: what `edge.detect.detector` is held against.

Mei et al., "An automatic visual inspection method based on supervised machine learning ... for optical fibre end
faces", Sensors 2018, 18(5):1408, names them DO2MR (regions) and LEI (scratches). What the paper leaves open is
filled in with what open programs that cite it use.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

Grey = NDArray[np.uint8]
Box = tuple[int, int, int, int]


def do2mr(pixels: Grey, zone: NDArray[np.bool_], gamma: float = 3.0, floor_grey: float = 8.0, side_px: int = 5) -> Grey:
    """(h, w) uint8, 255 where DO2MR flags a region: the range in a window exceeds mean + gamma sigma of the zone."""
    smooth = cv2.GaussianBlur(pixels, (5, 5), 0)
    window = np.ones((side_px, side_px), np.uint8)
    residual = cv2.subtract(cv2.dilate(smooth, window), cv2.erode(smooth, window))
    residual = cv2.medianBlur(residual, 3)
    inside = residual[zone]
    limit = max(float(inside.mean() + gamma * inside.std()), floor_grey) if inside.size else 255.0
    flagged = ((residual > limit) & zone).astype(np.uint8) * 255
    return cv2.morphologyEx(flagged, cv2.MORPH_OPEN, np.ones((3, 3), np.uint8))  # type: ignore[return-value]


def lei(pixels: Grey, zone: NDArray[np.bool_], length_px: int = 21, gamma: float = 3.0, aspect: float = 3.0) -> Grey:
    """(h, w) uint8, 255 where LEI flags a scratch.

    In each of 12 orientations, 15 degrees apart: the mean along a line less the mean of the two lines beside it,
    2 px away; what exceeds mean + gamma sigma of the zone, and of that what is long and thin, of all orientations.
    """
    grey = cv2.GaussianBlur(pixels, (3, 3), 0).astype(np.float32)
    flagged = np.zeros(pixels.shape, np.uint8)
    for angle in np.deg2rad(np.arange(0, 180, 15)):
        middle = _line_kernel(length_px, angle, 0.0)
        beside = (_line_kernel(length_px, angle, 2.0) + _line_kernel(length_px, angle, -2.0)) / 2
        response = np.abs(cv2.filter2D(grey, cv2.CV_32F, middle - beside))
        limit = float(response[zone].mean() + gamma * response[zone].std())
        over = ((response > limit) & zone).astype(np.uint8)
        count, parts, stats, _ = cv2.connectedComponentsWithStats(over)
        for k in range(1, count):
            y, x = np.nonzero(parts == k)
            points = np.column_stack([x, y]).astype(np.float32)
            sides = sorted(cv2.minAreaRect(points)[1])
            if sides[1] + 1 >= aspect * (sides[0] + 1) and stats[k, cv2.CC_STAT_AREA] >= length_px // 2:
                flagged[parts == k] = 255
    return flagged


def _line_kernel(length_px: int, angle: float, aside_px: float) -> NDArray[np.float32]:
    """A line of `length_px` through the middle of a square kernel, moved aside; sums to 1."""
    kernel = np.zeros((length_px + 4, length_px + 4), np.float32)
    middle = (kernel.shape[0] - 1) / 2
    along = np.linspace(-(length_px - 1) / 2, (length_px - 1) / 2, 4 * length_px)
    x = middle + along * np.cos(angle) - aside_px * np.sin(angle)
    y = middle + along * np.sin(angle) + aside_px * np.cos(angle)
    np.add.at(kernel, (np.rint(y).astype(int), np.rint(x).astype(int)), 1.0)
    return kernel / kernel.sum()


def boxes(flagged: Grey, least_px: int = 2) -> list[Box]:
    """The boxes (x, y, w, h) of what a reference flags, from `least_px` pixels on."""
    count, _, stats, _ = cv2.connectedComponentsWithStats(flagged)
    return [(int(x), int(y), int(w), int(h)) for x, y, w, h, area in stats[1:count] if area >= least_px]


def disc(shape: tuple[int, int], x: float, y: float, rx: float, ry: float) -> NDArray[np.bool_]:
    """(h, w) bool: inside an ellipse."""
    rows, columns = np.mgrid[: shape[0], : shape[1]]
    inside: NDArray[np.bool_] = ((columns - x) / rx) ** 2 + ((rows - y) / ry) ** 2 <= 1
    return inside
