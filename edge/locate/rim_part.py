"""A part of a rim: of a fibre that is half covered, or cut off by the picture's border."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from edge.arrays import Bool
from edge.imaging.ellipse import Ellipse
from edge.imaging.exact import slope
from edge.imaging.polar import strip_offsets, unroll
from edge.locate.pyramid import Pyramid
from edge.locate.rim import Rim
from edge.locate.rim_fit import robust, steepest
from edge.locate.thresholds import THRESHOLDS

_SIBLINGS = THRESHOLDS.siblings
_RIM = THRESHOLDS.rim
_LEVEL_RADIUS_PX = 64.0
_SMOOTH_PX = 1.0
_MIN_HALF_PX = 3.0


@dataclass(frozen=True, slots=True)
class RimPart:
    """What shows of a rim.

    Attributes:
        ellipse: the whole rim that it belongs to, in the picture as given.
        share: of the whole rim, 0..1: how much of it shows.
        seen: share of it that lies in the picture.
    """

    ellipse: Ellipse
    share: float
    seen: float


def rim_part(pyramid: Pyramid, at: Ellipse, first: Rim) -> RimPart | None:
    """The part of a rim like `first`'s around a place; None where no ray has an edge there, or not one of that size.

    Only edges count that step the same way and are about as steep, beyond the rim as on it.

    Args:
        pyramid: of the picture.
        at: where, in the picture as given; its centre may lie outside.
        first: a fibre of the same ferrule.
    """
    k = pyramid.level_below(first.ellipse.mean_px, _LEVEL_RADIUS_PX)
    picture, start = pyramid.levels[k], at.scaled(0.5**k)
    half_px = max(_MIN_HALF_PX, _SIBLINGS.rim_half * start.mean_px)
    offsets, step = strip_offsets(half_px)
    grey, seen = unroll(picture, start, offsets, _RIM.n_rays)
    slopes = slope(grey, _SMOOTH_PX / step, _RIM.n_rays_together)
    if first.sign < 0:
        np.negative(slopes, out=slopes)
    along, peak = steepest(slopes, step, float(offsets[0]))
    # grey per px on this level, where the edge is no sharper than the smoothing leaves it
    first_here = first.scaled(0.5**k)
    steep = abs(first.step_grey) / (np.sqrt(2 * np.pi) * max(first_here.width_px, 1.2 * _SMOOTH_PX))
    third = max(1, grey.shape[1] // 3)
    across = first.sign * (grey[:, -third:].mean(axis=1) - grey[:, :third].mean(axis=1))
    counts = seen & (peak >= _SIBLINGS.min_steepness * steep * step) & (across > 0)
    if np.count_nonzero(counts) < _SIBLINGS.min_part_in_row * counts.size:
        return None
    tolerance = max(_RIM.tolerance_px, _SIBLINGS.rim_tolerance * start.mean_px)
    parameters, residual = robust(along, counts.astype(np.float64), half_px, tolerance)
    fitted = start.moved(np.clip(parameters, -half_px, half_px))
    if not _SIBLINGS.min_radius < fitted.mean_px / first_here.ellipse.mean_px < _SIBLINGS.max_radius:
        return None
    share = float(np.count_nonzero(_in_arcs(counts & (np.abs(residual) < tolerance)))) / counts.size
    return RimPart(fitted.scaled(2.0**k), share, float(np.count_nonzero(seen)) / seen.size)


def _in_arcs(on_rim: Bool) -> Bool:
    """(n,) those of the rays that lie in arcs: most of the rays around them are on the rim too. Texture has no arcs."""
    n = on_rim.size
    half = round(_SIBLINGS.arc * n / 2)
    around = np.concatenate([on_rim[-half:], on_rim, on_rim[:half]]).astype(np.intp)
    total = np.concatenate([[0], np.cumsum(around)])
    dense: Bool = total[2 * half + 1 :] - total[:n] >= _SIBLINGS.in_arc * (2 * half + 1)
    return on_rim & dense
