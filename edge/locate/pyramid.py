"""The picture halved again and again: an image pyramid, so that large things are looked for in small pictures."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from edge.arrays import U8
from edge.imaging.black_frame import inside_frame
from edge.imaging.ellipse import VisiblePicture
from edge.locate.thresholds import THRESHOLDS

_VOTES = THRESHOLDS.votes


@dataclass(frozen=True, slots=True)
class Pyramid:
    """The picture at its own size and at 1/2, 1/4, ... of it.

    Attributes:
        levels: `levels[k]` is 2^k times smaller than the picture.
        searched: the levels to look for discs in, the larger first; the smaller sees through noise and texture.
    """

    levels: tuple[VisiblePicture, ...]
    searched: tuple[int, ...]

    def level_below(self, radius_px: float, limit_px: float) -> int:
        """The first level on which a radius of the picture is below `limit_px`; the last one if it is on none."""
        k = 0
        while k + 1 < len(self.levels) and radius_px >= limit_px * 2**k:
            k += 1
        return k


def pyramid_of(pixels: U8) -> Pyramid:
    """A (h, w) uint8 picture and its halvings. Each pixel is the mean of four whole ones, so that nothing moves."""
    sizes = [pixels]
    while min(sizes[-1].shape) >= _VOTES.coarse_px:
        sizes.append(_halved(sizes[-1]))
    coarse = len(sizes) - 1
    lit = inside_frame(sizes[coarse])
    if min(sizes[coarse].shape) >= _VOTES.min_second_px:
        sizes.append(_halved(sizes[coarse]))
    h, w = sizes[coarse].shape
    levels = tuple(_visible(size, lit, (w, h), 2.0 ** (coarse - k)) for k, size in enumerate(sizes))
    return Pyramid(levels, tuple(range(coarse, len(sizes))))


def _halved(pixels: U8) -> U8:
    h, w = pixels.shape
    even = pixels[: h // 2 * 2, : w // 2 * 2]
    return cv2.resize(even, (w // 2, h // 2), interpolation=cv2.INTER_AREA).astype(np.uint8, copy=False)


def _visible(pixels: U8, lit: tuple[int, int, int, int], size: tuple[int, int], factor: float) -> VisiblePicture:
    """A level without the black frame that a level of `size` (w, h), `factor` times smaller, has around `lit`."""
    left, top, right, bottom = lit
    last_x, last_y = pixels.shape[1] - 1, pixels.shape[0] - 1
    return VisiblePicture(
        pixels,
        left * factor,
        top * factor,
        last_x if right == size[0] else right * factor - 1,
        last_y if bottom == size[1] else bottom * factor - 1,
    )
