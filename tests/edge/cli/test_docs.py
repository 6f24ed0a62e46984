"""docs/cli.md says what there is, and nothing else."""

from __future__ import annotations

import re
import shlex
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer
from ferrule_runs import DOCS, run

from edge.classify.bundle import DEFAULT_MODEL
from edge.cli import app, options
from edge.judge import DEFAULT_CRITERIA
from edge.sources.pictures import MAX_MEGAPIXELS


def commands(group: Any = None, name: str = "ferrule") -> Iterator[tuple[str, Any]]:
    """Every command of the command line with its full name, groups included."""
    command = typer.main.get_command(app.app) if group is None else group
    yield name, command
    for below in getattr(command, "commands", {}).items():
        yield from commands(below[1], f"{name} {below[0]}")


def test_every_command_and_option_is_documented() -> None:
    """Each command has a heading of its own in docs/cli.md, and each of its options stands below it."""
    text = DOCS.read_text(encoding="utf-8")
    sections = {m[1]: m[2] for m in re.finditer(r"^#+ (ferrule[^\n]*)\n(.*?)(?=^#|\Z)", text, re.S | re.M)}
    for name, command in commands():
        assert name in sections, f"{name} has no section"
        for parameter in command.params:
            for option in [*parameter.opts, *parameter.secondary_opts] if parameter.opts[0][0] == "-" else []:
                assert f"`{option}" in sections[name] or option == "--help", f"{name} {option} is not documented"


def test_every_documented_option_exists() -> None:
    """docs/cli.md names no option that no command has."""
    real = {option for _, command in commands() for p in command.params for option in [*p.opts, *p.secondary_opts]} | {
        "--help"
    }
    told = set(re.findall(r"(?<![\w-])--[a-z][a-z-]*[a-z]", DOCS.read_text(encoding="utf-8")))
    assert told <= real


def test_the_defaults_are_the_libraries_own() -> None:
    """The command line spells two names and a limit out for speed; they are those the library uses."""
    assert (options.DEFAULT_MODEL, options.DEFAULT_CRITERIA) == (DEFAULT_MODEL, DEFAULT_CRITERIA)
    assert options.DEFAULT_MAX_MEGAPIXELS == MAX_MEGAPIXELS


def test_the_commands_run_as_written(bench: Path) -> None:
    """Every console example of docs/cli.md runs, and leaves with 0 or 1."""
    blocks = re.findall(r"^```console\n(.*?)^```", DOCS.read_text(encoding="utf-8"), re.S | re.M)
    lines = [line[2:] for block in blocks for line in block.splitlines() if line.startswith("$ ")]
    assert len(lines) >= 15
    for line in lines:
        words = shlex.split(line.split(" > ")[0])
        assert words[0] == "ferrule"
        result = run(*words[1:])
        assert result.exit_code in (0, 1), f"{line}: {result.exit_code}\n{result.output}"
        shutil.rmtree("out", ignore_errors=True)
