from __future__ import annotations

from typing import Any

import numpy as np
import pytest

keras = pytest.importorskip("keras", reason="the train extra (TensorFlow) is not installed")

from edge.classify import PatchSpec
from edge.errors import UsageError
from trainer.learning.network import NETWORKS, build_model, build_network, with_labels
from trainer.learning.standardisation import probabilities

pytestmark = pytest.mark.train
layers = keras.layers


def small_cnn() -> list[object]:
    """What users try as extra layers."""
    return [
        layers.Reshape((28, 28, 1)),
        layers.Conv2D(32, 3, activation="relu"),
        layers.MaxPooling2D(),
        layers.Flatten(),
        layers.Dense(64, activation="relu"),
    ]


def test_the_default_model_is_flatten_dense_128_softmax() -> None:
    """784-128-10, 101,770 parameters, compiled for integer labels with Adam."""
    model = build_model()
    assert isinstance(model, keras.Sequential)
    assert [type(layer).__name__ for layer in model.layers] == ["Flatten", "Dense", "Dense"]
    assert (model.layers[1].units, model.layers[1].activation.__name__) == (128, "relu")
    assert model.layers[2].activation.__name__ == "softmax"
    assert model.count_params() == 101_770
    assert model.loss == "sparse_categorical_crossentropy"
    assert isinstance(model.optimizer, keras.optimizers.Adam)


def test_colour_pictures_of_any_size_and_other_counts_of_classes() -> None:
    """(256, 256, 3) with 5 classes works, as does fitting it."""
    model = build_model((256, 256, 3), 5)
    assert (model.input_shape, model.output_shape) == ((None, 256, 256, 3), (None, 5))
    model.fit(np.zeros((4, 256, 256, 3), np.float32), np.arange(4), verbose=0)
    assert "accuracy" in model.get_metrics_result()


def test_extra_layers_lie_between_the_hidden_and_the_last_layer() -> None:
    """In the order given."""
    model = build_model(extra_layers=[layers.Dropout(0.1), layers.Dense(32)])
    assert [type(layer).__name__ for layer in model.layers] == ["Flatten", "Dense", "Dropout", "Dense", "Dense"]


def test_a_cnn_as_extra_layers_fits_once_the_hidden_layer_is_left_out() -> None:
    """Reshape restores the picture from Flatten."""
    model = build_model(extra_layers=small_cnn(), hidden_units=None)
    assert model.layers[1].output.shape == (None, 28, 28, 1)
    assert model.output_shape == (None, 10)


def test_a_cnn_after_the_hidden_layer_says_what_to_leave_out() -> None:
    """128 values are no 28x28 picture: the message names layer, shape and parameter."""
    with pytest.raises(UsageError, match=r"Reshape\(28, 28, 1\).*\(None, 128\).*hidden_units=None"):
        build_model(extra_layers=small_cnn())


def test_layers_and_counts_that_do_not_fit_are_refused() -> None:
    """Each with its own message."""
    cases: list[tuple[str, dict[str, Any]]] = [
        ("end in", {"extra_layers": small_cnn()[:2], "hidden_units": None}),
        ("extra layer 2, Conv2D", {"extra_layers": [layers.Dense(4), layers.Conv2D(2, 3)]}),
        ("1 classes", {"num_classes": 1}),
        ("0 hidden units", {"hidden_units": 0}),
        ("input shape", {"input_shape": (0, 28)}),
        ("input shape", {"input_shape": ()}),
    ]
    for expected, arguments in cases:
        with pytest.raises(UsageError, match=expected):
            build_model(**arguments)


def names_to_come() -> list[str]:
    """What Keras will call the next Dense layers; in a process that built none yet: `dense`, `dense_1` and so on."""
    layers.Dense(1)  # the very first has no number
    number = int(layers.Dense(1).name.removeprefix("dense_"))
    return [f"dense_{number + k}" for k in range(1, 13)]


@pytest.mark.parametrize("names", [["hidden", "head"], ["flat", "picture", "head_1"], None])
def test_extra_layers_may_have_any_name(names: list[str] | None) -> None:
    """Also those that this model's own layers have else, and those that Keras would give them."""
    extra = [layers.Dense(8, name=name) for name in names or names_to_come()]
    model = build_model((8, 8), 3, extra)
    assert [layer for layer in model.layers if layer in extra] == extra
    assert model.output_shape == (None, 3)


def test_a_model_has_the_same_names_whatever_was_built_before() -> None:
    """Its layers are named by what they are for."""
    assert [layer.name for layer in build_model().layers] == ["flat", "hidden", "head"]
    assert [layer.name for layer in build_model().layers] == ["flat", "hidden", "head"]


def test_two_extra_layers_of_one_name_are_refused() -> None:
    """A layer given twice, too; the name is in the message."""
    twice = layers.Dense(8, name="mine")
    for extra in ([twice, twice], [twice, layers.Dense(4, name="mine")]):
        with pytest.raises(UsageError, match="2 extra layers are named 'mine': give each layer its own name"):
            build_model(extra_layers=extra)


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("measures", [(), ("snr", "fill", "aspect")])
def test_networks_take_what_the_spec_describes(name: str, measures: tuple[str, ...]) -> None:
    """A patch, and the measures beside it if there are any; probabilities come out."""
    spec = PatchSpec(20, measures=measures)
    model = build_network(name, spec, 5)
    rng = np.random.default_rng(0)
    patches, codes = rng.integers(0, 256, (3, 20, 20), np.uint8), rng.integers(0, 256, (3, len(measures)), np.uint8)
    scores = probabilities(model, patches, codes)
    assert [i.name for i in model.inputs] == ["patch", "measures"][: 1 + bool(measures)]
    assert scores.shape == (3, 5)
    np.testing.assert_allclose(scores.sum(axis=1), 1, rtol=1e-5)


