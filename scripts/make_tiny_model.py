"""Makes the tiny models that the runtime probe and the edge's tests use, byte for byte the same every time.

Every answer of theirs can be computed by hand, none needs TensorFlow to make or to run:

    edge/classify/probe.tflite                 4x4 patch -> grey levels in its left and right half, in steps of 8
    tests/data/tiny.tflite            4x4 patch -> `left` and `right`, logits = grey levels / 255, in steps of 8 / 255
    tests/data/tiny-measures.tflite   the same, and two measures, each added to its half
    tests/data/tiny-scores.tflite     the same as tiny, and its graph ends in scores, too, at temperature 2
    tests/data/tiny-moving.tflite     the same as tiny, and its input moves in memory while it runs
    tests/data/tiny-defects.tflite    8x8 patch -> the five labels of the defect model

Usage: python scripts/make_tiny_model.py [--out FOLDER]
"""

from __future__ import annotations

import argparse
import zlib
from pathlib import Path

import numpy as np
from ai_edge_litert import schema_py_generated as tfl
from numpy.typing import NDArray

from edge.classify import PatchSpec
from edge.classify.bundle import pack
from edge.classify.description import Description, Golden
from trainer.export.graph import serialise, with_scores

HERE = Path(__file__).resolve().parent.parent


class Graph:
    """A TFLite graph, built tensor by tensor and operator by operator."""

    def __init__(self) -> None:
        self.model, self.subgraph = tfl.ModelT(), tfl.SubGraphT()
        self.model.version, self.model.description = 3, "Ferrule tiny model"
        self.model.buffers, self.model.operatorCodes = [tfl.BufferT()], []
        self.model.subgraphs = [self.subgraph]
        self.subgraph.name = "main"
        self.subgraph.tensors, self.subgraph.operators = [], []
        self.subgraph.inputs, self.subgraph.outputs = [], []

    def tensor(self, name: str, shape: list[int], dtype: int, scale: float | None = None, zero_point: int = 0) -> int:
        """A tensor computed at run time; its first axis is the batch."""
        tensor = tfl.TensorT()
        tensor.name, tensor.shape, tensor.type, tensor.buffer = name, [1, *shape], dtype, 0
        tensor.shapeSignature = [-1, *shape]
        if scale is not None:
            tensor.quantization = tfl.QuantizationParametersT()
            tensor.quantization.scale, tensor.quantization.zeroPoint = [scale], [zero_point]
        self.subgraph.tensors.append(tensor)
        return len(self.subgraph.tensors) - 1

    def whole(self, name: str, shape: list[int]) -> int:
        """Whole numbers computed at run time, of a fixed shape."""
        index = self.tensor(name, [], tfl.TensorType.INT32)
        self.subgraph.tensors[index].shape, self.subgraph.tensors[index].shapeSignature = shape, None
        return index

    def constant(self, name: str, value: NDArray[np.generic], dtype: int, scale: float | None = None) -> int:
        """A tensor with a value."""
        index = self.tensor(name, [], dtype, scale)
        buffer = tfl.BufferT()
        buffer.data = np.frombuffer(value.tobytes(), np.uint8)
        self.model.buffers.append(buffer)
        tensor = self.subgraph.tensors[index]
        tensor.shape, tensor.shapeSignature, tensor.buffer = list(value.shape), None, len(self.model.buffers) - 1
        return index

    def operator(self, code: int, version: int, inputs: list[int], output: int, options: object = None) -> int:
        """An operator with one output."""
        operator_code = tfl.OperatorCodeT()
        operator_code.builtinCode, operator_code.deprecatedBuiltinCode = code, min(code, 127)
        operator_code.version = version
        self.model.operatorCodes.append(operator_code)
        operator = tfl.OperatorT()
        operator.opcodeIndex = len(self.model.operatorCodes) - 1
        operator.inputs, operator.outputs = inputs, [output]
        if options is not None:
            operator.builtinOptionsType = getattr(tfl.BuiltinOptions, type(options).__name__[:-1])
            operator.builtinOptions = options
        self.subgraph.operators.append(operator)
        return output

    def content(self) -> bytes:
        """The flatbuffer."""
        return serialise(self.model)


