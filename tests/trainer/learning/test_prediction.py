from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from trainer_pictures import LABELS, half

keras = pytest.importorskip("keras", reason="the train extra (TensorFlow) is not installed")

import trainer
from edge.classify import PatchSpec
from edge.errors import FerruleError, UsageError
from trainer.data import (
    Dataset,
    Examples,
)
from trainer.learning.fit import FitSettings, fit_dataset
from trainer.learning.model_file import TrainedModel, load, save
from trainer.learning.network import build_model
from trainer.learning.prediction import predict

pytestmark = pytest.mark.train


@pytest.fixture(scope="module")
def model() -> TrainedModel:
    """A model that knows which half is bright."""
    rng = np.random.default_rng(0)
    codes = rng.integers(0, 4, 300)
    patches = np.stack([half(LABELS[code], rng) for code in codes])
    examples = Examples(patches, np.zeros((300, 0), np.uint8), codes, np.array([""] * 300))
    none = examples.take(np.zeros(300, bool))
    return fit_dataset(Dataset(LABELS, PatchSpec(16), examples, none, none), FitSettings(epochs=4, batch=16))


def picture(label: str = "top", size: int = 16) -> np.ndarray:
    """A picture of that label."""
    return half(label, np.random.default_rng(7), size)


def test_one_picture_gives_a_label_or_a_label_and_its_probability(model: TrainedModel) -> None:
    """As the device's `edge.predict` does."""
    assert predict(picture(), model) == "top"
    label, probability = predict(picture("left"), model, return_prob=True)
    assert label == "left"
    assert 0.25 <= probability <= 1
    assert isinstance(probability, float)


@pytest.mark.parametrize("size", [16, 17, 200])
@pytest.mark.parametrize("channels", [None, 1, 3])
def test_pictures_of_any_size_and_one_or_three_channels(model: TrainedModel, size: int, channels: int | None) -> None:
    """Prepared as the edge prepares them."""
    img = picture("bottom", size)
    if channels is not None:
        img = np.repeat(img[:, :, None], channels, axis=2)
    assert predict(img, model) == "bottom"


def test_batches_give_lists(model: TrainedModel) -> None:
    """An array of pictures, with and without channels, or a list of pictures of different sizes."""
    several = np.stack([picture(label) for label in LABELS])
    assert predict(several, model) == list(LABELS)
    assert predict(several[..., None], model) == list(LABELS)
    assert predict([picture("left", 16), picture("right", 40)], model) == ["left", "right"]
    assert [label for label, _ in predict(several, model, return_prob=True)] == list(LABELS)
    assert predict([], model) == []


def test_the_file_is_read_once_and_again_when_it_was_replaced(
    model: TrainedModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Lazily: importing reads nothing, the second call reads nothing, a new file is noticed."""
    path = tmp_path / "m.keras"
    save(model, path)
    reads = []
    load = trainer.learning.prediction.load
    monkeypatch.setattr(trainer.learning.prediction, "load", lambda p: reads.append(p) or load(p))
    assert predict(picture(), model_path=path) == predict(picture(), model_path=path) == "top"
    assert len(reads) == 1
    swapped = TrainedModel(model.model, ("a", "b", "c", "d"), model.spec)
    save(swapped, path)
    os.utime(path, ns=(1, 1))
    assert predict(picture(), model_path=path) == "d"


def test_what_is_no_picture_or_no_model_is_refused(model: TrainedModel, tmp_path: Path) -> None:
    """Types, shapes, empty arrays, NaN, 16 bit; a bare Keras model, which has no labels; a missing file."""
    wrong = [
        "top.png",
        None,
        np.zeros((0, 16), np.uint8),
        np.zeros((16, 16), np.uint16),
        np.full((16, 16), np.nan),
        np.zeros((16, 16, 2), np.uint8)[None],
        np.zeros(5, np.uint8),
    ]
    for img in wrong:
        with pytest.raises(UsageError):
            predict(img, model)
    with pytest.raises(UsageError, match="does not say its labels"):
        predict(picture(), build_model())
    with pytest.raises(FerruleError, match=r"gone\.keras"):
        predict(picture(), model_path=tmp_path / "gone.keras")


def test_the_package_offers_the_four_functions_lazily() -> None:
    """`trainer.build_model`, `train`, `load` and `predict`; any other name is an AttributeError."""
    assert trainer.predict is predict
    assert trainer.build_model is build_model
    assert trainer.train is fit_dataset
    assert trainer.load is load
    with pytest.raises(AttributeError, match="has no attribute 'fly'"):
        _ = trainer.fly
