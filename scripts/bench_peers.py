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

LABELS = ("scratch", "dig", "contamination", "chip", "clean")
SEED = 7
AGREE = 0.05
"""Largest difference of a probability from Keras' own that still counts as the same answer (int8 steps)."""

BATCHES = (1, 32)
OURS = "Ferrule classify (int8)"

Peer = Callable[[], object]


def drawn_patches(seed: int, n: int) -> np.ndarray[Any, Any]:
    """(n, 28, 28) uint8: a dark line on a noisy background."""
    rng = np.random.default_rng(seed)
    patches = rng.normal(128, 4, (n, 28, 28))
    patches[:, :, 12:15] -= 40
    return np.clip(np.rint(patches), 0, 255).astype(np.uint8)


def softmax(logits: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Rows that sum to 1."""
    e = np.exp(logits - logits.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def onnx_model(weights: list[np.ndarray[Any, Any]], n: int) -> bytes:
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
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [n, len(LABELS)])],
        [numpy_helper.from_array(w, n) for n, w in zip(names, weights, strict=True)],
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
    from trainer.learning.model_file import TrainedModel

    n = 4000
    patches = rng.integers(0, 256, (n, 28, 28), np.uint8)
    odds = np.asarray(model.predict(patches / np.float32(255), verbose=0)).cumsum(axis=1)
    labels = np.minimum((odds < rng.random((n, 1))).sum(axis=1), len(LABELS) - 1).astype(np.int64)
    examples = Examples(patches, np.zeros((n, 0), np.uint8), labels, np.array([""] * n))
    gates = Gates(min_agreement=0.9, max_calibration_error=0.2)
    trained = TrainedModel(model, LABELS, PatchSpec())
    return convert(trained, Material(examples, examples, examples), Card("peers"), gates=gates).content


def peers(patches: np.ndarray[Any, Any]) -> tuple[dict[str, Peer], dict[str, str]]:
    """Each peer as a call that answers (n, 5) probabilities, and why others are left out."""
    import keras
    import tensorflow as tf

    from edge.classify import Classifier
    from edge.classify.bundle import graph_of, read_bundle
    from edge.classify.runtime import build_interpreter
    from trainer.learning.network import build_model

    keras.utils.set_random_seed(SEED)
    model = build_model((28, 28), len(LABELS))
    weights = [np.asarray(w, np.float32) for w in model.get_weights()]
    n = len(patches)
    scaled = (patches / 255).astype(np.float32)
    bundle = read_bundle(converted(model, np.random.default_rng(SEED)))
    classifier = Classifier(bundle)

    quantised = (patches.astype(np.int16) - 128).astype(np.int8)
    lite = build_interpreter(graph_of(bundle), "ai-edge-litert")
    given = lite.get_input_details()[0]["index"]
    lite.resize_tensor_input(given, quantised.shape)
    lite.allocate_tensors()
    asked = lite.get_output_details()[-1]["index"]  # the scores

    def litert() -> object:
        lite.set_tensor(given, quantised)
        lite.invoke()
        return lite.get_tensor(asked)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # tf.lite.Interpreter announces its own removal
        old = tf.lite.Interpreter(model_content=graph_of(bundle))
    old_given = old.get_input_details()[0]["index"]
    old.resize_tensor_input(old_given, quantised.shape)
    old.allocate_tensors()
    old_asked = old.get_output_details()[-1]["index"]

    def tf_lite() -> object:
        old.set_tensor(old_given, quantised)
        old.invoke()
        return old.get_tensor(old_asked)

    w1, b1, w2, b2 = weights

    def numpy_float() -> object:
        return softmax(np.maximum(scaled.reshape(n, -1) @ w1 + b1, 0) @ w2 + b2)

    compiled = tf.function(model, reduce_retracing=True)
    tensor = tf.constant(scaled)
    found: dict[str, Peer] = {
        OURS: lambda: classifier(patches),
        "LiteRT set, invoke, get (int8)": litert,
        "tf.lite.Interpreter (int8)": tf_lite,
        "NumPy (float32)": numpy_float,
        "tf.function": lambda: compiled(tensor),
        "Keras model(x)": lambda: model(scaled),
        "Keras predict": lambda: model.predict(scaled, verbose=0),
    }
    missing: dict[str, str] = {}
    if importlib.util.find_spec("onnx") is None:
        return found, {"ONNX Runtime, OpenVINO, cv2.dnn": "onnx is not installed (pip install 'ferrule[peers]')"}
    graph = onnx_model(weights, n)
    net = cv2.dnn.readNetFromONNX(np.frombuffer(graph, np.uint8))

    def dnn() -> object:
        net.setInput(scaled)
        return net.forward()

    found["cv2.dnn (float32)"] = dnn
    if importlib.util.find_spec("onnxruntime"):
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        session = onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
        found["ONNX Runtime (float32)"] = lambda: session.run(None, {"x": scaled})[0]
    else:
        missing["ONNX Runtime"] = "onnxruntime is not installed (pip install 'ferrule[peers]')"
    if importlib.util.find_spec("openvino"):
        import openvino

        request = openvino.compile_model(
            openvino.Core().read_model(graph, b""), "CPU", {"INFERENCE_NUM_THREADS": 1, "PERFORMANCE_HINT": "LATENCY"}
        ).create_infer_request()
        found["OpenVINO (float32)"] = lambda: request.infer([scaled], share_inputs=True)[0]
    else:
        missing["OpenVINO"] = "openvino is not installed (pip install 'ferrule[peers]')"
    return found, missing


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
