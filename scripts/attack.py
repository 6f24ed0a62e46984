#!/usr/bin/env python3
"""Attacks Ferrule from outside with damaged and hostile inputs, and counts what comes of it.

    python scripts/attack.py --minutes 3
    python scripts/attack.py --minutes 60 --seed 7 --write docs/reliability.md
    python scripts/attack.py --only models,pictures --rounds 2 --keep wrong

Every case is a process of its own. Its outcome is right when it ends in time with an exit code that stands in
docs/cli.md and fits, says what there is to say in words of ours, and leaves everything in the folder as it was.
Leaves with 1 when an outcome was wrong.
"""

from __future__ import annotations

import json
import shlex
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import Progress

sys.path.insert(0, str(Path(__file__).resolve().parent))
import attack_files
import attack_models
import attack_names
import attack_options
import attack_pictures
from attack_case import Case, Finding, Kind, Ran, Tally, corpus, random_of
from attack_judge import judge, state_of
from attack_lane import Lane, empty, shell_command
from attack_page import markdown, rewrite, summary

GROUPS = ("models", "pictures", "names", "files", "outputs", "kills", "options", "profiles", "threads", "calls")
LANES = 2
"""Cases at the same time: no more, so that what is slow on a small machine is told from what hangs."""


class Attack:
    """Cases of some kinds, run and counted.

    Args:
        kinds: which.
        seed: of all that is random.
        program: what is attacked in place of this checkout's `ferrule`.
        keep: where inputs with a wrong outcome go, each with the command that repeats it.

    Attributes:
        tallies: counts by kind.
        findings: every wrong outcome.
    """

    def __init__(self, kinds: Sequence[Kind], seed: int, program: Sequence[str] = (), keep: Path | None = None) -> None:
        self.tallies = {(kind.group, kind.name): Tally() for kind in kinds}
        self.findings: list[Finding] = []
        self._kinds = kinds
        self._seed = seed
        self._program = program
        self._keep = keep
        self._lock = threading.Lock()
        self._failure: BaseException | None = None

    @property
    def n_cases(self) -> int:
        """Cases that were run."""
        return sum(tally.n_cases for tally in self.tallies.values())

    def run(self, rounds: int | None = None, minutes: float | None = None, n_lanes: int = LANES) -> None:
        """So many rounds, each with every kind in it, or as many as fit into so many minutes."""
        ends = None if minutes is None else time.monotonic() + 60 * minutes
        cases = self._cases(rounds)

        def work() -> None:
            try:
                with Lane(self._program) as lane:
                    while (ends is None or time.monotonic() < ends) and self._failure is None:
                        with self._lock:
                            following = next(cases, None)
                        if following is None:
                            return
                        self.run_case(lane, *following)
            except BaseException as error:  # noqa: BLE001  (it is raised again by whoever waits for the lanes)
                self._failure = error

        lanes = [threading.Thread(target=work, daemon=True) for _ in range(n_lanes)]
        for lane in lanes:
            lane.start()
        for lane in lanes:
            lane.join()
        if self._failure is not None:
            raise self._failure

    def run_case(self, lane: Lane, kind: Kind, number: int) -> tuple[Case, Ran]:
        """Runs one case and counts its outcome."""
        case_id = f"{kind.group}/{kind.name}/{number}"
        with tempfile.TemporaryDirectory(prefix="attack-", ignore_cleanup_errors=True) as scratch:
            folder = Path(scratch) / "here"
            case = self._made(kind, case_id, folder)
            before = state_of(folder)
            ran = lane.run(case, folder)
            wrongs = judge(case, ran, before)
            empty(folder)
        with self._lock:
            tally = self.tallies[kind.group, kind.name]
            tally.n_cases += 1
            if not wrongs:
                tally.n_right += 1
            elif all(wrong in kind.not_promised for wrong, _ in wrongs):
                tally.n_not_promised += 1
            else:
                wrong, words = next(w for w in wrongs if w[0] not in kind.not_promised)
                tally.wrong[wrong] = tally.wrong.get(wrong, 0) + 1
                command = shell_command(case, case_id, self._seed)
                self.findings.append(Finding(case_id, wrong, words, command))
                self._kept(kind, case_id, case, ran, f"{wrong}: {words}\n{command}\n")
        return case, ran

    def _made(self, kind: Kind, case_id: str, folder: Path) -> Case:
        """The case, its input put into a new folder that anybody may enter and write to."""
        folder.mkdir(parents=True)
        folder.parent.chmod(0o755)
        case = kind.make(random_of(self._seed, case_id), folder)
        folder.chmod(0o777)
        return case

    def _kept(self, kind: Kind, case_id: str, case: Case, ran: Ran, words: str) -> None:
        if self._keep is None:
            return
        place = self._keep / "".join(c if c.isalnum() else "-" for c in case_id)
        if place.exists():
            empty(place)
        self._made(kind, case_id, place / "input")
        (place / "case.txt").write_text(words, encoding="utf-8", errors="backslashreplace")
        (place / "stdout").write_bytes(ran.out)
        (place / "stderr").write_bytes(ran.err)

    def _cases(self, rounds: int | None) -> Iterator[tuple[Kind, int]]:
        done = 0
        while rounds is None or done < rounds:
            for kind in self._kinds:
                for k in range(kind.share):
                    yield kind, done * kind.share + k
            done += 1


