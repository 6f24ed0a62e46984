"""`--overlay`: draws each inspection into a folder, and replaces no file there unless asked to."""

from __future__ import annotations

import os
import re
import stat
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2

from edge.cli.console import Console
from edge.cli.ending import EXIT_OUTPUT, Unforeseen, defended
from edge.errors import OutputError, UsageError, reason_of
from edge.judge import Auto, Criteria, profile_of
from edge.records import Frame, Inspection
from edge.system.files import mode_of, real_path, write_new, write_whole

OVERLAY_FORMATS = ("png", "svg")

_MOST_NAME_BYTES = 255
"""NAME_MAX of Linux and macOS."""


@dataclass(frozen=True)
class Overlays:
    """Where overlays go, in which format, and whether they replace files that are there."""

    folder: Path
    format: str = "png"
    overwrite: bool = False


def overlays_of(folder: Path | None, format: str, overwrite: bool) -> Overlays | None:
    """What the options ask for; None without a folder.

    Raises:
        UsageError: an unknown format.
    """
    if format not in OVERLAY_FORMATS:
        raise UsageError(f"overlay format {format[:40]!r}; expected one of {', '.join(OVERLAY_FORMATS)}")
    return Overlays(folder, format, overwrite) if folder is not None else None


@dataclass(frozen=True, slots=True)
class Drawn:
    """An overlay that was written; `number` is above 1 where the name was taken."""

    path: Path
    number: int


class Drawing:
    """Draws inspections, if asked to, and reports what went wrong.

    The first overlay that cannot be written is reported, the others are counted; inspecting goes on, because a
    verdict must not depend on its picture.

    Args:
        overlays: where to draw; None: nowhere.
        criteria: what is judged by; the zones of the profile that an inspection names are drawn.
        console: where to report.
        unforeseen: where internal errors are remembered.
        numbered: an overlay's name holds the frame's number, because its source is always the same.
    """

    def __init__(
        self,
        overlays: Overlays | None,
        criteria: Criteria | Auto,
        console: Console,
        unforeseen: Unforeseen,
        numbered: bool = False,
    ) -> None:
        self.overlays = overlays
        self._criteria = criteria
        self._console = console
        self._unforeseen = unforeseen
        self._numbered = numbered
        self._taken: set[str] = set()
        self._last_number: dict[str, int] = {}
        self._n_failed = 0

    @property
    def exit_code(self) -> int:
        """5 when an overlay could not be written, else 0."""
        return EXIT_OUTPUT if self._n_failed else 0

    def prepare(self, pictures: Sequence[Path]) -> None:
        """Makes the folder, and looks at what lies there.

        Args:
            pictures: to be inspected.

        Raises:
            UsageError: it cannot be made, read or written to, or pictures to be inspected lie in it.
        """
        if self.overlays is None:
            return
        folder = self.overlays.folder
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(prefix=".ferrule-", dir=folder):
                pass
            self._taken = {path.name for path in folder.iterdir()}
        except (OSError, ValueError) as error:
            raise UsageError(
                f"overlay folder {folder}: {reason_of(error)}; name a folder that can be made and written to"
            ) from error
        if self.overlays.overwrite:
            self._taken = set()
        here = folder.stat()
        # A picture may be a link: the folder it is named in counts, and the folder it lies in.
        parents = {path.parent: picture for picture in pictures for path in (picture, real_path(picture))}
        for parent, picture in parents.items():
            if _is_folder(parent, here):
                raise UsageError(f"overlay folder {folder} holds {picture.name} itself; name another folder")

    def drawn(self, frame: Frame, inspection: Inspection) -> Drawn | None:
        """The overlay of an inspection; None where none was asked for, or it could not be written."""
        if self.overlays is None:
            return None
        from edge.overlay import draw, draw_svg  # here, because a run without overlays starts quicker

        overlays, written = self.overlays, []
        profile = profile_of(self._criteria, inspection.criteria)

        def caught(error: Exception) -> None:
            self._failed(f"{inspection.source}: no overlay: {self._unforeseen.problem(error)}")

        with defended(caught):
            if overlays.format == "svg":
                content = draw_svg(frame.pixels, inspection, profile).encode("utf-8", "backslashreplace")
            else:
                content = cv2.imencode(".png", draw(frame.pixels, inspection, profile))[1].tobytes()
            try:
                written.append(self._written(content, inspection, overlays))
            except (OutputError, UsageError) as error:  # a missing folder is handled like a full one
                self._failed(f"overlay {error}")
        return written[0] if written else None

    def finish(self) -> None:
        """Reports how many overlays could not be written."""
        if self.overlays is not None and self._n_failed:
            self._console.error(f"{self._n_failed} overlays could not be written to {self.overlays.folder}")

    def _failed(self, problem: str) -> None:
        if not self._n_failed:
            self._console.error(f"{problem}; inspecting goes on")
        self._n_failed += 1

    def _written(self, content: bytes, inspection: Inspection, overlays: Overlays) -> Drawn:
        """Writes under the first free name; when overwriting, a name is free if this run has not used it yet."""
        stem, tail = self._name(inspection)
        number = self._last_number.get(stem + tail, 0)
        while True:
            number += 1
            ending = f"{tail}{f'-{number}' if number > 1 else ''}.{overlays.format}"
            name = _cut(stem, _MOST_NAME_BYTES - len(ending)) + ending
            if name in self._taken:
                continue
            path = overlays.folder / name
            try:
                (write_whole if overlays.overwrite else write_new)(path, content)
            except FileExistsError:  # another process has written it since this one began
                self._taken.add(name)
                continue
            self._taken.add(name)
            self._last_number[stem + tail] = number
            return Drawn(path, number)

    def _name(self, inspection: Inspection) -> tuple[str, str]:
        """The picture's name, and the numbers of the frame and of the fibre where there are several."""
        path = Path(inspection.source)
        stem = path.stem if stat.S_ISREG(mode_of(path)) else re.sub(r"[^\w.-]+", "_", inspection.source).strip("_")
        frame = f"-{inspection.index:06d}" if self._numbered else ""
        return stem or "picture", frame + (f"-fibre{inspection.fibre}" if inspection.n_fibres > 1 else "")


def _is_folder(path: Path, folder: os.stat_result) -> bool:
    """Whether a path leads to this folder, under any name; False for a path that leads nowhere."""
    try:
        return os.path.samestat(path.stat(), folder)
    except (OSError, ValueError):
        return False


def _cut(text: str, most_bytes: int) -> str:
    """The beginning of the text, at most so many bytes in a file's name, no character cut in two."""
    encoded = os.fsencode(text)
    return text if len(encoded) <= most_bytes else encoded[:most_bytes].decode("utf-8", "ignore")
