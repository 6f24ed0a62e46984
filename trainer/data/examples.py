"""Labelled patches as arrays: what a model learns from, or is scored on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

BATCH = 1024
"""Examples that go through a model at once: so many fit the memory of a small machine."""


@dataclass(frozen=True, eq=False)
class Examples:
    """What a model learns from, or is scored on.

    Attributes:
        patches: (n, size, size) uint8.
        measures: (n, k) uint8, 0 where not known; k may be 0.
        labels: (n,) int64, indices into the labels that belong to the set.
        groups: (n,) str, what must stay on one side of a split: the picture or the fibre.
    """

    patches: NDArray[np.uint8]
    measures: NDArray[np.uint8]
    labels: NDArray[np.int64]
    groups: NDArray[np.str_]

    def __post_init__(self) -> None:
        n = len(self.labels)
        if self.patches.dtype != np.uint8 or self.patches.ndim != 3 or self.measures.dtype != np.uint8:
            raise ValueError(f"patches are (n, size, size) uint8, got {self.patches.shape} {self.patches.dtype}")
        if (len(self.patches), self.measures.shape[:1], len(self.groups)) != (n, (n,), n) or self.measures.ndim != 2:
            raise ValueError(
                f"{n} labels, patches {self.patches.shape}, measures {self.measures.shape}, groups {self.groups.shape}"
            )

    def __len__(self) -> int:
        return len(self.labels)

    def take(self, index: NDArray[np.int64] | NDArray[np.bool_]) -> Examples:
        """The examples at these positions, in this order."""
        return Examples(self.patches[index], self.measures[index], self.labels[index], self.groups[index])


def batches(
    patches: NDArray[np.uint8], measures: NDArray[np.uint8] | None, size: int = BATCH
) -> Iterator[tuple[NDArray[np.uint8], NDArray[np.uint8] | None]]:
    """Patches and measures as networks and classifiers take them, a batch at a time.

    Args:
        patches: (n, side, side) uint8.
        measures: (n, k) uint8; None, or without a column: the model takes none, and every batch has None.
        size: of a batch, the last one may be smaller.
    """
    known = measures if measures is not None and measures.shape[1] else None
    for at in range(0, len(patches), size):
        yield patches[at : at + size], None if known is None else known[at : at + size]


def joined(parts: Sequence[Examples]) -> Examples:
    """Several sets as one, in order; at least one."""
    return Examples(
        np.concatenate([p.patches for p in parts]),
        np.concatenate([p.measures for p in parts]),
        np.concatenate([p.labels for p in parts]),
        np.concatenate([p.groups for p in parts]),
    )
