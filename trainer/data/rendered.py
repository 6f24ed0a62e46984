"""Rendered examples in three parts, drawn by several processes. Needs no TensorFlow, nor do the processes."""

from __future__ import annotations

import hashlib
import multiprocessing
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace

import cv2
import numpy as np

from edge.classify import PatchSpec
from trainer.data.augmentation import AugmentSettings, augmented
from trainer.data.candidate_labels import from_phantoms
from trainer.data.examples import Examples, joined
from trainer.phantom import Phantom, random_scene, render

_FACES_A_CALL = 20

PROVENANCE_SEEDS = range(18)
"""Faces that stand for all that the renderer can draw: every kind of defect is among them, as a test holds."""


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


def rendered_sha256(spec: PatchSpec, augment: AugmentSettings, seeds: Iterable[int] = PROVENANCE_SEEDS) -> str:
    """What training on rendered faces begins from, as a hash: of pixels and their truth, not of source text.

    Equal hashes mean equal pictures, equal truth, equal examples and equal variations of them. Another OpenCV or
    processor may change it; a comment or a file that was moved does not.

    Args:
        spec: what the model wants to see.
        augment: how examples are varied; one copy of each is looked at.
        seeds: of the faces.
    """
    seeds = tuple(seeds)
    digest = hashlib.sha256()
    for seed in seeds:
        _add(render(random_scene(seed)), digest)
    examples = from_phantoms(seeds, spec)
    varied = augmented(examples, spec, replace(augment, copies=1))
    for part in (examples, varied):
        for array in (part.patches, part.measures, part.labels):
            digest.update(repr(array.shape).encode())
            digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()


def _add(phantom: Phantom, digest: hashlib._Hash) -> None:
    """Adds a picture and its truth: what is where, how large and how strong."""
    face = phantom.face
    truth: list[tuple[str | float | None, ...]] = [
        (face.x_px, face.y_px, face.cladding_rx_px, face.cladding_ry_px, face.core_r_px),
        (face.um_per_px_x, face.um_per_px_y),
    ]
    truth += [
        (m.label, m.x_px, m.y_px, m.w_px, m.h_px, m.area_px, m.diameter_um, m.length_um, m.width_um, m.contrast_grey)
        for m in phantom.marks
    ]
    for array in (phantom.pixels, phantom.owner, phantom.change):
        digest.update(repr(array.shape).encode())
        digest.update(array.tobytes())
    digest.update(repr(truth).encode())


def _render(call: tuple[range, PatchSpec]) -> Examples:
    return from_phantoms(*call)
