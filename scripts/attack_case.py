"""What one case of the attack is, and what a run of it left behind."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Literal

REPO = Path(__file__).resolve().parent.parent

Wrong = Literal[
    "false PASS",
    "signal",
    "hang",
    "replaced",
    "half file",
    "memory",
    "traceback",
    "internal error",
    "exit code",
    "other pixels",
    "other answer",
    "bad output",
    "raw line",
    "many lines",
]
"""What can be wrong with an outcome, the worst first."""

WRONG: tuple[Wrong, ...] = Wrong.__args__  # type: ignore[attr-defined]  # typing says nothing of a Literal's arguments

VERDICTS = frozenset({0, 1, 3})
"""Exit codes of `ferrule inspect` and `watch` that say what was seen."""


@dataclass(frozen=True)
class Ran:
    """What a process left behind.

    Attributes:
        code: its exit code; the negative number of the signal that ended it.
        out: its stdout.
        err: its stderr.
        peak_mb: the most memory it had resident, in MB of 10^6 bytes.
        timed_out: it was ended at its time limit.
        folder: where it ran.
    """

    code: int
    out: bytes
    err: bytes
    peak_mb: float
    timed_out: bool
    folder: Path


@dataclass(frozen=True)
class Case:
    """A run of `ferrule` whose input is in place, and what is right of it.

    Attributes:
        arguments: of the command, or of the function `call`.
        codes: exit codes that are right.
        call: a function of `attack_calls` to run in place of the command line.
        stdout: a file to write to, "closed", or "gone" for a pipe that nobody reads; empty: it is read here.
        as_nobody: run without root's rights, where we have them.
        own_process: start Python anew; else it is forked from a process that has everything imported.
        largest_file: no file may grow beyond so many bytes, as on a disk that fills up.
        time_limit_s: what takes longer hangs.
        max_lines: more lines on stderr are too many.
        may_add: patterns of paths, relative to the folder, of files that may come to be.
        may_change: patterns of paths that something else changes meanwhile.
        never_pass: a PASS would be wrong.
        n_rows: with `--json`, so many objects must be told where the exit code is a verdict.
        kill: signal and the seconds after which it is sent.
        meanwhile: what happens to the input while the command runs.
        check: what else can be wrong: the kind, and words about it.
    """

    arguments: tuple[str, ...]
    codes: frozenset[int]
    call: str = ""
    stdout: str = ""
    as_nobody: bool = False
    own_process: bool = False
    largest_file: int | None = None
    time_limit_s: float = 30.0
    max_lines: int = 12
    may_add: tuple[str, ...] = ()
    may_change: tuple[str, ...] = ()
    never_pass: bool = False
    n_rows: int | None = None
    kill: tuple[int, float] | None = None
    meanwhile: Callable[[], None] | None = None
    check: Callable[[Ran], tuple[Wrong, str] | None] | None = None


@dataclass(frozen=True)
class Kind:
    """Cases of one kind: number k of them is the same for the same seed, on every machine.

    Attributes:
        group: models, pictures, names, ...
        name: what is done, in a few words.
        make: puts the input into an empty folder and says what to run there.
        share: cases in each round.
        not_promised: what may go wrong with this kind, because nobody can prevent it; counted apart.
    """

    group: str
    name: str
    make: Callable[[Random, Path], Case]
    share: int = 1
    not_promised: frozenset[Wrong] = frozenset()


@dataclass
class Tally:
    """Outcomes of the cases of one kind."""

    n_cases: int = 0
    n_right: int = 0
    n_not_promised: int = 0
    wrong: dict[Wrong, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Finding:
    """A wrong outcome: of which case, what, and how to meet it again."""

    case_id: str
    wrong: Wrong
    words: str
    command: str


def random_of(seed: int, case_id: str) -> Random:
    """The random numbers of one case: the same in every process, whatever ran before."""
    return Random(f"{seed}/{case_id}")


@dataclass(frozen=True)
class Corpus:
    """What is damaged: the project's own pictures and models, and real pictures where they are."""

    faces: tuple[Path, ...]
    dirty: tuple[Path, ...]
    models: tuple[Path, ...]
    real: tuple[Path, ...]


def corpus() -> Corpus:
    """The inputs of this checkout; real end faces from beside it, if they are there."""
    examples = REPO / "examples"
    real = REPO.parent / "shared" / "endfaces" / "images"
    return Corpus(
        faces=tuple(sorted(examples.glob("*.png"))),
        dirty=(examples / "dirty.png", examples / "scratched.png"),
        models=(*sorted((REPO / "models").glob("*.tflite")), *sorted((REPO / "tests/data").glob("*.tflite"))),
        real=tuple(sorted(real.iterdir())) if real.is_dir() else (),
    )
