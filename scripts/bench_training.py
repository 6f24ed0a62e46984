#!/usr/bin/env python
"""How long ten epochs of Fashion-MNIST take: Ferrule's trainer against plain Keras, interleaved in one run.

    scripts/bench_training.py [--repeats 3] [--epochs 10]

Prints a table for people; the ratio is what counts, the seconds are this machine's at this moment.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable

from trainer.tensorflow_import import import_tensorflow

import_tensorflow()

import keras  # noqa: E402 - after the quiet import
import numpy as np  # noqa: E402
import tensorflow as tf  # noqa: E402

from edge.classify import PatchSpec  # noqa: E402
from trainer.data import Dataset, Source, open_dataset  # noqa: E402
from trainer.learning import FitSettings, fit_dataset  # noqa: E402
from trainer.learning.network import build_model  # noqa: E402
from trainer.learning.standardisation import probabilities  # noqa: E402

BATCH = 64


def ferrule(data: Dataset, epochs: int, seed: int) -> tuple[float, keras.Model]:
    """Seconds of fitting, scoring of the validation pictures included, and the model."""
    began = time.perf_counter()
    model = fit_dataset(data, FitSettings(epochs, BATCH, seed)).model
    return time.perf_counter() - began, model


def keras_arrays(data: Dataset, epochs: int, seed: int) -> tuple[float, keras.Model]:
    """`model.fit` on float arrays, 64 steps a call: what Keras can do by itself."""
    keras.utils.set_random_seed(seed)
    model, x = build_model(), data.train.patches / np.float32(255)
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"], steps_per_execution=64)
    began = time.perf_counter()
    model.fit(x, data.train.labels, batch_size=BATCH, epochs=epochs, verbose=0)
    return time.perf_counter() - began, model


def keras_pipeline(data: Dataset, epochs: int, seed: int) -> tuple[float, keras.Model]:
    """`model.fit` on tf.data, shuffled and batched, as tutorials have it."""
    keras.utils.set_random_seed(seed)
    model, x = build_model(), data.train.patches / np.float32(255)
    pipeline = tf.data.Dataset.from_tensor_slices((x, data.train.labels)).shuffle(10_000, seed=seed).batch(BATCH)
    began = time.perf_counter()
    model.fit(pipeline, epochs=epochs, shuffle=False, verbose=0)
    return time.perf_counter() - began, model


WAYS: dict[str, Callable[[Dataset, int, int], tuple[float, keras.Model]]] = {
    "ferrule": ferrule,
    "keras fit, arrays": keras_arrays,
    "keras fit, tf.data": keras_pipeline,
}


def main() -> None:
    """Runs the ways in turn, and prints medians."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--epochs", type=int, default=10)
    options = parser.parse_args()
    data = open_dataset(Source(), PatchSpec())
    seconds: dict[str, list[float]] = {name: [] for name in WAYS}
    accuracy: dict[str, list[float]] = {name: [] for name in WAYS}
    for seed in range(options.repeats):
        for name, way in WAYS.items():
            elapsed_s, model = way(data, options.epochs, seed)
            right = probabilities(model, data.test.patches).argmax(axis=1) == data.test.labels
            seconds[name].append(elapsed_s)
            accuracy[name].append(float(right.mean()))
    own_s = statistics.median(seconds["ferrule"])
    print(f"Fashion-MNIST, {len(data.train)} pictures, {options.epochs} epochs, batch {BATCH}; {options.repeats} runs")
    print(f"{'':<20} {'s':>6} {'ratio':>6} {'test accuracy':>14} {'worst':>7}")
    for name in WAYS:
        median_s = statistics.median(seconds[name])
        mean, worst = statistics.mean(accuracy[name]), min(accuracy[name])
        print(f"{name:<20} {median_s:>6.1f} {median_s / own_s:>6.2f} {mean:>14.4f} {worst:>7.4f}")


if __name__ == "__main__":
    main()
