"""`ferrule-train train`: pictures in, a `.keras` model out."""

from __future__ import annotations

import contextlib
import os
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import cast

import numpy as np

from edge.classify import PatchSpec, load_bundle
from edge.classify.patch_spec import Background
from edge.cli.console import Console
from edge.labels import DEFECT_LABELS
from trainer.data import Dataset, Source, captured_patches, coco, open_dataset
from trainer.data.label_folders import labels_in
from trainer.data.rehearsal import can_rehearse
from trainer.data.split import SplitSettings
from trainer.learning import (
    FitSettings,
    OnProgress,
    Progress,
    TrainedModel,
    fit_dataset,
    model_file,
    probabilities,
)
from trainer.learning.fit import ClassWeights
from trainer.learning.network import LEARNING_RATE

_MOST_UNREADABLE_TOLD = 10

GOING_ON_RATE = 4e-4
"""The default for going on from a model: at a new model's rate some dozen pictures undo more than they teach."""

REHEARSED_FACES = 120
"""Drawn for going on from a model that learned from rendered faces; `scripts/evaluate_learning_from_use.py
--rehearsed N` tries others."""


@dataclass(frozen=True, slots=True)
class Training:
    """What was asked for.

    Attributes:
        source: the pictures.
        settings: how to fit.
        network: its name.
        start: the model to go on from, or None.
        out: the `.keras` file to write.
        patch_size: None: 28, or as the model to go on from has it.
        background: None: "keep", or as the model to go on from has it.
        rehearsed_faces: rendered faces to learn from besides, where the model to go on from learned from such.
    """

    source: Source
    settings: FitSettings
    network: str
    start: str | None
    out: Path
    patch_size: int | None = None
    background: Background | None = None
    rehearsed_faces: int = REHEARSED_FACES


def settings_of(
    epochs: int, batch: int, seed: int, rate: float | None, class_weights: str, going_on: bool = False
) -> FitSettings:
    """How to fit, as the options say it; no rate: the default one, which is lower for going on from a model.

    Raises:
        UsageError: a value out of its range.
    """
    default = GOING_ON_RATE if going_on else LEARNING_RATE
    learning_rate = default if rate is None else rate
    return FitSettings(epochs, batch, seed, learning_rate, cast(ClassWeights, class_weights))


def train_model(wanted: Training, console: Console) -> int:
    """Trains and saves a model, and tells of it; returns the exit code, 3 if a picture could not be read.

    Raises:
        UsageError: options, data or a place to write to that cannot be used; said before the training.
        SourceError: no pictures to learn from.
        ModelError: the model to go on from is damaged.
    """
    model_file.check_writable(wanted.out)
    start = model_file.load(wanted.start) if wanted.start is not None else None
    source = wanted.source if start is None else _going_on(wanted.source, start, wanted.rehearsed_faces)
    split = SplitSettings(seed=wanted.settings.seed)
    if source.rehearsed_faces:
        # A few dozen patches cannot choose an epoch, and rendered ones would choose the one that learned least.
        split = replace(split, validation=0.0)
    dataset = open_dataset(source, _spec_for(wanted, start), split)
    _tell_data(dataset, console)
    threshold = _threshold_of(wanted.start, start) if wanted.start is not None and start is not None else None
    began = time.perf_counter()
    with _progress(wanted.settings.epochs, console) as on_progress:
        fitted_on = dataset if start is None or not source.rehearsed_faces else _known_before(dataset, start)
        trained = fit_dataset(fitted_on, wanted.settings, wanted.network, start, on_progress)
    fit_s = time.perf_counter() - began
    if threshold is not None:
        trained.code["threshold"] = threshold
    model_file.save(trained, wanted.out)
    console.say(f"fitted in {fit_s:.1f} s: {wanted.settings.epochs} epochs of {len(fitted_on.train)} pictures")
    _tell_result(trained, dataset, _accuracy_before(start, dataset), fit_s, wanted.out, console)
    return 3 if dataset.unreadable else 0


def _spec_for(wanted: Training, start: TrainedModel | None) -> PatchSpec:
    """What the model is to see: as asked for, else as the model to go on from sees it, else the default."""
    spec = PatchSpec() if start is None else start.spec
    size = spec.size if wanted.patch_size is None else wanted.patch_size
    return replace(spec, size=size, background=wanted.background or spec.background)


def _tell_result(
    trained: TrainedModel, dataset: Dataset, before: float | None, fit_s: float, out: Path, console: Console
) -> None:
    """Tells how well the model names the test part, and what was written."""
    scores = probabilities(trained.model, dataset.test.patches, dataset.test.measures)
    accuracy = float((scores.argmax(axis=1) == dataset.test.labels).mean())
    n_parameters = trained.model.count_params()
    than = f"; {before:.4f} before" if before is not None else ""
    console.say(f"test accuracy {accuracy:.4f} on {len(dataset.test)} pictures, in float{than}")
    weights = str(trained.code["weights_sha256"])
    console.say(f"{out}: {trained.code['network']}, {n_parameters} parameters, weights {weights[:12]}")
    if console.as_json:
        told: dict[str, object] = {"model": str(out), "labels": list(trained.labels), "fit_s": round(fit_s, 3)}
        told |= {"test_accuracy": round(accuracy, 4), "test_pictures": len(dataset.test), "parameters": n_parameters}
        if before is not None:
            told["test_accuracy_before"] = round(before, 4)
        told |= {"weights_sha256": weights, "unreadable": len(dataset.unreadable)}
        console.emit(told)


