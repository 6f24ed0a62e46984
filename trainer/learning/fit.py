"""Fitting a network to patches: all data in memory, hundreds of steps in one call, the rate falling to 0."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from importlib.metadata import version
from typing import Any, Literal, get_args

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from edge.classify import PatchSpec
from edge.errors import UsageError
from trainer.data import Dataset, Examples
from trainer.learning.adam import Adam
from trainer.learning.best_epoch import BestEpoch, History
from trainer.learning.model_file import TrainedModel, weights_sha256
from trainer.learning.network import LEARNING_RATE, build_network, with_labels
from trainer.learning.standardisation import Scaling, fold, probabilities, scaled, scaling_of, takes_scaling, unfold

ClassWeights = Literal["none", "softened", "balanced"]

_STEPS_A_CALL = 256
"""Steps in one call of the compiled loop: few enough for a progress bar, enough for the call to cost nothing."""


# Far beyond any use: a slip of the pen must not become weeks of work, or a weight that never moves.
MOST_EPOCHS = 1_000_000
MOST_BATCH = 1_000_000
SMALLEST_RATE = 1e-12


@dataclass(frozen=True, slots=True)
class FitSettings:
    """How to fit.

    Attributes:
        epochs: times that every example is seen, at least 1.
        batch: examples a step, at least 1.
        seed: of the first weights and of the shuffling; equal seeds give equal weights, bit for bit, on one machine.
        learning_rate: of Adam at the first step; it follows half a cosine down to 0 at the last.
        class_weights: "none" lets every example count alike, "balanced" every label however rare it is; "softened"
            lies between the two, by the square root.
    """

    epochs: int = 10
    batch: int = 64
    seed: int = 0
    learning_rate: float = LEARNING_RATE
    class_weights: ClassWeights = "softened"

    def __post_init__(self) -> None:
        counts = 1 <= self.epochs <= MOST_EPOCHS and 1 <= self.batch <= MOST_BATCH
        if not counts or not SMALLEST_RATE <= self.learning_rate <= 1:
            raise UsageError(
                f"{self.epochs} epochs of batch {self.batch} at rate {self.learning_rate}: "
                f"expected at least 1 and 1, at most {MOST_EPOCHS} and {MOST_BATCH}, "
                f"and a rate from {SMALLEST_RATE:g} up to 1"
            )
        if not 0 <= self.seed < 2**32:
            raise UsageError(f"seed {self.seed}: expected 0 to {2**32 - 1}")
        if self.class_weights not in get_args(ClassWeights):
            raise UsageError(f"class weights {self.class_weights!r}: expected {' or '.join(get_args(ClassWeights))}")


@dataclass(frozen=True, slots=True)
class Progress:
    """How far fitting is.

    Attributes:
        epoch: the current one, from 1.
        epochs: of them all.
        step: steps done in this epoch.
        steps: of an epoch.
        figures: of the epoch that just ended, as in the history; empty within an epoch.
    """

    epoch: int
    epochs: int
    step: int
    steps: int
    figures: dict[str, float] = field(default_factory=dict)


OnProgress = Callable[[Progress], None]
Builder = Callable[[PatchSpec, int], keras.Model]
TakeSteps = Callable[[Any], tuple[Any, Any, Any]]
"""Takes a step per batch of the indices it is given; sums over the examples: weighted loss, weighted hits, weights."""


def fit_dataset(
    dataset: Dataset,
    settings: FitSettings = FitSettings(),
    network: str | Builder = "mlp",
    start: TrainedModel | None = None,
    on_progress: OnProgress | None = None,
    targets: NDArray[np.float32] | None = None,
) -> TrainedModel:
    """A model fitted to the dataset's training part, its best epoch chosen on the validation part.

    Args:
        dataset: the test part is not looked at.
        settings: how to fit.
        network: a name from `network.NETWORKS`, or a function that builds a network of one's own, untrained, for a
            spec and a number of labels; called after the seed is set.
        start: a trained model to go on from instead; its body is kept, and of its head what the labels share.
        on_progress: called after some hundred steps and at the end of each epoch.
        targets: see `fit_model`.

    Raises:
        UsageError: a network that does not fit the dataset, or a start that wants to see other patches.
    """
    keras.utils.set_random_seed(settings.seed)
    if start is not None:
        if start.spec != dataset.spec:
            raise UsageError(f"the model to start from wants {start.spec}, the data are prepared as {dataset.spec}")
        model = with_labels(start.model, start.labels, dataset.labels)
    else:
        model = _built(network, dataset)
    untrained = TrainedModel(model, dataset.labels, dataset.spec)  # checks shapes before the work, not after
    started_from = "" if start is None else weights_sha256(start.model)
    history = fit_model(model, dataset.train, dataset.validation, settings, on_progress, targets)
    code: dict[str, str | int | float] = {
        "ferrule": version("ferrule"),
        "tensorflow": tf.__version__,
        "keras": keras.__version__,
        "network": model.name if start is None else start.code.get("network", start.model.name),
        "epochs": settings.epochs,
        "batch": settings.batch,
        "seed": settings.seed,
        "learning_rate": settings.learning_rate,
        "class_weights": settings.class_weights,
        "weights_sha256": weights_sha256(model),
    }
    if started_from:
        code["started_from_weights_sha256"] = started_from
    return TrainedModel(model, untrained.labels, untrained.spec, dict(dataset.data), code, history)


def _built(network: str | Builder, dataset: Dataset) -> keras.Model:
    """An untrained network whose first weights are right in size for these examples."""
    n_labels = len(dataset.labels)
    model = (
        build_network(network, dataset.spec, n_labels) if isinstance(network, str) else network(dataset.spec, n_labels)
    )
    if takes_scaling(model) and len(dataset.train):
        fold(model, scaling_of(dataset.train))
    return model


def fit_model(
    model: keras.Model,
    examples: Examples,
    validation: Examples,
    settings: FitSettings,
    on_progress: OnProgress | None = None,
    targets: NDArray[np.float32] | None = None,
) -> History:
    """Fits the model in place, and leaves it with the weights of its best epoch.

    The best epoch is the one of the highest validation accuracy (weighted as in training), of equals the one of
    the lower loss (`best_epoch`); without validation examples it is the last.

    Args:
        model: consumes pixels (and measures) scaled to 0..1, gives probabilities.
        examples: what to learn from; at least one.
        validation: what chooses the epoch; may be empty.
        settings: how to fit.
        on_progress: see `fit_dataset`.
        targets: (n, labels), what the model should answer for each example, rows sum to 1, such as other models' mean
            answers; None: the examples' labels and nothing else. Accuracies are always those of the labels.

    Returns:
        A figure per epoch: `loss` and `accuracy` as they were during the epoch, `val_loss` and `val_accuracy` after it.

    Raises:
        UsageError: no examples, or a rate so high that the weights ran away.
    """
    n, n_labels = len(examples), int(model.output_shape[-1])
    if n == 0:
        raise UsageError("no examples to learn from: expected at least 1")
    if targets is not None and targets.shape != (n, n_labels):
        raise UsageError(f"targets {targets.shape}: expected ({n}, {n_labels}), a row for each example")
    weights = _class_weights(examples.labels, n_labels, settings.class_weights)
    scaling = scaling_of(examples) if takes_scaling(model) else None
    if scaling is not None:
        unfold(model, scaling)
    take_steps = _compiled_steps(model, examples, weights, scaling, settings, targets)
    rng = np.random.default_rng(settings.seed)
    epochs: list[dict[str, float]] = []
    best = BestEpoch()
    for epoch in range(1, settings.epochs + 1):
        figures = _run_epoch(take_steps, rng.permutation(n).astype(np.int32), epoch, settings, on_progress)
        if len(validation):
            figures |= _validated(model, validation, weights, scaling)
        best.offer(model, figures)
        epochs.append(figures)
        n_steps = -(-n // settings.batch)
        _report(on_progress, Progress(epoch, settings.epochs, n_steps, n_steps, figures))
    best.restore(model)
    if not all(np.isfinite(w).all() for w in model.get_weights()):
        raise UsageError(f"the weights are no numbers any more: take a lower rate than {settings.learning_rate}")
    if scaling is not None:
        fold(model, scaling)
    return {name: tuple(float(figures[name]) for figures in epochs) for name in epochs[0]}


def _run_epoch(
    take_steps: TakeSteps,
    order: NDArray[np.int32],
    epoch: int,
    settings: FitSettings,
    on_progress: OnProgress | None,
) -> dict[str, float]:
    """Takes the steps of one epoch; the mean loss and accuracy over it."""
    n_steps = -(-len(order) // settings.batch)
    sums = np.zeros(3)
    for step in range(0, n_steps, _STEPS_A_CALL):
        chunk = order[step * settings.batch : (step + _STEPS_A_CALL) * settings.batch]
        sums += [float(x) for x in take_steps(tf.constant(chunk))]
        _report(on_progress, Progress(epoch, settings.epochs, min(step + _STEPS_A_CALL, n_steps), n_steps))
    return {"loss": sums[0] / sums[2], "accuracy": sums[1] / sums[2]}


def _compiled_steps(
    model: keras.Model,
    examples: Examples,
    class_weights: NDArray[np.float32],
    scaling: Scaling | None,
    settings: FitSettings,
    targets: NDArray[np.float32] | None,
) -> TakeSteps:
    """The training loop as one tf.function.

    The data stay in memory as they are, and one call runs many steps: an input pipeline and a call per step would
    cost more than the arithmetic of a network this small.
    """
    patches, codes = tf.constant(examples.patches), tf.constant(examples.labels.astype(np.int32))
    measures = tf.constant(examples.measures) if len(model.inputs) > 1 else None
    weight_of = tf.constant(class_weights)
    batch = settings.batch
    n_steps = -(-len(examples) // batch) * settings.epochs
    optimizer = Adam(model.trainable_variables, settings.learning_rate, n_steps)
    aims = codes if targets is None else tf.constant(targets.astype(np.float32))
    cross_entropy: Any = keras.losses.SparseCategoricalCrossentropy(reduction="none")
    if targets is not None:
        cross_entropy = keras.losses.CategoricalCrossentropy(reduction="none")

    def take_steps(order: Any) -> tuple[Any, Any, Any]:
        loss_sum = hits = weight_sum = tf.constant(0.0)
        n = tf.size(order)
        for start in tf.range(0, n, batch):
            index = order[start : tf.minimum(start + batch, n)]
            truth = tf.gather(codes, index)
            weight = tf.gather(weight_of, truth)
            inputs = scaled(
                tf.gather(patches, index), None if measures is None else tf.gather(measures, index), scaling
            )
            with tf.GradientTape() as tape:
                scores = model(inputs, training=True)
                losses = cross_entropy(tf.gather(aims, index), scores) * weight
                loss = tf.reduce_mean(losses) + tf.add_n([tf.constant(0.0), *model.losses])
            optimizer.apply(tape.gradient(loss, model.trainable_variables))
            hit = tf.cast(tf.equal(tf.argmax(scores, axis=1, output_type=tf.int32), truth), tf.float32)
            loss_sum += tf.reduce_sum(losses)
            hits += tf.reduce_sum(hit * weight)
            weight_sum += tf.reduce_sum(weight)
        return loss_sum, hits, weight_sum

    compiled: TakeSteps = tf.function(take_steps, input_signature=[tf.TensorSpec([None], tf.int32)])
    return compiled


def _class_weights(codes: NDArray[np.int64], n_labels: int, how: ClassWeights) -> NDArray[np.float32]:
    """(n_labels,) so that the examples' mean weight is 1; a label without examples weighs 1."""
    counts = np.bincount(codes, minlength=n_labels)
    power = {"none": 0.0, "softened": 0.5, "balanced": 1.0}[how]
    weights = np.maximum(counts, 1) ** -power
    weights *= len(codes) / (weights * counts).sum()
    weights[counts == 0] = 1.0
    return weights.astype(np.float32)


def _validated(
    model: keras.Model, examples: Examples, class_weights: NDArray[np.float32], scaling: Scaling | None
) -> dict[str, float]:
    scores = probabilities(model, examples.patches, examples.measures, scaling)
    weight = class_weights[examples.labels]
    true_score = scores[np.arange(len(scores)), examples.labels]
    losses = -np.log(np.maximum(true_score, 1e-7))
    return {
        "val_loss": float(np.average(losses, weights=weight)),
        "val_accuracy": float(np.average(scores.argmax(axis=1) == examples.labels, weights=weight)),
    }


def _report(on_progress: OnProgress | None, progress: Progress) -> None:
    if on_progress is not None:
        on_progress(progress)
