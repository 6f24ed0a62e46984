"""The logits model, which is what gets converted: the trained network from grey levels 0..255 to its logits.

It is a copy that shares nothing with the trained model but the values of its weights. The scaling to 0..1 is folded
into the first weights that see the picture, as a Rescaling layer would cost time at every patch. Flattening is written
so that the converter needs no operators to work out the batch. The last softmax is left out: the temperature is
fitted on logits.
"""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from keras import layers

from edge.errors import UsageError

_KEEP_FACTOR = (
    layers.Dropout,
    layers.SpatialDropout2D,
    layers.MaxPooling2D,
    layers.AveragePooling2D,
    layers.GlobalAveragePooling2D,
    layers.GlobalMaxPooling2D,
    layers.ZeroPadding2D,
    layers.Cropping2D,
)
"""Layers for which f(s x) = s f(x), whatever s > 0."""

_PIXEL = 1 / 255


def without_softmax(model: keras.Model) -> keras.Model:
    """A copy of a trained model that takes grey levels 0..255 and gives logits.

    The logits are the logarithms of the trained model's answers, up to a constant in each row. Layers are named by
    their place, so that equal weights give equal copies whatever was built before.

    Args:
        model: consumes pixels (and measures) scaled to 0..1; ends in a Dense softmax, or in a Dense and a softmax
            of its own; not changed.

    Returns:
        A model with float inputs 0..255 of the same shapes and order; its outputs are the logits.

    Raises:
        UsageError: the model does not end so.
    """
    graph = keras.Model(model.inputs, model.outputs)  # a Sequential's graph, made visible
    _check_end(graph)
    inputs = [keras.Input(t.shape[1:], name=f"input_{i}") for i, t in enumerate(graph.inputs)]
    copy = _Copy(graph, inputs)
    return keras.models.clone_model(graph, inputs, clone_function=copy.clone, call_function=copy.call)


def as_inputs(model: keras.Model, arrays: list[Any]) -> Any:
    """Arrays in the form the model takes: a list, or the one array itself if it was built for that."""
    takes_one = isinstance(model, keras.Sequential) or not isinstance(model.input, list | tuple)
    return arrays[0] if takes_one else arrays


class _Copy:
    """Copies a model layer by layer.

    For each tensor it knows the factor by which it is still to be multiplied.
    """

    def __init__(self, graph: keras.Model, inputs: list[Any]) -> None:
        self._last = graph.layers[-1]
        self._originals: dict[int, keras.Layer] = {}
        # The tensors are kept beside their factors, so that no other can take over their id.
        self._factors: dict[int, tuple[Any, float]] = {id(t): (t, _PIXEL) for t in inputs}
        self._folded_by: dict[keras.Layer, float] = {}
        self._n_rescaled = 0

    def clone(self, layer: keras.Layer) -> keras.Layer:
        """A fresh layer of the same kind; without its softmax if it is the last."""
        config = {**layer.get_config(), "name": f"layer_{len(self._originals)}"}
        if layer is self._last and isinstance(layer, layers.Dense):
            config["activation"] = "linear"
        copy = type(layer).from_config(config)
        self._originals[id(copy)] = layer
        return copy

    def call(self, layer: Any, *args: Any, **kwargs: Any) -> Any:
        """What the copy gives for these tensors, its weights set."""
        original = self._originals.get(id(layer))
        if _is_softmax(layer):
            return args[0] if original is self._last else self._plain(layer, original, args, kwargs)
        if isinstance(layer, layers.Flatten | layers.Reshape):
            return self._reshaped(layer, args[0])
        if type(layer) in (layers.Dense, layers.Conv2D) and getattr(layer, "groups", 1) == 1:
            return self._folded(layer, original, args[0])
        if isinstance(layer, layers.Concatenate):
            return self._beside(layer, args[0])
        if isinstance(layer, _KEEP_FACTOR):
            return self._put(layer(*args, **kwargs), self._factor(args[0]))
        return self._plain(layer, original, args, kwargs)

    def _factor(self, tensor: Any) -> float:
        return self._factors.get(id(tensor), (None, 1.0))[1]

    def _put(self, tensor: Any, factor: float) -> Any:
        self._factors[id(tensor)] = (tensor, factor)
        return tensor

    def _folded(self, layer: Any, original: Any, tensor: Any) -> Any:
        """A layer that multiplies with weights of its own: the factor goes into these."""
        factor = self._factor(tensor)
        if original in self._folded_by:  # a layer that is used twice is folded for its first use
            return layer(self._scaled(self._put(tensor, factor / self._folded_by[original])))
        given = layer(tensor)
        kernel, *bias = original.get_weights()
        layer.set_weights([(kernel * np.float64(factor)).astype(kernel.dtype), *bias])
        self._folded_by[original] = factor
        return given

    def _reshaped(self, layer: Any, tensor: Any) -> Any:
        shape = layer.compute_output_shape(tensor.shape)[1:]
        return self._put(keras.ops.reshape(tensor, (-1, *shape)), self._factor(tensor))

    def _beside(self, layer: Any, tensors: list[Any]) -> Any:
        """Tensors put side by side share one integer scale, so they also have to share a factor."""
        factors = {self._factor(t) for t in tensors}
        if len(factors) == 1:
            return self._put(layer(tensors), factors.pop())
        return layer([self._scaled(t) for t in tensors])

    def _plain(self, layer: Any, original: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """A layer about which nothing is known: its tensors are scaled first."""
        first = args[0] if args else None
        if isinstance(first, list | tuple):
            args = ([self._scaled(t) for t in first], *args[1:])
        else:
            args = (self._scaled(first), *args[1:])
        given = layer(*args, **kwargs)
        if original is not None:
            layer.set_weights(original.get_weights())
        return given

    def _scaled(self, tensor: Any) -> Any:
        factor = self._factor(tensor)
        if factor == 1.0:
            return tensor
        self._n_rescaled += 1
        return layers.Rescaling(factor, name=f"rescaled_{self._n_rescaled}")(tensor)


def _is_softmax(layer: Any) -> bool:
    return isinstance(layer, layers.Softmax) or (
        isinstance(layer, layers.Activation) and layer.activation is keras.activations.softmax
    )


def _check_end(graph: keras.Model) -> None:
    last = graph.layers[-1]
    if isinstance(last, layers.Dense) and last.activation is keras.activations.softmax:
        return
    if _is_softmax(last) and len(graph.layers) > 1:
        before = graph.layers[-2]
        if isinstance(before, layers.Dense) and before.activation is keras.activations.linear:
            return
    raise UsageError(
        f"the model ends in {type(last).__name__}: expected a Dense layer with a softmax, so that its logits can be had"
    )
