"""What a process leaves with when output cannot be written, or when something happens that nobody foresaw."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from ferrule_runs import REPO, TINY, process, rows, run

from edge.cli.ending import Unforeseen, defended
from edge.errors import FerruleError, OutputError

FULL = Path("/dev/full")
WRITERS = [
    ["--help"],
    ["--version"],
    [],
    ["inspect", "--help"],
    ["models"],
    ["models", "list"],
    ["models", "list", "--json"],
    ["models", "show", str(TINY)],
    ["models", "verify", str(TINY)],
    ["criteria", "list"],
    ["criteria", "show", "factory-strict", "--json"],
    ["criteria", "check", "factory-strict"],
    ["doctor"],
    ["classify", "marks", "--model", str(TINY)],
    ["inspect", "face.png", "--model", str(TINY)],
    ["inspect", "pictures", "--json", "--model", str(TINY)],
    ["watch", "pictures", "--json", "--model", str(TINY)],
]
needs_full = pytest.mark.skipif(not FULL.exists(), reason="there is no /dev/full here")


def left(module: str, words: list[str], redirect: str) -> tuple[int, str]:
    """Exit code and stderr of a program started by a shell with this redirection."""
    env = {**os.environ, "PYTHONPATH": str(REPO), "PYTHONWARNINGS": "error"}
    command = ["sh", "-c", f'exec "$@" {redirect}', "sh", sys.executable, "-m", module, *words]
    done = subprocess.run(command, env=env, capture_output=True, encoding="utf-8", timeout=120)
    assert "Traceback" not in done.stderr, done.stderr
    assert "Exception ignored" not in done.stderr, done.stderr
    return done.returncode, done.stderr


@needs_full
@pytest.mark.parametrize("redirect", [">/dev/full", ">&-"])
@pytest.mark.parametrize("words", WRITERS, ids=" ".join)
def test_a_full_or_closed_stdout_is_5(bench: Path, words: list[str], redirect: str) -> None:
    """Every command that prints, Typer's own words included: 5, never 1 or 120, and one line that says why."""
    code, err = left("edge.cli.app", words, redirect)
    assert code == 5
    assert err.count("ferrule: stdout cannot be written: ") == 1


@needs_full
@pytest.mark.parametrize("words", [["--help"], [], ["train", "--help"]], ids=" ".join)
def test_both_programs_do_so(words: list[str]) -> None:
    """`ferrule-train` too."""
    code, err = left("trainer.cli.app", words, ">/dev/full")
    assert (code, err.count("\n")) == (5, 1)


def test_completion_without_a_shell_is_no_verdict(monkeypatch: pytest.MonkeyPatch) -> None:
    """Typer asks the processes around it which shell they are; where none is one, its 1 is a 2 here."""
    monkeypatch.setattr("shellingham.detect_shell", lambda: ("nosuchshell", "/bin/nosuchshell"))
    result = in_process("--show-completion")
    assert result.exit_code == 2
    assert "not supported" in result.output


@needs_full
@pytest.mark.parametrize("redirect", ["2>/dev/full", "2>&-", "2>/dev/full </dev/null"])
@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["inspect", "face.png", "--json"], 0),
        (["inspect", "pictures", "--json"], 1),
        (["inspect", "missing.png", "face.png"], 3),
        (["classify", "marks"], 0),
        (["inspect", "face.png", "--criteria", "nonsense"], 2),
        (["inspect", "--nonsense"], 2),
        ([], 2),
        (["inspect", "face.png", "--model", "text.tflite"], 4),
    ],
)
def test_without_a_stderr_the_code_is_the_verdicts(bench: Path, words: list[str], code: int, redirect: str) -> None:
    """What is said on stderr may be lost: a service has none."""
    Path("text.tflite").write_text("hello")
    extra = ["--model", str(TINY)] if words[:1] in (["inspect"], ["classify"]) and "--model" not in words else []
    assert left("edge.cli.app", [*words, *extra], redirect)[0] == code


