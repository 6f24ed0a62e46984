"""True sizes from sizes that were seen through the picture's blur.

Between its half-strength points a mark that is large against the blur shows its true size; one that is small looks as
large as the blur does.
"""

from __future__ import annotations

from typing import Literal

import numpy as np

from edge.arrays import F64

Shape = Literal["disc", "stroke"]

SIZES: dict[Shape, F64] = {
    "disc": np.array(
        [
            [0.0, 1.0, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0],
            [2.35, 2.43, 2.53, 2.67, 2.87, 3.12, 3.80, 4.68, 5.68, 7.74, 10.0],
        ]
    ),
    "stroke": np.array(
        [[0.0, 1.0, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0], [2.35, 2.46, 2.58, 2.77, 3.02, 3.33, 4.11, 5.03, 6.0]]
    ),
}
"""True size, and size between half-strength points, of a uniform disc or stroke through a Gaussian blur; in sigmas.

Computed from the convolution of the shape with the Gaussian, across its middle; `tests/edge/detect/test_deblur.py`
does it again. The first of each, 2.35, is the Gaussian's own width at half its height. From the last size on no blur is
taken off. What it would still take off a disc, 2 / d, fades out from 8 to 10: cameras sharpen, which makes up for it,
and without a step in the table a mark that looks larger is always reported larger.
"""
MIN_SHARE = 0.5
"""Of what is seen: a mark smaller than the blur cannot be told from a yet smaller one."""


def without_blur(seen_um: F64, blur_um: float, shape: Shape) -> F64:
    """The true sizes of marks that look `seen_um` large, at half strength, through a blur of one sigma `blur_um`.

    At least half of what is seen.
    """
    true_sigma, seen_sigma = SIZES[shape]
    seen = seen_um / blur_um
    true: F64 = np.where(seen < seen_sigma[-1], np.interp(seen, seen_sigma, true_sigma), seen)
    return np.maximum(true * blur_um, MIN_SHARE * seen_um)
