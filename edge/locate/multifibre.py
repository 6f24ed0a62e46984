"""Several fibres in one ferrule: the further ones beside a first one, and the order in which they are given."""

from __future__ import annotations

import math
from dataclasses import replace

import cv2
import numpy as np

from edge.locate.circle_votes import smoothed, votes
from edge.locate.pyramid import Pyramid
from edge.locate.rim import Rim, is_disc
from edge.locate.rim_fit import sharp_rim
from edge.locate.settings import LocateSettings
from edge.locate.thresholds import THRESHOLDS

_SIBLINGS = THRESHOLDS.siblings


def siblings(pyramid: Pyramid, first: Rim, settings: LocateSettings) -> list[Rim]:
    """All discs as large as `first` and of its polarity, itself among them."""
    k = pyramid.level_below(first.ellipse.mean_px, _SIBLINGS.level_radius_px)
    picture, near = pyramid.levels[k], first.ellipse.scaled(0.5**k)
    h, w = picture.pixels.shape
    radii_px = _SIBLINGS.min_radius * near.mean_px, _SIBLINGS.max_radius * near.mean_px
    tally = smoothed(votes(picture, radii_px, (first.sign,)), _SIBLINGS.vote_sigma_px)
    own = tally[_within(near.y_px, 2, h), _within(near.x_px, 2, w)]
    least = _SIBLINGS.min_votes * float(own.max()) if own.size else math.inf
    found = [first]
    x, y = near.x_px, near.y_px
    for _ in range(_SIBLINGS.max_fibres):
        tally[_within(y, _SIBLINGS.apart * near.ry_px, h), _within(x, _SIBLINGS.apart * near.rx_px, w)] = 0
        _, peak, _, (x, y) = cv2.minMaxLoc(tally)
        if peak < least:
            break
        rim = sharp_rim(pyramid, replace(near, x_px=x, y_px=y).scaled(2.0**k), first.sign, 2.0**k)
        if rim is not None and is_disc(rim, settings) and alike(first, rim):
            found.append(rim)
    return found


def _within(middle: float, reach: float, size: int) -> slice:
    return slice(max(0, math.floor(middle - reach)), min(size, max(0, math.ceil(middle + reach) + 1)))


def alike(a: Rim, b: Rim) -> bool:
    """Whether two discs can be fibres of one ferrule: the same size and polarity, and much the same contrast."""
    return (
        _SIBLINGS.min_radius < a.ellipse.mean_px / b.ellipse.mean_px < _SIBLINGS.max_radius
        and _SIBLINGS.min_step < b.step_grey / a.step_grey < _SIBLINGS.max_step
    )


def evenly_spaced(rims: list[Rim]) -> bool:
    """Whether at least four discs keep the same distance to their nearest neighbour, as fibres in a ferrule do."""
    if len(rims) < _SIBLINGS.min_even:
        return False
    points = np.array([(r.ellipse.x_px / r.ellipse.rx_px, r.ellipse.y_px / r.ellipse.ry_px) for r in rims])
    apart = points[:, None] - points[None, :]
    distance = np.sqrt((apart * apart).sum(axis=2))
    np.fill_diagonal(distance, np.inf)
    nearest = distance.min(axis=0)
    even = np.abs(nearest / np.median(nearest) - 1) < _SIBLINGS.uneven
    return bool(np.mean(even) >= _SIBLINGS.even_share)


def in_reading_order(rims: list[Rim]) -> list[Rim]:
    """Rows from the top, each from the left; what lies less than three quarters of a radius lower is the same row."""
    rows: list[list[Rim]] = []
    for rim in sorted(rims, key=lambda r: r.ellipse.y_px):
        if rows and rim.ellipse.y_px - rows[-1][-1].ellipse.y_px < _SIBLINGS.row * rim.ellipse.ry_px:
            rows[-1].append(rim)
        else:
            rows.append([rim])
    return [rim for row in rows for rim in sorted(row, key=lambda r: r.ellipse.x_px)]
