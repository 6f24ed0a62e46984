"""Several fibres in one ferrule: the further ones beside a first one, those that cannot be located, and their order.

What was not located is not clean. So a place where part of a rim shows, a pale disc, and a gap in the row are fibres
too: they are told as such, and nothing of them passes.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np

from edge.imaging.ellipse import Ellipse, VisiblePicture
from edge.locate.circle_votes import smoothed, votes
from edge.locate.grid import empty_places
from edge.locate.pyramid import Pyramid
from edge.locate.rim import Rim, is_disc
from edge.locate.rim_fit import sharp_rim
from edge.locate.rim_part import RimPart, rim_part
from edge.locate.settings import LocateSettings
from edge.locate.thresholds import THRESHOLDS
from edge.records import EndFace, Unlocated

_SIBLINGS = THRESHOLDS.siblings


@dataclass(frozen=True, slots=True)
class Ferrule:
    """The fibres of one ferrule: the rims of those that were located, the first one at the head, and the others."""

    located: list[Rim]
    unlocated: list[Unlocated]


def siblings(pyramid: Pyramid, first: Rim, settings: LocateSettings) -> Ferrule:
    """All discs as large as `first` and of its polarity, itself among them, and what must be one and shows no rim."""
    k = pyramid.level_below(first.ellipse.mean_px, _SIBLINGS.level_radius_px)
    near = first.ellipse.scaled(0.5**k)
    margin = math.ceil(_SIBLINGS.max_radius * near.mean_px)  # a fibre's centre may lie outside the picture
    picture = _with_margin(pyramid.levels[k], margin)
    h, w = picture.pixels.shape
    radii_px = _SIBLINGS.min_radius * near.mean_px, _SIBLINGS.max_radius * near.mean_px
    tally = smoothed(votes(picture, radii_px, (first.sign,)), _SIBLINGS.vote_sigma_px)
    x, y = near.x_px + margin, near.y_px + margin
    own = tally[_within(y, 2, h), _within(x, 2, w)]
    top = float(own.max()) if own.size else math.inf
    found = [first]
    hidden: list[tuple[Ellipse, str]] = []
    for _ in range(_SIBLINGS.max_fibres):
        tally[_within(y, _SIBLINGS.apart * near.ry_px, h), _within(x, _SIBLINGS.apart * near.rx_px, w)] = 0
        _, peak, _, (x, y) = cv2.minMaxLoc(tally)
        if peak < _SIBLINGS.min_hidden_votes * top:
            break
        at = replace(near, x_px=x - margin, y_px=y - margin).scaled(2.0**k)
        within = 0 <= at.x_px < pyramid.levels[0].pixels.shape[1] and 0 <= at.y_px < pyramid.levels[0].pixels.shape[0]
        rim = sharp_rim(pyramid, at, first.sign, 2.0**k) if within and peak >= _SIBLINGS.min_votes * top else None
        if rim is not None and is_disc(rim, settings) and alike_in_size(first, rim):
            if alike(first, rim):
                found.append(rim)
            else:
                hidden.append((rim.ellipse, "its edge is not as strong as that of the other fibres"))
        elif (part := rim_part(pyramid, at, first)) is not None and part.share >= _SIBLINGS.min_part:
            hidden.append((part.ellipse, _partly(part)))
    hidden += _in_rows(pyramid, [rim.ellipse for rim in found] + [at for at, _ in hidden], first, settings)
    return _counted(found, [_told(at, why) for at, why in hidden], settings)


def _with_margin(picture: VisiblePicture, n: int) -> VisiblePicture:
    """The picture with `n` pixels more on each side, which show nothing."""
    pixels = cv2.copyMakeBorder(picture.pixels, n, n, n, n, cv2.BORDER_REPLICATE).astype(np.uint8, copy=False)
    return VisiblePicture(pixels, picture.left + n, picture.top + n, picture.right + n, picture.bottom + n)


def _in_rows(
    pyramid: Pyramid, fibres: list[Ellipse], first: Rim, settings: LocateSettings
) -> list[tuple[Ellipse, str]]:
    """The gaps in the rows of fibres, and the fibres that a row goes on with at the picture's border; each with why."""
    between, beyond = empty_places(fibres, settings.cladding_um)
    gaps = [(at, "the other fibres leave a place for it, and no rim shows there") for at in between]
    parts = [rim_part(pyramid, at, first) for at in beyond]
    return gaps + [(p.ellipse, _partly(p)) for p in parts if p is not None and p.share >= _SIBLINGS.min_part_in_row]


def _partly(part: RimPart) -> str:
    where = "it is cut off by the picture's border, and " if part.seen < 1 else ""
    return f"{where}{100 * part.share:.0f}% of its rim shows"


def _told(at: Ellipse, why: str) -> Unlocated:
    text = f"fibre at {at.x_px:.0f}, {at.y_px:.0f} px not located: {why}"
    return Unlocated(text, at.x_px, at.y_px, at.rx_px, at.ry_px)


def _counted(found: list[Rim], unlocated: list[Unlocated], settings: LocateSettings) -> Ferrule:
    """The ferrule with as many fibres as it is known to have, if that is known."""
    expected, n = settings.n_fibres, len(found)
    if expected is None:
        return Ferrule(found, unlocated)
    if n > expected:
        return Ferrule(found, [Unlocated(f"{n} fibres found, {expected} expected")])
    told = unlocated[: expected - n]
    missing = Unlocated(f"fibre not located: {n} found, {expected} expected")
    return Ferrule(found, told + [missing] * (expected - n - len(told)))


def _within(middle: float, reach: float, size: int) -> slice:
    return slice(max(0, math.floor(middle - reach)), min(size, max(0, math.ceil(middle + reach) + 1)))


def alike_in_size(a: Rim, b: Rim) -> bool:
    """Whether two discs are as large as fibres of one ferrule are."""
    return _SIBLINGS.min_radius < a.ellipse.mean_px / b.ellipse.mean_px < _SIBLINGS.max_radius


def alike(a: Rim, b: Rim) -> bool:
    """Whether two discs can be fibres of one ferrule: the same size and polarity, and much the same contrast."""
    return alike_in_size(a, b) and _SIBLINGS.min_step < b.step_grey / a.step_grey < _SIBLINGS.max_step


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


def in_reading_order(fibres: Sequence[EndFace | Unlocated]) -> list[EndFace | Unlocated]:
    """Rows from the top, each from the left, those without a place last.

    What lies less than three quarters of a radius lower than its neighbour is of the same row.
    """
    placed = [f for f in fibres if f.x_px is not None]
    rows: list[list[EndFace | Unlocated]] = []
    for fibre in sorted(placed, key=lambda f: f.y_px or 0.0):
        if rows and (fibre.y_px or 0.0) - (rows[-1][-1].y_px or 0.0) < _SIBLINGS.row * _half_height(fibre):
            rows[-1].append(fibre)
        else:
            rows.append([fibre])
    in_rows = [fibre for row in rows for fibre in sorted(row, key=lambda f: f.x_px or 0.0)]
    return in_rows + [f for f in fibres if f.x_px is None]


def _half_height(fibre: EndFace | Unlocated) -> float:
    return fibre.cladding_ry_px if isinstance(fibre, EndFace) else fibre.ry_px or 0.0
