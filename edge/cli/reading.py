"""Reads pictures one by one, so that whatever is wrong with one of them does not stop the others."""

from __future__ import annotations

from collections.abc import Generator, Iterable
from pathlib import Path

from edge.cli.ending import Unforeseen, defended
from edge.records import Frame
from edge.sources import LostFrame, picture_events
from edge.sources.pictures import MAX_MEGAPIXELS


def read_each(
    pictures: Iterable[Path | LostFrame], unforeseen: Unforeseen, max_megapixels: float = MAX_MEGAPIXELS
) -> Generator[Frame | LostFrame]:
    """Each picture as a Frame, or as a LostFrame that says why it could not be read, internal errors included.

    Args:
        pictures: as `edge.sources.list_pictures` gives them.
        unforeseen: remembers internal errors.
        max_megapixels: the largest picture that is read.
    """
    for picture in pictures:
        yield picture if isinstance(picture, LostFrame) else _read(picture, unforeseen, max_megapixels)


def _read(picture: Path, unforeseen: Unforeseen, max_megapixels: float) -> Frame | LostFrame:
    events: list[Frame | LostFrame] = []

    def caught(error: Exception) -> None:
        events.append(LostFrame(str(picture), 0, unforeseen.problem(error)))

    with defended(caught):
        events += picture_events([picture], max_megapixels)
    return events[0]
