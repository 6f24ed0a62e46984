#!/usr/bin/env python3
"""The same patches and weights through every runtime that people use, interleaved in one run.

    scripts/bench_peers.py [--seconds 1] [--json FILE]

One 784-128-5 MLP with random weights from a fixed seed (latency does not depend on their values): one drawn patch, then
32 of them at once, go through Ferrule, LiteRT, tf.lite, ONNX Runtime, OpenVINO, OpenCV's dnn, NumPy and Keras. Every
answer is held against Keras' own before anything is timed. Needs the extras `train` and `peers`; a peer that is not
installed is named and left out.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import sys
import warnings
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # one thread for all

import cv2
import numpy as np

from edge.bench.latency import Latency, measure_interleaved
from edge.labels import DEFECT_LABELS

SEED = 7
AGREE = 0.05
"""Largest difference of a probability from Keras' own that still counts as the same answer (int8 steps)."""

BATCHES = (1, 32)
OURS = "Ferrule classify (int8)"

Peer = Callable[[], object]
Array = np.ndarray[Any, Any]


def drawn_patches(seed: int, n: int) -> Array:
    """(n, 28, 28) uint8: a dark line on a noisy background."""
    rng = np.random.default_rng(seed)
    patches = rng.normal(128, 4, (n, 28, 28))
    patches[:, :, 12:15] -= 40
    return np.clip(np.rint(patches), 0, 255).astype(np.uint8)


def softmax(logits: Array) -> Array:
    """Rows that sum to 1."""
    e = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(e / e.sum(axis=1, keepdims=True))


def onnx_model(weights: list[Array], n: int) -> bytes:
    """The MLP as ONNX: Flatten, Gemm, Relu, Gemm, Softmax; float input (n, 28, 28) scaled 0..1."""
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    names = ("w1", "b1", "w2", "b2")
    graph = helper.make_graph(
        [
            helper.make_node("Flatten", ["x"], ["f"], axis=1),
            helper.make_node("Gemm", ["f", "w1", "b1"], ["h"]),
            helper.make_node("Relu", ["h"], ["r"]),
            helper.make_node("Gemm", ["r", "w2", "b2"], ["l"]),
            helper.make_node("Softmax", ["l"], ["y"], axis=1),
        ],
        "mlp",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [n, 28, 28])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [n, len(DEFECT_LABELS)])],
        [numpy_helper.from_array(w, name) for name, w in zip(names, weights, strict=True)],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString())


def converted(model: Any, rng: np.random.Generator) -> bytes:
    """The model as Ferrule's int8 bundle; its examples are noise, labelled by chance as the model itself would.

    So it is calibrated, and the fitted temperature changes its probabilities little.
    """
    from edge.classify import PatchSpec
    from trainer.data import Examples
    from trainer.export import Card, Gates, Material, convert
    from trainer.learning import TrainedModel

    n = 4000
    patches = rng.integers(0, 256, (n, 28, 28), np.uint8)
    odds = np.asarray(model.predict(patches / np.float32(255), verbose=0)).cumsum(axis=1)
    labels = np.minimum((odds < rng.random((n, 1))).sum(axis=1), len(DEFECT_LABELS) - 1).astype(np.int64)
    examples = Examples(patches, np.zeros((n, 0), np.uint8), labels, np.array([""] * n))
    gates = Gates(min_agreement=0.9, max_calibration_error=0.2)
    trained = TrainedModel(model, DEFECT_LABELS, PatchSpec())
    return convert(trained, Material(examples, examples, examples), Card("peers"), gates=gates).content


def peers(patches: Array) -> tuple[dict[str, Peer], dict[str, str]]:
    """Each peer as a call that answers (n, 5) probabilities, and why others are left out."""
    import keras

    from edge.classify import Classifier
    from edge.classify.bundle import graph_of, read_bundle
    from trainer.learning import build_model

    keras.utils.set_random_seed(SEED)
    model = build_model((28, 28), len(DEFECT_LABELS))
    weights = [np.asarray(w, np.float32) for w in model.get_weights()]
    scaled = (patches / 255).astype(np.float32)
    bundle = read_bundle(converted(model, np.random.default_rng(SEED)))
    classifier = Classifier(bundle)
    found: dict[str, Peer] = {OURS: lambda: classifier(patches), "NumPy (float32)": numpy_peer(weights, scaled)}
    found |= interpreter_peers(graph_of(bundle), patches) | keras_peers(model, scaled)
    if importlib.util.find_spec("onnx") is None:
        return found, {"ONNX Runtime, OpenVINO, cv2.dnn": "onnx is not installed (pip install 'ferrule[peers]')"}
    graph = onnx_model(weights, len(patches))
    found["cv2.dnn (float32)"] = dnn_peer(graph, scaled)
    missing: dict[str, str] = {}
    for name, module, made in (
        ("ONNX Runtime", "onnxruntime", onnxruntime_peer),
        ("OpenVINO", "openvino", openvino_peer),
    ):
        if importlib.util.find_spec(module):
            found[f"{name} (float32)"] = made(graph, scaled)
        else:
            missing[name] = f"{module} is not installed (pip install 'ferrule[peers]')"
    return found, missing


