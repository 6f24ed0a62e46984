"""Every option of both programs, given what no option can mean: a usage error in one line, never a traceback."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
from ferrule_runs import rows, run
from typer.testing import CliRunner

from edge.cli import app
from trainer.cli import app as trainer_cli

NO_NUMBERS = ("nan", "inf", "-inf", "-1", "1e300", "1e-300", "-0.5", "9" * 30, "9" * 5000, "", "\0", "0x10", "1,,2")
# What begins with a dash is an option of its own to the parser, so every value is joined to its option.
NO_TEXTS = ("", "\0", "x" * 10_000, "\ud800", "~nobody/of/that/name", "a\nb", "/proc/self/mem", "/dev/full/x")

# What a command needs besides, so that it would go on if the option were right; nothing here takes long.
NEEDED = {
    "ferrule inspect": ["missing.png"],
    "ferrule watch": ["missing.png"],
    "ferrule classify": ["missing.png"],
    "ferrule bench": ["--images", "missing.png", "--no-cold"],
}
# Options whose text means a number, though Typer takes it as it is.
NUMBERS_AS_TEXT = {"--um-per-px", "--max-regress"}
# What an option of these may mean after all.
MEANT = {"--max-regress": {"1e-300"}, "--threshold": {"1e-300"}}


def commands(group: Any, name: str) -> Iterator[tuple[str, Any]]:
    """Every command that does something, with its full name."""
    below = getattr(group, "commands", None)
    if below is None:
        yield name, group
        return
    for word, command in below.items():
        yield from commands(command, f"{name} {word}")


def kind_of(parameter: Any) -> str:
    """What Typer makes of a parameter's text: `int`, `float`, `path`, another type, or `own` with a parser of ours."""
    described = getattr(parameter, "type_descriptor", None)
    if described is None:  # Typer before 0.27 has Click's types
        return {"integer": "int"}.get(parameter.type.name, str(parameter.type.name))
    if described.parameter_info.parser is not None:
        return "own"
    of_many = getattr(described.annotation, "__args__", ())
    return str((of_many or (described.annotation,))[0].__name__).lower()


def options(app: typer.Typer, name: str, numeric: bool) -> list[tuple[str, str]]:
    """Every option that takes a value, as (command, option)."""
    found = []
    for command, declared in commands(typer.main.get_command(app), name):
        for parameter in declared.params:
            flag = getattr(parameter, "is_flag", False)
            if parameter.param_type_name != "option" or flag:
                continue
            option = max(parameter.opts, key=len)
            is_number = kind_of(parameter) in ("int", "float") or option in NUMBERS_AS_TEXT
            if is_number == numeric:
                found.append((command, option))
    return found


def said(result: Any) -> None:
    """One line of ours, or Typer's own box; never a traceback."""
    assert "Traceback" not in result.stderr
    lines = result.stderr.splitlines()
    boxed = any("Error" in line or "Usage:" in line for line in lines)
    assert boxed or sum(line.startswith("ferrule: ") for line in lines) == 1, result.stderr


@pytest.mark.parametrize(("command", "option"), options(app.app, "ferrule", numeric=True))
def test_a_number_that_cannot_be_is_a_usage_error(bench: Path, command: str, option: str) -> None:
    """2, one line, and nothing on stdout, for every option that takes a number, those of tomorrow included."""
    for value in NO_NUMBERS:
        if value in MEANT.get(option, ()):
            continue
        result = run(*command.split()[1:], *NEEDED.get(command, []), f"{option}={value}")
        assert (result.exit_code, result.stdout) == (2, ""), f"{option}={value[:40]!r}: {result.output[:500]}"
        said(result)


@pytest.mark.parametrize(("command", "option"), options(app.app, "ferrule", numeric=False))
def test_a_text_that_cannot_be_is_said(bench: Path, command: str, option: str) -> None:
    """A documented code and no traceback for every other option; nothing is written into the working folder."""
    before = set(bench.iterdir())
    for value in NO_TEXTS:
        result = run(*command.split()[1:], *NEEDED.get(command, []), f"{option}={value}")
        assert result.exit_code in ((2,) if value == "" else (2, 3, 4)), (
            f"{option}={value[:40]!r}: {result.output[:500]}"
        )
        assert "Traceback" not in result.stderr
    # What can be a folder's name is one; and the folder's own name is no empty text.
    assert {path.name for path in set(bench.iterdir()) - before} <= {"a\nb", "~nobody"}


@pytest.mark.parametrize("value", NO_TEXTS)
@pytest.mark.parametrize(
    ("command", "code"),
    [
        ("inspect", 3),
        ("watch", 3),
        ("classify", 3),
        ("models show", 2),
        ("models verify", 2),
        ("criteria show", 2),
        ("criteria check", 2),
    ],
)
def test_an_argument_that_cannot_be_is_said(bench: Path, command: str, code: int, value: str) -> None:
    """The same for what is no option: a picture that cannot be is one that could not be inspected, and has its row."""
    result = run(*command.split(), value)
    assert result.exit_code == (2 if value in ("", "\0") else code), result.output[:500]
    assert "Traceback" not in result.stderr
    if command == "inspect" and value not in ("", "\0"):
        (row,) = rows(run("inspect", value, "--json").stdout)
        assert (row["status"], row["source"]) == ("UNREADABLE", value)


@pytest.mark.parametrize(("app", "name"), [(app.app, "ferrule"), (trainer_cli.app, "ferrule-train")])
def test_paths_are_taken_as_they_are(app: typer.Typer, name: str) -> None:
    """No parameter is judged by Typer, which would refuse all for one that cannot be read, or take '' for '.'."""
    for command, declared in commands(typer.main.get_command(app), name):
        for parameter in declared.params:
            assert kind_of(parameter) != "path", f"{command} {parameter.opts}: give it `parser=path_of`"


@pytest.mark.train
@pytest.mark.parametrize(("command", "option"), options(trainer_cli.app, "ferrule-train", numeric=True))
def test_the_trainers_numbers(bench: Path, command: str, option: str) -> None:
    """2 and one line, for every option of `ferrule-train` that takes a number."""
    pytest.importorskip("keras", reason="the train extra (TensorFlow) is not installed")
    Path("none").mkdir()
    for value in NO_NUMBERS:
        if value in MEANT.get(option, ()):
            continue
        words = [*command.split()[1:], "--data", "none", f"{option}={value}"]
        if command == "ferrule-train convert":
            words.insert(1, "absent.keras")
        result = CliRunner().invoke(trainer_cli.app, words)
        assert result.exit_code == 2, f"{option}={value[:40]!r}: {result.output[:500]}"
        assert not any(word in result.stderr for word in ("none ", "absent")), (
            f"{option}={value[:40]!r} was taken: {result.stderr}"
        )
        said(result)
