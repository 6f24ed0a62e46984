"""How a network becomes a TFLite graph: the recipes, by name.

All start from the logits model (grey levels 0..255 in, logits out, a batch that can be resized) and use built-in
operators only. Which recipe serves whom:

    int8       the default. Integer in the body; the last Dense and the logits stay float, because that is where
               agreement with the float network is lost. Input int8, scale exactly 1, zero point -128.
    int8-full  integer to the last bit, for accelerators that run nothing else. Same input; int8 logits.
    float32    nothing quantised: the reference.
    dynamic    weights int8, the rest float; no calibration.
    int16x8    weights int8, activations int16: near float, slow on most processors.
"""

from __future__ import annotations

import contextlib
import logging
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray
from tensorflow.lite.python.util import modify_model_io_type
from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

from edge.errors import UsageError
from trainer.data import Examples
from trainer.export.graph import input_ranks, output_name
from trainer.export.logits_model import as_inputs

DEFAULT_RECIPE = "int8"


@dataclass(frozen=True, slots=True)
class Recipe:
    """One way to convert.

    Attributes:
        make: the graph, given a converter's maker and the calibration's arrays.
        is_calibrated: whether integer ranges are taken from the calibration examples.
        min_agreement: what share of its answers a sound conversion shares with the float network.
        max_probability_error: how far no probability of a sound conversion lies from the float network's.
        means: one line for people.
    """

    make: Callable[[Callable[[], Any], list[list[NDArray[np.float32]]]], bytes]
    is_calibrated: bool
    min_agreement: float
    max_probability_error: float
    means: str

    @property
    def is_quantised(self) -> bool:
        """Whether weights are rounded."""
        return self.make is not _float32


def _int8(converter: Callable[[], Any], samples: list[list[NDArray[np.float32]]]) -> bytes:
    quantising = converter()
    quantising.optimizations = [tf.lite.Optimize.DEFAULT]
    quantising.representative_dataset = lambda: iter(samples)
    options = tf.lite.experimental.QuantizationDebugOptions
    # The node that computes the logits, by the name that the converter gives it.
    last = options(denylisted_nodes=[output_name(converter().convert())])
    debugger = tf.lite.experimental.QuantizationDebugger(
        converter=quantising, debug_dataset=lambda: iter(samples), debug_options=last
    )
    return bytes(modify_model_io_type(debugger.get_nondebug_quantized_model(), tf.int8, tf.float32))


def _int8_full(converter: Callable[[], Any], samples: list[list[NDArray[np.float32]]]) -> bytes:
    quantising = converter()
    quantising.optimizations = [tf.lite.Optimize.DEFAULT]
    quantising.representative_dataset = lambda: iter(samples)
    quantising.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    quantising.inference_input_type = quantising.inference_output_type = tf.int8
    return bytes(quantising.convert())


def _float32(converter: Callable[[], Any], _: list[list[NDArray[np.float32]]]) -> bytes:
    return bytes(converter().convert())


def _dynamic(converter: Callable[[], Any], _: list[list[NDArray[np.float32]]]) -> bytes:
    quantising = converter()
    quantising.optimizations = [tf.lite.Optimize.DEFAULT]
    # One scale a weight matrix: scales by channel ask for FULLY_CONNECTED version 12, which tflite-runtime 2.14 lacks.
    quantising._experimental_disable_per_channel_quantization_for_dense_layers = True
    return bytes(quantising.convert())


def _int16x8(converter: Callable[[], Any], samples: list[list[NDArray[np.float32]]]) -> bytes:
    quantising = converter()
    quantising.optimizations = [tf.lite.Optimize.DEFAULT]
    quantising.representative_dataset = lambda: iter(samples)
    quantising.target_spec.supported_ops = [tf.lite.OpsSet.EXPERIMENTAL_TFLITE_BUILTINS_ACTIVATIONS_INT16_WEIGHTS_INT8]
    quantising.inference_input_type = quantising.inference_output_type = tf.int16
    return bytes(quantising.convert())


RECIPES = {
    "int8": Recipe(_int8, True, 0.998, 0.1, "integer body, float logits; input scale 1, zero point -128"),
    "int8-full": Recipe(_int8_full, True, 0.98, 0.25, "integer to the last bit, for accelerators"),
    "float32": Recipe(_float32, False, 0.9995, 0.001, "nothing quantised"),
    "dynamic": Recipe(_dynamic, False, 0.985, 0.15, "int8 weights, float activations"),
    "int16x8": Recipe(_int16x8, True, 0.995, 0.1, "int8 weights, int16 activations"),
}


def to_tflite(logits_model: Any, recipe: str, calibration: Examples) -> bytes:
    """The graph of a logits model by a recipe: a bare flatbuffer, without metadata.

    Args:
        logits_model: as `trainer.export.logits_model.without_softmax` makes it.
        recipe: one of `RECIPES`.
        calibration: what the integer ranges are taken from, in this order; used by the calibrated recipes.

    Raises:
        UsageError: no recipe of that name, or nothing to calibrate with.
    """
    if recipe not in RECIPES:
        raise UsageError(f"no recipe {recipe!r}: expected one of {', '.join(RECIPES)}")
    if RECIPES[recipe].is_calibrated and len(calibration) < 2:
        raise UsageError(f"{len(calibration)} calibration pictures: the recipe {recipe} needs at least two, better 500")
    function = tf.function(
        lambda *inputs: logits_model(as_inputs(logits_model, list(inputs))),
        input_signature=[tf.TensorSpec((None, *t.shape[1:]), tf.float32, name=t.name) for t in logits_model.inputs],
        autograph=False,
    )
    frozen = convert_variables_to_constants_v2(function.get_concrete_function())

    def converter() -> Any:
        return tf.lite.TFLiteConverter.from_concrete_functions([frozen], tf.Module())

    with _quiet():
        ranks = input_ranks(converter().convert()) if RECIPES[recipe].is_calibrated else []
        return RECIPES[recipe].make(converter, _samples(calibration, ranks))


def _samples(calibration: Examples, ranks: list[int]) -> list[list[NDArray[np.float32]]]:
    """Batches of one, grey levels as float, in the graph's order of inputs.

    The first pixel of the first example is set to 0, that of the second to 255. So the input's range is 0..255 and its
    scale exactly 1 whatever the pictures are; one pixel changes no range further in.
    """
    arrays = []
    for rank in ranks:  # the converter orders inputs as it likes; patches have three axes, measures two
        given = calibration.patches if rank == 3 else calibration.measures
        array = given[:, None].astype(np.float32)
        array[0].flat[0], array[1].flat[0] = 0.0, 255.0
        arrays.append(array)
    return [list(sample) for sample in zip(*arrays, strict=True)]


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Silences what the converter logs and prints; errors are still raised."""
    tensorflow_log = tf.get_logger()
    before = tensorflow_log.level
    with warnings.catch_warnings():
        # The debugger builds a tf.lite.Interpreter, which announces that it will move to LiteRT.
        warnings.simplefilter("ignore")
        tensorflow_log.setLevel(logging.ERROR)
        try:
            yield
        finally:
            tensorflow_log.setLevel(before)
