"""The main axis of a cloud of points from its second moments, the same bits on every machine."""

from __future__ import annotations

import numpy as np

from edge.arrays import F64


def main_axis(xx: F64, yy: F64, xy: F64) -> tuple[F64, F64, F64, F64]:
    """The main axes of n clouds of points, by the closed form for symmetric 2x2 matrices.

    By square roots, which are the same on every machine; angles are not.

    Args:
        xx: (n,) second central moments along x.
        yy: (n,) the same along y.
        xy: (n,) mixed ones.

    Returns:
        (n,) each: half the sum of `xx` and `yy`; by how much the moment along the main axis exceeds that; x (0 or more)
        and y of the unit vector along the main axis, which is (1, 0) for a round cloud.
    """
    half_sum, half_difference = (xx + yy) / 2, (xx - yy) / 2
    spread = np.sqrt(half_difference * half_difference + xy * xy)
    cosine = np.divide(half_difference, spread, out=np.ones_like(spread), where=spread > 0)
    axis_x = np.sqrt(np.maximum(0.5 + 0.5 * cosine, 0))
    axis_y = np.copysign(np.sqrt(np.maximum(0.5 - 0.5 * cosine, 0)), xy)
    return half_sum, spread, axis_x, axis_y
