"""An evaluation on disk: its figures as JSON, and pictures of them."""

from __future__ import annotations

from pathlib import Path

import msgspec

from edge.errors import UsageError
from edge.system.files import write_whole
from trainer.evaluation import figures
from trainer.evaluation.scoring import Evaluation


def write_evaluation(evaluation: Evaluation, folder: Path) -> list[Path]:
    """Writes `evaluation.json` and its pictures into the folder, which is made if need be.

    Returns:
        The files: JSON, confusion matrix, reliability diagram, and the learning curves where they are known.

    Raises:
        UsageError: the folder cannot be made.
        OutputError: it cannot be written to.
    """
    pictures = {"confusion.png": figures.confusion(evaluation), "reliability.png": figures.reliability(evaluation)}
    if evaluation.history:
        pictures["learning.png"] = figures.learning(evaluation)
    text = msgspec.json.format(msgspec.json.encode(evaluation), indent=1)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"folder {folder} cannot be made: {error.strerror}") from error
    contents = {folder / name: content for name, content in {"evaluation.json": text, **pictures}.items()}
    for path, content in contents.items():
        write_whole(path, content)
    return list(contents)
