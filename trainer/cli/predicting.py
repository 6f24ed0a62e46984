"""`ferrule-train predict`: pictures in, the float model's labels out."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from edge.classify import prepare_all
from edge.cli.classifying import named_row, tell_named, tell_unnamed
from edge.cli.console import Console
from edge.cli.ending import EXIT_LOST, EXIT_OUTPUT, Unforeseen, defended
from edge.cli.reading import read_each
from edge.records import Frame
from edge.sources import LostFrame, list_pictures
from trainer.learning import TrainedModel, load, probabilities


def name_pictures(paths: Sequence[Path], model: str, with_scores: bool, console: Console) -> int:
    """Names files and folders, and tells of each; returns the exit code, 3 if a picture could not be read.

    Raises:
        UsageError: no such model, or one without labels.
        ModelError: the model is damaged.
    """
    trained = load(model)
    unforeseen = Unforeseen()
    n_named = n_lost = 0
    for event in read_each(list_pictures(paths, recursive=True), unforeseen):
        answer = event if isinstance(event, LostFrame) else _answer(event, trained, with_scores, unforeseen)
        if isinstance(answer, LostFrame):
            n_lost += 1
            tell_unnamed(answer, console)
        else:
            n_named += 1
            tell_named(answer, console)
        if console.stdout_lost:
            break
    lost = EXIT_LOST if n_lost or not n_named else 0
    return max(lost, EXIT_OUTPUT if console.stdout_lost else 0, unforeseen.finish())


def _answer(
    frame: Frame, trained: TrainedModel, with_scores: bool, unforeseen: Unforeseen
) -> dict[str, Any] | LostFrame:
    answers: list[dict[str, Any] | LostFrame] = []

    def caught(error: Exception) -> None:
        answers.append(LostFrame(frame.source, frame.index, unforeseen.problem(error)))

    with defended(caught):
        answers.append(_named(frame, trained, with_scores))
    return answers[0]


def _named(frame: Frame, trained: TrainedModel, with_scores: bool) -> dict[str, Any]:
    row = probabilities(trained.model, *prepare_all([frame.pixels], trained.spec))[0].tolist()
    best = int(np.argmax(row))
    scores = dict(zip(trained.labels, row, strict=True))
    return named_row(frame.source, trained.labels[best], row[best], scores, with_scores)
