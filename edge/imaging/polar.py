"""Grey along rays: the picture in the polar coordinates of an ellipse."""

from __future__ import annotations

import math
from functools import lru_cache

import cv2
import numpy as np

from edge.arrays import F32, U8, Bool
from edge.imaging.ellipse import Ellipse, VisiblePicture

_MIN_STEP_PX = 0.25
"""Closer samples along a ray say nothing new: the picture is blurred by its pixels."""


@lru_cache(maxsize=8)
def directions(n: int) -> tuple[F32, F32]:
    """Cosine and sine of `n` angles, (n,) float32 each, from the x axis towards the y axis."""
    theta = np.arange(n) * (2 * np.pi / n)
    return np.cos(theta).astype(np.float32), np.sin(theta).astype(np.float32)


def sampled(pixels: U8, columns: F32, rows: F32) -> U8:
    """Grey at points between pixels, (n, m) uint8; outside of the picture its border is repeated.

    Bilinear at the nearest 32nd of a pixel. With floating-point maps each build of OpenCV rounds in its own way.
    """
    where, between = cv2.convertMaps(columns, rows, cv2.CV_16SC2)
    grey = cv2.remap(pixels, where, between, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return grey.astype(np.uint8, copy=False)


def strip_offsets(half_px: float, n_half: int = 24) -> tuple[F32, float]:
    """Offsets from -half to half, (m,) float32, and their step in px.

    Args:
        half_px: how far to either side.
        n_half: samples to either side; fewer where they would lie closer than a quarter of a pixel.
    """
    step = max(_MIN_STEP_PX, half_px / n_half)
    m = math.ceil(half_px / step)
    return (np.arange(-m, m + 1) * step).astype(np.float32), step


def unroll(picture: VisiblePicture, at: Ellipse, offsets_px: F32, n_rays: int) -> tuple[U8, Bool]:
    """Grey along rays through an ellipse.

    Args:
        picture: where to sample; outside of the picture its border is repeated.
        at: the ellipse that is offset 0.
        offsets_px: (m,) ascending distances from it, in px of the mean radius.
        n_rays: angles, evenly spaced in the ellipse's own parameter.

    Returns:
        (n_rays, m) uint8, and (n_rays,) whether the whole ray lies inside the visible part.
    """
    c, s = directions(n_rays)
    k = 1 + offsets_px / np.float32(at.mean_px)
    columns = np.multiply.outer(np.float32(at.rx_px) * c, k)
    columns += np.float32(at.x_px)
    rows = np.multiply.outer(np.float32(at.ry_px) * s, k)
    rows += np.float32(at.y_px)
    inside = np.ones(n_rays, np.bool_)
    reach_x, reach_y = (r * max(abs(float(k[0])), abs(float(k[-1]))) + 0.01 for r in (at.rx_px, at.ry_px))
    if not (
        picture.left + reach_x <= at.x_px <= picture.right - reach_x
        and picture.top + reach_y <= at.y_px <= picture.bottom - reach_y
    ):
        # the visible part is convex: with both ends inside, so is the ray
        for end in (0, -1):
            x, y = columns[:, end], rows[:, end]
            inside &= (x >= picture.left) & (x <= picture.right) & (y >= picture.top) & (y <= picture.bottom)
    return sampled(picture.pixels, columns, rows), inside
