"""Reports inspections: a line for each picture, the counts at the end, and the exit code."""

from __future__ import annotations

import contextlib
import time
from collections import Counter
from collections.abc import Iterator, Sequence

from edge.cli.console import Console
from edge.cli.ending import EXIT_LOST, EXIT_OUTPUT, Unforeseen, defended
from edge.cli.overlays import Drawing
from edge.inspection import Inspector
from edge.judge import connector_status
from edge.records import Frame, Inspection, Status
from edge.sources import LostFrame


class Report:
    """Reports inspections as they come, and counts them.

    Args:
        console: where to report.
        inspector: what inspects; it makes the record of a frame that never arrived.
        drawing: what draws the overlays.
        unforeseen: remembers internal errors.
        numbered: lines for people hold the frame's number too, because its source is always the same.
    """

    def __init__(
        self,
        console: Console,
        inspector: Inspector,
        drawing: Drawing,
        unforeseen: Unforeseen,
        numbered: bool = False,
    ) -> None:
        self._console = console
        self._inspector = inspector
        self._drawing = drawing
        self._unforeseen = unforeseen
        self._numbered = numbered
        self._counts: Counter[Status] = Counter()
        self._started = time.monotonic()

    @property
    def n_inspected(self) -> int:
        """Frames and pictures reported, lost ones included."""
        return self._counts.total()

    @property
    def exit_code(self) -> int:
        """5 when a verdict or an overlay could not be written, else that of the verdicts.

        That is 3 when something could not be inspected or there was nothing to inspect, else 1 when something failed,
        else 0.
        """
        lost = self._counts[Status.UNREADABLE] or not self.n_inspected
        verdicts = EXIT_LOST if lost else 1 if self._counts[Status.FAIL] else 0
        return max(verdicts, self._drawing.exit_code, EXIT_OUTPUT if self._console.stdout_lost else 0)

    @contextlib.contextmanager
    def unstopped(self, frame: Frame) -> Iterator[None]:
        """Whatever goes wrong with this frame in the block, the next one is inspected; this one is reported as lost."""
        n_before = self.n_inspected

        def caught(error: Exception) -> None:
            problem = self._unforeseen.problem(error)
            if self.n_inspected == n_before:
                self.lost(LostFrame(frame.source, frame.index, problem, frame.time))
            else:
                self._console.error(f"{frame.source}: {problem}, after its verdict")

        with defended(caught):
            yield

    def lost(self, lost: LostFrame) -> None:
        """Reports a picture or frame that could not be read or inspected."""
        self._counts[Status.UNREADABLE] += 1
        self._console.error(lost.problem if lost.source in lost.problem else f"{lost.source}: {lost.problem}")
        if self._console.as_json:
            told = self._inspector.unread(lost.source, lost.index, lost.time, lost.problem).as_dict()
            self._console.emit(told | self._overlay(None))

    def inspected(self, frame: Frame, inspections: Sequence[Inspection]) -> None:
        """Draws and reports a frame's inspections, one for each fibre."""
        status = connector_status(i.verdict for i in inspections)
        drawn = [self._drawing.drawn(frame, inspection) for inspection in inspections]
        paths = [None if overlay is None else str(overlay.path) for overlay in drawn]
        told = [inspection.as_dict() | self._overlay(path) for inspection, path in zip(inspections, paths, strict=True)]
        self._counts[status] += 1
        if self._console.as_json:
            for row in told:
                self._console.emit(row)
        name = f"{frame.source} frame {frame.index}" if self._numbered else frame.source
        renamed = [f"overlay {overlay.path}" for overlay in drawn if overlay is not None and overlay.number > 1]
        self._console.say("  ".join(filter(None, (name, why(inspections), ", ".join(renamed)))), status.value)

    def finish(self, what: str = "pictures") -> None:
        """Reports the counts."""
        self._drawing.finish()
        if not self.n_inspected:
            self._console.error(f"no {what} inspected")
            return
        parts = [f"{self._counts[s]} {s.value.lower()}" for s in Status]
        elapsed_s = time.monotonic() - self._started
        self._console.say(f"{self.n_inspected} {what}: {', '.join(parts)} ({elapsed_s:.1f} s)")

    def _overlay(self, path: str | None) -> dict[str, str | None]:
        """The key `overlay` of a JSON row, if overlays were asked for."""
        return {} if self._drawing.overlays is None else {"overlay": path}


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
