"""The float model's answer to a picture: what `edge.predict` is on the device."""

from __future__ import annotations

import os
from functools import lru_cache
from pathlib import Path
from typing import Any

from edge.classify import prepare_all
from edge.classify.pictures import pictures_given
from edge.errors import UsageError
from trainer.learning.model_file import TrainedModel, find, load
from trainer.learning.standardisation import probabilities

DEFAULT_MODEL = "model.keras"


def predict(
    img: Any,
    model: TrainedModel | None = None,
    model_path: str | os.PathLike[str] = DEFAULT_MODEL,
    return_prob: bool = False,
) -> Any:
    """The label of a picture, or of each of several.

    Args:
        img: one picture, (h, w), (h, w, 1) or (h, w, 3) uint8, the channels in OpenCV's order (blue, green,
            red), of any size; or several: a list of such, (n, h, w) with w other than 1 or 3, or (n, h, w, 1 or 3).
        model: what `load` or `train` returned; None: the one in `model_path`.
        model_path: a .keras or old .h5 file, or the name of a trainable model that ships; read when first asked
            for and kept, and read again when the file was replaced.
        return_prob: whether the probability comes with the label.

    Returns:
        For one picture its label or (label, probability); for several a list of that. A trained model has no
        threshold: nothing is `unknown`.

    Raises:
        UsageError: no such picture or model, or a model without labels.
        ModelError: the model's file is damaged.
    """
    trained = _kept(model_path) if model is None else model
    if not isinstance(trained, TrainedModel):
        raise UsageError(
            f"a {type(trained).__name__} does not say its labels: give what trainer.load returned, or "
            "TrainedModel(model, labels, spec)"
        )
    pictures, is_one = pictures_given(img)
    named = []
    if pictures:
        scores = probabilities(trained.model, *prepare_all(pictures, trained.spec))
        best = scores.argmax(axis=1).tolist()
        named = [(trained.labels[i], float(row[i])) for i, row in zip(best, scores, strict=True)]
    answers = named if return_prob else [label for label, _ in named]
    return answers[0] if is_one else answers


def _kept(path_or_name: str | os.PathLike[str]) -> TrainedModel:
    path = find(path_or_name)
    state = path.stat()
    return _loaded(path, (state.st_mtime_ns, state.st_size))


@lru_cache(maxsize=4)
def _loaded(path: Path, _: tuple[int, int]) -> TrainedModel:
    return load(path)
