"""Where something is: an ellipse in a picture, and the part of a picture that shows anything."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from edge.arrays import F64, U8


@dataclass(frozen=True, slots=True)
class Ellipse:
    """An ellipse along rows and columns: centre and half axes, in pixels of the picture it was found in."""

    x_px: float
    y_px: float
    rx_px: float
    ry_px: float

    @property
    def mean_px(self) -> float:
        """The radius of the circle of equal area."""
        return math.sqrt(self.rx_px * self.ry_px)

    def scaled(self, factor: float) -> Ellipse:
        """The same ellipse in a picture `factor` times as large; pixel centres lie at whole numbers in both."""
        return Ellipse(
            (self.x_px + 0.5) * factor - 0.5,
            (self.y_px + 0.5) * factor - 0.5,
            self.rx_px * factor,
            self.ry_px * factor,
        )

    def grown(self, factor: float) -> Ellipse:
        """A concentric ellipse of the same aspect, `factor` times as large."""
        return replace(self, rx_px=self.rx_px * factor, ry_px=self.ry_px * factor)

    def moved(self, parameters: F64) -> Ellipse:
        """The ellipse after a change of centre and half axes.

        Args:
            parameters: (4,) changes of x, y, rx and ry, in px of the mean radius.
        """
        kx, ky = self.rx_px / self.mean_px, self.ry_px / self.mean_px
        return Ellipse(
            self.x_px + float(parameters[0]) * kx,
            self.y_px + float(parameters[1]) * ky,
            self.rx_px + float(parameters[2]) * kx,
            self.ry_px + float(parameters[3]) * ky,
        )


@dataclass(frozen=True, slots=True)
class VisiblePicture:
    """A grey picture at some scale, and the rectangle of it that shows anything; a black frame lies outside.

    Attributes:
        pixels: (h, w) uint8.
        left: first column that may be sampled.
        top: first row.
        right: last column.
        bottom: last row.
    """

    pixels: U8
    left: float
    top: float
    right: float
    bottom: float

    @classmethod
    def whole(cls, pixels: U8) -> VisiblePicture:
        """A picture of which everything may be sampled, (h, w) uint8."""
        h, w = pixels.shape
        return cls(pixels, 0, 0, w - 1, h - 1)
