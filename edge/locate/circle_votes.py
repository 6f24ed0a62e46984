"""Where a disc may be: points that the normals of many edges meet in, and the radii of the rings around them.

The gradient Hough transform of D. H. Ballard, Pattern Recognition 13(2), 1981, with the radius left open: core, glass
and bore vote for nearly the same point. All of this is done in the picture made small. What comes out is a guess,
which `edge.locate.rim_fit` confirms in the picture itself.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import lru_cache

import cv2
import numpy as np

from edge.arrays import F32, F64, Index
from edge.imaging.ellipse import VisiblePicture
from edge.imaging.exact import SLOPE_REACH_SIGMA, gaussian_weights, median_upper, slope
from edge.imaging.polar import directions, sampled
from edge.locate.thresholds import THRESHOLDS

_VOTES = THRESHOLDS.votes
_RINGS = THRESHOLDS.rings


def centres(picture: VisiblePicture, radii_px: tuple[float, float]) -> Iterator[tuple[float, float]]:
    """Points (x, y) that many normals meet in, most first; at most four, none without edges."""
    tally = smoothed(votes(picture, radii_px, (1.0, -1.0)), _vote_step_px(picture.pixels.shape))
    reach = max(_VOTES.min_clear_px, round(_VOTES.clear_radii * radii_px[0]))
    top = 0.0
    for _ in range(_VOTES.n_centres):
        _, peak, _, (x, y) = cv2.minMaxLoc(tally)
        top = max(top, peak)
        if peak <= _VOTES.min_peak * top:
            return
        yield float(x), float(y)
        tally[max(0, y - reach) : y + reach + 1, max(0, x - reach) : x + reach + 1] = 0


def votes(picture: VisiblePicture, radii_px: tuple[float, float], signs: tuple[float, ...]) -> F32:
    """(h, w) float32: how many edge pixels have this point on their normal, at a distance within `radii_px`.

    Where there are too many edge pixels, evenly spread ones vote.

    Args:
        picture: where to look; its own border and a black frame's have no vote.
        radii_px: shortest and longest distance.
        signs: +1 for discs darker than what is around them, -1 for brighter ones.
    """
    h, w = picture.pixels.shape
    step = _vote_step_px((h, w))
    t = (radii_px[0] + step * np.arange(math.ceil((radii_px[1] + 1 - radii_px[0]) / step))).astype(np.float32)
    t = np.concatenate([-sign * t for sign in signs]).astype(np.float32, copy=False)
    edges = _edge_normals(picture, t.size)
    if edges is None:
        return np.zeros((h, w), np.float32)
    x, y, ux, uy = edges
    # what lies outside is swept into a border of one pixel
    px = np.multiply.outer(ux, t)
    px += (x + 1.5).astype(np.float32)[:, None]
    np.minimum(np.maximum(px, 0, out=px), w + 1, out=px)
    py = np.multiply.outer(uy, t)
    py += (y + 1.5).astype(np.float32)[:, None]
    np.minimum(np.maximum(py, 0, out=py), h + 1, out=py)
    index = py.astype(np.int32)
    index *= w + 2
    index += px.astype(np.int32)
    counts = np.bincount(index.ravel(), minlength=(w + 2) * (h + 2)).reshape(h + 2, w + 2)
    return counts[1:-1, 1:-1].astype(np.float32)


def _vote_step_px(shape: tuple[int, ...]) -> float:
    """How far apart the votes of an edge pixel lie."""
    return max(1.0, float(min(shape)) / _VOTES.n_steps)


def _edge_normals(picture: VisiblePicture, n_votes: int) -> tuple[Index, Index, F32, F32] | None:
    """Edge pixels that have `n_votes` each: columns, rows and unit gradients along x and y, (n,); None without edges.

    Where there are too many, evenly spread ones.
    """
    smooth = cv2.GaussianBlur(picture.pixels, (3, 3), 0)
    # the gradient looks a pixel around, the smoothing another one
    top, bottom = int(picture.top) + 2, int(picture.bottom) - 1
    left, right = int(picture.left) + 2, int(picture.right) - 1
    if bottom - top < 3 or right - left < 3:
        return None
    gx, gy = (g[top:bottom, left:right].astype(np.float32).ravel() for g in cv2.spatialGradient(smooth))
    # whole numbers below 2^24; not cv2.magnitude, whose last bit depends on where the arrays lie in memory
    squared = gx * gx
    squared += gy * gy
    # every ninth pixel tells how strong the texture is
    texture = median_upper(squared.reshape(bottom - top, -1)[::3, ::3])
    at = np.flatnonzero(squared > max(_VOTES.min_edge**2, _VOTES.edge_over_texture**2 * texture))
    if at.size == 0:
        return None
    n_voters = max(1, _VOTES.max_votes // n_votes)
    if at.size > n_voters:
        at = at[np.linspace(0, at.size - 1, n_voters).astype(np.intp)]
    y, x = np.divmod(at, right - left)
    length = np.sqrt(squared[at])
    return x + left, y + top, gx[at] / length, gy[at] / length


def smoothed(tally: F32, sigma_px: float) -> F32:
    """(h, w) float32: votes smoothed by a Gaussian, times about 400; peaks keep their order.

    The kernel is of whole numbers, so that float32 holds the sums of votes up to 30,000 exactly. `cv2.GaussianBlur`
    rounds float32 in a way that depends on the processor.
    """
    kernel = _vote_kernel(round(10 * sigma_px))
    return cv2.sepFilter2D(tally, cv2.CV_32F, kernel, kernel).astype(np.float32, copy=False)


@lru_cache(maxsize=16)
def _vote_kernel(sigma_tenths: int) -> F32:
    return np.array(gaussian_weights(0.1 * sigma_tenths, math.ceil(0.3 * sigma_tenths), 20), np.float32)


def rings(picture: VisiblePicture, x: float, y: float, radii_px: tuple[float, float]) -> list[tuple[float, float]]:
    """Radii where the grey steps at most angles around a point, each with its step; outermost first.

    At most the five strongest. The step is the mean over the angles, less the mean of nearby radii; slopes above 12
    grey levels a pixel count as 12. It is positive where grey rises outwards.
    """
    n_radii = int(radii_px[1] * _RINGS.reach) + 4
    total, sigma, visible = _mean_steps(picture, x, y, n_radii)
    # light that falls off slowly is no edge
    window = 1 + 2 * round(_RINGS.background_sigma * sigma)
    sharp = total - cv2.blur(total[None, :], (window, 1), borderType=cv2.BORDER_REPLICATE)[0]
    height = np.where(sharp * total > 0, np.minimum(np.abs(sharp), np.abs(total)), 0) * np.sqrt(visible)
    first = max(2, int(_RINGS.first * radii_px[0]))
    middle = height[first + 1 : -1]
    peaks = first + 1 + np.flatnonzero((middle >= height[first:-2]) & (middle > height[first + 2 :]))
    if peaks.size == 0:
        return []
    peaks = peaks[height[peaks] >= max(_RINGS.min_step_grey, _RINGS.min_step * float(height[peaks].max()))]
    peaks = peaks[np.argsort(-height[peaks], kind="stable")[: _RINGS.n_rings]]
    return [(float(r), float(sharp[r])) for r in sorted(peaks, reverse=True)]


def _mean_steps(picture: VisiblePicture, x: float, y: float, n_radii: int) -> tuple[F64, float, F64]:
    """(n_radii,) mean step of grey by radius around a point, the smoothing in px, (n_radii,) share of rays that see it.

    The step is 0 where too few rays see it.
    """
    n_rays = _RINGS.n_rays
    c, s = directions(n_rays)
    radii = np.arange(n_radii, dtype=np.float32)
    grey = sampled(
        picture.pixels, np.multiply.outer(c, radii) + np.float32(x), np.multiply.outer(s, radii) + np.float32(y)
    )
    reach = np.minimum(
        np.where(c > 0, picture.right - x, x - picture.left) / np.maximum(np.abs(c), 1e-6),
        np.where(s > 0, picture.bottom - y, y - picture.top) / np.maximum(np.abs(s), 1e-6),
    )
    sigma = max(_RINGS.min_sigma_px, _RINGS.sigma * n_radii)
    # as far as the smoothing does not see the border, or the frame beyond it
    limit = (reach - SLOPE_REACH_SIGMA * sigma).astype(np.float32, copy=False)
    slopes = slope(grey, sigma)
    np.minimum(np.maximum(slopes, -_RINGS.max_slope_grey, out=slopes), _RINGS.max_slope_grey, out=slopes)
    slopes *= radii < limit[:, None]
    n_inside = n_rays - np.searchsorted(np.sort(limit), radii, side="right")
    # a blurred step is its steepest slope times sqrt(2 pi) sigma
    total = slopes.sum(axis=0) / np.maximum(n_inside, 1) * np.float32(math.sqrt(2 * math.pi) * sigma)
    total[n_inside < _RINGS.min_visible * n_rays] = 0
    return total, sigma, n_inside / n_rays


def without_halos(found: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """The rings less those that are the outer flank of a bright or dark line along a much stronger ring."""
    kept = []
    for (r, step), (inner_r, inner_step) in zip(found, [*found[1:], (0.0, 0.0)], strict=False):
        alone = inner_r < _RINGS.halo_radius * r
        if alone or abs(inner_step) < _RINGS.halo_step * abs(step) or inner_step * step > 0:
            kept.append((r, step))
    return kept
