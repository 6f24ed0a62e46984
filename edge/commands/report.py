"""How inspections are told: a line a picture, overlays, a count at the end, and the exit code."""

from __future__ import annotations

import re
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2

from edge.commands.console import Console
from edge.criteria import connector_status
from edge.errors import UsageError
from edge.files import write_whole
from edge.inspection import Inspector
from edge.overlay import draw, draw_svg
from edge.records import Frame, Inspection, Status
from edge.sources import LostFrame

OVERLAY_FORMATS = ("png", "svg")


@dataclass(frozen=True)
class Overlays:
    """Where overlays go, and as what."""

    folder: Path
    format: str = "png"

    def __post_init__(self) -> None:
        if self.format not in OVERLAY_FORMATS:
            raise UsageError(f"overlay format {self.format!r}; expected one of {', '.join(OVERLAY_FORMATS)}")

    def prepare(self, pictures: Sequence[Path]) -> None:
        """Makes the folder.

        Raises:
            UsageError: it cannot be made, or holds pictures to be inspected, which overlays could replace.
        """
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UsageError(
                f"overlay folder {self.folder}: {error.strerror}; name a folder that can be made"
            ) from error
        here = self.folder.resolve()
        for picture in pictures:
            if picture.resolve().parent == here:
                raise UsageError(f"overlay folder {self.folder} holds {picture.name} itself; name another folder")


class Report:
    """Tells of inspections as they come, and counts them.

    Args:
        numbered: people are told the frame's number too, because its source is always the same.
    """

    def __init__(
        self, console: Console, inspector: Inspector, overlays: Overlays | None = None, numbered: bool = False
    ) -> None:
        self._console = console
        self._inspector = inspector
        self._overlays = overlays
        self._numbered = numbered
        self._drawn: set[str] = set()
        self._counts: Counter[Status] = Counter()
        self._started = time.monotonic()

    @property
    def n_inspected(self) -> int:
        """Frames and pictures told of, lost ones included."""
        return self._counts.total()

    @property
    def exit_code(self) -> int:
        """3 when something could not be inspected, else 1 when something failed, else 0; 3 for nothing at all."""
        if self._counts[Status.UNREADABLE] or not self.n_inspected:
            return 3
        return 1 if self._counts[Status.FAIL] else 0

    def lost(self, lost: LostFrame) -> None:
        """Tells of a picture or frame that could not be had."""
        self._counts[Status.UNREADABLE] += 1
        self._console.error(lost.problem if lost.source in lost.problem else f"{lost.source}: {lost.problem}")
        if self._console.as_json:
            unread = self._inspector.unread(lost.source, lost.index, lost.time, lost.problem)
            self._console.emit(unread.as_dict())

    def inspected(self, frame: Frame, inspections: Sequence[Inspection]) -> None:
        """Tells of a frame's inspections, one for each fibre."""
        status = connector_status(i.verdict for i in inspections)
        self._counts[status] += 1
        if self._console.as_json:
            for inspection in inspections:
                self._console.emit(inspection.as_dict())
        name = f"{frame.source} frame {frame.index}" if self._numbered else frame.source
        self._console.say("  ".join(filter(None, (name, why(inspections)))), status.value)
        if self._overlays:
            for inspection in inspections:
                self._draw(frame, inspection, self._overlays)

    def finish(self, what: str = "pictures") -> None:
        """Tells the counts."""
        if not self.n_inspected:
            self._console.error(f"no {what} inspected")
            return
        parts = [f"{self._counts[s]} {s.value.lower()}" for s in Status]
        elapsed_s = time.monotonic() - self._started
        self._console.say(f"{self.n_inspected} {what}: {', '.join(parts)} ({elapsed_s:.1f} s)")

    def _draw(self, frame: Frame, inspection: Inspection, overlays: Overlays) -> None:
        criteria = self._inspector.criteria
        if overlays.format == "svg":
            content = draw_svg(frame.pixels, inspection, criteria).encode()
        else:
            content = cv2.imencode(".png", draw(frame.pixels, inspection, criteria))[1].tobytes()
        write_whole(overlays.folder / self._overlay_name(inspection, overlays.format), content)

    def _overlay_name(self, inspection: Inspection, suffix: str) -> str:
        """The picture's name with the overlay's suffix; a number after it where two pictures share a name."""
        path = Path(inspection.source)
        stem = path.stem if path.is_file() else re.sub(r"[^\w.-]+", "_", inspection.source).strip("_")
        if self._numbered:
            stem += f"-{inspection.index:06d}"
        if inspection.n_fibres > 1:
            stem += f"-fibre{inspection.fibre}"
        n, name = 1, f"{stem}.{suffix}"
        while name in self._drawn:
            n, name = n + 1, f"{stem}-{n + 1}.{suffix}"
        self._drawn.add(name)
        return name


def why(inspections: Sequence[Inspection]) -> str:
    """The first reason of the worst fibre, how many there are besides, and the advice, on one line."""
    worst = min(inspections, key=lambda i: [Status.FAIL, Status.UNREADABLE, Status.PASS].index(i.verdict.status))
    fibre = f"fibre {worst.fibre + 1} of {worst.n_fibres}: " if worst.n_fibres > 1 else ""
    reasons = [reason for inspection in inspections for reason in inspection.verdict.reasons]
    parts = []
    if worst.verdict.reasons:
        more = f" (+{len(reasons) - 1} more)" if len(reasons) > 1 else ""
        parts.append(f"{fibre}{worst.verdict.reasons[0].text}{more}")
    if worst.verdict.advice:
        parts.append(worst.verdict.advice)
    return "; ".join(parts)
