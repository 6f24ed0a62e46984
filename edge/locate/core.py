"""The core inside a known cladding: lit, dark, or one grey level from it."""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.arrays import F32
from edge.imaging.ellipse import Ellipse, VisiblePicture
from edge.imaging.exact import median_upper, slope
from edge.imaging.noise import IQR_PER_SIGMA
from edge.imaging.polar import unroll
from edge.locate.thresholds import THRESHOLDS

_CORE = THRESHOLDS.core


def find_core(picture: VisiblePicture, at: Ellipse) -> tuple[float | None, float]:
    """Mean radius of the core in px, and how sure that is, 0..1; None and 0 where it cannot be told from the cladding.

    The core's edge is the strongest step of the mean grey by radius. But where that is a line, up and down
    again within a few percent, it is a ring in the cladding, and the unlit core's faint edge is further in.

    Args:
        picture: where to look.
        at: the cladding; the core is looked for between 3 and 90 % of its radius.
    """
    mean = at.mean_px
    step = max(_CORE.min_step_px, mean / _CORE.n_steps)
    first = max(_CORE.min_radius_px, _CORE.min_radius * mean)
    radii = (first + step * np.arange(math.ceil((_CORE.max_radius * mean - first) / step))).astype(np.float32)
    if radii.size < _CORE.min_radii:
        return None, 0.0
    profile, height = _profile(picture, at, radii, step)
    peaks = 2 + np.flatnonzero((height[2:-2] >= height[1:-3]) & (height[2:-2] > height[3:-1]))
    if peaks.size == 0:
        return None, 0.0
    best = _edge_among(peaks, radii, profile, height)
    certain = _CORE.certain_sigma - _CORE.doubtful_sigma
    confidence = min(1.0, (float(height[best]) - _CORE.doubtful_sigma) / certain)
    if confidence < _CORE.min_confidence:
        return None, 0.0
    left, middle, right = (float(v) for v in height[best - 1 : best + 2])
    shift = 0.5 * (left - right) / (left - 2 * middle + right)
    return float(radii[best]) + step * max(-1.0, min(1.0, shift)), confidence


def _profile(picture: VisiblePicture, at: Ellipse, radii: F32, step_px: float) -> tuple[F32, F32]:
    """(m,) slope of the mean grey by radius, and (m,) how high it stands above its noise, in sigma."""
    grey, _ = unroll(picture, at, radii - np.float32(at.mean_px), _CORE.n_rays)
    n_sectors = _CORE.n_sectors
    n = _CORE.n_rays // n_sectors
    sums = grey.reshape(n_sectors, n, -1).sum(axis=1, dtype=np.uint16)
    slopes = slope(sums, max(_CORE.min_sigma_px, _CORE.sigma * at.mean_px) / step_px, largest=255 * n)
    slopes /= n
    ordered = np.sort(slopes, axis=0)
    profile = ordered[_CORE.n_dropped : -_CORE.n_dropped].mean(axis=0)
    spread = (ordered[n_sectors * 3 // 4] - ordered[n_sectors // 4]) / np.float32(IQR_PER_SIGMA)
    # a circle has as many pixels as it is long, and the noise of their mean falls with the root of that
    length = np.sqrt(radii / np.float32(at.mean_px))
    typical = np.float32(median_upper(spread * length) / math.sqrt(n_sectors))
    noise = typical / length + np.float32(_CORE.noise_floor)
    # light that falls off slowly is no edge
    window = (_CORE.background_steps, 1)
    sharp = profile - cv2.blur(profile[None, :], window, borderType=cv2.BORDER_REPLICATE)[0]
    sharp[profile * sharp <= 0] = 0
    return profile, np.minimum(np.abs(sharp), np.abs(profile)) / noise


def _edge_among(peaks: NDArray[np.intp], radii: F32, profile: F32, height: F32) -> int:
    """Which of the steps is the core's edge."""
    top = peaks[np.argmax(height[peaks])]
    close = np.abs(radii[peaks] - radii[top]) < _CORE.line_radius * radii[-1]
    beside = peaks[close & (profile[peaks] * profile[top] < 0)]
    is_line = bool((height[beside] > _CORE.line_height * height[top]).any())
    peaks = peaks[height[peaks] >= (_CORE.min_height_line if is_line else _CORE.min_height) * height[top]]
    near = peaks[radii[peaks] <= _CORE.same_edge * radii[peaks[0]]]
    return int(near[np.argmax(height[near])])
