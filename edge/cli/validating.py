"""`ferrule validate`: verdicts held against right ones of the user's own."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from edge.cli.console import Console, own_version
from edge.cli.ending import EXIT_LOST, EXIT_OUTPUT, Unforeseen, defended
from edge.cli.inspecting import load_described, silence_opencv
from edge.cli.options import JudgingOptions
from edge.cli.reading import read_each
from edge.errors import UsageError, reason_of
from edge.inspection import Inspector
from edge.judge import connector_status
from edge.judge.fibre import profile_of
from edge.overlay import draw_svg
from edge.records import Frame, Inspection, Status
from edge.sources import LostFrame, list_pictures
from edge.system.files import write_whole
from edge.validation import Agreement, Case, Truth, agreement_of, matched, page_of, read_truth
from edge.validation.agreement import Rate
from edge.validation.page import percent

MOST_SHOWN = 200
"""Pictures that a page shows; of more, the worst kinds come first anyway."""


def validate_pictures(
    paths: Sequence[Path], truth: Path, page: Path | None, recursive: bool, options: JudgingOptions
) -> int:
    """Inspects the pictures that have a right verdict, and tells how well Ferrule's agree; returns the exit code.

    Raises:
        UsageError: an option, the truth or the page's place cannot be used.
        ModelError: the model was refused, or no runtime works.
    """
    rows = read_truth(truth)
    inspector = load_described(options)
    if page is not None:
        _check_place(page)
    console = Console(options.json, options.quiet, goes_on=True)
    listed = list_pictures(paths, recursive)
    pictures = [picture for picture in listed if isinstance(picture, Path)]
    right, missing = matched(rows, pictures)
    for unread in listed:
        if isinstance(unread, LostFrame):
            console.error(unread.problem)
    for row in missing:
        console.error(f"truth line {row.line}: no picture {row.file} among those given; name its folder, too")
    if not right:
        raise UsageError("no picture has a right verdict; expected file names in the truth that end a picture's path")
    if not options.verbose:
        silence_opencv()
    run = _Run(inspector, right, console, with_pictures=page is not None)
    for event in console.track(
        read_each(list(right), run.unforeseen, options.max_megapixels), len(right), "validating"
    ):
        run.tell(event)
    agreement = agreement_of(run.cases)
    n_without = len(pictures) - len(right)
    console.emit(_as_dict(agreement, run.cases)) if options.json else _say(console, agreement, run.cases, n_without)
    code = _exit_code(agreement, incomplete=bool(missing) or len(pictures) < len(listed))
    if page is not None:
        code = max(code, _write_page(page, console, page_of(agreement, run.cases, run.about(truth), run.overlays)))
    if console.stdout_lost:
        code = max(code, EXIT_OUTPUT)
    return max(code, run.unforeseen.finish())


class _Run:
    """Inspects, and keeps what a page shows."""

    def __init__(self, inspector: Inspector, right: dict[Path, Truth], console: Console, with_pictures: bool) -> None:
        self._inspector = inspector
        self._right = right
        self._console = console
        self._with_pictures = with_pictures
        self.unforeseen = Unforeseen()
        self.cases: list[Case] = []
        self.overlays: dict[str, list[str]] = {}

    def tell(self, event: Frame | LostFrame) -> None:
        """Inspects one picture, and says so where it differs."""
        truth = self._right[Path(event.source)]
        if isinstance(event, LostFrame):
            case = Case(event.source, truth, Status.UNREADABLE, problem=event.problem)
        else:
            case = self._inspected(event, truth)
        self.cases.append(case)
        if not case.agrees:
            told = "; ".join([f"right is {truth.status.value}", *case.reasons[:1]])
            self._console.say(f"{case.source}  {told}", case.status.value)

    def _inspected(self, frame: Frame, truth: Truth) -> Case:
        problems: list[str] = []
        looks: tuple[Inspection, ...] = ()
        with defended(lambda error: problems.append(self.unforeseen.problem(error))):
            looks = self._inspector.inspect(frame)
        if problems:
            return Case(frame.source, truth, Status.UNREADABLE, problem=problems[0])
        case = Case(frame.source, truth, connector_status(look.verdict for look in looks), looks)
        if self._with_pictures and not case.agrees and len(self.overlays) < MOST_SHOWN:
            self.overlays[frame.source] = [
                draw_svg(frame.pixels, look, profile_of(self._inspector.criteria, look.criteria)) for look in looks
            ]
        return case

    def about(self, truth: Path) -> dict[str, str]:
        """What was used, for the page."""
        criteria, model = self._inspector.criteria.identity, self._inspector.classifier.identity
        return {
            "Ferrule": own_version(),
            "on": datetime.now(timezone.utc).strftime("%Y-%m-%d %H:%M UTC"),
            "criteria": f"{criteria.name}, sha256 {criteria.sha256}",
            "model": f"{model.name}, sha256 {model.sha256}, {model.runtime}",
            "right verdicts": f"{truth.name}, {len(self.cases)} pictures",
        }


def _check_place(page: Path) -> None:
    folder = page.parent
    if not folder.is_dir() or page.is_dir():
        raise UsageError(f"--page {page}: expected a file in a folder that is there, such as validation.html")


def _write_page(page: Path, console: Console, content: str) -> int:
    try:
        write_whole(page, content.encode("utf-8", "backslashreplace"))
    except OSError as error:
        console.error(f"--page {page}: cannot be written ({reason_of(error)})")
        return EXIT_OUTPUT
    console.say(f"page {page}")
    return 0


def _exit_code(agreement: Agreement, incomplete: bool) -> int:
    if incomplete or agreement.unreadable.n:
        return EXIT_LOST
    return 1 if agreement.false_pass.n or agreement.false_fail.n else 0


def _say(console: Console, agreement: Agreement, cases: Sequence[Case], n_without: int) -> None:
    """The figures for people."""
    for name, rate, bound in (
        ("false PASS", agreement.false_pass, "at most"),
        ("false FAIL", agreement.false_fail, "at most"),
        ("no verdict", agreement.unreadable, "at most"),
        ("effectiveness", agreement.effective, "at least"),
    ):
        grade = f", {rate.grade} by AIAG" if rate.grade else ""
        counted = f"{rate.n} of {rate.of}".rjust(12)
        console.say(f"{name:<14}{counted}  {percent(rate.share):>7}, {bound} {percent(rate.upper)} (95 %){grade}")
    if agreement.kappa is not None:
        console.say(f"{'kappa':<14}{agreement.kappa:>12.3f}")
    without = f"; {n_without} without a right verdict left out" if n_without else ""
    console.say(f"{len(cases)} pictures{without}")


def _as_dict(agreement: Agreement, cases: Sequence[Case]) -> dict[str, Any]:
    """`ferrule/validation/1`."""
    return {
        "schema": "ferrule/validation/1",
        "n_pictures": len(cases),
        "counts": [{"right": right.value, "said": said.value, "n": n} for (right, said), n in agreement.counts.items()],
        "false_pass": _rate(agreement.false_pass),
        "false_fail": _rate(agreement.false_fail),
        "unreadable": _rate(agreement.unreadable),
        "effectiveness": _rate(agreement.effective),
        "kappa": agreement.kappa,
        "differing": [
            {"source": case.source, "right": case.truth.status.value, "said": case.status.value}
            for case in cases
            if not case.agrees
        ],
    }


def _rate(rate: Rate) -> dict[str, Any]:
    return {"n": rate.n, "of": rate.of, "share": rate.share, "bound_95": rate.upper, "grade": rate.grade or None}
