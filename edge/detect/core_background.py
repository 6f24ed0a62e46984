"""The core of a single-mode fibre as background: a small disc, lit or dark, a little off the cladding's centre.

So close to the centre, circles are too short for a median to tell a disc from a mark. But a core is round, of one grey
level, and its radius was found before. So it is put into the background: it is no longer a mark, and what lies on it is
one (docs/decisions/0017). The numbers below were chosen on drawn and on real end faces.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from edge.arrays import F64, U8
from edge.detect.sectors import N_SECTORS
from edge.imaging.exact import median

MIN_GREY = 3.0
"""A core that differs less from the cladding needs no background of its own."""
MAX_DARK_GREY = 20.0
"""A disc that is darker than the cladding by more is no unlit core but dirt, and stays a mark."""
MAX_PEAK_GREY = 20.0
"""Most that the middle of a lit core is brighter than the ring around it."""
MAX_REACH = 1.7
"""Radius, in core radii, out to which the core's edge may blur."""
MARGIN_UNITS = 4
"""And so many units more, for the blur of a small core."""
CLADDING_FROM = 1.4
"""Radius, in core radii, from which on the cladding's grey is read."""
RING_TO = 0.8
"""Radius, in core radii, up to which the grey around a core's middle is read."""
MAX_PULL = 0.5
"""How far, in units, the edge in one direction may pull at the centre: a mark on the edge pulls no further."""
N_FITS = 5
"""Rounds of fitting the centre, each with the pull of single directions bounded anew."""

_TURN = np.arange(N_SECTORS) * (2 * np.pi / N_SECTORS)
_COSINES, _SINES = np.cos(_TURN), np.sin(_TURN)


def put_in(profile: U8, by_sector: U8, core: float, off_centre: float) -> tuple[U8, U8]:
    """The profile with the core's disc in it, and the profile with the cladding in its place.

    Where there is no core to be seen, or a disc too dark for one, both are the profile as it came.

    Args:
        profile: (48, n) uint8, the background by sector and radius; not changed.
        by_sector: (48, n) uint8, the median of each sector's samples.
        core: the core's radius in units.
        off_centre: how far its centre may lie off the cladding's, in units.
    """
    end = min(int(MAX_REACH * core) + MARGIN_UNITS, profile.shape[1] - 1)
    near = by_sector[:, : end + 1]
    half = max(1, round(core / 2))
    beside = near[:, min(round(CLADDING_FROM * core) + 1, end - 1) :]
    inside, outside = median(near[:, :half]), median(beside)
    if abs(inside - outside) < MIN_GREY or inside < outside - MAX_DARK_GREY or end <= half + 1:
        return profile, profile
    edge = _edge(near, (inside + outside) / 2, inside > outside, half)
    shift = _shift(edge, off_centre)
    radii = np.arange(end + 1, dtype=np.float64)
    around = np.sort(_between(near, radii[None, :] + shift[:, None]), axis=0)
    disc = (around[N_SECTORS // 2 - 1] + around[N_SECTORS // 2]) / 2
    ring = median(disc[half : max(half + 1, round(RING_TO * core))])
    disc[:half] = _clipped(disc[:half], ring, ring + (MAX_PEAK_GREY if inside > outside else 0.0))
    out: U8 = profile.copy()
    at = radii[None, :] - shift[:, None]
    out[:, : end + 1] = np.rint(_between(np.broadcast_to(disc, (N_SECTORS, end + 1)), at)).astype(np.uint8)
    bare = profile.copy()
    bare[:, : end + 1] = np.uint8(outside)
    return out, bare


def _edge(near: U8, middle: float, is_lit: bool, first: int) -> F64:
    """(48,) where each direction crosses the grey level between core and cladding, in units."""
    over = near.astype(np.float64) - middle
    if not is_lit:
        over = -over
    over[:, :first] = 1.0
    beyond = np.maximum((over <= 0).argmax(axis=1), 1)
    every = np.arange(N_SECTORS)
    before, after = over[every, beyond - 1], over[every, beyond]
    edge: F64 = beyond - 1 + _clipped(before / np.maximum(before - after, 1e-9), 0.0, 1.0)
    return edge


def _shift(edge: F64, off_centre: float) -> F64:
    """(48,) how far out the core's edge lies in each direction because its centre lies off: a robust cosine fit."""
    opposite = N_SECTORS // 2
    half = (edge[:opposite] - edge[opposite:]) / 2
    cosines, sines = _COSINES[:opposite], _SINES[:opposite]
    x = y = 0.0
    for _ in range(N_FITS):
        fitted = x * cosines + y * sines
        pulled = fitted + _clipped(half - fitted, -MAX_PULL, MAX_PULL)
        x, y = (float((pulled * axis).sum() * 2 / opposite) for axis in (cosines, sines))
    far = (x * x + y * y) ** 0.5
    share = min(1.0, off_centre / far) if far else 0.0
    shift: F64 = share * (x * _COSINES + y * _SINES)
    return shift


def _between(rows: NDArray[np.generic], at: F64) -> F64:
    """(48, n) each row read at the places `at`, linear between its values; beyond its ends they are repeated."""
    place = _clipped(at, 0.0, rows.shape[1] - 1.0)
    low = np.minimum(place.astype(np.intp), rows.shape[1] - 2)
    part = place - low
    values = rows.astype(np.float64)
    low += np.arange(0, values.size, values.shape[1])[:, None]
    first, second = values.take(low), values.take(low + 1)
    between: F64 = first + (second - first) * part
    return between


def _clipped(values: F64, low: float, high: float) -> F64:
    """What `numpy.clip` gives, which takes longer than this on a few hundred values."""
    clipped: F64 = np.minimum(np.maximum(values, low), high)
    return clipped
