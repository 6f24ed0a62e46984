"""Ferrule's workstation half: trains, converts and evaluates the models that `edge` runs.

`import trainer` costs nothing: TensorFlow is imported when one of the four functions is first asked for.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from trainer.learning.fit import train
    from trainer.learning.model_file import load
    from trainer.learning.network import build_model
    from trainer.learning.prediction import predict

__all__ = ["build_model", "load", "predict", "train"]

_MODULES = {
    "build_model": "trainer.learning.network",
    "load": "trainer.learning.model_file",
    "predict": "trainer.learning.prediction",
    "train": "trainer.learning.fit",
}


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_MODULES[name]), name)
