"""The networks, by name, and how a trained one is carried over to other labels.

All of them consume grey levels scaled to 0..1 and end in a softmax. Conversion folds the scaling into the graph
and takes the softmax off.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np
from keras import layers

from edge.classify import PatchSpec
from edge.errors import UsageError

PATCH_INPUT, MEASURES_INPUT = "patch", "measures"
LEARNING_RATE = 2e-3
"""Of Adam at the first step. Of 1, 2 and 3 times 1e-3 the best on Fashion-MNIST's validation pictures, with ten
epochs of cosine decay."""

_MEASURE_UNITS = (32,)


def build_model(
    input_shape: tuple[int, ...] = (28, 28),
    num_classes: int = 10,
    extra_layers: Sequence[keras.Layer] | None = None,
    hidden_units: int | None = 128,
) -> keras.Sequential:
    """A compiled classifier: Flatten, Dense 128 ReLU, the extra layers, Dense softmax.

    Args:
        input_shape: of one picture, such as (28, 28) or (256, 256, 3).
        num_classes: outputs of the last layer, at least 2.
        extra_layers: between the hidden layer and the last one, in this order. The layers themselves go into the
            model: to build two models, make two lists.
        hidden_units: of the Dense layer after Flatten; None leaves it out, so that extra layers may begin with
            Reshape(input_shape + (1,)) and go on with convolutions.

    Returns:
        A Sequential for pixels scaled to 0..1, compiled with Adam and sparse categorical cross-entropy.

    Raises:
        UsageError: a shape or count below 1, fewer than two classes, two extra layers of one name, or a layer that does
            not fit the one before.
    """
    if not input_shape or min(input_shape) < 1:
        raise UsageError(f"input shape {input_shape}: expected at least one axis, each at least 1, such as (28, 28)")
    if hidden_units is not None and hidden_units < 1:
        raise UsageError(f"{hidden_units} hidden units: expected at least 1, or None to leave the layer out")
    taken = _names_of(extra_layers or ())
    picture, flat, hidden, head = (_free(name, taken) for name in ("picture", "flat", "hidden", "head"))
    model = keras.Sequential([keras.Input(tuple(input_shape), name=picture), layers.Flatten(name=flat)])
    if hidden_units is not None:
        model.add(layers.Dense(hidden_units, activation="relu", name=hidden))
    for number, layer in enumerate(extra_layers or (), start=1):
        before = model.output_shape
        try:
            model.add(layer)
        except (ValueError, TypeError) as error:
            raise UsageError(_does_not_fit(number, layer, before, hidden_units)) from error
    if len(model.output_shape) != 2:
        raise UsageError(
            f"the extra layers end in {model.output_shape}: expected (None, n); add a Flatten at their end"
        )
    model.add(_head(num_classes, head))
    return compiled(model)


def build_network(name: str, spec: PatchSpec, n_labels: int) -> keras.Model:
    """One of `NETWORKS`, for the patches and measures that `spec` describes.

    Returns:
        A compiled model with the input `patch`, (size, size) in 0..1; where the spec names k measures, a second
        input `measures`, (k,) in 0..1, joined with what the body makes of the patch.

    Raises:
        UsageError: no network of that name, a patch too small for it, or fewer than two labels.
    """
    if name not in NETWORKS:
        raise UsageError(f"no network {name!r}: expected one of {', '.join(NETWORKS)}")
    patch = keras.Input((spec.size, spec.size), name=PATCH_INPUT)
    measures = keras.Input((len(spec.measures),), name=MEASURES_INPUT) if spec.measures else None
    joined = NETWORKS[name](patch, measures)
    inputs = patch if measures is None else [patch, measures]
    return compiled(keras.Model(inputs, _head(n_labels)(joined), name=name))


def _mlp(patch: Any, measures: Any | None) -> Any:
    x = layers.Flatten()(patch)
    return layers.Dense(128, activation="relu")(_beside(x, measures))


def _cnn(patch: Any, measures: Any | None) -> Any:
    """Two convolutions and a Dense 64; strides instead of pooling would save time and cost accuracy."""
    x = _convolved("cnn", patch, 16, "the mlp")
    return layers.Dense(64, activation="relu")(_beside(layers.Flatten()(x), measures))


def _deep_cnn(patch: Any, measures: Any | None) -> Any:
    """Four convolutions and a Dense 96; the measures through two layers.

    Filters in multiples of 16 and pooling before the third keep it below 1.6 times the time of `_cnn`. The third is
    padded, so that the fourth still sees 5x5.
    """
    x = _convolved("deep-cnn", patch, 18, "the cnn, the mlp")
    x = layers.Conv2D(64, 3, padding="same", activation="relu")(x)
    x = layers.Conv2D(64, 3, activation="relu")(x)
    return layers.Dense(96, activation="relu")(_beside(layers.Flatten()(x), measures, (64, 32)))


def _convolved(name: str, patch: Any, least_px: int, instead: str) -> Any:
    """What the CNNs begin with: two convolutions, pooled; a patch smaller than the network needs is refused."""
    if patch.shape[1] < least_px:
        raise UsageError(
            f"patch size {patch.shape[1]} px: the {name} needs at least {least_px}; take {instead}, or larger patches"
        )
    x = layers.Reshape((*patch.shape[1:], 1))(patch)
    for filters in (16, 32):
        x = layers.Conv2D(filters, 3, activation="relu")(x)
        x = layers.MaxPooling2D()(x)
    return x


def _beside(x: Any, measures: Any | None, units: tuple[int, ...] = _MEASURE_UNITS) -> Any:
    """The measures go through layers of their own first.

    Side by side in one tensor, features and raw measures would share one int8 scale; the features are larger, and
    of the measures' 255 steps some ten would be left.
    """
    if measures is None:
        return x
    for n in units:
        measures = layers.Dense(n, activation="relu")(measures)
    return layers.Concatenate()([x, measures])


NETWORKS: dict[str, Callable[[Any, Any | None], Any]] = {"mlp": _mlp, "cnn": _cnn, "deep-cnn": _deep_cnn}


def with_labels(model: keras.Model, old: Sequence[str], new: Sequence[str]) -> keras.Model:
    """The same body with a head for other labels, and its own copy of the weights.

    The columns of labels that both know are carried over; those of new ones start as the mean of the old columns,
    which is what the body knows of "none of these in particular".

    Args:
        model: ends in a Dense softmax over `old`; not changed.
        old: its labels, in the order of its outputs.
        new: the labels wanted, in the order of the new outputs.

    Raises:
        UsageError: the model does not end in a Dense layer, or `new` has fewer than two labels.
    """
    graph = keras.Model(model.inputs, model.outputs, name=model.name)  # a Sequential's graph, made visible
    head = graph.layers[-1]
    if not isinstance(head, layers.Dense):
        raise UsageError(f"the model ends in {type(head).__name__}: expected Dense; only its head can be replaced")
    _check_number(len(new))
    copy = keras.models.clone_model(graph, clone_function=lambda layer: _cloned(layer, head, len(new)))
    column = [old.index(label) if label in old else None for label in new]
    for original in graph.layers:
        weights = original.get_weights()
        if original is head:
            weights = [np.stack([w.mean(axis=-1) if c is None else w[..., c] for c in column], -1) for w in weights]
        if weights:  # the inputs, which have none, are named anew
            copy.get_layer(original.name).set_weights(weights)
    return compiled(copy)


def _cloned(layer: keras.Layer, head: keras.Layer, n_labels: int) -> keras.Layer:
    """A fresh layer of the same kind and name; of the head, one for that many labels.

    The head keeps its name, which no layer of the body can have. One that Keras chooses is free among the layers that
    this process built, not among those that it loaded.
    """
    config = layer.get_config()
    if layer is head:
        config = {**config, "units": n_labels, "activation": "softmax"}
    return type(layer).from_config(config)


def compiled(model: keras.Model) -> Any:
    """The model, compiled with Adam, sparse categorical cross-entropy and accuracy."""
    model.compile(
        optimizer=keras.optimizers.Adam(LEARNING_RATE), loss="sparse_categorical_crossentropy", metrics=["accuracy"]
    )
    return model


def _head(n_labels: int, name: str | None = None) -> keras.Layer:
    _check_number(n_labels)
    return layers.Dense(n_labels, activation="softmax", name=name)


def _check_number(n_labels: int) -> None:
    if n_labels < 2:
        raise UsageError(f"{n_labels} classes: expected at least 2 to tell apart")


def _names_of(extra_layers: Sequence[keras.Layer]) -> set[str]:
    names = [layer.name for layer in extra_layers]
    for name in names:
        if names.count(name) > 1:
            raise UsageError(f"{names.count(name)} extra layers are named {name!r}: give each layer its own name")
    return set(names)


def _free(wanted: str, taken: set[str]) -> str:
    """The name wanted, or with the first number that makes it one that is not taken."""
    names = itertools.chain([wanted], (f"{wanted}_{n}" for n in itertools.count(1)))
    return next(name for name in names if name not in taken)


def _does_not_fit(number: int, layer: keras.Layer, before: tuple[int | None, ...], hidden_units: int | None) -> str:
    target = f"{layer.target_shape}" if isinstance(layer, layers.Reshape) else ""
    text = f"extra layer {number}, {type(layer).__name__}{target}, does not fit: the layer before gives {before}"
    if hidden_units is not None and number == 1:
        text += f", the Dense {hidden_units}; leave that out with hidden_units=None to begin with the picture itself"
    return text
