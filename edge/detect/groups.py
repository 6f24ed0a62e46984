"""What belongs together, from pairs that do."""

from __future__ import annotations

import numpy as np

from edge.arrays import Index


def united(n: int, links: list[tuple[int, int]]) -> Index:
    """(n,) for each of n things the least of all that it is linked to, directly or through others (union-find)."""
    group = np.arange(n)
    parent: dict[int, int] = {}

    def root(k: int) -> int:
        above = parent.get(k, k)
        while above != k:
            # path halving keeps the way up short
            parent[k] = parent.get(above, above)
            k = parent[k]
            above = parent.get(k, k)
        return k

    for a, b in links:
        one, other = root(a), root(b)
        parent[max(one, other)] = min(one, other)
    for k in parent:
        group[k] = root(k)
    return group
