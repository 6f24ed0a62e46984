"""Rehearsal: rendered faces beside a few pictures of one's own, so that a model that goes on forgets nothing.

A. Robins, "Catastrophic Forgetting, Rehearsal and Pseudorehearsal", Connection Science 7(2), 1995.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from edge.classify import PatchSpec
from edge.labels import DEFECT_LABELS
from trainer.data.candidate_labels import from_phantoms
from trainer.data.examples import Examples

_FIRST_SEED = 700_000
_FACES_FOR_ONE_HELD_OUT = 5


def can_rehearse(labels: Sequence[str]) -> bool:
    """Whether every label of rendered marks is among these."""
    return set(DEFECT_LABELS) <= set(labels)


def rehearsal(n_faces: int, labels: Sequence[str], spec: PatchSpec) -> tuple[Examples, Examples, Examples]:
    """Examples to learn from, to fit the temperature on, and to measure a conversion on; always the same.

    The second and the third are of a fifth as many faces each. A user's own pictures cannot stand in for them: they
    may be few, and patches that were captured for their low scores are unlike the rest, so that a temperature or a
    calibration error of theirs would mean little.

    Args:
        n_faces: at least 1; a dozen takes about a second.
        labels: of the model, those of rendered marks among them.
        spec: what the model wants to see.
    """
    code_of = np.array([labels.index(label) for label in DEFECT_LABELS])
    n_held_out = -(-n_faces // _FACES_FOR_ONE_HELD_OUT)
    parts = []
    first = _FIRST_SEED
    for n in (n_faces, n_held_out, n_held_out):
        rendered = from_phantoms(range(first, first + n), spec)
        parts.append(replace(rendered, labels=code_of[rendered.labels]))
        first += n
    return parts[0], parts[1], parts[2]
