"""A bundle scored through the edge's own classifier, against the truth and against the float network."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from edge.classify import Classifier
from edge.errors import UsageError
from trainer.data import Examples
from trainer.data.examples import batches
from trainer.learning.calibration import N_BINS, bins_of, calibration_error, softmax

Run = Callable[[NDArray[np.uint8], NDArray[np.uint8] | None], NDArray[np.float32]]
"""Patches and measures in, scores or logits out."""


class LabelFigures(msgspec.Struct, frozen=True):
    """How well one label is told: shares 0..1, and how many pictures have it."""

    precision: float
    recall: float
    f1: float
    pictures: int


class Bin(msgspec.Struct, frozen=True):
    """The pictures whose best probability p lies in low <= p < high; in the last bin p may equal high.

    Attributes:
        low: the bin's lower end.
        high: its upper end.
        pictures: how many.
        confidence: their mean best probability; 0 for none.
        accuracy: share of right answers; 0 for none.
    """

    low: float
    high: float
    pictures: int
    confidence: float
    accuracy: float


class Agreement(msgspec.Struct, frozen=True):
    """The same pictures through the float network.

    Attributes:
        agreement: share of equal answers.
        accuracy: the float network's.
        largest_probability_error: of any label, both at temperature 1.
    """

    agreement: float
    accuracy: float
    largest_probability_error: float


class Evaluation(msgspec.Struct, frozen=True, kw_only=True):
    """Everything measured, as it stands in `evaluation.json`.

    Attributes:
        model: name of the bundle.
        sha256: of its file.
        runtime: what ran it.
        data: the pictures, in words.
        pictures: how many.
        accuracy: share of pictures whose likeliest label is right, whatever the threshold.
        macro_f1: mean F1 of the labels that occur.
        calibration_error: expected, over 15 bins.
        threshold: the model's; below it the answer is `unknown`.
        coverage: share of pictures at or above it.
        accuracy_covered: share of right answers among those; 0 for none.
        labels: in the order of rows and columns.
        per_label: figures of each.
        confusion: pictures, by true label (rows) and answer (columns).
        reliability: the 15 bins.
        float_network: None where no float network was given.
        history: the learning curves; empty where no float network was given.
    """

    schema: str = "ferrule/evaluation/1"
    model: str
    sha256: str
    runtime: str
    data: str
    pictures: int
    accuracy: float
    macro_f1: float
    calibration_error: float
    threshold: float
    coverage: float
    accuracy_covered: float
    labels: tuple[str, ...]
    per_label: dict[str, LabelFigures]
    confusion: tuple[tuple[int, ...], ...]
    reliability: tuple[Bin, ...]
    float_network: Agreement | None = None
    history: dict[str, tuple[float, ...]] = {}


def evaluate(
    classifier: Classifier,
    examples: Examples,
    data: str = "",
    float_scores: NDArray[np.float32] | None = None,
    history: dict[str, tuple[float, ...]] | None = None,
) -> Evaluation:
    """The bundle's figures on labelled examples.

    Args:
        classifier: the bundle, run by the edge; all examples go through it in batches.
        examples: labels are indices into the classifier's.
        data: what the examples are, in words.
        float_scores: (n, labels), what the float network says of the same examples, in order.
        history: the float network's learning curves.

    Raises:
        UsageError: no examples, or examples of another shape than the model takes.
    """
    from sklearn.metrics import confusion_matrix, precision_recall_fscore_support  # a second to import

    if len(examples) == 0:
        raise UsageError("no pictures to score: expected at least 1")
    scores = _in_batches(classifier, examples)
    truth, answers, best = examples.labels, scores.argmax(axis=1), scores.max(axis=1)
    codes = list(range(len(classifier.labels)))
    precision, recall, f1, n_of = precision_recall_fscore_support(truth, answers, labels=codes, zero_division=0)
    covered = best >= classifier.threshold
    identity = classifier.identity
    return Evaluation(
        model=identity.name,
        sha256=identity.sha256,
        runtime=identity.runtime,
        data=data,
        pictures=len(examples),
        accuracy=_rounded((answers == truth).mean()),
        macro_f1=_rounded(f1[n_of > 0].mean()),
        calibration_error=_rounded(calibration_error(scores, truth)),
        threshold=classifier.threshold,
        coverage=_rounded(covered.mean()),
        accuracy_covered=_rounded((answers == truth)[covered].mean() if covered.any() else 0.0),
        labels=classifier.labels,
        per_label={
            label: LabelFigures(_rounded(precision[c]), _rounded(recall[c]), _rounded(f1[c]), int(n_of[c]))
            for c, label in enumerate(classifier.labels)
        },
        confusion=tuple(tuple(row) for row in confusion_matrix(truth, answers, labels=codes).tolist()),
        reliability=_reliability(best, answers == truth),
        float_network=None if float_scores is None else _agreement(classifier, examples, float_scores),
        history=history or {},
    )


def _in_batches(run: Run, examples: Examples) -> NDArray[np.float32]:
    """Scores or logits of the examples, at least one."""
    return np.concatenate([run(*batch) for batch in batches(examples.patches, examples.measures)])


def _reliability(best: NDArray[np.float32], right: NDArray[np.bool_]) -> tuple[Bin, ...]:
    of_picture = bins_of(best)
    n = np.bincount(of_picture, minlength=N_BINS)
    confidence = np.bincount(of_picture, best, N_BINS) / np.maximum(n, 1)
    accuracy = np.bincount(of_picture, right, N_BINS) / np.maximum(n, 1)
    return tuple(
        Bin(_rounded(i / N_BINS), _rounded((i + 1) / N_BINS), int(n[i]), _rounded(confidence[i]), _rounded(accuracy[i]))
        for i in range(N_BINS)
    )


def _agreement(classifier: Classifier, examples: Examples, float_scores: NDArray[np.float32]) -> Agreement:
    plain = softmax(_in_batches(classifier.logits, examples))
    answers = float_scores.argmax(axis=1)
    return Agreement(
        _rounded((plain.argmax(axis=1) == answers).mean()),
        _rounded((answers == examples.labels).mean()),
        _rounded(np.abs(plain - float_scores).max()),
    )


def _rounded(value: Any) -> float:
    return round(float(value), 6)