def linear(weights: NDArray[np.int8], side: int, weight_scale: float, step: float, n_measures: int = 0) -> bytes:
    """Logits = weights @ pixels * weight_scale in steps of `step`, integer inside, float at the end.

    Args:
        weights: (k, side * side + n_measures) int8.
        side: of the patch.
        weight_scale: what one grey level counts at weight 1.
        step: of the logits, from 0 up to 255 steps.
        n_measures: of the second input; 0: no second input.
    """
    graph, types, codes = Graph(), tfl.TensorType, tfl.BuiltinOperator
    seen = graph.tensor("patch", [side, side], types.INT8, 1.0, -128)
    graph.subgraph.inputs = [seen]
    if n_measures:
        measures = graph.tensor("measures", [n_measures], types.INT8, 1.0, -128)
        graph.subgraph.inputs.append(measures)
        shape = graph.constant("shape", np.array([-1, side * side], np.int32), types.INT32)
        flat = graph.tensor("flat", [side * side], types.INT8, 1.0, -128)
        graph.operator(codes.RESHAPE, 1, [seen, shape], flat)
        both = graph.tensor("both", [side * side + n_measures], types.INT8, 1.0, -128)
        concatenation = tfl.ConcatenationOptionsT()
        concatenation.axis = 1
        seen = graph.operator(codes.CONCATENATION, 2, [flat, measures], both, concatenation)
    _end_in_logits(graph, seen, weights, weight_scale, step)
    return graph.content()


def moving(weights: NDArray[np.int8], side: int, weight_scale: float, step: float) -> bytes:
    """The same as `linear`, flattened as converters flatten: to a shape that the graph works out while it runs.

    Behind that the runtime plans its memory once more, in the middle of a run. What comes there is wide (the flattened
    patch 64 times, of which the weights look at the first), so that the memory has to grow and the patch in it moves.
    """
    graph, types, codes = Graph(), tfl.TensorType, tfl.BuiltinOperator
    n_pixels = weights.shape[1]
    seen = graph.tensor("patch", [side, side], types.INT8, 1.0, -128)
    graph.subgraph.inputs = [seen]
    sizes = graph.whole("sizes", [3])
    graph.operator(codes.SHAPE, 1, [seen], sizes, tfl.ShapeOptionsT())
    graph.subgraph.operators[-1].builtinOptions.outType = types.INT32
    ends = [
        graph.constant(name, np.array([k], np.int32), types.INT32) for name, k in (("from", 0), ("to", 1), ("by", 1))
    ]
    batch = graph.whole("batch", [])
    first = tfl.StridedSliceOptionsT()
    first.shrinkAxisMask = 1
    graph.operator(codes.STRIDED_SLICE, 1, [sizes, *ends], batch, first)
    pack_both = tfl.PackOptionsT()
    pack_both.valuesCount = 2
    pixels = graph.constant("pixels", np.array(n_pixels, np.int32), types.INT32)
    shape = graph.operator(codes.PACK, 1, [batch, pixels], graph.whole("shape", [2]), pack_both)
    flat = graph.tensor("flat", [n_pixels], types.INT8, 1.0, -128)
    graph.operator(codes.RESHAPE, 1, [seen, shape], flat)
    wide = graph.tensor("wide", [64 * n_pixels], types.INT8, 1.0, -128)
    side_by_side = tfl.ConcatenationOptionsT()
    side_by_side.axis = 1
    graph.operator(codes.CONCATENATION, 2, [flat] * 64, wide, side_by_side)
    padded = np.pad(weights, ((0, 0), (0, 63 * n_pixels)))
    _end_in_logits(graph, wide, padded, weight_scale, step)
    return graph.content()


def _end_in_logits(graph: Graph, seen: int, weights: NDArray[np.int8], weight_scale: float, step: float) -> None:
    n_labels = len(weights)
    weight = graph.constant("weights", weights, tfl.TensorType.INT8, weight_scale)
    bias = graph.constant("bias", np.zeros(n_labels, np.int32), tfl.TensorType.INT32, weight_scale)
    quantised = graph.tensor("quantised", [n_labels], tfl.TensorType.INT8, step, -128)
    codes = tfl.BuiltinOperator
    graph.operator(codes.FULLY_CONNECTED, 4, [seen, weight, bias], quantised, tfl.FullyConnectedOptionsT())
    logits = graph.tensor("logits", [n_labels], tfl.TensorType.FLOAT32)
    graph.operator(codes.DEQUANTIZE, 2, [quantised], logits, tfl.DequantizeOptionsT())
    graph.subgraph.outputs = [logits]


