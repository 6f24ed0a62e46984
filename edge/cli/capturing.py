"""`--capture`: keeps patches that are worth a label, and never stops the inspecting."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from edge.capture import CaptureSettings, PatchCapture
from edge.classify.bundle import list_models
from edge.cli.console import Console
from edge.errors import UsageError
from edge.inspection import Inspector
from edge.records import Frame, Inspection
from edge.system.files import real_path


@dataclass(frozen=True)
class Captures:
    """Where captured patches go, and how many."""

    folder: Path
    settings: CaptureSettings


def captures_of(folder: Path | None, budget_mb: float, quota: int) -> Captures | None:
    """What the options ask for; None without a folder.

    Raises:
        UsageError: a budget or quota out of its bounds.
    """
    settings = CaptureSettings(budget_mb=budget_mb, quota=quota)
    return Captures(folder, settings) if folder is not None else None


class Capturing:
    """Captures patches, if asked to, and reports how many.

    When the folder fails, capturing ends with one line and inspecting goes on: a verdict must not depend on what is
    kept for later.
    """

    def __init__(self, captures: Captures | None, inspector: Inspector, console: Console) -> None:
        self._console = console
        self._failed = False
        self._classifier = classifier = inspector.classifier
        self._settings = CaptureSettings() if captures is None else captures.settings
        self._capture: PatchCapture | None = None
        if captures is not None:
            size, threshold = classifier.spec.size, classifier.threshold
            self._capture = PatchCapture(captures.folder, captures.settings, size, threshold)

    def prepare(self, pictures: Sequence[Path], searched: Sequence[Path] = ()) -> None:
        """Makes the folder.

        Args:
            pictures: to be inspected.
            searched: folders that are searched for pictures, with all folders below them.

        Raises:
            UsageError: it cannot be made, or pictures would be read from it.
        """
        if self._capture is None:
            return
        here = real_path(self._capture.folder.path)
        for path in (*pictures, *searched):
            there = real_path(path)
            inside = here in there.parents or (path in searched and there in (here, *here.parents))
            if inside:
                raise UsageError(
                    f"capture folder {self._capture.folder.path}: pictures are read from it, too ({path}); "
                    "name a folder beside them"
                )
        name = self._classifier.identity.name
        self._capture.folder.prepare(self._classifier.labels, name if name in list_models() else f"{name}.keras")

    def inspected(self, frame: Frame, inspections: Sequence[Inspection]) -> None:
        """Keeps the patches of a frame that are worth a label."""
        if self._capture is None or self._failed:
            return
        try:
            self._capture.keep(frame, inspections)
        except UsageError as error:
            self._failed = True
            self._console.error(f"{error}; inspecting goes on, capturing does not")

    def finish(self) -> None:
        """Says on stderr what was kept."""
        if self._capture is None:
            return
        folder, kept = self._capture.folder, self._capture.kept
        why = ", ".join(f"{n} {why}" for why, n in kept.most_common())
        left = ", ".join(f"{n} {what}" for what, n in self._capture.passed_over.most_common())
        self._console.aside(
            f"captured {kept.total()} patches in {folder.path}{f' ({why})' if why else ''}"
            f"{f'; not kept: {left}' if left else ''}; "
            f"{folder.used_bytes / 1e6:.1f} of {self._settings.budget_mb:g} MB used"
        )
        if folder.n_damaged:
            self._console.aside(f"{folder.n_damaged} lines of {folder.path}'s capture.jsonl cannot be read")
