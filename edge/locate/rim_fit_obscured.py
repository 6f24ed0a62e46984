"""Rims that single rays do not show, under a film or dirt. All rays together do.

Slower than `edge.locate.rim_fit`, and only used where that finds a clear core but no rim around it.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from edge.arrays import F64
from edge.imaging.ellipse import Ellipse, VisiblePicture
from edge.imaging.exact import GRID, on_grid, slope
from edge.imaging.polar import strip_offsets, unroll
from edge.locate.pyramid import Pyramid
from edge.locate.rim import Rim, Strip, design, measured_rim, slopes_on, solve
from edge.locate.thresholds import THRESHOLDS

_FIT = THRESHOLDS.obscured
_HELD = _FIT.concentric
_CONCENTRIC = (
    *(_HELD, 0.0, 0.0, 0.0),
    *(0.0, _HELD, 0.0, 0.0),
    *(0.0, 0.0, _HELD + 1e-6, -_HELD),
    *(0.0, 0.0, -_HELD, _HELD + 1e-6),
)
"""The ridge of the fit: centre and difference of the half axes are held, their mean is free."""


def cladding_around(pyramid: Pyramid, core: Rim, broken: list[tuple[float, float]]) -> Rim:
    """The cladding around a clear core, where a film breaks up its rim; `core` itself where there is none.

    Args:
        pyramid: the picture.
        core: a rim in it.
        broken: rings (radius_px, step) further out that no ellipse could be fitted to.
    """
    if not broken:
        return core
    radius_px, step = max(broken, key=lambda ring: abs(ring[1]))
    k = pyramid.level_below(radius_px, THRESHOLDS.rim.sharp_radius_px)
    at = core.ellipse.grown(radius_px / core.ellipse.mean_px).scaled(0.5**k)
    rim: Rim | None = None
    for half in _FIT.halves:
        rim = fit_obscured_rim(pyramid.levels[k], at, half * at.mean_px, math.copysign(1.0, step))
        if rim is None or not _FIT.min_radius < rim.ellipse.mean_px / at.mean_px < _FIT.max_radius:
            return core
        at = rim.ellipse
    return rim.scaled(2.0**k) if rim is not None and _is_rim(rim, core) else core


def _is_rim(rim: Rim, core: Rim) -> bool:
    return (
        rim.coverage >= _FIT.min_coverage
        and rim.agreement >= _FIT.min_agreement
        and rim.width_px <= THRESHOLDS.disc.max_width * rim.ellipse.mean_px
        and abs(rim.step_grey) >= max(_FIT.min_step_grey, _FIT.min_step_share * abs(core.step_grey))
    )


def fit_obscured_rim(picture: VisiblePicture, start: Ellipse, half_px: float, sign: float) -> Rim | None:
    """A rim broken up by a film or dirt, near a known concentric ellipse.

    The integro-differential fit of J. G. Daugman, IEEE Transactions on Pattern Analysis and Machine Intelligence
    15(11), 1993, made for the iris: all rays together climb the sum of the slopes along the ellipse, here in a window
    that narrows. `coverage` counts the rays that rise there at all.

    Args:
        picture: where to look.
        start: around which ellipse, of the right aspect.
        half_px: how far to either side.
        sign: +1 where grey rises outwards (dark glass), -1 where it falls.

    Returns:
        the rim; None where less than half of it is visible.
    """
    offsets, step = strip_offsets(half_px, _FIT.n_half)
    grey, seen = unroll(picture, start, offsets, _FIT.n_rays)
    n_seen = int(np.count_nonzero(seen))
    if n_seen < _FIT.min_visible * _FIT.n_rays:
        return None
    slopes = slope(grey, _FIT.sigma_px / step, _FIT.n_rays_together)
    if sign < 0:
        np.negative(slopes, out=slopes)
    strip = Strip(grey, slopes, seen, n_seen, step, sign)
    parameters = _climbed(strip, offsets, half_px)
    coverage = float(np.count_nonzero(slopes_on(parameters, strip)[seen] > 0)) / n_seen
    return measured_rim(start, parameters, coverage, strip)


def _climbed(strip: Strip, offsets_px: NDArray[np.float32], half_px: float) -> F64:
    """(4,) the parameters that all rays together climb to."""
    slopes = strip.slopes
    most = _FIT.max_slope * float(np.abs(slopes).mean())
    rising = on_grid(np.minimum(np.maximum(slopes, 0), most) * strip.seen[:, None])
    rows, _ = design(_FIT.n_rays)
    middle = offsets_px.size // 2
    sample = np.arange(-middle, middle + 1, dtype=np.float64)
    parameters = np.zeros(4)
    for window in _FIT.windows:
        away = (offsets_px[None, :] - (rows @ parameters)[:, None]) / (window * half_px)
        # whole numbers and multiples of powers of two from here on: no sum is rounded, so none depends on its order
        mass = np.rint(GRID * np.exp(-0.5 * away * away)) * rising
        weight = mass.sum(axis=1)
        place = on_grid(strip.step_px * (mass * sample).sum(axis=1) / np.maximum(weight, 1e-3))
        parameters = solve(place, np.rint(weight * (GRID / max(float(weight.max()), 1e-3))), _CONCENTRIC)
    return parameters
