"""What fast code of `edge.detect` is held against: the same, slow and plain."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from edge.detect.comparison import Layer

Grey = NDArray[np.uint8]
Place = tuple[int, int]
"""Row and column."""


def between(plane: Grey, x: float, y: float) -> int:
    """A plane at (x, y), given in 32nds of a pixel, its border repeated; to the nearest grey level, half up."""
    x32, y32 = int(np.rint(np.float32(x) * 32)), int(np.rint(np.float32(y) * 32))
    x0, y0 = x32 >> 5, y32 >> 5
    total = 0
    for down, share_y in ((0, 32 - (y32 & 31)), (1, y32 & 31)):
        for right, share_x in ((0, 32 - (x32 & 31)), (1, x32 & 31)):
            row = min(max(y0 + down, 0), plane.shape[0] - 1)
            column = min(max(x0 + right, 0), plane.shape[1] - 1)
            total += int(plane[row, column]) * share_x * share_y
    return (total + 512) >> 10


def around(polar: Grey, step: int) -> Grey:
    """The median of five sectors around the circle, sorted out plainly."""
    return np.median([np.roll(polar, k * step, axis=0) for k in range(-2, 3)], axis=0).astype(np.uint8)


def families(n: int, links: list[tuple[int, int]]) -> list[int]:
    """The least member of each one's family, by spreading it until nothing changes."""
    least = list(range(n))
    changed = True
    while changed:
        changed = False
        for a, b in links:
            low = min(least[a], least[b])
            changed |= least[a] != low or least[b] != low
            least[a] = least[b] = low
    return least


def slow_outline(layer: Layer, mark: set[Place], every: set[Place]) -> tuple[list[tuple[float, float]], float]:
    """Where a mark ends, in px of the region, and its area: half-strength crossings towards each neighbour."""
    h, w = layer.seen.shape
    away = layer.seen.astype(int) - layer.expected
    peak = max(abs(int(away[p])) for p in mark)

    def half(p: Place) -> float:
        y, x = p
        nearby = np.abs(away[max(y - 3, 0) : y + 4, max(x - 3, 0) : x + 4]).max()
        return 0.5 * min(int(nearby), peak)

    solid = [p for p in sorted(mark) if abs(int(away[p])) >= half(p)]
    points, area = [], float(len(solid))
    for dx, dy in ((-1, 0), (1, 0), (0, -1), (0, 1)):
        for y, x in solid:
            beside = (y + dy, x + dx)
            if beside in every:
                continue
            seen_beside = 0.0
            if 0 <= beside[0] < h and 0 <= beside[1] < w:
                seen_beside = float(np.sign(away[y, x]) * away[beside])
            strength, least = abs(int(away[y, x])), half((y, x))
            step = 0.5
            if seen_beside < least:
                step = min(max((strength - least) / max(strength - seen_beside, 1e-6), 0.0), 1.0)
            points.append((x + dx * step, y + dy * step))
            area += 0.5 * (step - 0.5)
    return points, area


def all_solid(layer: Layer, groups: list[set[Place]]) -> set[Place]:
    """The pixels of any mark that are at least half as strong as what is nearby."""
    away = np.abs(layer.seen.astype(int) - layer.expected)
    solid = set()
    for mark in groups:
        peak = max(int(away[p]) for p in mark)
        for y, x in mark:
            nearby = int(away[max(y - 3, 0) : y + 4, max(x - 3, 0) : x + 4].max())
            if away[y, x] >= 0.5 * min(nearby, peak):
                solid.add((y, x))
    return solid
