"""`ferrule inspect` and `ferrule watch`: pictures in, verdicts out."""

from __future__ import annotations

import contextlib
import math
import os
import signal
from collections.abc import Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2

from edge.commands.capturing import Captures, Capturing
from edge.commands.console import Console, oddities
from edge.commands.report import Overlays, Report
from edge.criteria import load_criteria
from edge.endface import LocateSettings
from edge.errors import SourceError, UsageError
from edge.inspection import Inspector, load_inspector
from edge.records import Frame
from edge.sources import LostFrame, events, has_pictures, is_live, list_pictures, picture_events, shown_name


@dataclass(frozen=True)
class Setup:
    """The bench as the options describe it: texts as given, checked when the Inspector is made."""

    model: str
    criteria: str
    runtime: str | None = None
    um_per_px: str | None = None
    cladding_um: float | None = None
    n_cleanings: int = 0

    def inspector(self) -> Inspector:
        """The Inspector that the options describe.

        Raises:
            UsageError: an option that cannot be used.
            ModelError: the model was refused, or no runtime works.
        """
        cladding_um = self.cladding_um
        if cladding_um is None:
            cladding_um = load_criteria(self.criteria).cladding_um
        elif not (math.isfinite(cladding_um) and cladding_um > 0):
            raise UsageError(f"cladding of {cladding_um} um; expected a diameter above 0, such as 125 or 140")
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
    console = Console(telling.as_json, telling.quiet)
    inspector = setup.inspector()
    pictures = list_pictures(paths, recursive)
    if telling.overlays:
        telling.overlays.prepare([p for p in pictures if isinstance(p, Path)])
    capturing = Capturing(telling.captures, inspector, console)
    capturing.prepare([p for p in pictures if isinstance(p, Path)], paths if recursive else ())
    report = Report(console, inspector, telling.overlays)
    with oddities() as odd:
        _tell(console.track(picture_events(pictures), len(pictures), "inspecting"), inspector, report, capturing)
    report.finish()
    capturing.finish()
    if telling.verbose:
        console.counts(odd.counts)
    return report.exit_code


def watch_source(source: str, every: int, max_frames: int | None, setup: Setup, telling: Telling) -> int:
    """Grades the frames of a source until it ends, or until Ctrl-C or SIGTERM; returns the exit code.

    Raises:
        UsageError: an option that cannot be used.
        SourceError: the source cannot be opened, or was lost for good.
        ModelError: the model was refused, or no runtime works.
    """
    for name, value in (("--every", every), ("--max-frames", max_frames)):
        if value is not None and value < 1:
            raise UsageError(f"{name} {value}; expected 1 or more")
    console = Console(telling.as_json, telling.quiet)
    inspector = setup.inspector()
    if telling.overlays:
        telling.overlays.prepare([] if is_live(source) else [Path(source), Path(source, "a picture")])
    capturing = Capturing(telling.captures, inspector, console)
    capturing.prepare([] if is_live(source) else [Path(source), Path(source, "a picture")])
    if not telling.verbose:
        _silence_video()
    report = Report(console, inspector, telling.overlays, numbered=not has_pictures(source))
    console.say(f"watching {shown_name(source)}, Ctrl-C ends")
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        with contextlib.suppress(KeyboardInterrupt), oddities() as odd:
            _tell(_picked(events(source), every, max_frames), inspector, report, capturing)
    except SourceError:
        if report.n_inspected:
            report.finish("frames")
            capturing.finish()
        raise
    finally:
        signal.signal(signal.SIGTERM, before)
    report.finish("frames")
    capturing.finish()
    if telling.verbose:
        console.counts(odd.counts)
    return report.exit_code


def _tell(incoming: Iterable[Frame | LostFrame], inspector: Inspector, report: Report, capturing: Capturing) -> None:
    for event in incoming:
        if isinstance(event, LostFrame):
            report.lost(event)
        else:
            inspections = inspector.inspect(event)
            report.inspected(event, inspections)
            capturing.inspected(event, inspections)


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
    if len(sizes) not in (1, 2) or not all(math.isfinite(size) and size > 0 for size in sizes):
        raise UsageError(f"um per pixel {text!r}; expected one number above 0, or two for x,y, such as 0.44,0.40")
    return sizes[0], sizes[-1]


def _silence_video() -> None:
    """Leaves it to us to say what a camera or stream does: OpenCV and FFmpeg say it several times over."""
    logging = getattr(cv2.utils, "logging", cv2)  # OpenCV 4.12 moved it
    logging.setLogLevel(0)
    os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")  # AV_LOG_QUIET
