"""The rows that the fibres of one ferrule lie in: places that are left empty, and places where a row would go on."""

from __future__ import annotations

import math

import numpy as np

from edge.arrays import F64, Index
from edge.imaging.ellipse import Ellipse
from edge.locate.thresholds import THRESHOLDS

_SIBLINGS = THRESHOLDS.siblings


def empty_places(fibres: list[Ellipse], cladding_um: float) -> tuple[list[Ellipse], list[Ellipse]]:
    """Places in the rows of a ferrule that no fibre lies in.

    A row is straight and may be tilted; the distance of its fibres is the standard's 250 um where the distances are
    multiples of that, else the least one. Rows are as long as each other where their columns agree.

    Args:
        fibres: of one ferrule, in px.
        cladding_um: their diameter.

    Returns:
        the places between fibres, and the places one beyond each row's ends; none of fewer than two fibres, and none
        where they keep no common distance.
    """
    if len(fibres) < 2:
        return [], []
    rx, ry = (float(np.median([getattr(f, name) for f in fibres])) for name in ("rx_px", "ry_px"))
    points = np.array([(f.x_px / rx, f.y_px / ry) for f in fibres])
    along = _direction(points)
    rows = _rows(points, along)
    numbers = [_numbers(row, _pitch(points, cladding_um)) for row in rows]
    if any(n is None for n in numbers):
        return [], []
    places = [n for n in numbers if n is not None]
    n_steps = sum(int(n[-1]) for n in places)
    pitch = sum(float(row[-1, 0] - row[0, 0]) for row in rows) / n_steps if n_steps else 2.0
    zeros = [float(np.mean(row[:, 0] - n * pitch)) for row, n in zip(rows, places, strict=True)]
    shifts = [(zero - zeros[0]) / pitch for zero in zeros]
    if max(abs(shift - round(shift)) for shift in shifts) <= _SIBLINGS.off_pitch:
        # one grid: all rows count from the same column, and end at the same ones
        places = [n + round(shift) for n, shift in zip(places, shifts, strict=True)]
        zeros = [zero - round(shift) * pitch for zero, shift in zip(zeros, shifts, strict=True)]
        low, high = min(int(n[0]) for n in places), max(int(n[-1]) for n in places)
        ends = [(low, high)] * len(rows)
    else:
        ends = [(int(n[0]), int(n[-1])) for n in places]
    between: list[Ellipse] = []
    beyond: list[Ellipse] = []
    for row, n, zero, (low, high) in zip(rows, places, zeros, ends, strict=True):
        v = float(np.mean(row[:, 1]))
        for i in sorted(set(range(low - 1, high + 2)) - set(n.tolist())):
            u = zero + i * pitch
            x, y = u * along[0] - v * along[1], u * along[1] + v * along[0]
            (between if low <= i <= high else beyond).append(Ellipse(x * rx, y * ry, rx, ry))
    return between, beyond


def _distances(points: F64) -> F64:
    apart = points[:, None] - points[None, :]
    distance: F64 = np.sqrt((apart * apart).sum(axis=2))
    np.fill_diagonal(distance, np.inf)
    return distance


def _direction(points: F64) -> tuple[float, float]:
    """Cosine and sine of the rows' direction, to the right: that of nearest neighbours, together."""
    distance = _distances(points)
    i, j = np.nonzero(distance <= (1 + 2 * _SIBLINGS.off_pitch) * distance.min())
    dx, dy = (points[j] - points[i]).T
    dx, dy = np.where(dx < 0, -dx, dx), np.where(dx < 0, -dy, dy)
    # a grid as wide as high has neighbours both ways: those more level are a row's
    level = np.abs(dy) <= dx if np.any(np.abs(dy) <= dx) else np.ones_like(dx, np.bool_)
    x, y = float(dx[level].sum()), float(np.where(dx == 0, np.abs(dy), dy)[level].sum())
    return x / math.hypot(x, y), y / math.hypot(x, y)


def _pitch(points: F64, cladding_um: float) -> float:
    """Distance of neighbours in a row, in radii."""
    least = float(_distances(points).min())
    standard = 2 * _SIBLINGS.pitch_um / cladding_um
    n = round(least / standard)
    return least / n if n >= 1 and abs(least / standard / n - 1) <= _SIBLINGS.off_pitch else least


def _rows(points: F64, along: tuple[float, float]) -> list[F64]:
    """(n, 2) each: how far the points of a row lie along it, in rising order, and across."""
    c, s = along
    rotated = np.stack([c * points[:, 0] + s * points[:, 1], c * points[:, 1] - s * points[:, 0]], axis=1)
    rows: list[list[F64]] = []
    for point in rotated[np.argsort(rotated[:, 1], kind="stable")]:
        if rows and point[1] - rows[-1][-1][1] < _SIBLINGS.row:
            rows[-1].append(point)
        else:
            rows.append([point])
    return [np.array(sorted(row, key=lambda point: float(point[0]))) for row in rows]


def _numbers(row: F64, pitch: float) -> Index | None:
    """(n,) the number of each point's place in its row, from 0; None where they keep no common distance."""
    gaps = np.diff(row[:, 0]) / pitch
    steps = np.rint(gaps)
    if np.any(steps < 1) or np.any(np.abs(gaps - steps) > _SIBLINGS.off_pitch * np.maximum(steps, 1)):
        return None
    return np.concatenate([[0], np.cumsum(steps)]).astype(np.intp)
