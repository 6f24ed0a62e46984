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

from edge.commands.console import Console
from edge.patches import Background, PatchSpec
from trainer import fit, labelled_pictures, model_file
from trainer.dataset import Dataset, Source, open_dataset
from trainer.fit import ClassWeights, FitSettings, OnProgress, Progress
from trainer.network import LEARNING_RATE
from trainer.picture_tree import labels_in
from trainer.scaling import probabilities
from trainer.split import SplitSettings

_MOST_UNREADABLE_TOLD = 10


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
    """

    source: Source
    settings: FitSettings
    network: str
    start: str | None
    out: Path
    patch_size: int | None = None
    background: Background | None = None


def settings_of(epochs: int, batch: int, seed: int, rate: float | None, class_weights: str) -> FitSettings:
    """How to fit, as the options say it; no rate: the default one.

    Raises:
        UsageError: a value out of its range.
    """
    learning_rate = LEARNING_RATE if rate is None else rate
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
    spec = PatchSpec() if start is None else start.spec
    spec = replace(
        spec,
        size=wanted.patch_size if wanted.patch_size is not None else spec.size,
        background=wanted.background or spec.background,
    )
    source = wanted.source
    is_tree = source.folder is not None and not labelled_pictures.is_folder(source.folder)
    if start is not None and source.labels is None and source.folder is not None and is_tree:
        source = replace(source, labels=labels_in(source.folder, start.labels))
    dataset = open_dataset(source, spec, SplitSettings(seed=wanted.settings.seed))
    _tell_data(dataset, console)
    began = time.perf_counter()
    with _progress(wanted.settings.epochs, console) as on_progress:
        trained = fit.train(dataset, wanted.settings, wanted.network, start, on_progress)
    fit_s = time.perf_counter() - began
    model_file.save(trained, wanted.out)
    scores = probabilities(trained.model, dataset.test.patches, dataset.test.measures)
    accuracy = float((scores.argmax(axis=1) == dataset.test.labels).mean())
    n_parameters = trained.model.count_params()
    console.say(f"fitted in {fit_s:.1f} s: {wanted.settings.epochs} epochs of {len(dataset.train)} pictures")
    console.say(f"test accuracy {accuracy:.4f} on {len(dataset.test)} pictures, in float")
    weights = str(trained.code["weights_sha256"])
    console.say(f"{wanted.out}: {trained.code['network']}, {n_parameters} parameters, weights {weights[:12]}")
    if console.as_json:
        told: dict[str, object] = {"model": str(wanted.out), "labels": list(trained.labels), "fit_s": round(fit_s, 3)}
        told |= {"test_accuracy": round(accuracy, 4), "test_pictures": len(dataset.test), "parameters": n_parameters}
        told |= {"weights_sha256": weights, "unreadable": len(dataset.unreadable)}
        console.emit(told)
    return 3 if dataset.unreadable else 0


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
