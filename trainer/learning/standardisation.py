"""Standardised inputs while a network learns, folded into its first weights afterwards.

A patch whose background was put at mid grey is 0.5 nearly everywhere. A network that learns from such patches as they
are spends the steps of its first layer on that offset, and faint marks change little. So it learns from
(x - mean) / sd, and its first weights are then rewritten for x itself. That is exact, as these layers are linear
before their activation. The finished network takes grey levels 0..1 and has no layer more at inference.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from keras import layers
from numpy.typing import NDArray

from edge.errors import UsageError
from trainer.data import Examples
from trainer.data.examples import batches
from trainer.learning.network import MEASURES_INPUT, PATCH_INPUT

_RESHAPING = (layers.Flatten, layers.Reshape)
_MIN_SD = 1 / 255


@dataclass(frozen=True, eq=False)
class Scaling:
    """Mean and standard deviation of the inputs, which are 0..1.

    Attributes:
        patch_mean: of all pixels together.
        patch_sd: of all pixels together, at least a grey level.
        measures_mean: (k,) float32, of each measure.
        measures_sd: (k,) float32, of each measure, at least a grey level.
    """

    patch_mean: float
    patch_sd: float
    measures_mean: NDArray[np.float32]
    measures_sd: NDArray[np.float32]


def scaling_of(examples: Examples) -> Scaling:
    """What standardises these examples."""
    counts = np.bincount(examples.patches.reshape(-1), minlength=256)
    levels = np.arange(256) / 255
    mean = float(np.average(levels, weights=counts))
    sd = float(np.sqrt(np.average((levels - mean) ** 2, weights=counts)))
    measures = examples.measures.astype(np.float64) / 255
    return Scaling(
        mean,
        max(sd, _MIN_SD),
        measures.mean(axis=0).astype(np.float32),
        np.maximum(measures.std(axis=0), _MIN_SD).astype(np.float32),
    )


def scaled(patches: Any, measures: Any | None, scaling: Scaling | None) -> Any:
    """What goes into a model, as float32 tensors.

    Args:
        patches: (n, size, size) uint8.
        measures: (n, k) uint8, or None where the model takes none.
        scaling: standardises 0..1 further; None: does not.
    """
    x = tf.cast(patches, tf.float32) / 255.0
    if scaling is not None:
        x = (x - scaling.patch_mean) / scaling.patch_sd
    if measures is None:
        return x
    beside = tf.cast(measures, tf.float32) / 255.0
    if scaling is not None:
        beside = (beside - scaling.measures_mean) / scaling.measures_sd
    return [x, beside]


def probabilities(
    model: keras.Model,
    patches: NDArray[np.uint8],
    measures: NDArray[np.uint8] | None = None,
    scaling: Scaling | None = None,
) -> NDArray[np.float32]:
    """What the float model says of patches.

    Args:
        model: consumes pixels (and measures) scaled to 0..1, or standardised by `scaling`.
        patches: (n, size, size) uint8.
        measures: (n, k) uint8; not looked at where the model takes none.
        scaling: what the model's inputs are standardised by while it learns.

    Returns:
        (n, labels) float32, rows sum to 1; (0, labels) for none.

    Raises:
        UsageError: no measures for a model that takes some.
    """
    if measures is None and len(model.inputs) > 1:
        raise UsageError("the model takes measures beside the patches: give an (n, k) array, 0 for not known")
    rows = [np.empty((0, model.output_shape[-1]), np.float32)]
    for some, known in batches(patches, measures if len(model.inputs) > 1 else None):
        rows.append(model(scaled(tf.constant(some), known, scaling), training=False).numpy())
    return np.concatenate(rows)


def takes_scaling(model: keras.Model) -> bool:
    """Whether the first weights see the inputs linearly, and every pixel alike, so that `fold` is exact."""
    try:
        return bool(_readers(model))
    except LookupError:
        return False


def fold(model: keras.Model, scaling: Scaling) -> None:
    """Makes a model of standardised inputs one of inputs 0..1, in place: the answers stay the same."""
    measures_sd = scaling.measures_sd.astype(np.float64)
    _rescale(
        model,
        {PATCH_INPUT: 1 / scaling.patch_sd, MEASURES_INPUT: 1 / measures_sd},
        {PATCH_INPUT: -scaling.patch_mean / scaling.patch_sd, MEASURES_INPUT: -scaling.measures_mean / measures_sd},
    )


def unfold(model: keras.Model, scaling: Scaling) -> None:
    """The inverse of `fold`."""
    _rescale(
        model,
        {PATCH_INPUT: scaling.patch_sd, MEASURES_INPUT: scaling.measures_sd.astype(np.float64)},
        {PATCH_INPUT: scaling.patch_mean, MEASURES_INPUT: scaling.measures_mean.astype(np.float64)},
    )


def _rescale(model: keras.Model, factors: dict[str, Any], offsets: dict[str, Any]) -> None:
    """Lets the model see x where it saw factor * x + offset."""
    for layer, segments in _readers(model):
        kernel, bias = (np.array(w, np.float64) for w in layer.get_weights())
        start = 0
        for source, width in segments:
            rows = kernel[start : start + width] if len(segments) > 1 else kernel
            start += width
            if source == MEASURES_INPUT:
                bias += offsets[source] @ rows
                rows *= factors[source][:, None]
            elif source == PATCH_INPUT:
                bias += offsets[source] * rows.reshape(-1, rows.shape[-1]).sum(axis=0)
                rows *= factors[source]
        layer.set_weights([kernel, bias])


_Segments = list[tuple[str, int]]
_FEATURES = "features"


def _readers(model: keras.Model) -> list[tuple[Any, _Segments]]:
    """The layers whose weights see an input as it is, each with what its kernel's rows stand for.

    Raises:
        LookupError: something else sees an input, so that it cannot be said.
    """
    graph = keras.Model(model.inputs, model.outputs)  # a Sequential's graph, made visible
    inputs = [keras.Input(t.shape[1:]) for t in graph.inputs]
    # Tensors are kept beside what they hold, so that no other can take over their id.
    known: dict[int, tuple[Any, _Segments]] = {
        id(t): (t, [(name, int(np.prod(t.shape[1:])))])
        for t, name in zip(inputs, (PATCH_INPUT, MEASURES_INPUT), strict=False)
    }
    readers: dict[str, _Segments] = {}

    def follow(copy: Any, *args: Any, **kwargs: Any) -> Any:
        given = args[0] if isinstance(args[0], list) else [args[0]]
        made = copy(*args, **kwargs)
        if not any(id(t) in known for t in given):
            return made
        segments = [s for t in given for s in known.get(id(t), (t, [(_FEATURES, int(t.shape[-1] or 0))]))[1]]
        if isinstance(copy, _RESHAPING) or (isinstance(copy, layers.Concatenate) and made.ndim == 2):
            known[id(made)] = made, segments
        elif _is_linear(copy) and copy.name not in readers:
            readers[copy.name] = segments
        else:
            raise LookupError(f"{copy.name} sees an input as it is")
        return made

    keras.models.clone_model(graph, inputs, call_function=follow)
    return [(graph.get_layer(name), segments) for name, segments in readers.items()]


def _is_linear(layer: keras.Layer) -> bool:
    """Dense or an unpadded convolution, with a bias, before its activation."""
    if isinstance(layer, layers.Conv2D):
        return bool(layer.padding == "valid" and layer.use_bias and layer.groups == 1)
    return isinstance(layer, layers.Dense) and bool(layer.use_bias)