def halves(side: int, n_measures: int = 0) -> NDArray[np.int8]:
    """Weights that sum the left and the right half; measure 0 counts to the left, measure 1 to the right."""
    columns = np.tile(np.arange(side) < side // 2, (side, 1)).reshape(-1)
    return np.stack(
        [np.r_[columns == left, np.arange(n_measures) == (not left)].astype(np.int8) for left in (True, False)]
    )


def places(side: int) -> NDArray[np.int8]:
    """Weights that sum the four quarters and the middle: five labels that tell where a patch is bright."""
    squares = np.zeros((5, side, side), np.int8)
    half = side // 2
    squares[0, :half, :half] = squares[1, :half, half:] = squares[2, half:, :half] = squares[3, half:, half:] = 1
    squares[4, half - 2 : half + 2, half - 2 : half + 2] = 1
    return squares.reshape(5, -1)


def bundled(
    name: str,
    labels: tuple[str, ...],
    spec: PatchSpec,
    weights: NDArray[np.int8],
    grey_per_step: int,
    temperature: float | None = None,
    moves: bool = False,
) -> bytes:
    """A bundle around `linear` or `moving`, its golden logits computed here by numpy, not by a runtime.

    With a temperature its graph ends in scores beside the logits.
    """
    n_measures = len(spec.measures)
    if moves:
        graph = moving(weights, spec.size, 1 / 255, grey_per_step / 255)
    else:
        graph = linear(weights, spec.size, 1 / 255, grey_per_step / 255, n_measures)
    if temperature is not None:
        graph = with_scores(graph, temperature)
    rng = np.random.default_rng(7)
    # Whole steps everywhere, so that no answer lies on a rounding edge.
    seen = (rng.integers(0, 256 // grey_per_step, (3, weights.shape[1])) * grey_per_step).astype(np.uint8)
    seen[0, : spec.size**2] = 0
    steps = np.clip(seen.astype(np.int64) @ weights.T.astype(np.int64) // grey_per_step, 0, 255)
    golden = Golden(
        len(seen),
        zlib.compress(seen[:, : spec.size**2].tobytes(), 9),
        tuple(tuple(row) for row in (steps * (grey_per_step / 255)).tolist()),
        seen[:, spec.size**2 :].tobytes(),
    )
    description = Description(
        name=name, version="1", labels=labels, patch=spec, threshold=0.5, temperature=temperature or 1.0,
        recipe="by hand", graph_sha256="0" * 64, golden=golden, licence="Apache-2.0",
        notes="For tests: every answer can be computed.",
        code={"script": "scripts/make_tiny_model.py"},
    )  # fmt: skip
    return pack(graph, description)


def tiny_models() -> dict[str, bytes]:
    """Every tiny model's bytes by its path in the repository."""
    measures = ("diameter_um", "contrast_grey")
    defects = ("scratch", "dig", "contamination", "chip", "clean")
    return {
        "edge/classify/probe.tflite": linear(halves(4), 4, 1.0, 8.0),
        "tests/data/tiny.tflite": bundled("tiny", ("left", "right"), PatchSpec(4), halves(4), 8),
        "tests/data/tiny-scores.tflite": bundled(
            "tiny-scores", ("left", "right"), PatchSpec(4), halves(4), 8, temperature=2.0
        ),
        "tests/data/tiny-moving.tflite": bundled(
            "tiny-moving", ("left", "right"), PatchSpec(4), halves(4), 8, moves=True
        ),
        "tests/data/tiny-measures.tflite": bundled(
            "tiny-measures", ("left", "right"), PatchSpec(4, measures=measures), halves(4, 2), 16
        ),
        "tests/data/tiny-defects.tflite": bundled("tiny-defects", defects, PatchSpec(8), places(8), 16),
    }


def main() -> None:
    """Writes them all."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--out", type=Path, default=HERE, help="folder to write below; the repository by default")
    out = parser.parse_args().out
    for name, content in tiny_models().items():
        path = out / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        print(f"{path}: {len(content)} bytes")


if __name__ == "__main__":
    main()
