"""Each command of `ferrule-train` runs in a process of its own, with every option it has."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
from command_runs import Run, not_run
from ferrule_runs import REPO

from edge.classify import load_bundle
from trainer.cli.app import app

TABLE = "--table fibres.csv --group-column fibre"
ANEW = (
    Run(
        f"train --data two {TABLE} --classes scratch,dig --network mlp --epochs 8 --batch 16 --seed 3 --rate 2e-3 "
        "--class-weights balanced --patch-size 28 --background median --download --out one.keras --json",
        "test_accuracy",
    ),
    Run(
        f"convert one.keras --data two {TABLE} --recipe int8 --out one.tflite --name one --model-version 2 "
        "--threshold 0.3 --licence none --notes none --download --json",
        "agreement",
    ),
    Run(
        f"evaluate one.tflite --keras one.keras --data two {TABLE} --download --runtime ai-edge-litert --out figures "
        "--json",
        "accuracy",
    ),
    Run("predict two/dig --model one.keras --prob --json", "scores"),
)
"""The four commands in a row, each in its own process; the other options are in `going_on`."""


def going_on(start: str) -> tuple[Run, ...]:
    """From a model that ships: labels dropped and one added, then dropped and in another order, then added again."""
    grouped = r"--group-pattern \d\d\.png"
    return (
        Run(f"train --from {start} --data three {grouped} --epochs 3 --out 1.keras", "labels (scratch, dig, film)"),
        Run("train --from 1.keras --data two --classes dig,scratch --epochs 3 --out 2.keras --quiet", ""),
        Run("train --from 2.keras --data three --epochs 8 --out 3.keras --json", "test_accuracy_before"),
        Run(f"convert 3.keras --data three {grouped} --quiet", ""),
        Run(f"evaluate 3.tflite --data three {grouped} --quiet", ""),
        Run("predict three/film --model 3.keras --quiet", ""),
    )


@pytest.fixture
def pictures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Folders `two` and `three` of labelled pictures, and a table of the fibres of the first; the working folder."""
    pytest.importorskip("keras", reason="the train extra (TensorFlow) is not installed")
    rng = np.random.default_rng(0)
    rows = ["file,fibre"]
    for folder, labels in (("two", ("scratch", "dig")), ("three", ("scratch", "dig", "film"))):
        for label in labels:
            (tmp_path / folder / label).mkdir(parents=True)
            for number in range(60):
                picture = rng.normal(120, 6, (28, 28)).clip(0, 255).astype(np.uint8)
                x, y = (int(v) for v in rng.integers(9, 19, 2))
                if label == "dig":
                    cv2.circle(picture, (x, y), 3, 30, -1)
                elif label == "film":
                    cv2.circle(picture, (x, y), 7, 160, -1)
                else:
                    cv2.line(picture, (x - 9, y), (x + 9, y + 3), 210)
                cv2.imwrite(str(tmp_path / folder / label / f"{number:02}.png"), picture)
                if folder == "two":
                    rows.append(f"{label}/{number:02}.png,{number % 12}")
    (tmp_path / "fibres.csv").write_text("\n".join(rows))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run_alone(wanted: Run) -> None:
    """Runs a command in a process that has not heard of any other."""
    env = {**os.environ, "PYTHONPATH": str(REPO)}
    command = [sys.executable, "-m", "trainer.cli.app", *wanted.words.split()]
    done = subprocess.run(command, capture_output=True, encoding="utf-8", env=env, timeout=600)
    assert done.returncode == wanted.code, f"{wanted.words}: {done.returncode}\n{done.stderr}"
    assert "Traceback" not in done.stderr
    wanted.check_stdout(done.stdout)
    assert done.stdout == "" or "--quiet" not in wanted.words


@pytest.mark.train
@pytest.mark.slow
def test_a_new_model_by_processes_of_their_own(pictures: Path) -> None:
    """Trained, converted, evaluated and asked by four processes, each with all that it may be told."""
    for wanted in ANEW:
        run_alone(wanted)
    described = load_bundle(pictures / "one.tflite").description
    assert (described.name, described.labels, described.threshold) == ("one", ("scratch", "dig"), 0.3)


@pytest.mark.train
@pytest.mark.slow
@pytest.mark.parametrize("start", ["fibre-defects", "fibre-defects-mlp"])
def test_going_on_by_processes_of_their_own(pictures: Path, start: str) -> None:
    """A shipped model loses labels and takes others, three times; what comes out converts, and the edge loads it."""
    for wanted in going_on(start):
        run_alone(wanted)
    assert load_bundle(pictures / "3.tflite").description.labels == ("dig", "scratch", "film")


def test_every_command_and_option_is_run() -> None:
    """A command without a run of its own, or an option that no run gives, fails here."""
    assert not_run(app, (*ANEW, *going_on("fibre-defects"))) == {}