def test_the_mlp_is_the_default_model() -> None:
    """By name or by `build_model`, the same layers."""
    by_name = build_network("mlp", PatchSpec(), 10)
    assert [w.shape for w in by_name.weights] == [w.shape for w in build_model().weights]


def test_unknown_networks_and_patches_too_small_are_refused() -> None:
    """The message names what there is, or what is needed."""
    with pytest.raises(UsageError, match="'resnet': expected one of mlp, cnn, deep-cnn"):
        build_network("resnet", PatchSpec(), 5)
    with pytest.raises(UsageError, match="8 px: the cnn needs at least 16"):
        build_network("cnn", PatchSpec(8), 5)
    with pytest.raises(UsageError, match="17 px: the deep-cnn needs at least 18"):
        build_network("deep-cnn", PatchSpec(17), 5)
    assert build_network("deep-cnn", PatchSpec(18), 5).output_shape == (None, 5)


def test_other_labels_keep_the_body_and_the_columns_they_share() -> None:
    """A label that both know keeps its logit; the original is not changed."""
    spec = PatchSpec(8)
    old = build_network("mlp", spec, 3)
    before = [w.copy() for w in old.get_weights()]
    new = with_labels(old, ("dig", "chip", "scratch"), ("scratch", "film", "dig"))
    *body, kernel, bias = new.get_weights()
    assert all(np.array_equal(a, b) for a, b in zip(body, before[:-2], strict=True))
    assert np.array_equal(kernel[:, [0, 2]], before[-2][:, [2, 0]])
    np.testing.assert_allclose(kernel[:, 1], before[-2].mean(axis=1))
    assert bias.shape == (3,)
    new.layers[1 if len(new.layers) < 4 else 2].set_weights([np.zeros_like(body[0]), np.zeros_like(body[1])])
    assert all(np.array_equal(a, b) for a, b in zip(old.get_weights(), before, strict=True))


def test_the_same_labels_give_a_copy_that_answers_alike() -> None:
    """Also for a Sequential."""
    model = build_model((8, 8), 2)
    copy = with_labels(model, ("a", "b"), ("a", "b"))
    patches = np.random.default_rng(0).integers(0, 256, (5, 8, 8), np.uint8)
    assert np.array_equal(probabilities(copy, patches), probabilities(model, patches))
    swapped = with_labels(model, ("a", "b"), ("b", "a"))
    np.testing.assert_allclose(probabilities(swapped, patches)[:, ::-1], probabilities(model, patches), rtol=1e-5)


def test_a_model_that_does_not_end_in_dense_cannot_change_its_labels() -> None:
    """Its head is not known."""
    inputs = keras.Input((8, 8))
    model = keras.Model(inputs, layers.Softmax()(layers.Dense(2)(layers.Flatten()(inputs))))
    with pytest.raises(UsageError, match="ends in Softmax"):
        with_labels(model, ("a", "b"), ("b", "c"))


def loaded_elsewhere(name: str) -> object:
    """A model whose layers have the names that Keras will give next, as one has that another process made."""
    if name == "sequential":
        model = build_model((20, 20), 3, [layers.Dense(4)])
    else:
        model = build_network(name, PatchSpec(20, measures=("snr", "fill")), 3)
    to_come = iter(names_to_come())

    def renamed(layer: object) -> object:
        config = layer.get_config()  # type: ignore[attr-defined]  # the test looks inside
        if isinstance(layer, layers.Dense):
            config["name"] = next(to_come)
        return type(layer).from_config(config)  # type: ignore[attr-defined]  # the test looks inside

    copy = keras.models.clone_model(model, clone_function=renamed)
    copy.set_weights(model.get_weights())
    return copy


@pytest.mark.parametrize("name", [*NETWORKS, "sequential"])
@pytest.mark.parametrize("new", [("b", "c", "d"), ("c", "a"), ("c", "a", "b"), ("x", "y")])
def test_a_new_head_takes_no_name_of_the_body(name: str, new: tuple[str, ...]) -> None:
    """Whatever names a loaded body has: labels added, dropped, in another order, all new; and again on the outcome."""
    model = loaded_elsewhere(name)
    once = with_labels(model, ("a", "b", "c"), new)
    twice = with_labels(once, new, ("a", "new", "b"))
    assert once.output_shape == (None, len(new))
    assert twice.output_shape == (None, 3)
    body = [w.shape for w in model.get_weights()[:-2]]  # type: ignore[attr-defined]  # the test looks inside
    assert [w.shape for w in once.get_weights()[:-2]] == [w.shape for w in twice.get_weights()[:-2]] == body


def test_a_head_without_a_bias_stays_one() -> None:
    """Only the columns of its kernel are carried over."""
    inputs = keras.Input((8, 8))
    head = layers.Dense(3, activation="softmax", use_bias=False)
    model = keras.Model(inputs, head(layers.Flatten()(inputs)))
    (kernel,) = with_labels(model, ("a", "b", "c"), ("c", "d")).get_weights()
    assert np.array_equal(kernel[:, 0], model.get_weights()[0][:, 2])
    np.testing.assert_allclose(kernel[:, 1], model.get_weights()[0].mean(axis=1), rtol=1e-6)
