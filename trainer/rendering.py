"""Rendered examples in three parts, drawn by several processes. Needs no TensorFlow, nor do the processes."""

from __future__ import annotations

import multiprocessing
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass

import cv2

from edge.patches import PatchSpec
from trainer.examples import Examples, joined
from trainer.proposals import from_phantoms

_FACES_A_CALL = 20


@dataclass(frozen=True, eq=False)
class RenderedExamples:
    """Examples from rendered faces in three parts that share no face."""

    train: Examples
    validation: Examples
    check: Examples


def rendered_examples(
    counts: tuple[int, int, int], first_seed: int, spec: PatchSpec, workers: int = 1
) -> RenderedExamples:
    """Renders faces and names what the detector proposes on them; how many processes do it changes nothing.

    Args:
        counts: faces to learn from, to choose by, and to score on; each at least 1.
        first_seed: of the first face; the others follow.
        spec: what the model wants to see.
        workers: processes, at least 1.
    """
    parts = []
    # Fresh processes: one that is forked beside TensorFlow's threads may wait for ever.
    fresh = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, fresh, initializer=cv2.setNumThreads, initargs=(1,)) as pool:
        start = first_seed
        for count in counts:
            stop = start + count
            calls = [(range(at, min(at + _FACES_A_CALL, stop)), spec) for at in range(start, stop, _FACES_A_CALL)]
            parts.append(joined(list(pool.map(_render, calls))))
            start = stop
    return RenderedExamples(*parts)


def _render(call: tuple[range, PatchSpec]) -> Examples:
    return from_phantoms(*call)