def interpreter_peers(graph: bytes, patches: Array) -> dict[str, Peer]:
    """The bare interpreters on the graph that Ferrule runs, given patches that are quantised already."""
    import tensorflow as tf

    from edge.classify.runtime import build_interpreter

    quantised = (patches.astype(np.int16) - 128).astype(np.int8)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # tf.lite.Interpreter announces its own removal
        old = tf.lite.Interpreter(model_content=graph)
    return {
        "LiteRT set, invoke, get (int8)": interpreter_peer(build_interpreter(graph, "ai-edge-litert"), quantised),
        "tf.lite.Interpreter (int8)": interpreter_peer(old, quantised),
    }


def interpreter_peer(interpreter: Any, quantised: Array) -> Peer:
    """Sets, invokes and gets the last output, which is the scores."""
    given = interpreter.get_input_details()[0]["index"]
    interpreter.resize_tensor_input(given, quantised.shape)
    interpreter.allocate_tensors()
    asked = interpreter.get_output_details()[-1]["index"]

    def run() -> object:
        interpreter.set_tensor(given, quantised)
        interpreter.invoke()
        return interpreter.get_tensor(asked)

    return run


def numpy_peer(weights: list[Array], scaled: Array) -> Peer:
    """Two matrix products and a softmax."""
    w1, b1, w2, b2 = weights
    n = len(scaled)
    return lambda: softmax(np.maximum(scaled.reshape(n, -1) @ w1 + b1, 0) @ w2 + b2)


def keras_peers(model: Any, scaled: Array) -> dict[str, Peer]:
    """The three ways to call a Keras model."""
    import tensorflow as tf

    compiled = tf.function(model, reduce_retracing=True)
    tensor = tf.constant(scaled)
    return {
        "tf.function": lambda: compiled(tensor),
        "Keras model(x)": lambda: model(scaled),
        "Keras predict": lambda: model.predict(scaled, verbose=0),
    }


def dnn_peer(graph: bytes, scaled: Array) -> Peer:
    """OpenCV's own runtime."""
    net = cv2.dnn.readNetFromONNX(np.frombuffer(graph, np.uint8))

    def run() -> object:
        net.setInput(scaled)
        return net.forward()

    return run


def onnxruntime_peer(graph: bytes, scaled: Array) -> Peer:
    """ONNX Runtime on the processor, with one thread."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
    return lambda: session.run(None, {"x": scaled})[0]


def openvino_peer(graph: bytes, scaled: Array) -> Peer:
    """OpenVINO on the processor, with one thread."""
    import openvino

    request = openvino.compile_model(
        openvino.Core().read_model(graph, b""), "CPU", {"INFERENCE_NUM_THREADS": 1, "PERFORMANCE_HINT": "LATENCY"}
    ).create_infer_request()
    return lambda: request.infer([scaled], share_inputs=True)[0]


def main() -> None:
    """Checks that all agree, measures them in turns, prints the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=1.0, help="for each peer")
    parser.add_argument("--json", type=Path, help="write the figures there, too")
    args = parser.parse_args()
    cv2.setNumThreads(1)
    tables = {n: table(n, args.seconds) for n in BATCHES}
    if args.json:
        figures = {n: {name: asdict(latency) for name, latency in found.items()} for n, found in tables.items()}
        args.json.write_text(json.dumps(figures, indent=1) + "\n")


def table(n: int, seconds: float) -> dict[str, Latency]:
    """What each peer takes for n patches at once; prints it."""
    calls, missing = peers(drawn_patches(SEED, n))
    truth = np.asarray(calls["Keras model(x)"]())
    for name, call in calls.items():
        off = float(np.abs(np.asarray(call()) - truth).max())
        if off > AGREE:
            print(f"bench_peers.py: {name} is off by {off:.3f} from Keras, at most {AGREE} expected", file=sys.stderr)
            raise SystemExit(1)
    figures = measure_interleaved(calls, seconds)
    ours = figures[OURS].p50_us
    title = "one patch, hot" if n == 1 else f"{n} patches at once, hot"
    print(f"{title:34s}{'p50 us':>12s}{'p99 us':>12s}{'us each':>12s}{'/ Ferrule':>12s}")
    for name, found in sorted(figures.items(), key=lambda item: item[1].p50_us):
        median = found.p50_us
        print(f"{name:34s}{median:12,.2f}{found.p99_us:12,.2f}{median / n:12,.3f}{median / ours:12,.1f}")
    for name, why in missing.items():
        print(f"{name:34s} left out: {why}")
    print()
    return figures


if __name__ == "__main__":
    main()
