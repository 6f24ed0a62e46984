"""`Examples` in, a Keras model out: networks, fitting, distillation, calibration, and model files."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trainer.lazy_exports import lazy_exports

if TYPE_CHECKING:
    from trainer.learning.distillation import DistillationSet, distil
    from trainer.learning.fit import FitSettings, OnProgress, Progress, fit_dataset
    from trainer.learning.model_file import TrainedModel, load, save
    from trainer.learning.network import build_model
    from trainer.learning.prediction import predict
    from trainer.learning.standardisation import probabilities

__all__ = [
    "DistillationSet",
    "FitSettings",
    "OnProgress",
    "Progress",
    "TrainedModel",
    "build_model",
    "distil",
    "fit_dataset",
    "load",
    "predict",
    "probabilities",
    "save",
]

__getattr__ = lazy_exports(
    __name__,
    {
        "DistillationSet": "trainer.learning.distillation:DistillationSet",
        "FitSettings": "trainer.learning.fit:FitSettings",
        "OnProgress": "trainer.learning.fit:OnProgress",
        "Progress": "trainer.learning.fit:Progress",
        "TrainedModel": "trainer.learning.model_file:TrainedModel",
        "build_model": "trainer.learning.network:build_model",
        "distil": "trainer.learning.distillation:distil",
        "fit_dataset": "trainer.learning.fit:fit_dataset",
        "load": "trainer.learning.model_file:load",
        "predict": "trainer.learning.prediction:predict",
        "probabilities": "trainer.learning.standardisation:probabilities",
        "save": "trainer.learning.model_file:save",
    },
)
