"""TFLite graphs: read as objects, brought into a canonical order, and written again.

The converter writes names that depend on what was built before, times, and padding of its own, so that two conversions
of the same weights differ. What is written here depends on the graph alone.
"""

from __future__ import annotations

import copy
from typing import Any

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as tfl

OLDEST_RUNTIME = "tflite-runtime 2.14.0"

OLDEST_VERSIONS = {
    "ABS": 5, "ADD": 5, "AVERAGE_POOL_2D": 3, "BATCH_MATMUL": 4, "BROADCAST_TO": 3, "CAST": 5, "CONCATENATION": 4,
    "CONV_2D": 7, "DEPTHWISE_CONV_2D": 7, "DEQUANTIZE": 5, "DIV": 2, "ELU": 1, "EXP": 2, "EXPAND_DIMS": 1, "FILL": 4,
    "FULLY_CONNECTED": 10, "GATHER": 6, "GELU": 2, "HARD_SWISH": 1, "LEAKY_RELU": 2, "LOG": 1, "LOGISTIC": 3,
    "LOG_SOFTMAX": 2, "MAXIMUM": 4, "MAX_POOL_2D": 3, "MEAN": 3, "MINIMUM": 4, "MIRROR_PAD": 3, "MUL": 7, "NEG": 1,
    "PACK": 4, "PAD": 4, "PADV2": 4, "POW": 1, "PRELU": 1, "QUANTIZE": 3, "REDUCE_MAX": 3, "RELU": 3, "RELU6": 3,
    "RESHAPE": 1, "RESIZE_BILINEAR": 4, "RESIZE_NEAREST_NEIGHBOR": 4, "RSQRT": 2, "SHAPE": 1, "SLICE": 6, "SOFTMAX": 3,
    "SPLIT": 4, "SQRT": 1, "SQUARED_DIFFERENCE": 2, "SQUEEZE": 2, "STRIDED_SLICE": 8, "SUB": 5, "SUM": 2, "TANH": 3,
    "TILE": 3, "TRANSPOSE": 6, "TRANSPOSE_CONV": 4,
}  # fmt: skip
"""Newest version of each operator that the oldest supported runtime has. Found by trying: that runtime was given graphs
with every version, and refuses those that it lacks."""

_OPERATORS = {code: name for name, code in vars(tfl.BuiltinOperator).items() if isinstance(code, int)}
_ALIGNMENT = 16
"""Of constants, as the schema asks for; the generated Python code leaves it out."""


class _AlignedBuffer(tfl.BufferT):  # type: ignore[misc]  # the schema's code is untyped
    def Pack(self, builder: Any) -> Any:  # noqa: N802 - the schema's name
        if self.data is None or len(self.data) == 0:
            return super().Pack(builder)
        data = np.asarray(self.data, np.uint8).tobytes()
        builder.StartVector(1, len(data), _ALIGNMENT)
        builder.head -= len(data)
        builder.Bytes[builder.head : builder.head + len(data)] = data
        vector = builder.EndVector()
        tfl.BufferStart(builder)
        tfl.BufferAddData(builder, vector)
        return tfl.BufferEnd(builder)


def parse(graph: bytes) -> Any:
    """The schema's `ModelT` of a flatbuffer."""
    return tfl.ModelT.InitFromPackedBuf(graph, 0)


def serialise(model: Any) -> bytes:
    """The flatbuffer of a `ModelT`, constants aligned as the schema asks for; the same bytes for the same model."""
    for buffer in model.buffers:
        buffer.__class__ = _AlignedBuffer
    builder = flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), file_identifier=b"TFL3")
    return bytes(builder.Output())


def canonical(graph: bytes, description: str = "") -> bytes:
    """The same graph without what its making left behind.

    Tensors are named by their place, but for the inputs `patch` and `measures` and the output `logits`; what the
    converter noted about itself is dropped. A RESHAPE that only flattens for a FULLY_CONNECTED goes too: that
    flattens by itself.

    Args:
        graph: one subgraph with one or two inputs and one output.
        description: what the flatbuffer says it is.
    """
    model = parse(graph)
    subgraph = model.subgraphs[0]
    _drop_flattening(model, subgraph)
    model.description, model.metadataBuffer, model.signatureDefs = description, None, None
    model.metadata = None
    subgraph.name = "main"
    used = _tensors_in_order(subgraph)
    for number, index in enumerate(used):
        subgraph.tensors[index].name = f"t{number}"
    for index in subgraph.inputs:
        tensor = subgraph.tensors[index]
        tensor.name = "measures" if len(tensor.shape) == 2 else "patch"
    subgraph.tensors[subgraph.outputs[0]].name = "logits"
    _keep(model, subgraph, used)
    return serialise(model)


