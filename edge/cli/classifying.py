"""`ferrule classify`: pictures of single marks in, labels out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from edge.classify import Classifier, load_bundle, prepare_all
from edge.cli.console import Console
from edge.cli.ending import EXIT_LOST, EXIT_OUTPUT, Unforeseen, defended
from edge.cli.inspecting import silence_opencv
from edge.cli.reading import read_each
from edge.records import Frame
from edge.sources import LostFrame, list_pictures
from edge.sources.pictures import check_max_megapixels

BATCH = 256
"""Pictures in one call of the model; beyond some hundred the runtime gains nothing from a larger batch."""

BATCH_MEGAPIXELS = 64.0
"""A batch ends here too: pictures of marks are small, but whole pictures must not be held by the hundred."""


def classify_pictures(
    paths: Sequence[Path],
    model: str,
    runtime: str | None,
    with_scores: bool,
    max_megapixels: float,
    console: Console,
) -> int:
    """Classifies files and folders, and reports each; returns the exit code, 3 if a picture could not be read.

    Raises:
        UsageError: an unknown model or runtime, or a limit out of its bounds.
        ModelError: the model was refused, or no runtime works.
    """
    check_max_megapixels(max_megapixels)
    silence_opencv()
    classifier = Classifier(load_bundle(model), runtime)
    pictures = list_pictures(paths, recursive=True)
    counts: Counter[str] = Counter()
    unforeseen = Unforeseen()
    n_lost = 0
    incoming = read_each(pictures, unforeseen, max_megapixels)
    for batch in _batches(console.track(incoming, len(pictures), "classifying")):
        frames = [event for event in batch if isinstance(event, Frame)]
        answers = _each_classified(frames, classifier, with_scores, unforeseen)
        for answer in [*(event for event in batch if isinstance(event, LostFrame)), *answers]:
            if isinstance(answer, LostFrame):
                n_lost += 1
                tell_unnamed(answer, console)
            else:
                counts[answer["label"]] += 1
                tell_named(answer, console)
        if console.stdout_lost:
            break
    told = ", ".join(f"{n} {label}" for label, n in counts.most_common())
    console.say(f"{sum(counts.values())} pictures: {told or 'none classified'}")
    return max(EXIT_LOST if n_lost or not counts else 0, EXIT_OUTPUT if console.stdout_lost else 0, unforeseen.finish())


def tell_unnamed(lost: LostFrame, console: Console) -> None:
    """Reports a picture that could not be read; it gets a JSON row without a label, so that no picture is missing."""
    console.error(lost.problem if lost.source in lost.problem else f"{lost.source}: {lost.problem}")
    if console.as_json:
        console.emit({"source": lost.source, "label": None, "score": None, "problem": lost.problem})


def _batches(events: Iterator[Frame | LostFrame]) -> Iterator[list[Frame | LostFrame]]:
    """The events, as many at a time as go through the model in one call."""
    batch: list[Frame | LostFrame] = []
    megapixels = 0.0
    for event in events:
        batch.append(event)
        megapixels += event.pixels.size / 1e6 if isinstance(event, Frame) else 0.0
        if len(batch) == BATCH or megapixels >= BATCH_MEGAPIXELS:
            yield batch
            batch, megapixels = [], 0.0
    if batch:
        yield batch


def _each_classified(
    frames: Sequence[Frame], classifier: Classifier, with_scores: bool, unforeseen: Unforeseen
) -> list[dict[str, Any] | LostFrame]:
    """A row for each frame; when a batch fails, each frame is tried alone, so that one does not stop the others."""
    rows: list[dict[str, Any] | LostFrame] = []
    errors: list[Exception] = []
    with defended(errors.append):
        rows += _classified(frames, classifier, with_scores)
    if not errors:
        return rows
    if len(frames) == 1:
        return [LostFrame(frames[0].source, 0, unforeseen.problem(errors[0]))]
    return [row for frame in frames for row in _each_classified([frame], classifier, with_scores, unforeseen)]


def _classified(frames: Sequence[Frame], classifier: Classifier, with_scores: bool) -> Iterator[dict[str, Any]]:
    """A row for each frame, all of them in one call of the model."""
    if not frames:
        return
    scores = classifier(*prepare_all((frame.pixels for frame in frames), classifier.spec))
    for frame, (label, score), row in zip(frames, classifier.name(scores), scores.tolist(), strict=True):
        yield named_row(frame.source, label, score, dict(zip(classifier.labels, row, strict=True)), with_scores)


def named_row(source: str, label: str, score: float, scores: dict[str, float], with_scores: bool) -> dict[str, Any]:
    """The JSON row of a picture that got a label."""
    told: dict[str, Any] = {"source": source, "label": label, "score": round(score, 4)}
    if with_scores:
        told["scores"] = {name: round(value, 4) for name, value in scores.items()}
    return told


def tell_named(row: dict[str, Any], console: Console) -> None:
    """Reports a picture that got a label."""
    if console.as_json:
        console.emit(row)
    else:
        text = f"{row['label']:<14} {row['score']:.4f}  {row['source']}"
        if "scores" in row:
            text += "  " + " ".join(f"{name}={value:.4f}" for name, value in row["scores"].items())
        console.say(text)
