"""Ferrule's workstation half: trains, converts and evaluates the models that `edge` runs.

`import trainer` costs nothing: TensorFlow is imported when one of the four functions is first asked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from trainer.lazy_exports import lazy_exports

if TYPE_CHECKING:
    from trainer.learning.fit import fit_dataset as train
    from trainer.learning.model_file import load
    from trainer.learning.network import build_model
    from trainer.learning.prediction import predict

__all__ = ["build_model", "load", "predict", "train"]

__getattr__ = lazy_exports(
    __name__,
    {
        "build_model": "trainer.learning.network:build_model",
        "load": "trainer.learning.model_file:load",
        "predict": "trainer.learning.prediction:predict",
        "train": "trainer.learning.fit:fit_dataset",
    },
)
