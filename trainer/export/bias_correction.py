"""Bias correction: takes the mean error that rounded weights cause out of a quantised graph.

Rounding the weights shifts the sum of each channel by the rounding errors times the mean inputs, which is much where
inputs are far from zero on average, as grey levels are. The biases are 32 bit integers, fine enough to subtract that
shift. Nagel et al., Data-Free Quantization Through Weight Equalization and Bias Correction, ICCV 2019, section 4.2,
with the means measured on the calibration pictures.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as tfl
from numpy.typing import NDArray

from edge.classify.runtime import build_interpreter
from trainer.data import Examples
from trainer.export.graph import parse, serialise

_N_EXAMPLES = 500
_DTYPES: dict[int, np.dtype[Any]] = {
    tfl.TensorType.FLOAT32: np.dtype("<f4"),
    tfl.TensorType.INT8: np.dtype("i1"),
    tfl.TensorType.INT32: np.dtype("<i4"),
    tfl.TensorType.INT64: np.dtype("<i8"),
}
_WEIGHTED = (tfl.BuiltinOperator.CONV_2D, tfl.BuiltinOperator.FULLY_CONNECTED)


def correct_biases(graph: bytes, float_graph: bytes, calibration: Examples) -> bytes:
    """The quantised graph with corrected biases.

    Layers are taken in their order, each given what the corrected ones before it give. Layers without bias or with
    float weights stay as they are.

    Args:
        graph: canonical, by any recipe.
        float_graph: canonical, the same network by the recipe float32.
        calibration: the first 500 are used.
    """
    model, exact_model = parse(graph), parse(float_graph)
    for operator, exact_operator in zip(_weighted(model), _weighted(exact_model), strict=True):
        tensors = model.subgraphs[0].tensors
        weight = tensors[operator.inputs[1]]
        if weight.type != tfl.TensorType.INT8 or len(operator.inputs) < 3 or operator.inputs[2] < 0:
            continue
        exact = _value(exact_model, exact_operator.inputs[1])
        per_channel = [-1, *[1] * (exact.ndim - 1)]
        scale = np.asarray(weight.quantization.scale, np.float64).reshape(per_channel)
        mean = _mean_input(model, operator.inputs[0], exact.ndim, calibration)
        errors = exact - _value(model, operator.inputs[1]) * scale
        _shift_bias(model, operator.inputs[2], (errors * mean).reshape(len(exact), -1).sum(axis=1))
    return serialise(model)


def _shift_bias(model: Any, index: int, shift: NDArray[np.float64]) -> None:
    """Adds to a bias, in the unit of what the layer gives."""
    bias = model.subgraphs[0].tensors[index]
    values, dtype = _value(model, index), _DTYPES[bias.type]
    if bias.type == tfl.TensorType.FLOAT32:
        values = values + shift
    else:
        values = values + np.rint(shift / np.asarray(bias.quantization.scale, np.float64))
    model.buffers[bias.buffer].data = np.frombuffer(values.astype(dtype).tobytes(), np.uint8)


def _weighted(model: Any) -> list[Any]:
    """The operators with weights, in the order they run."""
    return [op for op in model.subgraphs[0].operators if model.operatorCodes[op.opcodeIndex].builtinCode in _WEIGHTED]


def _value(model: Any, index: int) -> NDArray[np.float64]:
    """A constant's numbers as they are stored."""
    tensor = model.subgraphs[0].tensors[index]
    data = bytes(bytearray(model.buffers[tensor.buffer].data))
    stored: NDArray[Any] = np.frombuffer(data, _DTYPES[tensor.type])
    values: NDArray[np.float64] = stored.reshape(tensor.shape).astype(np.float64)
    return values


def _mean_input(model: Any, index: int, n_axes: int, calibration: Examples) -> NDArray[np.float64]:
    """Mean of what a layer is given: of each element for a dense layer, of each channel for a convolution."""
    examples = calibration.take(np.arange(min(_N_EXAMPLES, len(calibration))))
    tensor = model.subgraphs[0].tensors[index]
    if index in model.subgraphs[0].inputs:
        given = examples.measures if len(tensor.shape) == 2 else examples.patches
        values = given.astype(np.float64)
    else:
        values = _run_to(model, index, examples)
    rows = values.reshape(-1, values.shape[-1]) if n_axes == 4 else values.reshape(len(examples), -1)
    mean: NDArray[np.float64] = rows.mean(axis=0)
    return mean


def _run_to(model: Any, index: int, examples: Examples) -> NDArray[np.float64]:
    """What the graph gives at one tensor."""
    subgraph = model.subgraphs[0]
    outputs, subgraph.outputs = subgraph.outputs, [index]
    try:
        interpreter = build_interpreter(serialise(model))
    finally:
        subgraph.outputs = outputs
    inputs = interpreter.get_input_details()
    for details in inputs:
        interpreter.resize_tensor_input(details["index"], [len(examples), *details["shape"][1:].tolist()])
    interpreter.allocate_tensors()
    for details in inputs:
        given = (examples.measures if len(details["shape"]) == 2 else examples.patches).astype(np.float64)
        scale, zero_point = details["quantization"]
        codes = np.rint(given / scale) + zero_point if scale else given
        interpreter.set_tensor(details["index"], codes.astype(details["dtype"]))
    interpreter.invoke()
    (output,) = interpreter.get_output_details()
    scale, zero_point = output["quantization"]
    values = interpreter.get_tensor(output["index"]).astype(np.float64)
    return (values - zero_point) * scale if scale else values
