"""`ferrule-train convert`: a `.keras` model in, a gated `.tflite` bundle out."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from edge.classify.bundle import write_bundle
from edge.cli.console import Console
from edge.errors import UsageError
from trainer.data import Dataset, Source
from trainer.data.dataset import reopen
from trainer.data.examples import joined
from trainer.export import Card, Gates, Material, convert
from trainer.export.gates import rendered_marks_gates
from trainer.export.recipe import DEFAULT_RECIPE
from trainer.learning import TrainedModel, model_file

N_CALIBRATION = 10_000
"""Training pictures that the integer ranges are taken from at most, evenly spread over the labels. With 500 some
hidden units of Fashion-MNIST's MLP are never heard, and single answers are off by .2; these take a second."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What was asked for.

    Attributes:
        model: a `.keras` or `.h5` file, or the name of a trainable model that ships.
        out: the `.tflite` file; None: beside the model, of the same name.
        recipe: one of `trainer.export.recipe.RECIPES`.
        threshold: None: that of the model it went on from, else 0.
    """

    model: str
    out: Path | None
    recipe: str
    threshold: float | None


def convert_model(wanted: Wanted, source: Source, card: Card, console: Console) -> int:
    """Converts, gates and writes a model, and tells of it; returns the exit code.

    Args:
        wanted: which model, and what to make of it.
        source: the pictures that it was trained on; the parts are those of the training.
        card: what the maker says of it; without a name, that of the file; the threshold is set here.
        console: where to tell.

    Raises:
        UsageError: options, data or a place to write to that cannot be used.
        SourceError: pictures that cannot be read.
        ModelError: a damaged model, or a gate that failed; no file is written then.
    """
    if wanted.threshold is not None and not 0 <= wanted.threshold <= 1:
        raise UsageError(f"threshold {wanted.threshold}: expected a probability, 0 to 1")
    path = model_file.find(wanted.model)
    out, recipe = wanted.out or path.with_suffix(".tflite"), wanted.recipe
    if out.suffix != ".tflite" or not out.parent.is_dir():
        raise UsageError(f"model {out}: expected a name that ends in .tflite, in a folder that exists")
    trained = model_file.load(path)
    dataset = reopen(trained.data, trained.labels, trained.spec, source)
    threshold = float(trained.code.get("threshold", 0.0)) if wanted.threshold is None else wanted.threshold
    card = replace(card, name=card.name or _name_from(out.stem), threshold=threshold)
    conversion = convert(trained, _material(dataset), card, recipe, _gates(trained, dataset, recipe))
    write_bundle(out, conversion.content)
    for name, value in conversion.metrics.items():
        console.say(f"{name.replace('_', ' '):<28} {value:g}")
    console.say(f"{out}: {card.name} by {recipe}, {len(conversion.content)} bytes; every gate holds")
    if console.as_json:
        console.emit({"model": str(out), "recipe": recipe, "bytes": len(conversion.content), **conversion.metrics})
    return 0


def _material(dataset: Dataset) -> Material:
    """Calibrated on what was learned from, the temperature from what chose, the gates on what was never seen."""
    n = len(dataset.train)
    spread = np.linspace(0, n - 1, min(n, N_CALIBRATION)).round().astype(np.int64)
    check = dataset.test if dataset.check is None else joined([dataset.test, dataset.check])
    return Material(dataset.train.take(spread), dataset.validation, check)


def _gates(trained: TrainedModel, dataset: Dataset, recipe: str) -> Gates:
    """Those of the model that ships for one that goes on from it: rendered marks are nearer the noise than others."""
    if dataset.check is None or recipe != DEFAULT_RECIPE:
        return Gates()
    return rendered_marks_gates(str(trained.code.get("network")))


def _name_from(stem: str) -> str:
    """The file's name as a bundle's name may be."""
    return re.sub(r"[^a-z0-9._-]+", "-", stem.lower()).lstrip("._-")[:64] or "model"