def all_kinds() -> list[Kind]:
    """Every kind of case, group by group."""
    found = corpus()
    made = [
        kind
        for module in (attack_models, attack_pictures, attack_names, attack_files, attack_options)
        for kind in module.kinds(found)
    ]
    return sorted(made, key=lambda kind: GROUPS.index(kind.group))


def main(
    minutes: Annotated[float, typer.Option("--minutes", help="How long; unless rounds are asked for.")] = 3.0,
    seed: Annotated[int, typer.Option("--seed", help="The same seed makes the same cases.")] = 8,
    only: Annotated[str, typer.Option("--only", metavar="GROUP,...", help=f"Some of {', '.join(GROUPS)}.")] = "",
    rounds: Annotated[int | None, typer.Option("--rounds", help="So many of each kind, however long it takes.")] = None,
    case: Annotated[str, typer.Option("--case", metavar="ID", help="This case alone, and what it says.")] = "",
    keep: Annotated[Path | None, typer.Option("--keep", metavar="DIR", help="Keep inputs with wrong outcomes.")] = None,
    json_file: Annotated[Path | None, typer.Option("--json", metavar="FILE", help="Write everything found.")] = None,
    as_markdown: Annotated[bool, typer.Option("--markdown", help="Print the table for the docs.")] = False,
    write: Annotated[Path | None, typer.Option("--write", metavar="PAGE", help="Put the table into a page.")] = None,
    program: Annotated[str, typer.Option("--ferrule", metavar="COMMAND", help="Attack this in place of ours.")] = "",
) -> None:
    """Attacks Ferrule with damaged and hostile inputs, and counts what comes of it; 1 when an outcome was wrong."""
    wanted = only.split(",") if only else list(GROUPS)
    if case:
        wanted = [case.partition("/")[0]]
    if unknown := sorted(set(wanted) - set(GROUPS)):
        raise typer.BadParameter(f"{unknown[0]!r} is no group; expected some of {', '.join(GROUPS)}")
    kinds = [kind for kind in all_kinds() if kind.group in wanted]
    attack = Attack(kinds, seed, shlex.split(program), keep.resolve() if keep else None)
    started = time.monotonic()
    if case:
        _one(attack, kinds, case, seed)
    else:
        _watched(attack, rounds, None if rounds is not None else minutes)
    elapsed_s = time.monotonic() - started
    if as_markdown or write is not None:
        table = markdown(attack.tallies, seed, elapsed_s)
        if write is not None:
            rewrite(write, table)
        if as_markdown:
            print(table)
    else:
        print(summary(attack.tallies, attack.findings, elapsed_s))
    if json_file is not None:
        found = [vars(finding) for finding in attack.findings]
        counts = [{"group": g, "kind": n, **vars(tally)} for (g, n), tally in attack.tallies.items()]
        json_file.write_text(json.dumps({"seed": seed, "counts": counts, "wrong": found}, indent=1), encoding="utf-8")
    raise typer.Exit(1 if attack.findings else 0)


def _watched(attack: Attack, rounds: int | None, minutes: float | None) -> None:
    """Runs the attack; where a person watches, tells how it goes."""
    terminal = Console(stderr=True)
    if not terminal.is_terminal:
        attack.run(rounds, minutes)
        return
    with Progress(console=terminal, transient=True) as progress:
        task = progress.add_task("attacking", total=None)
        running = threading.Thread(target=attack.run, args=(rounds, minutes), daemon=True)
        running.start()
        while running.is_alive():
            running.join(0.5)
            words = f"{attack.n_cases} cases, {len(attack.findings)} wrong"
            progress.update(task, description=words, completed=attack.n_cases)


def _one(attack: Attack, kinds: Sequence[Kind], case_id: str, seed: int) -> None:
    group, _, rest = case_id.partition("/")
    name, _, number = rest.rpartition("/")
    found = [kind for kind in kinds if (kind.group, kind.name) == (group, name)]
    if not found or not number.isdigit():
        raise typer.BadParameter(f"no case {case_id!r}; expected GROUP/KIND/NUMBER as the table and --json give it")
    with Lane() as lane:
        case, ran = attack.run_case(lane, found[0], int(number))
    print(f"{case.call} {shell_command(case, case_id, seed)}\nexit {ran.code}, {ran.peak_mb:.0f} MB")
    print(f"stdout: {ran.out[:2_000]!r}\nstderr: {ran.err[:2_000]!r}")


if __name__ == "__main__":
    typer.run(main)
