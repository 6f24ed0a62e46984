"""Runs one graph as a model, in a process of its own: `python engine_trial.py GRAPH RUNTIME`.

The graph gets a description made from its own inputs and its own answer, is sealed, loaded, and asked for batches of
changing size; every answer is held against that of a fresh interpreter that is only ever given tensors by copy. Prints
`right`, or `refused: ` and why. Whatever else happens is the fault that the tests look for.
"""

from __future__ import annotations

import sys
import zlib
from pathlib import Path
from typing import Any

import numpy as np

from edge.classify import Classifier, PatchSpec
from edge.classify.bundle import pack, read_bundle
from edge.classify.description import Description, Golden
from edge.classify.measures import MEASURES
from edge.classify.runtime import build_interpreter
from edge.classify.still_inputs import inputs_stay
from edge.errors import FerruleError

BATCHES = (1, 32, 1, 256, 3, 1, 1, 17, 256, 2)


def by_copy(graph: bytes, runtime: str, patches: np.ndarray, measures: np.ndarray | None) -> np.ndarray:
    """What the graph answers in an interpreter that is used once."""
    interpreter = build_interpreter(graph, runtime)
    given: list[tuple[int, np.ndarray]] = []
    for details in interpreter.get_input_details():
        values = patches if len(details["shape"]) > 2 or measures is None else measures
        shape, dtype = [len(values), *details["shape"][1:]], np.dtype(details["dtype"])
        codes = (values ^ 0x80).view(np.int8) if dtype == np.int8 else values.astype(dtype)
        interpreter.resize_tensor_input(details["index"], shape)
        given.append((details["index"], codes.reshape(shape)))
    interpreter.allocate_tensors()
    for index, codes in given:
        interpreter.set_tensor(index, codes)
    before = [interpreter.tensor(index)().ctypes.data for index, _ in given]
    interpreter.invoke()
    if inputs_stay(graph):
        assert [interpreter.tensor(index)().ctypes.data for index, _ in given] == before, "an input moved"
    output: dict[str, Any] = interpreter.get_output_details()[0]
    answer: np.ndarray = interpreter.get_tensor(output["index"])
    if answer.dtype == np.float32:
        return answer
    scale, zero_point = output["quantization"]
    return (answer.astype(np.int32) - zero_point).astype(np.float32) * np.float32(scale)


def trial(graph: bytes, runtime: str) -> None:
    """Raises AssertionError where an answer is another than by copy."""
    rng = np.random.default_rng(0)
    interpreter = build_interpreter(graph, runtime)
    shapes = sorted((tuple(map(int, d["shape"])) for d in interpreter.get_input_details()), key=len, reverse=True)
    n_labels = int(interpreter.get_output_details()[0]["shape"][-1])
    del interpreter
    names = tuple(MEASURES)[: shapes[1][1]] if len(shapes) > 1 else ()
    spec = PatchSpec(shapes[0][1], measures=names)
    patches = rng.integers(0, 256, (max(BATCHES), spec.size, spec.size), np.uint8)
    measures = rng.integers(0, 256, (len(patches), len(names)), np.uint8) if names else None
    few = None if measures is None else measures[:2]
    try:
        logits = by_copy(graph, runtime, patches[:2], few)
    except (RuntimeError, ValueError):  # a fixed batch, perhaps: then it has to be refused, whatever it describes
        logits = np.zeros((2, n_labels), np.float32)
    if logits.shape != (2, n_labels):
        logits = np.zeros((2, n_labels), np.float32)
    rows = tuple(tuple(row) for row in logits.tolist())
    golden = Golden(2, zlib.compress(patches[:2].tobytes()), rows, b"" if few is None else few.tobytes())
    labels = tuple(f"label-{k}" for k in range(n_labels))
    description = Description(name="trial", labels=labels, patch=spec, recipe="", graph_sha256="0" * 64, golden=golden)
    classifier = Classifier(read_bundle(pack(graph, description)), runtime)
    for n in BATCHES:
        known = None if measures is None else measures[:n]
        expected = by_copy(graph, runtime, patches[:n], known)
        for _ in range(3):
            answer = classifier.logits(patches[:n], known)
            assert answer.shape == expected.shape, f"{n} patches: {answer.shape}"
            off = np.abs(answer - expected).max() / max(1.0, np.abs(expected).max())
            assert off < 1e-4, f"{n} patches: off by {off}"


if __name__ == "__main__":
    try:
        trial(Path(sys.argv[1]).read_bytes(), sys.argv[2])
    except FerruleError as error:
        sys.stdout.write(f"refused: {error}\n")
    else:
        sys.stdout.write("right\n")
