"""`ferrule inspect` and `ferrule watch`: pictures in, verdicts out."""

from __future__ import annotations

import contextlib
import os
import signal
import stat
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2

from edge.bounds import CLADDING_UM, MOST_FRAMES, UM_PER_PX
from edge.cli.capturing import Captures, Capturing
from edge.cli.console import Console, oddities
from edge.cli.ending import EXIT_LOST, Unforeseen
from edge.cli.overlays import Drawing, Overlays
from edge.cli.reading import read_each
from edge.cli.report import Report
from edge.errors import FerruleError, UsageError
from edge.inspection import Inspector, load_inspector
from edge.judge import load_criteria
from edge.locate import LocateSettings
from edge.records import Frame
from edge.sources import LostFrame, events, has_pictures, is_live, list_folder, list_pictures, shown_name
from edge.sources.pictures import MAX_MEGAPIXELS, check_max_megapixels
from edge.system.files import mode_of


@dataclass(frozen=True)
class Setup:
    """The bench as the options describe it: texts as given, checked when the Inspector is made."""

    model: str
    criteria: str
    runtime: str | None = None
    um_per_px: str | None = None
    cladding_um: float | None = None
    n_cleanings: int = 0
    max_megapixels: float = MAX_MEGAPIXELS

    def inspector(self) -> Inspector:
        """The Inspector that the options describe.

        Raises:
            UsageError: an option that cannot be used.
            ModelError: the model was refused, or no runtime works.
        """
        check_max_megapixels(self.max_megapixels)
        cladding_um = self.cladding_um
        if cladding_um is None:
            cladding_um = load_criteria(self.criteria).cladding_um
        elif not CLADDING_UM[0] <= cladding_um <= CLADDING_UM[1]:
            low, high = CLADDING_UM
            raise UsageError(f"cladding of {cladding_um} um; expected {low:g} to {high:g}, such as 125 or 140")
        x, y = _um_per_px(self.um_per_px) if self.um_per_px is not None else (None, None)
        settings = LocateSettings(um_per_px_x=x, um_per_px_y=y, cladding_um=cladding_um)
        return load_inspector(self.model, self.criteria, self.runtime, settings, self.n_cleanings)


@dataclass(frozen=True)
class Telling:
    """How the results are to be told."""

    as_json: bool = False
    quiet: bool = False
    verbose: bool = False
    overlays: Overlays | None = None
    captures: Captures | None = None


def inspect_pictures(paths: Sequence[Path], recursive: bool, setup: Setup, telling: Telling) -> int:
    """Inspects files and folders, and tells of each; returns the exit code.

    Raises:
        UsageError: an option that cannot be used.
        ModelError: the model was refused, or no runtime works.
    """
    inspector = setup.inspector()
    listed = list_pictures(paths, recursive)
    pictures = [picture for picture in listed if isinstance(picture, Path)]
    run = _Run(inspector, telling)
    run.prepare(pictures, paths if recursive else ())
    if not telling.verbose:
        silence_opencv()
    with oddities() as odd:
        incoming = read_each(listed, run.unforeseen, setup.max_megapixels)
        run.tell(run.console.track(incoming, len(listed), "inspecting"))
    return run.finish("pictures", odd.counts)


def watch_source(source: str, every: int, max_frames: int | None, setup: Setup, telling: Telling) -> int:
    """Grades the frames of a source until it ends, or until Ctrl-C or SIGTERM; returns the exit code.

    Raises:
        UsageError: an option that cannot be used.
        SourceError: the source cannot be opened, or was lost for good.
        ModelError: the model was refused, or no runtime works.
    """
    for name, value in (("--every", every), ("--max-frames", max_frames)):
        if value is not None and not 1 <= value <= MOST_FRAMES:
            raise UsageError(f"{name} {value}; expected 1 to {MOST_FRAMES}")
    inspector = setup.inspector()
    folder = list_folder(source) if has_pictures(source) and stat.S_ISDIR(mode_of(source)) else None
    run = _Run(inspector, telling, numbered=not has_pictures(source))
    if is_live(source):
        run.prepare([])
    else:
        run.prepare([Path(source), Path(source, "a picture"), *(folder or ())])
    if not telling.verbose:
        silence_opencv()
    run.console.say(f"watching {shown_name(source)}, Ctrl-C ends")
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    code = 0
    try:
        if folder is None:
            incoming = events(source, max_megapixels=setup.max_megapixels)
        else:
            incoming = read_each(folder, run.unforeseen, setup.max_megapixels)
        with contextlib.suppress(KeyboardInterrupt), oddities() as odd:
            run.tell(_picked(incoming, every, max_frames))
    except FerruleError as error:
        if not run.report.n_inspected:
            raise
        run.console.error(str(error))
        code = EXIT_LOST
    finally:
        signal.signal(signal.SIGTERM, before)
    return max(code, run.finish("frames", odd.counts))


