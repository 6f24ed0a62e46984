"""Rims that single rays do not show, under a film or dirt. All rays together do.

Slower than `edge.locate.rim_fit.fit_rim`, and only used where that one says that it is not sure.
"""

from __future__ import annotations

import numpy as np

from edge.imaging.ellipse import Ellipse, View, slope, unroll
from edge.locate.rim_fit import Rim, described, design, on_grid, solve, strip_offsets

_N_RAYS = 256
# Concentric with, and of the same aspect as, the rim that it is fitted from, unless all rays say otherwise.
_CONCENTRIC = (0.3, 0.0, 0.0, 0.0, 0.0, 0.3, 0.0, 0.0, 0.0, 0.0, 0.3 + 1e-6, -0.3, 0.0, 0.0, -0.3, 0.3 + 1e-6)
_WINDOWS = (0.4, 0.4, 0.4, 0.2, 0.2, 0.2, 0.12, 0.12, 0.12)


def fit_broken(view: View, start: Ellipse, half_px: float, sign: float) -> Rim | None:
    """A rim broken up by a film or dirt, near a known concentric ellipse.

    All rays together climb the sum of the slopes along the ellipse (J. G. Daugman, IEEE Transactions on
    Pattern Analysis and Machine Intelligence 15, 1993, for the iris), in a window that narrows.
    `coverage` counts the rays that rise there at all.

    Args:
        view: the picture.
        start: where to look, of the right aspect.
        half_px: how far to either side.
        sign: +1 where grey rises outwards (dark glass), -1 where it falls.

    Returns:
        the rim; None where less than half of it is visible.
    """
    offsets, step = strip_offsets(half_px, 32)
    grey, seen = unroll(view, start, offsets, _N_RAYS)
    n_seen = int(np.count_nonzero(seen))
    if n_seen < 0.5 * _N_RAYS:
        return None
    slopes = slope(grey, 1.0 / step, 5)
    if sign < 0:
        np.negative(slopes, out=slopes)
    # a few strong fringes must not outvote the many rays that show little
    rising = on_grid(np.minimum(np.maximum(slopes, 0), 4 * float(np.abs(slopes).mean())) * seen[:, None])
    parameters = np.zeros(4)
    rows, _ = design(_N_RAYS)
    middle = offsets.size // 2
    sample = np.arange(-middle, middle + 1, dtype=np.float64)
    for window in _WINDOWS:
        away = (offsets[None, :] - (rows @ parameters)[:, None]) / (window * half_px)
        # whole numbers and multiples of powers of two from here on: no sum is rounded, so none depends on its order
        mass = np.rint(4096 * np.exp(-0.5 * away * away)) * rising
        weight = mass.sum(axis=1)
        place = on_grid(step * (mass * sample).sum(axis=1) / np.maximum(weight, 1e-3))
        parameters = solve(place, np.rint(weight * (4096 / max(float(weight.max()), 1e-3))), _CONCENTRIC)
    path = np.clip(np.rint(rows @ parameters / step).astype(np.intp) + middle, 0, offsets.size - 1)
    coverage = float(np.count_nonzero(slopes[np.arange(_N_RAYS), path][seen] > 0)) / n_seen
    return described(start, parameters, coverage, (grey, slopes, seen), (step, sign))