def with_scores(graph: bytes, temperature: float) -> bytes:
    """The graph with a second output `scores`: the softmax of its logits divided by the temperature.

    So the scores take no further call, and a program that runs the .tflite by itself has them, too. A graph with
    integer logits is left as it is, as no float operator is wanted in it.

    Args:
        graph: canonical; its one output is `logits`.
        temperature: more than 0.
    """
    model = parse(graph)
    subgraph = model.subgraphs[0]
    (output,) = (int(index) for index in subgraph.outputs)
    logits = subgraph.tensors[output]
    if logits.type != tfl.TensorType.FLOAT32:
        return graph
    scores = copy.copy(logits)
    scores.name, scores.buffer = "scores", 0
    subgraph.tensors.append(scores)
    code = tfl.OperatorCodeT()
    code.builtinCode = code.deprecatedBuiltinCode = tfl.BuiltinOperator.SOFTMAX
    code.version = 1
    model.operatorCodes.append(code)
    softmax = tfl.OperatorT()
    softmax.opcodeIndex = len(model.operatorCodes) - 1
    softmax.inputs, softmax.outputs = [output], [len(subgraph.tensors) - 1]
    softmax.builtinOptionsType = tfl.BuiltinOptions.SoftmaxOptions
    softmax.builtinOptions = tfl.SoftmaxOptionsT()
    softmax.builtinOptions.beta = 1 / temperature
    subgraph.operators.append(softmax)
    subgraph.outputs = [output, len(subgraph.tensors) - 1]
    return serialise(model)


def too_new(graph: bytes) -> list[str]:
    """Operators, with their versions, that the oldest supported runtime does not have; none is what is wanted."""
    model = parse(graph)
    missing = []
    for code in model.operatorCodes:
        name = _OPERATORS.get(max(code.builtinCode, code.deprecatedBuiltinCode), "CUSTOM")
        if code.version > OLDEST_VERSIONS.get(name, 0):
            missing.append(f"{name} version {code.version}")
    return sorted(missing)


def operators(graph: bytes) -> list[str]:
    """Names of the operators in the order they run."""
    model = parse(graph)
    return [_OPERATORS[model.operatorCodes[op.opcodeIndex].builtinCode] for op in model.subgraphs[0].operators]


def input_ranks(graph: bytes) -> list[int]:
    """Number of axes of each input, in the graph's order."""
    subgraph = parse(graph).subgraphs[0]
    return [len(subgraph.tensors[index].shape) for index in subgraph.inputs]


def output_name(graph: bytes) -> str:
    """Name of the first output."""
    subgraph = parse(graph).subgraphs[0]
    name = subgraph.tensors[subgraph.outputs[0]].name
    return name.decode() if isinstance(name, bytes) else str(name)


def _kind(model: Any, operator: Any) -> int:
    return int(model.operatorCodes[operator.opcodeIndex].builtinCode)


def _drop_flattening(model: Any, subgraph: Any) -> None:
    for operator in list(subgraph.operators):
        if _kind(model, operator) != tfl.BuiltinOperator.RESHAPE:
            continue
        given, flat = operator.inputs[0], operator.outputs[0]
        readers = [op for op in subgraph.operators if flat in op.inputs]
        if len(subgraph.tensors[flat].shape) != 2 or flat in subgraph.outputs:
            continue
        if all(_kind(model, op) == tfl.BuiltinOperator.FULLY_CONNECTED for op in readers):
            for reader in readers:
                reader.inputs = [given if index == flat else index for index in reader.inputs]
            subgraph.operators.remove(operator)


def _tensors_in_order(subgraph: Any) -> list[int]:
    """Indices of the tensors that are used: inputs first, then as the operators come to them."""
    order = dict.fromkeys(int(index) for index in subgraph.inputs)
    for operator in subgraph.operators:
        order.update(dict.fromkeys(int(i) for i in [*operator.inputs, *operator.outputs] if i >= 0))
    return list(order)


def _keep(model: Any, subgraph: Any, used: list[int]) -> None:
    """Renumbers tensors, buffers and operator codes so that only what is used remains, in the order of its use."""
    place = {index: number for number, index in enumerate(used)} | {-1: -1}
    subgraph.tensors = [subgraph.tensors[index] for index in used]
    subgraph.inputs = [place[int(i)] for i in subgraph.inputs]
    subgraph.outputs = [place[int(i)] for i in subgraph.outputs]
    codes: dict[int, int] = {}
    for operator in subgraph.operators:
        operator.inputs = [place[int(i)] for i in operator.inputs]
        operator.outputs = [place[int(i)] for i in operator.outputs]
        operator.opcodeIndex = codes.setdefault(int(operator.opcodeIndex), len(codes))
    model.operatorCodes = [model.operatorCodes[code] for code in codes]
    buffers = [tfl.BufferT()]  # the first is empty, by convention
    for tensor in subgraph.tensors:
        data = model.buffers[tensor.buffer].data
        if data is None or len(data) == 0:
            tensor.buffer = 0
        else:
            buffers.append(model.buffers[tensor.buffer])
            tensor.buffer = len(buffers) - 1
    model.buffers = buffers
