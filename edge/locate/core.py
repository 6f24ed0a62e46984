"""The core inside a known cladding: lit, dark, or one grey level from it."""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.imaging.ellipse import Ellipse, View, median, slope, unroll

_F32 = NDArray[np.float32]

_N_RAYS = 256
_N_SECTORS = 16
# In sigma of the noise of the mean over all angles: what some 80 independent radii do not reach by chance,
# and what no eye doubts.
_DOUBTFUL, _CERTAIN = 4.0, 20.0


def find_core(view: View, at: Ellipse) -> tuple[float | None, float]:
    """Mean radius of the core in px, and how sure that is, 0..1; None and 0 where it cannot be told from the cladding.

    The core's edge is the strongest step of the mean grey by radius. But where that is a line, up and down
    again within a few percent, it is a ring in the cladding, and the unlit core's faint edge is further in.

    Args:
        view: the picture.
        at: the cladding; the core is looked for between 3 and 90 % of its radius.
    """
    mean = at.mean_px
    step = max(0.5, mean / 160)
    first = max(1.5, 0.03 * mean)
    radii = (first + step * np.arange(math.ceil((0.9 * mean - first) / step))).astype(np.float32)
    if radii.size < 8:
        return None, 0.0
    profile, height = _profile(view, at, radii, step)
    peaks = 2 + np.flatnonzero((height[2:-2] >= height[1:-3]) & (height[2:-2] > height[3:-1]))
    if peaks.size == 0:
        return None, 0.0
    best = _edge_among(peaks, radii, profile, height)
    confidence = min(1.0, (float(height[best]) - _DOUBTFUL) / (_CERTAIN - _DOUBTFUL))
    if confidence <= 0:
        return None, 0.0
    left, middle, right = (float(v) for v in height[best - 1 : best + 2])
    shift = 0.5 * (left - right) / (left - 2 * middle + right)
    return float(radii[best]) + step * max(-1.0, min(1.0, shift)), confidence


def _profile(view: View, at: Ellipse, radii: _F32, step_px: float) -> tuple[_F32, _F32]:
    """(m,) slope of the mean grey by radius, and (m,) how high it stands above its noise, in sigma."""
    grey, _ = unroll(view, at, radii - np.float32(at.mean_px), _N_RAYS)
    n = _N_RAYS // _N_SECTORS
    sums = grey.reshape(_N_SECTORS, n, -1).sum(axis=1, dtype=np.uint16)
    slopes = slope(sums, max(1.0, 0.016 * at.mean_px) / step_px, largest=255 * n)
    slopes /= n
    # dirt in a few sectors must not make a ring: the extremes do not count
    ordered = np.sort(slopes, axis=0)
    profile = ordered[2:-2].mean(axis=0)
    spread = (ordered[_N_SECTORS * 3 // 4] - ordered[_N_SECTORS // 4]) / np.float32(1.35)
    # a circle has as many pixels as it is long: so much less does noise weigh
    length = np.sqrt(radii / np.float32(at.mean_px))
    noise = np.float32(median(spread * length) / math.sqrt(_N_SECTORS)) / length + np.float32(0.01)
    # light that falls off slowly is no edge
    sharp = profile - cv2.blur(profile[None, :], (31, 1), borderType=cv2.BORDER_REPLICATE)[0]
    sharp[profile * sharp <= 0] = 0
    return profile, np.minimum(np.abs(sharp), np.abs(profile)) / noise


def _edge_among(peaks: NDArray[np.intp], radii: _F32, profile: _F32, height: _F32) -> int:
    """Which of the steps is the core's edge."""
    top = peaks[np.argmax(height[peaks])]
    beside = peaks[(np.abs(radii[peaks] - radii[top]) < 0.09 * radii[-1]) & (profile[peaks] * profile[top] < 0)]
    is_line = bool((height[beside] > 0.35 * height[top]).any())
    peaks = peaks[height[peaks] >= (0.25 if is_line else 0.5) * height[top]]
    near = peaks[radii[peaks] <= 1.15 * radii[peaks[0]]]
    return int(near[np.argmax(height[near])])
