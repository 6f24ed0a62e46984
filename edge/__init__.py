"""Ferrule's runtime: inspects fibre-optic connector end faces with NumPy, OpenCV and a TFLite interpreter.

`import edge` costs nothing: NumPy, OpenCV and the interpreter are imported when something is asked of them.
"""

from __future__ import annotations

import os
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from edge.classify import Classifier

__all__ = ["load", "predict"]


def load(model: str | os.PathLike[str] | None = None, runtime: str | None = None) -> Classifier:
    """A classifier, verified and ready to call from any thread; kept, so that a second call costs nothing.

    A file that was replaced since is read again; what is loaded already stays as it was.

    Args:
        model: a .tflite file that the trainer made, or the name of a model that ships; None: the shipped
            defect model.
        runtime: one of `edge.classify.runtime.RUNTIMES`; None: the first that works.

    Raises:
        UsageError: no such model or runtime.
        ModelError: the model was refused.
    """
    from edge.classify.bundle import DEFAULT_MODEL, find_model
    from edge.errors import UsageError

    if runtime is not None and not isinstance(runtime, str):
        raise UsageError(f"a {type(runtime).__name__} is no runtime: expected a name")
    path = find_model(DEFAULT_MODEL if model is None else model)
    try:
        state = path.stat()
    except OSError as error:
        raise UsageError(f"model {path} cannot be read: {error.strerror}; give a readable .tflite file") from error
    return _load(path, (state.st_mtime_ns, state.st_size), runtime)


def predict(img: Any, model: str | os.PathLike[str] | Classifier | None = None, return_prob: bool = False) -> Any:
    """The label of a picture, or of each of several.

    Args:
        img: one picture, (h, w), (h, w, 1) or (h, w, 3) uint8, the channels in OpenCV's order (blue, green,
            red), of any size; or several: a list of such, (n, h, w) with w other than 1 or 3, or (n, h, w, 1 or 3).
        model: as for `load`, or a classifier that `load` returned.
        return_prob: whether the probability comes with the label.

    Returns:
        For one picture its label, `unknown` below the model's threshold, or (label, probability); for several
        a list of that.

    Raises:
        UsageError: no such picture or model.
        ModelError: the model was refused.
    """
    from edge.classify import Classifier, prepare_all
    from edge.classify.pictures import pictures_given

    pictures, is_one = pictures_given(img)
    classifier = model if isinstance(model, Classifier) else load(model)
    named = classifier.name(classifier(*prepare_all(pictures, classifier.spec))) if pictures else []
    answers = named if return_prob else [label for label, _ in named]
    return answers[0] if is_one else answers


@lru_cache(maxsize=8)
def _load(path: Path, state: tuple[int, int], runtime: str | None) -> Classifier:
    from edge.classify import Classifier, load_bundle

    return Classifier(load_bundle(path), runtime)
