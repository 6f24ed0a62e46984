"""The attack's counts as text: for people, and as the table of docs/reliability.md."""

from __future__ import annotations

import datetime
import platform
from collections import Counter
from collections.abc import Mapping, Sequence
from importlib import metadata
from pathlib import Path

from attack_case import WRONG, Finding, Tally

BEGIN, END = "<!-- table -->", "<!-- end of the table -->"
_PACKAGES = ("numpy", "opencv-python", "ai-edge-litert", "tflite-runtime", "msgspec", "typer")

Tallies = Mapping[tuple[str, str], Tally]


def markdown(tallies: Tallies, seed: int, elapsed_s: float) -> str:
    """A row for each kind that was tried, and what was tried with what."""
    seen = [w for w in WRONG if any(w in tally.wrong for tally in tallies.values())]
    header = ["class", "what is done", "cases", "right", "not promised", "wrong", *seen]
    lines = [_row(header), _row(["---", "---", *["---:"] * (len(header) - 2)])]
    for (group, name), tally in tallies.items():
        if tally.n_cases:
            lines.append(_row([group, name.replace("|", "\\|"), *_figures(tally, seen)]))
    total = _sum(tallies)
    lines.append(_row(["**all**", "", *_figures(total, seen)]))
    return f"{_made(seed, elapsed_s, total.n_cases)}\n\n" + "\n".join(lines)


def rewrite(page: Path, table: str) -> None:
    """Puts the table between the two markers of a page.

    Raises:
        ValueError: the page has no such markers.
    """
    text = page.read_text(encoding="utf-8")
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise ValueError(f"{page} has no place for the table: expected {BEGIN} and {END}")
    page.write_text(f"{before}{BEGIN}\n{table}\n{END}{after}", encoding="utf-8")


def summary(tallies: Tallies, findings: Sequence[Finding], elapsed_s: float) -> str:
    """Counts by kind, and each kind of wrong outcome once, with the command that repeats it."""
    lines = [f"{'class':<10}{'what is done':<34}{'cases':>7}{'right':>7}{'n. p.':>7}{'wrong':>7}"]
    for (group, name), tally in tallies.items():
        if tally.n_cases:
            what = ", ".join(
                f"{n} {wrong}" for wrong, n in sorted(tally.wrong.items(), key=lambda w: WRONG.index(w[0]))
            )
            figures = (tally.n_cases, tally.n_right, tally.n_not_promised, sum(tally.wrong.values()))
            lines.append(f"{group:<10}{name:<34}" + "".join(f"{n:>7}" for n in figures) + (f"  {what}" if what else ""))
    total = _sum(tallies)
    lines.append(
        f"{total.n_cases} cases in {elapsed_s:.0f} s: {total.n_right} right, {total.n_not_promised} wrong but not "
        f"promised (n. p.), {sum(total.wrong.values())} wrong"
    )
    told: Counter[tuple[str, str]] = Counter()
    for finding in findings:
        kind = finding.case_id.rpartition("/")[0]
        told[kind, finding.wrong] += 1
        if told[kind, finding.wrong] == 1:
            words = finding.words.encode("utf-8", "backslashreplace").decode()
            lines.append(f"\n{finding.case_id}: {finding.wrong}: {words}\n    {finding.command}")
    return "\n".join(lines)


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _figures(tally: Tally, seen: Sequence[str]) -> list[str]:
    each = {str(wrong): n for wrong, n in tally.wrong.items()}
    numbers = (tally.n_cases, tally.n_right, tally.n_not_promised, sum(each.values()), *(each.get(w, 0) for w in seen))
    return [str(n) for n in numbers]


def _sum(tallies: Tallies) -> Tally:
    total = Tally()
    for tally in tallies.values():
        total.n_cases += tally.n_cases
        total.n_right += tally.n_right
        total.n_not_promised += tally.n_not_promised
        for wrong, n in tally.wrong.items():
            total.wrong[wrong] = total.wrong.get(wrong, 0) + n
    return total


def _made(seed: int, elapsed_s: float, n_cases: int) -> str:
    here = {found.metadata["Name"]: found.version for found in metadata.distributions()}
    versions = [f"{name} {here[name]}" for name in _PACKAGES if name in here]
    today = datetime.date.today().isoformat()
    return (
        f"{n_cases} cases in {elapsed_s / 60:.0f} minutes, seed {seed}, {today}, {platform.machine()}, "
        f"Python {platform.python_version()}, {', '.join(versions)}."
    )
