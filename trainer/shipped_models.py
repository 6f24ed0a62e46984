"""The recipe of the models that ship: from rendered faces to a verified file.

No picture of a real end face shapes them. Everything random has its seed here, and training and conversion are
deterministic: the same code, versions and machine give the same bytes.

The MLP learns the answers of CNNs instead of the labels (`trainer.learning.distillation`).
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from edge.classify import Classifier, PatchSpec
from edge.classify.bundle import read_bundle
from edge.labels import DEFECT_LABELS
from trainer.data import Dataset, Examples
from trainer.data.augmentation import AugmentSettings, augmented
from trainer.data.rendered import RenderedExamples, rendered_examples, rendered_sha256
from trainer.export import Card, Conversion, Material, convert
from trainer.export.gates import rendered_marks_gates
from trainer.learning import DistillationSet, FitSettings, OnProgress, TrainedModel, distil, fit_dataset

MEASURES = (
    "length_um",
    "width_um",
    "diameter_um",
    "aspect",
    "fill",
    "contrast_grey",
    "mean_grey",
    "snr",
    "rim_gap_um",
    "box_px",
)
"""Size, shape, strength, distance to the rim and scale of the patch: the measures that help most beside the picture."""

SPEC = PatchSpec(size=28, background="median", measures=MEASURES)

_NOTES = (
    "Names what Ferrule's detector proposes on a fibre end face. Trained on rendered faces only: no real picture "
    "shaped it. Scratches are about three times as long as wide, dotted ones too; small dark points are digs whatever "
    "made them; what lies across the cladding's rim is a chip. Not for MPO ferrules' surroundings, nor bare fibre ends."
)


@dataclass(frozen=True, slots=True)
class MakeSettings:
    """How the shipped model is made.

    Attributes:
        n_train: rendered faces to learn from.
        n_validation: faces by which the epoch, the temperature and the threshold are chosen.
        n_check: faces that are only scored.
        first_seed: of the first face; the others follow.
        augment: how examples are varied.
        fit: how to fit.
        teachers: networks whose mean answer the models learn; 0: they learn the labels.
        wrong_at_most: share of wrong answers beyond which the label is rather `unknown`.
        workers: processes that render.
    """

    n_train: int = 2000
    n_validation: int = 150
    n_check: int = 150
    first_seed: int = 10_000
    augment: AugmentSettings = field(default_factory=lambda: AugmentSettings(copies=2))
    fit: FitSettings = field(default_factory=lambda: FitSettings(epochs=10, batch=128, class_weights="none", seed=0))
    teachers: int = 0
    wrong_at_most: float = 0.5
    workers: int = max(1, min(8, os.cpu_count() or 1))


@dataclass(frozen=True, eq=False)
class DefectModel:
    """A made model.

    Attributes:
        trained: the Keras model, for going on from.
        conversion: the file's bytes and figures.
        threshold: below this probability the label is `unknown`.
        curve: risk against coverage on the check faces, a row (threshold, coverage, risk) each.
        by_label: precision and recall of each label on the check faces.
    """

    trained: TrainedModel
    conversion: Conversion
    threshold: float
    curve: NDArray[np.float64]
    by_label: Mapping[str, tuple[float, float, int]]


def examples_for(settings: MakeSettings) -> RenderedExamples:
    """The rendered examples that these settings ask for."""
    counts = (settings.n_train, settings.n_validation, settings.n_check)
    return rendered_examples(counts, settings.first_seed, SPEC, settings.workers)


def distillation_set(
    examples: RenderedExamples, settings: MakeSettings, on_progress: OnProgress | None = None
) -> DistillationSet:
    """What every network of these settings learns from; the teachers are `cnn`s.

    Args:
        examples: of `examples_for`.
        settings: the same that the examples were rendered with.
        on_progress: of each teacher's fit.
    """
    varied = augmented(examples.train, SPEC, settings.augment)
    students = Dataset(DEFECT_LABELS, SPEC, varied, examples.validation, examples.check, _data(examples, settings))
    return distil(students, examples.train, settings.augment, settings.fit, settings.teachers, on_progress)


def make(
    name: str,
    network: str,
    learned_from: DistillationSet,
    settings: MakeSettings,
    on_progress: OnProgress | None = None,
) -> DefectModel:
    """Trains on rendered examples, converts, and chooses the threshold.

    Args:
        name: of the model.
        network: one of `trainer.learning.network.NETWORKS`.
        learned_from: of `distillation_set`.
        settings: the same that the examples were rendered with.
        on_progress: of the fit.

    Raises:
        ModelError: a gate of the conversion failed.
    """
    dataset = learned_from.dataset
    trained = fit_dataset(dataset, settings.fit, network, on_progress=on_progress, targets=learned_from.targets)
    rng = np.random.default_rng(settings.fit.seed)
    n = len(dataset.train)
    calibration = dataset.train.take(np.sort(rng.choice(n, min(1000, n), replace=False)))
    material = Material(calibration, dataset.validation, dataset.test)

    def converted(threshold: float) -> Conversion:
        card = Card(name, "1", round(threshold, 3), "Apache-2.0", _NOTES)
        return convert(trained, material, card, gates=rendered_marks_gates(network))

    scores = _scored(converted(0.0), dataset.validation)
    threshold = _threshold(scores, dataset.validation.labels, settings.wrong_at_most)
    final = converted(threshold)
    check = _scored(final, dataset.test)
    curve = risk_coverage(check, dataset.test.labels)
    return DefectModel(trained, final, round(threshold, 3), curve, _by_label(check, dataset.test.labels))


def _scored(conversion: Conversion, examples: Examples) -> NDArray[np.float32]:
    return Classifier(read_bundle(conversion.content))(examples.patches, examples.measures)


def _threshold(scores: NDArray[np.float32], labels: NDArray[np.int64], wrong_at_most: float) -> float:
    """The score below which more than `wrong_at_most` of the answers are wrong; 0 where that is nowhere so.

    Examples are ordered by their best score, and a window slides over them from the lowest score on. The threshold is
    the score at which the first window begins that has no more than this share of wrong answers. An answer that is more
    likely wrong than right is thus `unknown`, which is judged as a defect. Answers above are kept even where they are
    not sure: the score goes with them.
    """
    best = scores.max(axis=1)
    order = np.argsort(best, kind="stable")
    wrong = (scores.argmax(axis=1) != labels)[order].astype(np.float64)
    window = min(len(wrong), max(20, len(wrong) // 100))
    share = np.convolve(wrong, np.full(window, 1 / window), mode="valid")
    tolerable = np.flatnonzero(share <= wrong_at_most + 1e-9)
    if not tolerable.size:
        return float(best.max())
    return float(best[order][tolerable[0]]) if tolerable[0] else 0.0


def risk_coverage(scores: NDArray[np.float32], labels: NDArray[np.int64]) -> NDArray[np.float64]:
    """(20, 3): threshold, share of examples at or above it, share of those that are named wrongly.

    Source: R. El-Yaniv, Y. Wiener, "On the Foundations of Noise-free Selective Classification", JMLR 11, 2010.
    """
    best = scores.max(axis=1)
    wrong = scores.argmax(axis=1) != labels
    rows = []
    for threshold in np.arange(0.0, 1.0, 0.05):
        kept = best >= threshold
        rows.append((threshold, kept.mean(), wrong[kept].mean() if kept.any() else 0.0))
    return np.array(rows)


def _by_label(scores: NDArray[np.float32], labels: NDArray[np.int64]) -> dict[str, tuple[float, float, int]]:
    named = scores.argmax(axis=1)
    table = {}
    for code, label in enumerate(DEFECT_LABELS):
        right = float(((named == code) & (labels == code)).sum())
        n_named, n_true = int((named == code).sum()), int((labels == code).sum())
        table[label] = (right / max(1, n_named), right / max(1, n_true), n_true)
    return table


def _data(examples: RenderedExamples, settings: MakeSettings) -> dict[str, str | int | float]:
    counts = np.bincount(examples.train.labels, minlength=len(DEFECT_LABELS))
    facts: dict[str, str | int | float] = {
        "name": "rendered end faces",
        "rendered_sha256": rendered_sha256(SPEC, settings.augment),
        "first_seed": settings.first_seed,
        "faces": settings.n_train,
        "validation_faces": settings.n_validation,
        "check_faces": settings.n_check,
        "copies": settings.augment.copies,
        "augment_seed": settings.augment.seed,
        "teachers": settings.teachers,
    }
    return facts | {f"pictures {label}": int(n) for label, n in zip(DEFECT_LABELS, counts, strict=True)}
