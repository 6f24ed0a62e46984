"""docs/training.md says what there is, and nothing else."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import typer
from typer.testing import CliRunner

from trainer.cli.app import app


def commands() -> dict[str, set[str]]:
    """The options of every command."""
    group: Any = typer.main.get_command(app)
    return {name: {o for p in c.params for o in p.opts if o[0] == "-"} for name, c in group.commands.items()}


def test_every_command_and_option_is_documented_and_none_is_made_up(repo: Path) -> None:
    """Each command has a heading, each long option is named, and no option is named that none has."""
    text = (repo / "docs" / "training.md").read_text()
    for name in commands():
        assert f"## `ferrule-train {name}`" in text
    real = {option for options in commands().values() for option in options if option.startswith("--")}
    assert real - {"--help"} <= set(re.findall(r"--[a-z][a-z-]*[a-z]", text))
    assert set(re.findall(r"(?<![\w-])--[a-z][a-z-]*[a-z]", text)) <= real


@pytest.mark.train
@pytest.mark.slow
def test_the_commands_run_as_written(repo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every console example of docs/training.md, in their order, on pictures with a line or a dot."""
    pytest.importorskip("keras", reason="the train extra (TensorFlow) is not installed")
    from trainer.tensorflow_import import import_tensorflow

    import_tensorflow()
    rng = np.random.default_rng(0)
    for label in ("scratch", "dig"):
        (tmp_path / "pictures" / label).mkdir(parents=True)
        for number in range(150):
            picture = rng.normal(120, 6, (28, 28)).clip(0, 255).astype(np.uint8)
            x, y = (int(v) for v in rng.integers(8, 20, 2))
            if label == "dig":
                cv2.circle(picture, (x, y), 2, int(rng.integers(0, 60)), -1)
            else:
                cv2.line(picture, (x - 8, y), (x + 8, y + int(rng.integers(-6, 6))), int(rng.integers(180, 256)))
            cv2.imwrite(str(tmp_path / "pictures" / label / f"{number}.png"), picture)
    monkeypatch.chdir(tmp_path)
    block = re.search(r"^```console\n(.*?)^```", (repo / "docs" / "training.md").read_text(), re.S | re.M)
    assert block
    lines = [line.removeprefix("$ ") for line in block[1].splitlines()]
    assert len(lines) == 4
    for line in lines:
        words = shlex.split(line)
        assert words[0] == "ferrule-train"
        done = CliRunner().invoke(app, words[1:])
        assert (done.exit_code, done.stderr) == (0, ""), line
