"""Fibres in rough ferrules, such as resin filled with glass beads: even discs in a field of grain.

There the grain has more edges than the rims, and drowns the search. But the glass is even and the ferrule is not. So
the search is made in a picture of how far the grey is off its surroundings, and the rims are then fitted in the
picture itself.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import cv2
import numpy as np

from edge.arrays import U8
from edge.imaging.ellipse import Ellipse
from edge.imaging.exact import median_upper
from edge.imaging.polar import unroll
from edge.imaging.roughness import FERRULE, GLASS, roughness_grey
from edge.locate.multifibre import Ferrule, alike_in_size
from edge.locate.pyramid import Pyramid, pyramid_of
from edge.locate.rim import Rim
from edge.locate.rim_fit import sharp_rim
from edge.locate.thresholds import THRESHOLDS
from edge.records import Unlocated

_ROUGH = THRESHOLDS.rough
_RADII = np.concatenate([np.linspace(*part, 6) for part in (GLASS, FERRULE)]).astype(np.float32)
_N_RAYS = 32


def may_be_rough(pyramid: Pyramid, ferrule: Ferrule) -> bool:
    """Whether a search that found this much may have been drowned by grain."""
    if not ferrule.located:
        return True
    at = ferrule.located[0].ellipse
    grey, _ = unroll(pyramid.levels[0], at, (_RADII - 1) * np.float32(at.mean_px), _N_RAYS)
    return roughness_grey(grey, _RADII) > 0


def rough_ferrule(pyramid: Pyramid, search: Callable[[Pyramid], Ferrule]) -> Ferrule:
    """The fibres of a rough ferrule; none where the picture is not rough, or where there is none.

    Args:
        pyramid: the picture.
        search: finds discs in another picture of the same size.
    """
    rims: list[Rim] = []
    places: list[Unlocated] = []
    for k, level in enumerate(pyramid.levels):
        short = min(level.pixels.shape)
        if short < _ROUGH.least_px:
            break
        deviation = _deviation(level.pixels)
        if short > _ROUGH.most_px or median_upper(deviation[::8, ::8]) < _ROUGH.min_deviation_grey:
            continue
        found = search(pyramid_of(_stretched(deviation)))
        hidden = [_scaled(place, 2.0**k) for place in found.unlocated]
        places += [place for place in hidden if not _is_one_of(place, [at for p in places if (at := _ellipse(p))])]
        seeds = [even.ellipse.scaled(2.0**k) for even in found.located] + [at for p in hidden if (at := _ellipse(p))]
        for at in seeds:
            rim = None if any(_same(at, other.ellipse) for other in rims) else _fitted(pyramid, at, k)
            if rim is not None and (not rims or alike_in_size(rims[0], rim)):
                rims.append(rim)
    ellipses = [rim.ellipse for rim in rims]
    return Ferrule(rims, [place for place in places if not _is_one_of(place, ellipses)] if rims else [])


def _ellipse(place: Unlocated) -> Ellipse | None:
    if place.x_px is None or place.y_px is None or place.rx_px is None or place.ry_px is None:
        return None
    return Ellipse(place.x_px, place.y_px, place.rx_px, place.ry_px)


def _same(a: Ellipse, b: Ellipse) -> bool:
    """Whether two places are those of one fibre."""
    return math.hypot(a.x_px - b.x_px, a.y_px - b.y_px) < 0.5 * b.mean_px


def _is_one_of(place: Unlocated, others: list[Ellipse]) -> bool:
    at = _ellipse(place)
    return at is not None and any(_same(at, other) for other in others)


def _scaled(place: Unlocated, factor: float) -> Unlocated:
    """The same place in a picture `factor` times as large."""
    at = _ellipse(place)
    if at is None:
        return place
    at = at.scaled(factor)
    return Unlocated(place.why, at.x_px, at.y_px, at.rx_px, at.ry_px)


def _deviation(pixels: U8) -> U8:
    """How far the grey is off its surroundings, on average nearby."""
    smooth = cv2.GaussianBlur(pixels, (3, 3), 0)
    side = _ROUGH.surroundings_px
    off = cv2.absdiff(smooth, cv2.blur(smooth, (side, side)))
    return cv2.blur(off, (2 * side + 1, 2 * side + 1)).astype(np.uint8, copy=False)


def _stretched(deviation: U8) -> U8:
    """The same over most of the range of a byte, by a whole factor."""
    some = np.sort(deviation[::4, ::4], axis=None)
    strong = int(some[int(_ROUGH.strong_share * (some.size - 1))])
    factor = max(1, _ROUGH.strong_grey // max(strong, 1))
    return cv2.convertScaleAbs(deviation, alpha=factor).astype(np.uint8, copy=False)


def _fitted(pyramid: Pyramid, at: Ellipse, k: int) -> Rim | None:
    """The rim in the picture, of the polarity that more rays tell; None where too few do.

    Beads lie against it, so that the grey beside it says little.
    """
    fits = [sharp_rim(pyramid, at, sign, _ROUGH.grain_px * 2.0**k) for sign in (1.0, -1.0)]
    rims = [rim for rim in fits if rim is not None and rim.coverage >= _ROUGH.min_coverage]
    return max(rims, key=lambda rim: rim.coverage, default=None)
