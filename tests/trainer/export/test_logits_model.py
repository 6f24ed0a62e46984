from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

keras = pytest.importorskip("keras", reason="the train extra (TensorFlow) is not installed")

from edge.classify import PatchSpec
from edge.errors import UsageError
from trainer.export.logits_model import as_inputs, without_softmax
from trainer.learning.calibration import softmax
from trainer.learning.network import build_model, build_network

pytestmark = pytest.mark.train
layers = keras.layers
MEASURES = ("snr", "fill", "aspect")


def small_cnn() -> list[object]:
    """What users try as extra layers."""
    return [
        layers.Reshape((28, 28, 1)),
        layers.Conv2D(4, 3, activation="relu"),
        layers.MaxPooling2D(),
        layers.Flatten(),
    ]


def used_twice() -> object:
    """A layer that sees the picture, and then its own output."""
    picture = keras.Input((28, 28))
    dense = layers.Dense(28, activation="relu")
    x = layers.Flatten()(layers.Add()([dense(dense(picture)), picture]))
    return keras.Model(picture, layers.Softmax()(layers.Dense(5)(x)))


def normalised() -> object:
    """Patch and measures through a layer that knows nothing of factors."""
    picture, measures = keras.Input((28, 28)), keras.Input((3,))
    x = layers.LayerNormalization()(layers.Concatenate()([layers.Flatten()(picture), measures]))
    return keras.Model([picture, measures], layers.Dense(5, activation="softmax")(x))


MODELS: dict[str, Callable[[], Any]] = {
    "mlp": lambda: build_network("mlp", PatchSpec(), 5),
    "mlp with measures": lambda: build_network("mlp", PatchSpec(measures=MEASURES), 5),
    "cnn": lambda: build_network("cnn", PatchSpec(), 5),
    "cnn with measures": lambda: build_network("cnn", PatchSpec(measures=MEASURES), 5),
    "deep-cnn with measures": lambda: build_network("deep-cnn", PatchSpec(measures=MEASURES), 5),
    "sequential": build_model,
    "extra layers": lambda: build_model(extra_layers=small_cnn(), hidden_units=None),
    "normalised first": lambda: build_model(extra_layers=[layers.BatchNormalization()], hidden_units=None),
    "a layer used twice": used_twice,
    "layer normalisation": normalised,
}


@pytest.mark.parametrize("name", MODELS)
def test_logits_model_says_what_the_model_says(name: str) -> None:
    """The softmax of the logits for 0..255 is the trained model's answer for 0..1, whatever the layers."""
    model = MODELS[name]()
    rng = np.random.default_rng(0)
    grey = [rng.integers(0, 256, (40, *given.shape[1:])).astype(np.float32) for given in model.inputs]
    before = [w.copy() for w in model.get_weights()]
    logits_model = without_softmax(model)
    answers = np.asarray(model(as_inputs(model, [g / 255 for g in grey])))
    logits = np.asarray(logits_model(as_inputs(logits_model, grey)))
    assert softmax(logits) == pytest.approx(answers, abs=2e-5)
    assert all(np.array_equal(a, b) for a, b in zip(before, model.get_weights(), strict=True))


@pytest.mark.parametrize(
    "name", ["mlp", "cnn", "cnn with measures", "deep-cnn with measures", "sequential", "extra layers"]
)
def test_scaling_costs_nothing(name: str) -> None:
    """Where the picture meets weights first, the scaling goes into them: no layer is added for it."""
    logits_model = without_softmax(MODELS[name]())
    assert not any(isinstance(layer, layers.Rescaling) for layer in logits_model.layers)


@pytest.mark.parametrize("name", MODELS)
def test_layers_are_named_by_their_place(name: str) -> None:
    """A second twin of the same model has the names of the first, though Keras has counted on."""
    model = MODELS[name]()
    first, second = ([layer.name for layer in without_softmax(model).layers] for _ in range(2))
    ours = [name.startswith(("input_", "layer_", "rescaled_", "reshape")) for name in first]
    assert all(ours), first
    assert [n for n in first if "reshape" not in n] == [n for n in second if "reshape" not in n]


@pytest.mark.parametrize(
    "last", [lambda: layers.Dense(5), lambda: layers.Dense(5, activation="sigmoid"), layers.Flatten]
)
def test_no_logits_to_be_had(last: Callable[[], object]) -> None:
    """A model without a softmax at its end is refused with what is expected."""
    model = keras.Sequential([keras.Input((28, 28)), layers.Flatten(), last()])
    with pytest.raises(UsageError, match="expected a Dense layer with a softmax"):
        without_softmax(model)
