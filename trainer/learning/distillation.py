"""What a model learns beside the labels: the mean answers of several networks.

What a single network makes of marks near the noise, or half way between two names, is chance: another seed, another
answer. So several are trained first, each with its own seed and variations, and the model that ships learns their mean
answers in place of the labels. That costs nothing where the model is used.

Source: G. Hinton, O. Vinyals, J. Dean, "Distilling the Knowledge in a Neural Network", 2015, arXiv:1503.02531.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from trainer.data import Dataset, Examples
from trainer.data.augmentation import AugmentSettings, augmented
from trainer.learning.fit import FitSettings, OnProgress, train
from trainer.learning.standardisation import probabilities

TEACHER = "cnn"
"""The network of the teachers, whatever the network of the student. The mlp learned no more from two `deep-cnn`s."""


@dataclass(frozen=True, eq=False)
class Lessons:
    """What models learn, whichever network they are.

    Attributes:
        dataset: variations to learn from, and the parts to choose by and to score on.
        targets: (n, labels) float32, the teachers' mean answers to the variations; None: the labels are the answers.
    """

    dataset: Dataset
    targets: NDArray[np.float32] | None = None


def taught(
    dataset: Dataset,
    examples: Examples,
    augment: AugmentSettings,
    fit: FitSettings,
    n_teachers: int,
    on_progress: OnProgress | None = None,
) -> Lessons:
    """Trains the teachers, and asks them.

    Args:
        dataset: what the student learns from, varied.
        examples: the same, not varied; each teacher learns from variations of its own.
        augment: how teachers' examples are varied; the seed grows by one from teacher to teacher.
        fit: how teachers are fitted; the seed grows alike.
        n_teachers: 0 leaves the student with the labels.
        on_progress: of each teacher's fit.
    """
    if n_teachers == 0:
        return Lessons(dataset)
    answers = np.zeros((len(dataset.train), len(dataset.labels)))
    for number in range(1, n_teachers + 1):
        own = augmented(examples, dataset.spec, replace(augment, seed=augment.seed + number))
        settings = replace(fit, seed=fit.seed + number)
        teacher = train(replace(dataset, train=own), settings, TEACHER, on_progress=on_progress)
        answers += probabilities(teacher.model, dataset.train.patches, dataset.train.measures)
    return Lessons(dataset, (answers / n_teachers).astype(np.float32))