_LEARNED_FROM_RENDERED = frozenset({"rehearsed_faces", "rendered_sha256", "renderer_sha256"})
"""What says that a model learned from rendered faces; the last, a hash of source text, stands in models of before."""


def _going_on(source: Source, start: TrainedModel, n_rehearsed: int) -> Source:
    """The pictures, with the labels that a model will have that goes on with them, and what it must not forget."""
    folder = source.folder
    if folder is None:
        return source
    labels = source.labels
    if coco.is_folder(folder):
        named: tuple[str, ...] = DEFECT_LABELS
    elif labels is None and captured_patches.is_folder(folder):
        named = labels = captured_patches.labels_in(folder, start.labels)
    else:
        named = labels = labels or labels_in(folder, start.labels)
    rendered = not _LEARNED_FROM_RENDERED.isdisjoint(start.data)
    return replace(source, labels=labels, rehearsed_faces=n_rehearsed if rendered and can_rehearse(named) else 0)


def _known_before(dataset: Dataset, start: TrainedModel) -> Dataset:
    """What is fitted: the pictures, and of the rendered marks those that the model to go on from names rightly.

    To be remembered they need not be learned anew: where the model and a rendered mark disagree, some hundred marks of
    a few faces would pull it to where these faces happen to lie.
    """
    train = dataset.train
    n_rendered = int(dataset.data["rehearsed_examples"])
    answers = probabilities(start.model, train.patches, train.measures).argmax(axis=1)
    named = np.array([dataset.labels.index(label) if label in dataset.labels else -1 for label in start.labels])
    keep = named[answers] == train.labels
    keep[: len(train) - n_rendered] = True
    return replace(dataset, train=train.take(keep), validation=dataset.validation.take(np.arange(0)))


def _accuracy_before(start: TrainedModel | None, dataset: Dataset) -> float | None:
    """How well the model to go on from names the test part as it is."""
    if start is None or len(dataset.test) == 0:
        return None
    answers = probabilities(start.model, dataset.test.patches, dataset.test.measures).argmax(axis=1)
    truth = [dataset.labels[code] for code in dataset.test.labels]
    return float(np.mean([start.labels[a] == b for a, b in zip(answers.tolist(), truth, strict=True)]))


def _threshold_of(name: str, start: TrainedModel) -> float:
    """Below which the model's answer was `unknown`: as its `.tflite` beside it says, or as was handed down to it."""
    converted = model_file.find(name).with_suffix(".tflite")
    if converted.is_file():
        described = load_bundle(converted).description
        if described.code.get("weights_sha256") == start.code.get("weights_sha256"):
            return described.threshold
    return float(start.code.get("threshold", 0.0))


def _tell_data(dataset: Dataset, console: Console) -> None:
    for message in dataset.unreadable[:_MOST_UNREADABLE_TOLD]:
        console.error(message)
    if len(dataset.unreadable) > _MOST_UNREADABLE_TOLD:
        console.error(f"{len(dataset.unreadable) - _MOST_UNREADABLE_TOLD} more pictures could not be read")
    for notice in dataset.notices:
        console.say(notice)
    parts = f"{len(dataset.train)} to learn from, {len(dataset.validation)} to choose, {len(dataset.test)} to test"
    console.say(
        f"{dataset.data['name']}: {len(dataset.labels)} labels ({', '.join(dataset.labels)}); pictures: {parts}"
    )


def _line(progress: Progress) -> str:
    figures = progress.figures
    text = f"epoch {progress.epoch:>{len(str(progress.epochs))}}/{progress.epochs}"
    text += f"  loss {figures['loss']:.4f}  accuracy {figures['accuracy']:.4f}"
    if "val_loss" in figures:
        text += f"  validation loss {figures['val_loss']:.4f}  accuracy {figures['val_accuracy']:.4f}"
    return text


@contextlib.contextmanager
def _progress(epochs: int, console: Console) -> Iterator[OnProgress]:
    """What tells of progress: a line an epoch, and a bar on stderr where a person is watching."""

    def tell(progress: Progress) -> None:
        if progress.figures:
            console.say(_line(progress))

    if console.quiet or not sys.stderr.isatty():
        yield tell
        return
    from rich.console import Console as Terminal
    from rich.progress import BarColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    # A descriptor of its own, as lines for people may go to stderr too and then pass above the bar.
    with os.fdopen(os.dup(sys.stderr.fileno()), "w", encoding=sys.stderr.encoding) as own:
        columns = (TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn())
        with Bar(*columns, console=Terminal(file=own), transient=True, redirect_stdout=sys.stdout.isatty()) as bar:
            task = bar.add_task("fitting", total=float(epochs))

            def tell_and_move(progress: Progress) -> None:
                tell(progress)
                done = progress.epoch - 1 + progress.step / progress.steps
                bar.update(task, completed=done, description=f"epoch {progress.epoch}/{progress.epochs}")

            yield tell_and_move
