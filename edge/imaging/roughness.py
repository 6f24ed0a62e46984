"""Whether what lies around a fibre is rough against the fibre itself, as resin filled with glass beads is."""

from __future__ import annotations

import numpy as np

from edge.arrays import F32, U8

GLASS, FERRULE = (0.35, 0.85), (1.15, 1.6)
"""Where the glass and the ferrule are looked at, in radii of the fibre."""
# Chosen on real end faces: of 99 pictures of polished ferrules, dirty ones among them, none is rough by both.
_MIN_GREY = 16.0
_MIN_RATIO = 8.0
_MOST_CIRCLES = 12


def roughness_grey(grey: U8, radius: F32) -> float:
    """How rough the ferrule is, in grey levels, where it is far rougher than the glass; 0 where it is not.

    It is how far the pixels are off the middle grey level of their circle, in the mean.

    Args:
        grey: (n, m) uint8, rays from the centre outwards.
        radius: (m,) of each column, in radii of the fibre.
    """
    ferrule = _spread(_some(grey, radius, FERRULE))
    if ferrule <= _MIN_GREY:
        return 0.0
    return ferrule if ferrule > _MIN_RATIO * _spread(_some(grey, radius, GLASS)) else 0.0


def _some(grey: U8, radius: F32, between: tuple[float, float]) -> U8:
    """Columns between two radii, a few of them: circles nearby are alike."""
    first, last = np.searchsorted(radius, between).tolist()
    return grey[:, first : last : max(1, (last - first) // _MOST_CIRCLES)]


def _spread(grey: U8) -> float:
    """How far pixels are off the middle of their column, in the mean; 0 without columns."""
    if grey.shape[1] == 0:
        return 0.0
    middle = np.partition(grey, grey.shape[0] // 2, axis=0)[grey.shape[0] // 2]
    return int(np.abs(grey.astype(np.int16) - middle).sum(dtype=np.int64)) / grey.size