class _Run:
    """Inspecting, and what goes with it: a report, overlays, captures.

    Args:
        inspector: what inspects.
        telling: how the results are to be told.
        numbered: frames have numbers and no names.
    """

    def __init__(self, inspector: Inspector, telling: Telling, numbered: bool = False) -> None:
        self.console = Console(telling.as_json, telling.quiet, goes_on=True)
        self.unforeseen = Unforeseen()
        self._inspector = inspector
        self._telling = telling
        self._drawing = Drawing(telling.overlays, inspector.criteria, self.console, self.unforeseen, numbered)
        self._capturing = Capturing(telling.captures, inspector, self.console)
        self.report = Report(self.console, inspector, self._drawing, self.unforeseen, numbered)

    def prepare(self, pictures: Sequence[Path], searched: Sequence[Path] = ()) -> None:
        """Makes the folders that are written to.

        Raises:
            UsageError: one cannot be made or written to, or pictures are read from it.
        """
        self._drawing.prepare(pictures)
        self._capturing.prepare(pictures, searched)

    def tell(self, incoming: Iterable[Frame | LostFrame]) -> None:
        """Inspects each frame and tells of it, until there is no more, or nowhere to tell it."""
        for event in incoming:
            if isinstance(event, LostFrame):
                self.report.lost(event)
            else:
                with self.report.unstopped(event):
                    inspections = self._inspector.inspect(event)
                    self.report.inspected(event, inspections)
                    self._capturing.inspected(event, inspections)
            if self.console.stdout_lost and not (self._telling.overlays or self._telling.captures):
                return

    def finish(self, what: str, odd: Mapping[str, int]) -> int:
        """Tells the counts; returns the exit code."""
        self.report.finish(what)
        self._capturing.finish()
        if self._telling.verbose:
            self.console.counts(odd)
        return max(self.report.exit_code, self.unforeseen.finish())


def _picked(incoming: Generator[Frame | LostFrame], every: int, max_frames: int | None) -> Iterator[Frame | LostFrame]:
    """Every so many frames, so many at most; what was lost is always among them."""
    n_arrived = n_picked = 0
    with contextlib.closing(incoming):
        for event in incoming:
            if isinstance(event, LostFrame):
                yield event
                continue
            if n_arrived % every == 0:
                yield event
                n_picked += 1
                if n_picked == max_frames:
                    return
            n_arrived += 1


def _um_per_px(text: str) -> tuple[float, float]:
    """Width and height of a pixel from "0.44" or "0.44,0.40"."""
    try:
        sizes = [float(part) for part in text.split(",")]
    except ValueError:
        sizes = []
    low, high = UM_PER_PX
    if len(sizes) not in (1, 2) or not all(low <= size <= high for size in sizes):
        raise UsageError(
            f"um per pixel {text[:40]!r}; expected one number from {low:g} to {high:g}, "
            "or two for x,y, such as 0.44,0.40"
        )
    return sizes[0], sizes[-1]


def silence_opencv() -> None:
    """Leaves it to us to say what a picture, camera or stream does: OpenCV and FFmpeg say it several times over."""
    logging = getattr(cv2.utils, "logging", cv2)  # OpenCV 4.12 moved it
    logging.setLogLevel(0)
    os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")  # AV_LOG_QUIET
