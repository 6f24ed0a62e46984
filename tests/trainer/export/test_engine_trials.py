"""Graphs of every kind that the converter makes, each run in a process of its own."""

from __future__ import annotations

import itertools
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edge.classify.runtime import available_runtimes

pytestmark = [
    pytest.mark.train,
    pytest.mark.slow,
    pytest.mark.filterwarnings(
        "ignore:\\s*Warning. tf.lite.Interpreter is deprecated:UserWarning"
    ),  # the converter's own
]

TRIAL = Path(__file__).parents[2] / "engine_trial.py"
WORKING = [report.name for report in available_runtimes() if report.works]
SIZE, N_MEASURES, N_LABELS = 12, 4, 3


def weights(*shape: int) -> Any:
    """A constant of the graph, the same each time."""
    import tensorflow as tf

    scale = 1 / np.sqrt(np.prod(shape[:-1]))
    return tf.constant(np.random.default_rng(len(shape)).normal(0, scale, shape).astype(np.float32))


def flatten(x: Any) -> Any:
    """As Keras flattens: to a shape that is worked out while the graph runs."""
    import tensorflow as tf

    return tf.reshape(x, tf.stack([tf.shape(x)[0], int(np.prod(tuple(x.shape[1:])))]))


def convolved(x: Any) -> Any:
    """(n, h, w, c), whatever came in."""
    import tensorflow as tf

    x = x[..., None] if len(x.shape) == 3 else x
    return tf.nn.relu(tf.nn.conv2d(x, weights(3, 3, x.shape[-1], 8), 1, "SAME"))


def bodies() -> dict[str, Callable[[Any], Any]]:
    """What makes (n, k) of (n, h, w) or (n, h, w, 1), by name."""
    import tensorflow as tf

    return {
        "flatten": flatten,
        "scaled-flatten": lambda x: flatten(x / 255.0),
        "flatten-wide": lambda x: tf.matmul(flatten(x * 0.01), weights(SIZE * SIZE, 512)),
        "reshape": lambda x: tf.reshape(x, [-1, SIZE * SIZE]),
        "conv-flatten": lambda x: flatten(convolved(x)),
        "conv-mean": lambda x: tf.reduce_mean(convolved(x), axis=[1, 2]),
        "conv-max": lambda x: tf.reduce_max(convolved(x), axis=[1, 2]),
        "depthwise": lambda x: flatten(tf.nn.depthwise_conv2d(convolved(x), weights(3, 3, 8, 2), [1, 2, 2, 1], "SAME")),
        "pool": lambda x: flatten(tf.nn.max_pool2d(convolved(x), 2, 2, "SAME")),
        "tile": lambda x: tf.ensure_shape(tf.tile(flatten(x), [1, tf.shape(x)[1] // 4]), (None, SIZE * SIZE * 3)),
        "pad": lambda x: flatten(tf.pad(convolved(x), [[0, 0], [1, 2], [3, 0], [0, 0]])),
        "resize": lambda x: tf.reshape(tf.image.resize(convolved(x), tf.shape(x)[1:3] * 2), [-1, 8 * 4 * SIZE * SIZE]),
        "transpose": lambda x: flatten(tf.transpose(tf.reshape(x, [-1, SIZE, SIZE]), [0, 2, 1])),
        "rows": lambda x: tf.ensure_shape(tf.matmul(flatten(x)[:, :9], weights(9, 64))[: tf.shape(x)[0]], (None, 64)),
        "concat": lambda x: tf.concat([flatten(x)] * 9, 1),
        "where": lambda x: flatten(x) + tf.reduce_sum(tf.cast(tf.where(flatten(x) > 99), tf.float32)) * 1e-9,
        "loop": lambda x: tf.while_loop(
            lambda k, _: k < 3, lambda k, y: (k + 1, tf.nn.relu(tf.matmul(y, weights(SIZE * SIZE, SIZE * SIZE)))),
            (0, flatten(x)),
        )[1],
        "another-shape": lambda x: tf.concat([flatten(x), flatten(x)], 0),
    }  # fmt: skip


def converted(body: str, rank: int, batch: int | None, n_inputs: int, integer: bool) -> bytes:
    """The .tflite of a body with a last layer behind it, and its other inputs beside it."""
    import tensorflow as tf

    shapes = [(SIZE, SIZE) if rank == 3 else (SIZE, SIZE, 1), (N_MEASURES,), (N_MEASURES,)][:n_inputs]

    def graph(*given: Any) -> Any:
        x = bodies()[body](given[0])
        for more in given[1:]:
            x = x if body == "another-shape" else tf.concat([x, tf.matmul(more, weights(N_MEASURES, 5))], 1)
        return {"logits": tf.matmul(x, weights(int(x.shape[-1]), N_LABELS))}

    module = tf.Module()
    specs = [tf.TensorSpec((batch, *shape), tf.float32, f"input_{k}") for k, shape in enumerate(shapes)]
    module.graph = tf.function(graph, specs)
    converter = tf.lite.TFLiteConverter.from_concrete_functions([module.graph.get_concrete_function()], module)
    if integer:
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        converter.inference_input_type = tf.int8
        levels = np.r_[0, 255, np.arange(SIZE * SIZE - 2)].astype(np.float32)

        def examples() -> Iterator[dict[str, np.ndarray]]:
            yield {spec.name: np.resize(levels, (batch or 2, *spec.shape[1:])) for spec in specs}

        converter.representative_dataset = examples
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8, tf.lite.OpsSet.TFLITE_BUILTINS]
    content: bytes = converter.convert()
    return content


KINDS = [
    *itertools.product(
        ["flatten", "scaled-flatten", "flatten-wide", "reshape", "conv-flatten", "conv-mean", "conv-max", "depthwise",
         "pool", "tile", "pad", "resize", "transpose", "rows", "concat", "where", "loop", "another-shape"],
        [3], [None], [1, 2], [False],
    ),
    *itertools.product(["conv-flatten", "flatten-wide"], [3, 4], [None, 1, 4], [1, 2, 3], [True]),
]  # fmt: skip


@pytest.mark.parametrize("runtime", WORKING)
@pytest.mark.parametrize(("body", "rank", "batch", "n_inputs", "integer"), KINDS)
def test_a_graph_of_any_kind_answers_right_or_is_refused(
    body: str, rank: int, batch: int | None, n_inputs: int, integer: bool, runtime: str, tmp_path: Path
) -> None:
    """In batches of changing size each answer is that of a fresh interpreter given copies; or the model is refused.

    Never does the process end by a signal: memory that moves while a graph runs is not written to.
    """
    path = tmp_path / "graph.tflite"
    path.write_bytes(converted(body, rank, batch, n_inputs, integer))
    environment = {**os.environ, "MALLOC_CHECK_": "3", "MALLOC_PERTURB_": "165"}
    ran = subprocess.run(
        [sys.executable, str(TRIAL), str(path), runtime], capture_output=True, text=True, env=environment, check=False
    )
    assert ran.returncode == 0, ran.stderr
    refusable = n_inputs == 3 or batch is not None or body in ("another-shape", "where")
    assert ran.stdout == "right\n" or (refusable and ran.stdout.startswith("refused: ")), ran.stdout
