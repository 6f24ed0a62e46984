"""`ferrule bench`: how long everything takes here, and whether it takes longer than before."""

from __future__ import annotations

import math
from pathlib import Path

from edge.bench import BenchSettings, run
from edge.bench.report import as_text, compare, read_baseline, regressions
from edge.classify import load_bundle
from edge.cli.console import Console
from edge.cli.inspecting import load_described
from edge.cli.options import InspectionOptions
from edge.errors import SourceError, UsageError
from edge.sources import list_pictures
from edge.system.files import shipped

_MOST_REGRESS = 1000
"""A thousand times slower; a larger limit is surely a slip of the keyboard."""


def measure_here(
    images: Path | None,
    setup: InspectionOptions,
    settings: BenchSettings,
    baseline: Path | None,
    max_regress: str,
    console: Console,
) -> int:
    """Measures, reports and compares; returns the exit code, 1 when something got slower than allowed.

    Raises:
        UsageError: an option that cannot be used, or a baseline that is no report of `ferrule bench`.
        SourceError: a picture that cannot be read, or none with a mark in it.
        ModelError: the model was refused, or no runtime works.
    """
    allowed = _share(max_regress)
    before = read_baseline(baseline) if baseline else None
    inspector = load_described(setup)
    pictures = list_pictures([images or shipped("examples")])
    for picture in pictures:
        if not isinstance(picture, Path):
            raise SourceError(picture.problem)
    paths = [picture for picture in pictures if isinstance(picture, Path)]
    figures = run(paths, inspector, load_bundle(setup.model), settings, say=console.say)
    if console.as_json:
        console.emit(figures)
    console.paragraph(as_text(figures))
    if before is None:
        return 0
    ratios = compare(figures, before)
    for what, ratio in ratios:
        console.say(f"{ratio:5.2f} times the baseline: {what}")
    slower = regressions(ratios, allowed)
    for line in slower:
        console.error(line)
    return 1 if slower else 0


def _share(text: str) -> float:
    """0.2 from "20%" or "0.2"."""
    try:
        share = float(text[:-1]) / 100 if text.endswith("%") else float(text)
    except ValueError:
        share = math.nan
    if not 0 <= share <= _MOST_REGRESS:
        raise UsageError(f"--max-regress {text[:40]!r}; expected a share from 0 to {_MOST_REGRESS}, such as 20% or 0.2")
    return share