def test_with_all_streams_closed(bench: Path) -> None:
    """No file that is opened takes the place of a closed stream: the overlay is the overlay, and the code is 5."""
    words = ["inspect", "face.png", "--overlay", "out", "--model", str(TINY)]
    assert left("edge.cli.app", words, "<&- >&- 2>&-")[0] == 5
    assert Path("out/face.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("words", [["--help"], ["models", "--help"], ["--version"], ["criteria", "list"]], ids=" ".join)
def test_a_reader_that_has_enough_is_141(words: list[str]) -> None:
    """Typer's and Rich's own writing included, which would leave with 1."""
    ours, theirs = os.pipe()
    os.close(ours)
    with process(*words, stdout=theirs) as started:
        os.close(theirs)
        assert started.wait(timeout=60) == 141


@needs_full
def test_overlays_are_worth_going_on_for(bench: Path) -> None:
    """Without a stdout the pictures are still drawn, and it is said once."""
    words = ["inspect", "pictures", "face.png", "--json", "--overlay", "out", "--model", str(TINY)]
    code, err = left("edge.cli.app", words, ">/dev/full")
    assert (code, err.count("stdout cannot")) == (5, 1)
    assert sorted(p.name for p in Path("out").iterdir()) == ["bad.png", "face.png", "good.png"]


def broken(monkeypatch: pytest.MonkeyPatch, error: BaseException, only: str) -> None:
    """Makes looking at one picture raise this."""
    from edge import inspection

    real = inspection.inspect_frame

    def look(frame: Any, inspector: Any) -> Any:
        if only in frame.source:
            raise error
        return real(frame, inspector)

    monkeypatch.setattr("edge.inspection.inspect_frame", look)


def in_process(*words: object) -> Any:
    """A command that may leave with 70."""
    from typer.testing import CliRunner

    from edge.cli import app

    return CliRunner().invoke(app.app, [str(word) for word in words], prog_name="ferrule")


UNFORESEEN = [
    ZeroDivisionError("division by zero"),
    IndexError("list index out of range\n\x1b[31m"),
    RecursionError("maximum recursion depth exceeded"),
    EOFError(),
    RuntimeError("a" * 5000),
    OSError(5, "Input/output error"),
    AssertionError(),
    StopIteration("what a generator must not raise"),
]


@pytest.mark.parametrize("error", UNFORESEEN, ids=lambda error: type(error).__name__)
def test_what_nobody_foresaw_is_70_and_stops_nobody(
    bench: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    """The picture is UNREADABLE, the others are inspected, one sentence says how to report, the traceback follows."""
    broken(monkeypatch, error, "bad")
    result = in_process("inspect", "pictures", "face.png", "--json")
    assert result.exit_code == 70
    told = rows(result.stdout)
    assert [row["status"] for row in told] == ["UNREADABLE", "PASS", "PASS"]
    assert "internal error" in told[0]["reasons"][0]["text"]
    lines = result.stderr.splitlines()
    at = next(k for k, line in enumerate(lines) if line.startswith("Traceback"))
    assert lines[at - 1].startswith(f"ferrule: internal error ({type(error).__name__}")
    assert "ferrule doctor --json" in lines[at - 1]
    assert all(len(line) < 600 for line in lines[:at])
    assert "\x1b" not in result.stderr


@pytest.mark.parametrize("error", UNFORESEEN, ids=lambda error: type(error).__name__)
@pytest.mark.parametrize("words", [["models", "list"], ["doctor"], ["inspect", "face.png"]], ids=" ".join)
def test_anywhere_else_it_ends_the_command_with_70(
    bench: Path, monkeypatch: pytest.MonkeyPatch, error: Exception, words: list[str]
) -> None:
    """Never with 1, which means that a connector failed."""

    def fail(*_: object, **__: object) -> None:
        raise error

    for name in ("edge.cli.catalogue.list_models", "edge.cli.doctor.list_models", "edge.inspection.load_bundle"):
        monkeypatch.setattr(name, fail)
    result = in_process(*words)
    assert result.exit_code == 70
    assert result.stderr.startswith("ferrule: internal error (")


def test_a_picture_that_needs_too_much_memory(bench: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Is one that could not be inspected, and no fault of the program."""
    broken(monkeypatch, MemoryError(), "bad")
    result = run("inspect", "pictures", "--json")
    assert result.exit_code == 3
    assert "not enough memory" in rows(result.stdout)[0]["reasons"][0]["text"]


def test_an_error_that_was_foreseen_stops_nobody_either(bench: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """After the first picture 2 and 4 are no codes any more: the picture could not be inspected."""
    broken(monkeypatch, FerruleError("what was wrong"), "bad")
    result = run("inspect", "pictures", "face.png")
    assert result.exit_code == 3
    assert "bad.png: what was wrong" in result.stderr


@pytest.mark.parametrize("command", ["classify", "inspect"])
def test_reading_may_fail_too(bench: Path, monkeypatch: pytest.MonkeyPatch, command: str) -> None:
    """The same for a decoder that raises what no decoder should."""
    from edge.sources import read_frame as real

    def read(path: Path, max_megapixels: float) -> Any:
        if path.name == "1.png":
            raise KeyError("marker")
        return real(path, max_megapixels)

    monkeypatch.setattr("edge.sources.dispatch.read_frame", read)
    shutil.copy("face.png", "marks/1.png")
    result = in_process(command, "marks", "face.png", "--json")
    assert result.exit_code == 70
    assert any(row["source"] == "face.png" for row in rows(result.stdout))


def test_classifying_one_by_one_where_a_batch_fails(bench: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One picture that breaks a batch does not take the batch with it."""
    from edge.cli import classifying

    real = classifying._classified

    def classified(frames: Any, *rest: Any) -> Any:
        if any("dig/1" in frame.source for frame in frames):
            raise ValueError("shapes")
        return real(frames, *rest)

    monkeypatch.setattr("edge.cli.classifying._classified", classified)
    result = in_process("classify", "marks", "--json")
    assert result.exit_code == 70
    told = rows(result.stdout)
    assert [row["source"] for row in told if row["label"] is None] == ["marks/dig/1.png"]
    assert len(told) == 6


def test_the_last_line_of_defence_lets_pass_what_is_meant_to_end_a_command() -> None:
    """An interrupt, an exit and an output that fails are no internal errors."""
    import typer

    for meant in (KeyboardInterrupt(), SystemExit(3), typer.Exit(1), BrokenPipeError(), OutputError("full")):
        with pytest.raises(type(meant)), defended(lambda error: pytest.fail(f"caught {error!r}")):
            raise meant


def test_the_first_internal_error_is_the_one_that_is_told() -> None:
    """Those after it may be its consequences."""
    unforeseen = Unforeseen()
    assert unforeseen.finish() == 0
    first = KeyError("first")
    for error in (FerruleError("known"), MemoryError(), first, KeyError("second")):
        assert unforeseen.problem(error)
    assert unforeseen.first is first


def test_the_worst_code_wins(bench: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """70 > 5 > 3 > 1 > 0."""
    assert run("inspect", "face.png").exit_code == 0
    assert run("inspect", "pictures").exit_code == 1
    assert run("inspect", "pictures", "missing.png").exit_code == 3

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("edge.system.files.os.link", full)
    assert run("inspect", "pictures", "missing.png", "--overlay", "out").exit_code == 5
    broken(monkeypatch, KeyError(), "good")
    assert in_process("inspect", "pictures", "missing.png", "--overlay", "out").exit_code == 70


def test_only_one_place_catches_everything() -> None:
    """`except Exception` stands once in both packages, besides what Keras raises bare for a failed download."""
    found = [
        path.name
        for package in ("edge", "trainer")
        for path in sorted((REPO / package).rglob("*.py"))
        for line in path.read_text(encoding="utf-8").splitlines()
        if line.strip().startswith(("except Exception", "except:"))
    ]
    assert found == ["ending.py", "fashion_mnist.py"]
