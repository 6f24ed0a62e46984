"""Whether what a program drew into a picture reaches what is judged: then nothing of it is the connector's."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from edge.arrays import F64, U8, Bool, Index
from edge.imaging.ellipse import Ellipse
from edge.imaging.graphics import drawn, sharp
from edge.imaging.polar import directions
from edge.quality.field import Field
from edge.records import JudgedRing

_WINDOW_PX = 40
"""How far around a sharp place its shape is looked at. Chosen on drawn graphics."""
_MOST_WINDOWS = 16
"""More sharp places than this, spread evenly, tell no more."""


def zones_drawn_over(
    pixels: U8, at: Ellipse, field: Field, rings: Sequence[JudgedRing], radius_um: float, coloured: Bool | None
) -> tuple[str, ...]:
    """Names of the judged zones that graphics reach.

    Args:
        pixels: (h, w) uint8 grey.
        at: the cladding's edge.
        field: the same picture along rays.
        rings: the zones.
        radius_um: the cladding's radius.
        coloured: (h, w) bool, what stands out by its colour, if anything does.
    """
    reach = max(ring.outer_um for ring in rings) / radius_um
    away = [_radii(at, *np.nonzero(coloured))] if coloured is not None else []
    away += [_radii(at, *found) for found in _drawn(pixels, at, field, reach)]
    radii = np.concatenate(away) if away else np.empty(0)
    um = radii[radii <= reach] * radius_um
    return tuple(ring.name for ring in rings if ((um >= ring.inner_um) & (um <= ring.outer_um)).any())


def _drawn(pixels: U8, at: Ellipse, field: Field, reach: float) -> list[tuple[Index, Index]]:
    """Rows and columns of what is too sharp for optics, around where rays meet something sharp."""
    within = int(np.searchsorted(field.radius, reach))
    ray, step = np.nonzero(sharp(field.grey[:, :within]))
    in_view = field.radius[step] <= field.in_view[ray]
    ray, step = ray[in_view], step[in_view]
    if ray.size == 0:
        return []
    some = np.unique(np.linspace(0, ray.size - 1, min(ray.size, _MOST_WINDOWS)).astype(np.intp))
    cosine, sine = directions(field.grey.shape[0])
    x = at.x_px + at.rx_px * cosine[ray[some]] * field.radius[step[some]]
    y = at.y_px + at.ry_px * sine[ray[some]] * field.radius[step[some]]
    found = []
    for column, row in zip(np.rint(x).astype(int).tolist(), np.rint(y).astype(int).tolist(), strict=True):
        top, left = max(row - _WINDOW_PX, 0), max(column - _WINDOW_PX, 0)
        there = drawn(pixels[top : row + _WINDOW_PX, left : column + _WINDOW_PX])
        if there is not None:
            rows, columns = np.nonzero(there)
            found.append((rows + top, columns + left))
    return found


def _radii(at: Ellipse, rows: Index, columns: Index) -> F64:
    """How far pixels are from the centre, in cladding radii."""
    radii: F64 = np.hypot((columns - at.x_px) / at.rx_px, (rows - at.y_px) / at.ry_px)
    return radii
