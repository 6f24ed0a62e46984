"""Where a disc may be: points that many edges are perpendicular to, and the radii that step around them.

Everything here looks at the picture made small; what it returns is a guess, for `edge.locate.rim_fit` to confirm in the
picture itself.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.imaging.ellipse import View, directions, median, sampled, slope

_U8 = NDArray[np.uint8]
_F32 = NDArray[np.float32]

# The shorter side of the picture that is searched, at most; it is at least half of that.
_COARSE_PX = 192
# What fits in arrays that malloc reuses: beyond it page faults cost more than the arithmetic.
_MAX_VOTES = 30_000
_N_CENTRES = 4
_N_RINGS = 5
# Frame grabbers and field stops leave some grey levels of black.
BLACK_GREY = 12.0


@dataclass(frozen=True)
class Scene:
    """The picture halved again and again.

    Attributes:
        views: `views[k]` is 2^k times smaller than the picture.
        search: the levels to look for discs in; the second, smaller one sees through noise and texture.
    """

    views: tuple[View, ...]
    search: tuple[int, ...]

    def level(self, mean_px: float, at_most_px: float) -> int:
        """The level where a radius of `mean_px` in the picture is below `at_most_px`, and if it can half of it."""
        k = 0
        while k + 1 < len(self.views) and mean_px >= at_most_px * 2**k:
            k += 1
        return k


def scene_of(pixels: _U8) -> Scene:
    """A (h, w) uint8 picture and its halvings; each of them is a mean over whole pixels, so that nothing moves."""
    levels = [pixels]
    while min(levels[-1].shape) >= _COARSE_PX:
        levels.append(_halved(levels[-1]))
    found = len(levels) - 1
    left, top, right, bottom = inside_frame(levels[found])
    if min(levels[found].shape) >= _COARSE_PX // 3:
        levels.append(_halved(levels[found]))
    h, w = levels[found].shape
    views = []
    for k, level in enumerate(levels):
        f = 2.0 ** (found - k)
        last_x, last_y = level.shape[1] - 1, level.shape[0] - 1
        views.append(
            View(
                level,
                left * f,
                top * f,
                last_x if right == w else right * f - 1,
                last_y if bottom == h else bottom * f - 1,
            )
        )
    return Scene(tuple(views), tuple(range(found, len(levels))))


def _halved(pixels: _U8) -> _U8:
    h, w = pixels.shape
    even = pixels[: h // 2 * 2, : w // 2 * 2]
    return cv2.resize(even, (w // 2, h // 2), interpolation=cv2.INTER_AREA).astype(np.uint8, copy=False)


def inside_frame(pixels: _U8) -> tuple[int, int, int, int]:
    """Columns and rows (left, top, right, bottom; half open) inside a black frame; all of them without one."""
    h, w = pixels.shape
    columns = cv2.reduce(pixels, 0, cv2.REDUCE_AVG)[0]
    rows = cv2.reduce(pixels, 1, cv2.REDUCE_AVG)[:, 0]
    # no picture falls off to a quarter of its brightness over a whole column
    black = max(BLACK_GREY, 0.25 * median(rows))
    xs, ys = np.flatnonzero(columns > black), np.flatnonzero(rows > black)
    if xs.size < max(1, w // 2) or ys.size < max(1, h // 2):
        return 0, 0, w, h
    left, top, right, bottom = int(xs[0]), int(ys[0]), int(xs[-1]) + 1, int(ys[-1]) + 1
    # the frame's own edge is blurred over the pixels next to it
    return left + 2 * (left > 0), top + 2 * (top > 0), right - 2 * (right < w), bottom - 2 * (bottom < h)


def _vote_step(view: View) -> float:
    """How far apart votes lie, in px: about as many of them whatever the size of the picture."""
    return max(1.0, float(min(view.pixels.shape)) / 72)


def votes(view: View, radii_px: tuple[float, float], signs: tuple[float, ...]) -> _F32:
    """(h, w) float32: how many edge pixels have this point on their normal, at a distance within `radii_px`.

    After D. H. Ballard, Pattern Recognition 13, 1981, with the radius left open: core, glass and bore vote for
    nearly the same point. Where there are too many edge pixels, evenly spread ones vote.

    Args:
        view: where to look; its own border and a black frame's have no vote.
        radii_px: shortest and longest distance.
        signs: +1 for discs darker than what is around them, -1 for brighter ones.
    """
    h, w = view.pixels.shape
    none = np.zeros((h, w), np.float32)
    smooth = cv2.GaussianBlur(view.pixels, (3, 3), 0)
    top, left, bottom, right = int(view.top) + 2, int(view.left) + 2, int(view.bottom) - 1, int(view.right) - 1
    if bottom - top < 3 or right - left < 3:
        return none
    gx, gy = (g[top:bottom, left:right].astype(np.float32).ravel() for g in cv2.spatialGradient(smooth))
    # whole numbers below 2^24; not cv2.magnitude, whose last bit depends on where the arrays lie in memory
    squared = gx * gx
    squared += gy * gy
    # an edge of 2 grey levels answers with about 6; texture and noise set their own floor
    at = np.flatnonzero(squared > max(36.0, 9.0 * median(squared.reshape(bottom - top, -1)[::3, ::3])))
    if at.size == 0:
        return none
    step = _vote_step(view)
    t = (radii_px[0] + step * np.arange(math.ceil((radii_px[1] + 1 - radii_px[0]) / step))).astype(np.float32)
    t = np.concatenate([-sign * t for sign in signs]).astype(np.float32, copy=False)
    n_voters = max(1, _MAX_VOTES // t.size)
    if at.size > n_voters:
        at = at[np.linspace(0, at.size - 1, n_voters).astype(np.intp)]
    ys, xs = np.divmod(at, right - left)
    length = np.sqrt(squared[at])
    ux: _F32 = gx[at] / length
    uy: _F32 = gy[at] / length
    # what lies outside is swept into a border of one pixel
    px = np.multiply.outer(ux, t)
    px += (xs + (left + 1.5)).astype(np.float32)[:, None]
    np.minimum(np.maximum(px, 0, out=px), w + 1, out=px)
    py = np.multiply.outer(uy, t)
    py += (ys + (top + 1.5)).astype(np.float32)[:, None]
    np.minimum(np.maximum(py, 0, out=py), h + 1, out=py)
    index = py.astype(np.int32)
    index *= w + 2
    index += px.astype(np.int32)
    counts = np.bincount(index.ravel(), minlength=(w + 2) * (h + 2)).reshape(h + 2, w + 2)
    return counts[1:-1, 1:-1].astype(np.float32)


def smoothed(tally: _F32, sigma_px: float) -> _F32:
    """(h, w) float32: whole numbers below 30,000 smoothed by about a Gaussian, up to a factor; peaks keep their order.

    The kernel is of whole numbers, so that float32 holds the sums exactly: `cv2.GaussianBlur` rounds float32 in a way
    that depends on the processor.
    """
    kernel = _bell(round(10 * sigma_px))
    return cv2.sepFilter2D(tally, cv2.CV_32F, kernel, kernel).astype(np.float32, copy=False)


@lru_cache(maxsize=16)
def _bell(sigma_tenths: int) -> _F32:
    t = np.arange(-math.ceil(0.3 * sigma_tenths), math.ceil(0.3 * sigma_tenths) + 1)
    g = np.exp(-0.5 * (t / (0.1 * sigma_tenths)) ** 2)
    kernel: _F32 = np.rint(20 * g / g.sum()).astype(np.float32)
    return kernel


def centres(view: View, radii_px: tuple[float, float]) -> Iterator[tuple[float, float]]:
    """Points (x, y) that many normals meet in, most first; at most four, none without edges."""
    tally = smoothed(votes(view, radii_px, (1.0, -1.0)), _vote_step(view))
    reach = max(3, round(2 * radii_px[0]))
    top = 0.0
    for _ in range(_N_CENTRES):
        _, peak, _, (x, y) = cv2.minMaxLoc(tally)
        top = max(top, peak)
        if peak <= 0.25 * top:
            return
        yield float(x), float(y)
        tally[max(0, y - reach) : y + reach + 1, max(0, x - reach) : x + reach + 1] = 0


def rings(view: View, x: float, y: float, radii_px: tuple[float, float]) -> list[tuple[float, float]]:
    """Radii where the grey steps at most angles around a point, each with its mean step; outermost first.

    The step is positive where grey rises outwards. At most the five strongest.
    """
    n_rays, n_radii = 128, int(radii_px[1] * 1.1) + 4
    c, s = directions(n_rays)
    radii = np.arange(n_radii, dtype=np.float32)
    polar = sampled(
        view.pixels, np.multiply.outer(c, radii) + np.float32(x), np.multiply.outer(s, radii) + np.float32(y)
    )
    reach = np.minimum(
        np.where(c > 0, view.right - x, x - view.left) / np.maximum(np.abs(c), 1e-6),
        np.where(s > 0, view.bottom - y, y - view.top) / np.maximum(np.abs(s), 1e-6),
    )
    sigma = max(1.5, 0.015 * n_radii)
    # as far as the smoothing does not see the border, or the frame beyond it
    limit = (reach - 2.5 * sigma).astype(np.float32, copy=False)
    slopes = slope(polar, sigma)
    # one scratch must not weigh as much as a ring
    np.minimum(np.maximum(slopes, -12, out=slopes), 12, out=slopes)
    slopes *= radii < limit[:, None]
    n_inside = n_rays - np.searchsorted(np.sort(limit), radii, side="right")
    total = slopes.sum(axis=0) / np.maximum(n_inside, 1) * np.float32(math.sqrt(2 * math.pi) * sigma)
    total[n_inside < 0.2 * n_rays] = 0
    # light that falls off slowly is no edge
    sharp = total - cv2.blur(total[None, :], (1 + 2 * round(6 * sigma), 1), borderType=cv2.BORDER_REPLICATE)[0]
    height = np.where(sharp * total > 0, np.minimum(np.abs(sharp), np.abs(total)), 0) * np.sqrt(n_inside / n_rays)
    first = max(2, int(0.8 * radii_px[0]))
    middle = height[first + 1 : -1]
    peaks = first + 1 + np.flatnonzero((middle >= height[first:-2]) & (middle > height[first + 2 :]))
    if peaks.size == 0:
        return []
    peaks = peaks[height[peaks] >= max(0.7, 0.12 * float(height[peaks].max()))]
    peaks = peaks[np.argsort(-height[peaks], kind="stable")[:_N_RINGS]]
    return [(float(r), float(sharp[r])) for r in sorted(peaks, reverse=True)]
