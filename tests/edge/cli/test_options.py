"""`inspect` and `watch` share their options: each reaches the command as it was given."""

from __future__ import annotations

from dataclasses import asdict, fields
from pathlib import Path
from typing import Annotated, Any

import pytest
import typer
from ferrule_runs import TINY, run
from typer.testing import CliRunner

from edge.cli.app import app
from edge.cli.options import InspectionOptions, with_shared_options
from edge.judge import FIRST_CRITERIA
from edge.judge.profile_file import read_profile

GIVEN: dict[str, Any] = {
    "json": True,
    "overlay": Path("o"),
    "overlay_format": "svg",
    "overwrite": True,
    "criteria": "c",
    "zones": "A,B",
    "model": "m",
    "runtime": "r",
    "um_per_px": "0.4,0.5",
    "cladding": 140.0,
    "fibres": 12,
    "cleanings": 2,
    "max_megapixels": 1.5,
    "capture": Path("k"),
    "capture_mb": 2.5,
    "capture_quota": 3,
    "quiet": True,
    "verbose": True,
}


def called(*words: str) -> tuple[InspectionOptions, int]:
    """What a command with a parameter before the shared options and one after them gets."""
    got: list[tuple[InspectionOptions, int]] = []
    program = typer.Typer()

    @program.command()
    @with_shared_options
    def command(
        *,
        first: Annotated[int, typer.Option("--first")] = 1,
        shared: InspectionOptions,
        second: Annotated[int, typer.Option("--second")] = 2,
    ) -> None:
        got.append((shared, 10 * first + second))

    result = CliRunner().invoke(program, words)
    assert result.exit_code == 0, result.output
    return got[0]


def test_without_options_the_record_holds_the_defaults() -> None:
    """Which are those of the record."""
    assert called() == (InspectionOptions(), 12)


def test_every_option_arrives_under_its_own_name() -> None:
    """And a command's own options beside them."""
    words = ["--first", "3", "--second", "4"]
    for name, value in GIVEN.items():
        words += [f"--{name.replace('_', '-')}", *([] if value is True else [str(value)])]
    shared, own = called(*words)
    assert asdict(shared) == GIVEN
    assert own == 34


@pytest.mark.parametrize(
    ("name", "own_first", "own_later"),
    [("inspect", ["paths"], ["recursive"]), ("watch", ["source", "every", "max_frames"], [])],
)
def test_the_order_of_the_help(name: str, own_first: list[str], own_later: list[str]) -> None:
    """The same for both commands: the shared options in the record's order, --quiet and --verbose at the end."""
    group: Any = typer.main.get_command(app)
    shared = [field.name for field in fields(InspectionOptions) if field.name not in ("quiet", "verbose")]
    told = [parameter.name for parameter in group.commands[name].params if parameter.name != "help"]
    assert told == [*own_first, *shared, *own_later, "quiet", "verbose"]


@pytest.mark.parametrize("options", [[], ["--um-per-px", "0.568"], ["--cladding", "125"]])
def test_the_criteria_are_read_once(bench: Path, monkeypatch: pytest.MonkeyPatch, options: list[str]) -> None:
    """Also where the cladding is taken from them; `auto` reads each of its four."""
    read: list[Path] = []

    def counted(path: Path) -> bytes:
        read.append(path)
        return read_profile(path)

    monkeypatch.setattr("edge.judge.profiles.read_profile", counted)
    assert run("inspect", "face.png", "--model", TINY, *options).exit_code in (0, 1)
    assert len(read) == len(set(read)) == 4
    assert run("inspect", "face.png", "--model", TINY, "--criteria", FIRST_CRITERIA, *options).exit_code in (0, 1)
    assert len(read) == 5
