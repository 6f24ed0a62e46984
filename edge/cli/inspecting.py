"""`ferrule inspect` and `ferrule watch`: pictures in, verdicts out."""

from __future__ import annotations

import contextlib
import os
import signal
import stat
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import cv2

from edge.bounds import CLADDING_UM, MOST_FIBRES, MOST_FRAMES, UM_PER_PX
from edge.cli.capturing import Capturing, captures_of
from edge.cli.console import Console, oddities
from edge.cli.ending import EXIT_LOST, Unforeseen
from edge.cli.options import InspectionOptions, JudgingOptions
from edge.cli.overlays import Drawing, overlays_of
from edge.cli.reading import read_each
from edge.cli.report import Report
from edge.errors import FerruleError, UsageError
from edge.inspection import Inspector, load_inspector
from edge.locate import LocateSettings
from edge.records import Frame
from edge.sources import LostFrame, events, has_pictures, is_live, list_folder, list_pictures, shown_name
from edge.sources.pictures import check_max_megapixels
from edge.system.files import mode_of


def inspect_pictures(paths: Sequence[Path], recursive: bool, options: InspectionOptions) -> int:
    """Inspects files and folders, and reports each; returns the exit code.

    Raises:
        UsageError: an option that cannot be used.
        ModelError: the model was refused, or no runtime works.
    """
    run = _Run(options)
    listed = list_pictures(paths, recursive)
    pictures = [picture for picture in listed if isinstance(picture, Path)]
    run.prepare(pictures, paths if recursive else ())
    if not options.verbose:
        silence_opencv()
    with oddities() as odd:
        incoming = read_each(listed, run.unforeseen, options.max_megapixels)
        run.tell(run.console.track(incoming, len(listed), "inspecting"))
    return run.finish("pictures", odd.counts)


def watch_source(source: str, every: int, max_frames: int | None, options: InspectionOptions) -> int:
    """Grades the frames of a source until it ends, or until Ctrl-C or SIGTERM; returns the exit code.

    Raises:
        UsageError: an option that cannot be used.
        SourceError: the source cannot be opened, or was lost for good.
        ModelError: the model was refused, or no runtime works.
    """
    for name, value in (("--every", every), ("--max-frames", max_frames)):
        if value is not None and not 1 <= value <= MOST_FRAMES:
            raise UsageError(f"{name} {value}; expected 1 to {MOST_FRAMES}")
    run = _Run(options, numbered=not has_pictures(source))
    folder = list_folder(source) if has_pictures(source) and stat.S_ISDIR(mode_of(source)) else None
    if is_live(source):
        run.prepare([])
    else:
        run.prepare([Path(source), Path(source, "a picture"), *(folder or ())])
    if not options.verbose:
        silence_opencv()
    run.console.say(f"watching {shown_name(source)}, Ctrl-C ends")
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    code = 0
    try:
        if folder is None:
            incoming = events(source, max_megapixels=options.max_megapixels)
        else:
            incoming = read_each(folder, run.unforeseen, options.max_megapixels)
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
    """One run of either command: what inspects, and what becomes of each inspection (report, overlay, capture).

    Args:
        options: as given.
        numbered: frames have numbers and no names.

    Raises:
        UsageError: an option that cannot be used.
        ModelError: the model was refused, or no runtime works.
    """

    def __init__(self, options: InspectionOptions, numbered: bool = False) -> None:
        overlays = overlays_of(options.overlay, options.overlay_format, options.overwrite)
        captures = captures_of(options.capture, options.capture_mb, options.capture_quota)
        self._inspector = inspector = load_described(options)
        self.console = Console(options.json, options.quiet, goes_on=True)
        self.unforeseen = Unforeseen()
        self._verbose = options.verbose
        self._keeps_files = overlays is not None or captures is not None
        self._drawing = Drawing(overlays, inspector.criteria, self.console, self.unforeseen, numbered)
        self._capturing = Capturing(captures, inspector, self.console)
        self.report = Report(self.console, inspector, self._drawing, self.unforeseen, numbered)

    def prepare(self, pictures: Sequence[Path], searched: Sequence[Path] = ()) -> None:
        """Makes the folders that are written to.

        Raises:
            UsageError: one cannot be made or written to, or pictures are read from it.
        """
        self._drawing.prepare(pictures)
        self._capturing.prepare(pictures, searched)

    def tell(self, incoming: Iterable[Frame | LostFrame]) -> None:
        """Inspects and reports each frame; ends early when stdout is lost and nothing else is kept of an inspection."""
        for event in incoming:
            if isinstance(event, LostFrame):
                self.report.lost(event)
            else:
                with self.report.unstopped(event):
                    inspections = self._inspector.inspect(event)
                    self.report.inspected(event, inspections)
                    self._capturing.inspected(event, inspections)
            if self.console.stdout_lost and not self._keeps_files:
                return

    def finish(self, what: str, odd: Mapping[str, int]) -> int:
        """Reports the counts; returns the exit code."""
        self.report.finish(what)
        self._capturing.finish()
        if self._verbose:
            self.console.counts(odd)
        return max(self.report.exit_code, self.unforeseen.finish())


def _picked(incoming: Generator[Frame | LostFrame], every: int, max_frames: int | None) -> Iterator[Frame | LostFrame]:
    """Every `every`th frame, at most `max_frames` of them, and all that were lost meanwhile."""
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


def load_described(options: JudgingOptions) -> Inspector:
    """The Inspector that the options describe.

    Raises:
        UsageError: an option that cannot be used.
        ModelError: the model was refused, or no runtime works.
    """
    check_max_megapixels(options.max_megapixels)
    low, high = CLADDING_UM
    if options.cladding is not None and not low <= options.cladding <= high:
        raise UsageError(f"cladding of {options.cladding} um; expected {low:g} to {high:g}, such as 125 or 140")
    if options.fibres is not None and not 1 <= options.fibres <= MOST_FIBRES:
        raise UsageError(f"--fibres {options.fibres}; expected 1 to {MOST_FIBRES}, such as 12")
    x, y = (None, None) if options.um_per_px is None else _um_per_px(options.um_per_px)
    scale = LocateSettings(um_per_px_x=x, um_per_px_y=y)
    inspector = load_inspector(options.model, options.criteria, options.runtime, scale, options.cleanings)
    if options.zones is not None:
        zones = [name for part in options.zones.split(",") if (name := part.strip())]
        inspector = replace(inspector, criteria=inspector.criteria.restricted(zones))
    cladding_um = inspector.criteria.cladding_um if options.cladding is None else options.cladding
    n_fibres = inspector.criteria.fibres if options.fibres is None else options.fibres
    return replace(inspector, locate_settings=replace(scale, cladding_um=cladding_um, n_fibres=n_fibres))


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
    """Keeps OpenCV and FFmpeg off stderr: what goes wrong with a picture, camera or stream is reported once, by us."""
    logging = getattr(cv2.utils, "logging", cv2)  # OpenCV 4.12 moved it
    logging.setLogLevel(0)
    os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")  # AV_LOG_QUIET
