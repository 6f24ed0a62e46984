"""Labelled end faces and patches through a trained Keras model, before it is converted."""

from __future__ import annotations

import numpy as np
from endface_set import EndfaceSet, Row, prepared
from numpy.typing import NDArray

from edge.classify import Classifier
from edge.inspection import Inspector
from edge.judge import FIRST_CRITERIA, load_criteria
from edge.locate import LocateSettings
from edge.records import Identity
from trainer.learning import TrainedModel, probabilities
from trainer.learning.model_file import weights_sha256


class FloatClassifier(Classifier):
    """A trained Keras model in the place of a bundle: inspects with float weights and without a threshold."""

    def __init__(self, trained: TrainedModel) -> None:
        self.labels, self.spec, self.threshold = trained.labels, trained.spec, 0.0
        self.identity = Identity("float network", weights_sha256(trained.model), "keras")
        self._model = trained.model

    def __call__(self, patches: NDArray[np.uint8], measures: NDArray[np.uint8] | None = None) -> NDArray[np.float32]:
        """(n, labels) float32, rows sum to 1."""
        return probabilities(self._model, patches, measures)


def inspections_by(trained: TrainedModel, endfaces: EndfaceSet, fibres: set[str]) -> list[Row]:
    """The pictures of these fibres, inspected with a float network, as rows for `score_inspections`."""
    criteria = load_criteria(FIRST_CRITERIA)
    settings = LocateSettings(cladding_um=criteria.cladding_um)
    inspector = Inspector(FloatClassifier(trained), criteria, settings)
    return [one.as_dict() for frame in endfaces.frames(fibres) for one in inspector.inspect(frame)]


def patches_named_by(trained: TrainedModel, endfaces: EndfaceSet, fibres: set[str]) -> list[Row]:
    """The labelled patches of these fibres, named by a float network, as rows for `score_patches`."""
    files = [row["file"] for row in endfaces.patch_rows() if row["fibre"] in fibres]
    if not files:
        return []
    scores = probabilities(trained.model, *prepared(endfaces, files, trained.spec))
    return [{"source": file, "label": trained.labels[int(s.argmax())]} for file, s in zip(files, scores, strict=True)]
