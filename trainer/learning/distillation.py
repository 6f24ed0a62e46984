"""Distillation: a network learns the mean answers of several others, its teachers, instead of the labels.

Marks near the noise, or half way between two labels, are named by chance: a network fitted with another seed gives
another answer. The mean answer of several networks depends less on chance. The teachers are needed for training alone;
the model that ships is no larger and no slower.

Source: G. Hinton, O. Vinyals, J. Dean, "Distilling the Knowledge in a Neural Network", 2015, arXiv:1503.02531.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from trainer.data import Dataset, Examples
from trainer.data.augmentation import AugmentSettings, augmented
from trainer.learning.fit import FitSettings, OnProgress, fit_dataset
from trainer.learning.standardisation import probabilities

TEACHER = "cnn"
"""The network of the teachers, whatever the network of the student. The mlp learned no more from two `deep-cnn`s."""


@dataclass(frozen=True, eq=False)
class DistillationSet:
    """What a student learns from, whichever network it is.

    Attributes:
        dataset: augmented examples to learn from, and the parts to choose the epoch by and to score on.
        targets: (n, labels) float32, the teachers' mean answers to the augmented examples, rows sum to 1; None: the
            labels are the answers.
    """

    dataset: Dataset
    targets: NDArray[np.float32] | None = None


def distil(
    dataset: Dataset,
    examples: Examples,
    augment: AugmentSettings,
    fit: FitSettings,
    n_teachers: int,
    on_progress: OnProgress | None = None,
) -> DistillationSet:
    """Fits the teachers, and takes their mean answers to what the student learns from.

    Args:
        dataset: what the student learns from, augmented.
        examples: the same, not augmented; each teacher learns from augmented copies of its own.
        augment: how the teachers' examples are augmented; the seed grows by one from teacher to teacher.
        fit: how the teachers are fitted; the seed grows alike.
        n_teachers: 0 leaves the student with the labels.
        on_progress: of each teacher's fit.
    """
    if n_teachers == 0:
        return DistillationSet(dataset)
    answers = np.zeros((len(dataset.train), len(dataset.labels)))
    for number in range(1, n_teachers + 1):
        own = augmented(examples, dataset.spec, replace(augment, seed=augment.seed + number))
        settings = replace(fit, seed=fit.seed + number)
        teacher = fit_dataset(replace(dataset, train=own), settings, TEACHER, on_progress=on_progress)
        answers += probabilities(teacher.model, dataset.train.patches, dataset.train.measures)
    return DistillationSet(dataset, (answers / n_teachers).astype(np.float32))
