"""Drawn discs with known truth, and texture, for the tests of `edge.imaging` and `edge.locate`."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.imaging.ellipse import Ellipse

U8 = NDArray[np.uint8]

DISC = Ellipse(100.3, 80.6, 50.2, 46.1)
"""Where `draw_disc` puts its disc."""


def draw_disc(
    at: Ellipse = DISC, inside: float = 90, outside: float = 180, noise: float = 1.0, blur: float = 1.0
) -> U8:
    """(160, 200) uint8: one elliptical disc, each pixel the mean of 4x4 points, then blur and noise."""
    ys, xs = (np.mgrid[0:640, 0:800].astype(np.float32) + 0.5) / 4 - 0.5
    rho = np.hypot((xs - at.x_px) / at.rx_px, (ys - at.y_px) / at.ry_px)
    sharp = cv2.resize(np.where(rho < 1, inside, outside).astype(np.float32), (200, 160), interpolation=cv2.INTER_AREA)
    grey = cv2.GaussianBlur(sharp, (0, 0), blur) + np.random.default_rng(0).normal(0, noise, sharp.shape)
    return np.asarray(np.clip(np.rint(grey), 0, 255), np.uint8)


def off_px(ellipse: Ellipse, truth: Ellipse = DISC) -> float:
    """The largest difference of centre and half axes."""
    return max(
        abs(ellipse.x_px - truth.x_px),
        abs(ellipse.y_px - truth.y_px),
        abs(ellipse.rx_px - truth.rx_px),
        abs(ellipse.ry_px - truth.ry_px),
    )


def texture(height: int = 90, width: int = 120, seed: int = 0) -> U8:
    """Independent grey levels."""
    return np.random.default_rng(seed).integers(0, 256, (height, width)).astype(np.uint8)


def elsewhere(grey: U8, offset: int) -> U8:
    """The same array, its first byte `offset` bytes further in memory."""
    room = np.empty(grey.nbytes + 128, np.uint8)
    start = -room.ctypes.data % 64 + offset
    moved = room[start : start + grey.nbytes].reshape(grey.shape)
    moved[:] = grey
    return moved
