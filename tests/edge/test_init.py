import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import edge
from edge.errors import ModelError, UsageError

ROOT = Path(__file__).parents[2]
TINY = ROOT / "tests" / "data" / "tiny.tflite"

LEFT = np.zeros((4, 4), np.uint8)
LEFT[:, :2] = 200


def test_import_is_free() -> None:
    """`import edge` brings in neither NumPy nor OpenCV nor a runtime."""
    heavy = "{'numpy', 'cv2', 'ai_edge_litert', 'tflite_runtime', 'msgspec'}"
    code = f"import edge, sys; print(sorted({heavy} & set(sys.modules)))"
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True, env=env)
    assert done.stdout.strip() == "[]"


def test_predict() -> None:
    """A picture gives its label, or label and probability; several give a list."""
    assert edge.predict(LEFT, TINY) == "left"
    label, probability = edge.predict(LEFT, TINY, return_prob=True)
    assert (label, probability) == ("left", pytest.approx(1 / (1 + np.exp(-1600 / 255)), abs=1e-5))
    assert edge.predict([LEFT, LEFT[:, ::-1]], TINY) == ["left", "right"]
    assert edge.predict(np.stack([LEFT, LEFT[:, ::-1]]), TINY) == ["left", "right"]
    assert edge.predict(np.zeros((0, 4, 4), np.uint8), TINY) == []


@pytest.mark.parametrize("shape", [(4, 4, 1), (4, 4, 3)])
def test_channels_and_size(shape: tuple[int, ...]) -> None:
    """One or three channels and any size are taken."""
    picture = np.broadcast_to(LEFT[:, :, None], shape).copy()
    assert edge.predict(picture, TINY) == "left"
    assert edge.predict(np.repeat(np.repeat(picture, 9, axis=0), 9, axis=1), TINY) == "left"
    assert edge.predict(picture[None], TINY) == ["left"]


def test_load_is_kept() -> None:
    """A model is loaded once; the classifier itself can be passed instead."""
    assert edge.load(TINY) is edge.load(str(TINY))
    assert edge.predict(LEFT, edge.load(TINY)) == "left"


def test_replaced_file_is_read_again(tmp_path: Path) -> None:
    """A file written anew since is loaded anew."""
    path = tmp_path / "model.tflite"
    path.write_bytes(TINY.read_bytes())
    first = edge.load(path)
    path.write_bytes((TINY.parent / "tiny-defects.tflite").read_bytes())
    assert edge.load(path).labels != first.labels
    path.write_bytes(b"")
    with pytest.raises(ModelError):
        edge.load(path)


@pytest.mark.parametrize(
    "img", [np.zeros((4, 4)), np.zeros((2, 2, 2, 2), np.uint8), np.zeros(4, np.uint8), "x.png", None]
)
def test_no_picture(img: object) -> None:
    """What is no 8 bit picture is refused, floats too: their range is not guessed."""
    with pytest.raises(UsageError):
        edge.predict(img, TINY)


def test_no_model() -> None:
    """An unknown model or runtime says what there is."""
    with pytest.raises(UsageError, match="neither a file nor one that ships"):
        edge.predict(LEFT, "nonesuch")
    with pytest.raises(UsageError, match="unknown runtime"):
        edge.load(TINY, runtime="tensorflow")
