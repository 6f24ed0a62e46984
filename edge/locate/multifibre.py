"""Several fibres in one ferrule: which discs can be such, and the order that they are told in."""

from __future__ import annotations

import numpy as np

from edge.locate.rim_fit import Rim


def alike(a: Rim, b: Rim) -> bool:
    """Whether two discs can be fibres of one ferrule: the same size and polarity, and much the same contrast."""
    return 0.92 < a.ellipse.mean_px / b.ellipse.mean_px < 1.08 and 0.4 < b.step_grey / a.step_grey < 2.5


def evenly_spaced(rims: list[Rim]) -> bool:
    """Whether at least four discs keep the same distance to their nearest neighbour, as fibres in a ferrule do."""
    if len(rims) < 4:
        return False
    points = np.array([(r.ellipse.x_px / r.ellipse.rx_px, r.ellipse.y_px / r.ellipse.ry_px) for r in rims])
    apart = points[:, None] - points[None, :]
    distance = np.sqrt((apart * apart).sum(axis=2))
    np.fill_diagonal(distance, np.inf)
    nearest = distance.min(axis=0)
    return bool(np.mean(np.abs(nearest / np.median(nearest) - 1) < 0.1) >= 0.75)


def in_reading_order(rims: list[Rim]) -> list[Rim]:
    """Rows from the top, each from the left; what lies less than three quarters of a radius lower is the same row."""
    rows: list[list[Rim]] = []
    for rim in sorted(rims, key=lambda r: r.ellipse.y_px):
        if rows and rim.ellipse.y_px - rows[-1][-1].ellipse.y_px < 0.75 * rim.ellipse.ry_px:
            rows[-1].append(rim)
        else:
            rows.append([rim])
    return [rim for row in rows for rim in sorted(row, key=lambda r: r.ellipse.x_px)]
