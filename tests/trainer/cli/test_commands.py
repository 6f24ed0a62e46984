from __future__ import annotations

import json
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest
from trainer_pictures import LABELS, Tree
from typer.testing import CliRunner, Result

from trainer.cli.app import app
from trainer.tensorflow_import import import_tensorflow

runner = CliRunner()


def run(*arguments: object) -> Result:
    """One command, in this process."""
    return runner.invoke(app, [str(a) for a in arguments])


def last_json(result: Result) -> dict[str, Any]:
    """What was printed to stdout: one JSON object."""
    assert result.exit_code in (0, 3), result.stderr
    return json.loads(result.stdout)


def failed(result: Result, code: int) -> str:
    """The one line on stderr of a command that left with this code."""
    assert result.exit_code == code, (result.exit_code, result.stderr, result.stdout)
    lines = [line for line in result.stderr.splitlines() if line.strip()]
    assert len(lines) == 1, lines
    assert "Traceback" not in result.stderr
    return lines[0]


def test_help_imports_neither_tensorflow_nor_opencv() -> None:
    """`ferrule-train --help`, and that of each command, is quick and names every option."""
    code = (
        "import sys\n"
        "from typer.testing import CliRunner\n"
        "from trainer.cli.app import app\n"
        "for words in ([], ['train'], ['convert'], ['evaluate'], ['predict']):\n"
        "    assert CliRunner().invoke(app, [*words, '--help']).exit_code == 0\n"
        "print([m for m in ('tensorflow', 'keras', 'cv2', 'numpy', 'sklearn', 'matplotlib') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == "[]"


@pytest.mark.train
def test_predict_says_what_the_function_says(tmp_path: Path) -> None:
    """A patch larger than the model's size tells that, by the command as by `trainer.learning.prediction.predict`."""
    import cv2
    import numpy as np

    from trainer.learning.prediction import predict

    patch = np.random.default_rng(0).integers(90, 110, (70, 70)).astype(np.uint8)
    patch[20:50, 33:36] = 40
    cv2.imwrite(str(tmp_path / "patch.png"), patch)
    told = last_json(run("predict", tmp_path / "patch.png", "--model", "fibre-defects", "--prob", "--json"))
    label, probability = predict(patch, model_path="fibre-defects", return_prob=True)
    assert told["label"] == label
    assert told["score"] == pytest.approx(probability, abs=1e-4)


def test_a_missing_tensorflow_is_one_line_with_the_extra() -> None:
    """Where only the edge is installed the message says what to install."""
    code = (
        "import sys\nsys.modules['keras'] = None\nsys.argv = ['ferrule-train', 'train']\n"
        "from trainer.cli.app import main\nmain()"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "ferrule: keras is not installed: pip install 'ferrule[train]'\n"


@pytest.fixture(scope="module")
def ready() -> None:
    """TensorFlow, or a skip that says what is missing."""
    pytest.importorskip("keras", reason="the train extra (TensorFlow) is not installed")
    import_tensorflow()


@pytest.fixture
def trained(tree: Tree, tmp_path: Path, ready: None) -> Path:
    """A model trained by the command on pictures of the folder `data` beside it."""
    model = tmp_path / "halves.keras"
    arguments = ("--patch-size", 16, "--batch", 16, "--epochs", 4, "--group-pattern", r"fibre\d")
    told = last_json(run("train", "--data", tree(40), "--out", model, *arguments, "--json"))
    assert told["labels"] == list(LABELS)
    assert told["test_accuracy"] > 0.9
    return model


@pytest.mark.train
@pytest.mark.slow
def test_train_convert_evaluate_predict(trained: Path, tmp_path: Path) -> None:
    """The four commands in a row, each finding what the one before left; the parts of the split stay apart."""
    data = tmp_path / "data"
    converted = last_json(run("convert", trained, "--data", data, "--json"))
    bundle = tmp_path / "halves.tflite"
    assert converted["model"] == str(bundle)
    assert converted["agreement"] > 0.95
    with zipfile.ZipFile(bundle) as archive:
        described = json.loads(archive.read("ferrule.json"))
    assert (described["name"], described["labels"]) == ("halves", list(LABELS))
    assert described["data"]["group_pattern"] == r"fibre\d"
    told = last_json(run("evaluate", bundle, "--data", data, "--out", tmp_path / "figures", "--json"))
    assert told["pictures"] == converted["n_check"]
    assert told["accuracy"] == pytest.approx(converted["accuracy"], abs=1e-4)
    assert told["agreement_with_float"] == pytest.approx(converted["agreement"], abs=1e-4)
    names = sorted(p.name for p in (tmp_path / "figures").iterdir())
    assert names == ["confusion.png", "evaluation.json", "learning.png", "reliability.png"]
    shown = run("predict", data / "left", data / "top" / "fibre0-000.png", "--model", trained, "--prob", "--json")
    rows = [json.loads(line) for line in shown.stdout.splitlines()]
    assert len(rows) == 41
    assert sum(row["label"] == "left" for row in rows) > 36
    assert set(rows[0]["scores"]) == set(LABELS)


@pytest.mark.train
@pytest.mark.slow
def test_going_on_from_a_model_keeps_its_order_and_its_patches(trained: Path, tree: Tree, tmp_path: Path) -> None:
    """`--from` takes size and background from the model; other labels come after those it knows."""
    for old, new in (("bottom", "added"), ("top", "gone")):
        (tmp_path / "data" / old).rename(tmp_path / ("data/" + new if new == "added" else new))
    out = tmp_path / "new.keras"
    told = last_json(run("train", "--data", tmp_path / "data", "--from", trained, "--out", out, "--json"))
    assert told["labels"] == ["left", "right", "added"]
    message = failed(
        run("train", "--data", tmp_path / "data", "--from", trained, "--out", out, "--patch-size", 20, "-q"), 2
    )
    assert "the model to start from wants" in message


@pytest.mark.train
def test_lines_for_people(tree: Tree, tmp_path: Path, ready: None) -> None:
    """A line an epoch, the time of fitting and the test accuracy on stdout; nothing on stderr; none with --quiet."""
    arguments = ("train", "--data", tree(12), "--out", tmp_path / "m.keras", "--patch-size", 16, "--epochs", 2)
    shown = run(*arguments)
    assert (shown.exit_code, shown.stderr) == (0, "")
    for expected in ("4 labels (bottom, left, right, top)", "epoch 2/2  loss", "fitted in", "test accuracy"):
        assert expected in shown.stdout
    quiet = run(*arguments, "--quiet")
    assert (quiet.exit_code, quiet.stdout, quiet.stderr) == (0, "", "")


@pytest.mark.train
def test_unreadable_pictures_are_told_of_and_the_model_is_written(tree: Tree, tmp_path: Path, ready: None) -> None:
    """Exit code 3, a line for each of the first ten on stderr, and a model of the others."""
    folder = tree(12)
    for number in range(12):
        (folder / "top" / f"bad{number:02}.png").write_bytes(b"no picture")
    out = tmp_path / "m.keras"
    shown = run("train", "--data", folder, "--out", out, "--patch-size", 16, "--epochs", 1)
    assert shown.exit_code == 3
    lines = shown.stderr.splitlines()
    assert len(lines) == 11
    assert "bad00.png" in lines[0]
    assert "2 more pictures could not be read" in lines[10]
    assert out.is_file()
    bad = run("predict", folder / "top", "--model", out)
    assert (bad.exit_code, len(bad.stdout.splitlines()), len(bad.stderr.splitlines())) == (3, 12, 12)


@pytest.mark.train
def test_what_cannot_be_done_is_one_line_and_an_exit_code(tree: Tree, tmp_path: Path, ready: None) -> None:
    """No traceback, and nothing written."""
    folder = tree(3)
    (tmp_path / "empty").mkdir()
    (tmp_path / "broken.keras").write_bytes(b"PK broken")
    before = sorted(tmp_path.rglob("*"))
    data, out = ("--data", folder), ("--out", tmp_path / "m.keras")
    cases = [
        (2, "does not exist", ("train", "--data", tmp_path / "gone", *out)),
        (2, "has no labels", ("train", "--data", tmp_path / "empty", *out)),
        (2, "label 'up' has no folder", ("train", *data, *out, "--classes", "up,left")),
        (2, "ends in .keras", ("train", *data, "--out", tmp_path / "m.h5")),
        (2, "no network 'vgg'", ("train", *data, *out, "--network", "vgg")),
        (2, "patch size 0", ("train", *data, *out, "--patch-size", 0)),
        (2, "background 'gone'", ("train", *data, *out, "--background", "gone")),
        (2, "0 epochs", ("train", *data, *out, "--epochs", 0)),
        (2, "expected none or softened", ("train", *data, *out, "--class-weights", "some")),
        (2, "from a column or from a pattern", ("train", *data, *out, "--group-column", "a", "--group-pattern", "b")),
        (2, "no model", ("train", *data, *out, "--from", "nothing")),
        (4, "damaged", ("train", *data, *out, "--from", tmp_path / "broken.keras")),
        (2, "no model", ("convert", tmp_path / "gone.keras")),
        (4, "damaged", ("convert", tmp_path / "broken.keras")),
        (2, "no model", ("evaluate", tmp_path / "gone.tflite")),
        (2, "no model", ("predict", folder, "--model", tmp_path / "gone.keras")),
    ]
    for code, expected, arguments in cases:
        assert expected in failed(run(*arguments), code), arguments
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.train
@pytest.mark.slow
def test_conversion_and_evaluation_say_what_does_not_fit(trained: Path, tmp_path: Path) -> None:
    """An unknown recipe, a bad place, other labels, no pictures named, another float model: nothing is written."""
    data = ("--data", tmp_path / "data")
    before = sorted(tmp_path.rglob("*"))
    cases = [
        (2, "no recipe 'int4'", ("convert", trained, *data, "--recipe", "int4")),
        (2, "ends in .tflite", ("convert", trained, *data, "--out", tmp_path / "m.bin")),
        (2, "trained on 'data': say with --data", ("convert", trained)),
        (2, "label 'bottom' has no folder", ("convert", trained, "--data", tmp_path / "data" / "..")),
    ]
    for code, expected, arguments in cases:
        assert expected in failed(run(*arguments), code), arguments
    assert sorted(tmp_path.rglob("*")) == before
    assert run("convert", trained, *data, "--quiet").exit_code == 0
    other = tmp_path / "other.keras"
    last_json(run("train", *data, "--out", other, "--patch-size", 16, "--epochs", 1, "--json"))
    message = failed(run("evaluate", tmp_path / "halves.tflite", *data, "--keras", other), 2)
    assert "its weights are others" in message
