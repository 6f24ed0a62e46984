from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from trainer_pictures import LABELS, Tree, half

keras = pytest.importorskip("keras", reason="the train extra (TensorFlow) is not installed")

from edge.classify import PatchSpec
from edge.errors import UsageError
from trainer.data import (
    Dataset,
    Examples,
    Source,
    open_dataset,
)
from trainer.learning.fit import FitSettings, Progress, fit_dataset, fit_model
from trainer.learning.model_file import TrainedModel, weights_sha256
from trainer.learning.network import build_model, build_network
from trainer.learning.standardisation import probabilities

pytestmark = pytest.mark.train
SPEC = PatchSpec(16)
SETTINGS = FitSettings(epochs=4, batch=16, seed=1)


def halves(n: int, seed: int, k: int = 0) -> Examples:
    """Pictures with one brighter half; a measure that tells it too."""
    rng = np.random.default_rng(seed)
    codes = rng.integers(0, 4, n)
    patches = np.stack([half(LABELS[code], rng) for code in codes])
    return Examples(patches, np.tile(codes[:, None] * 60, (1, k)).astype(np.uint8), codes, np.array([""] * n))


def dataset(k: int = 0) -> Dataset:
    """Enough to learn the halves from."""
    spec = replace(SPEC, measures=("snr", "fill")[:k])
    return Dataset(LABELS, spec, halves(300, 0, k), halves(80, 1, k), halves(80, 2, k), {"name": "halves"})


def accuracy(trained: TrainedModel, examples: Examples) -> float:
    """Share of right answers."""
    scores = probabilities(trained.model, examples.patches, examples.measures)
    return float((scores.argmax(axis=1) == examples.labels).mean())


@pytest.mark.parametrize(("network", "k"), [("mlp", 0), ("cnn", 0), ("mlp", 2)])
def test_what_can_be_learned_is_learned(network: str, k: int) -> None:
    """Bright halves, by either network, with and without measures; the record says how."""
    data = dataset(k)
    trained = fit_dataset(data, SETTINGS, network)
    assert accuracy(trained, data.test) > 0.95
    assert (trained.labels, trained.spec) == (LABELS, data.spec)
    assert trained.data == {"name": "halves"}
    assert trained.code["network"] == network
    assert trained.code["seed"] == 1
    assert trained.code["weights_sha256"] == weights_sha256(trained.model)


def test_a_mid_grey_background_does_not_keep_the_mlp_from_learning() -> None:
    """Faint halves on grey 128, as patches with their background off are: standardised while learning."""
    data = dataset()

    def faint(examples: Examples) -> Examples:
        return replace(examples, patches=(128 + (examples.patches.astype(int) - 128) // 8).astype(np.uint8))

    faded = replace(data, train=faint(data.train), validation=faint(data.validation), test=faint(data.test))
    assert accuracy(fit_dataset(faded, SETTINGS), faded.test) > 0.95


def test_the_same_seed_gives_the_same_bits_and_another_one_others() -> None:
    """First weights and order both come from the seed, whatever ran before."""
    first = fit_dataset(dataset(), SETTINGS)
    keras.utils.set_random_seed(99)
    assert weights_sha256(fit_dataset(dataset(), SETTINGS).model) == weights_sha256(first.model)
    assert weights_sha256(fit_dataset(dataset(), replace(SETTINGS, seed=2)).model) != weights_sha256(first.model)


_TWICE = """
import sys
from pathlib import Path
from edge.classify import PatchSpec
from trainer import train as fit_dataset
from trainer.data import Source, open_dataset
from trainer.learning.fit import FitSettings
data = open_dataset(Source(Path(sys.argv[1])), PatchSpec(16))
print([fit_dataset(data, FitSettings(2, 16), network).code["weights_sha256"] for network in ("mlp", "cnn")])
"""


@pytest.mark.slow
def test_two_processes_give_the_same_bits(tree: Tree) -> None:
    """Either network, trained in two processes that run at once, so that threads come in different orders."""
    command = [sys.executable, "-c", _TWICE, str(tree(30))]
    running = [subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) for _ in range(2)]
    first, second = (process.communicate(timeout=300)[0] for process in running)
    assert first.startswith(b"['")
    assert first == second


def test_the_history_has_a_figure_per_epoch_and_progress_is_told() -> None:
    """Loss falls, and the callback hears of every epoch with the figures of the history."""
    told: list[Progress] = []
    trained = fit_dataset(dataset(), SETTINGS, on_progress=told.append)
    ended = [p for p in told if p.figures]
    assert set(trained.history) == {"loss", "accuracy", "val_loss", "val_accuracy"}
    assert [p.epoch for p in ended] == [1, 2, 3, 4]
    assert tuple(p.figures["loss"] for p in ended) == trained.history["loss"]
    assert trained.history["loss"][-1] < trained.history["loss"][0]
    assert all(p.step <= p.steps == 19 for p in told)


def test_the_best_epoch_is_kept_not_the_last() -> None:
    """By validation accuracy: what a rate far too high does afterwards is not kept."""
    data = dataset()
    model = build_network("mlp", SPEC, 4)
    history = fit_model(model, data.train, data.validation, replace(SETTINGS, epochs=6, learning_rate=0.5))
    scores = probabilities(model, data.validation.patches)
    reached = (scores.argmax(axis=1) == data.validation.labels).mean()
    best = max(history["val_accuracy"])
    assert history["val_accuracy"].index(best) < 5
    assert abs(reached - best) < 0.05  # the history's is weighted by class


def test_without_validation_the_last_epoch_stands() -> None:
    """And the history has no validation figures."""
    data = dataset()
    model = build_network("mlp", SPEC, 4)
    history = fit_model(model, data.train, data.validation.take(np.zeros(80, bool)), SETTINGS)
    assert set(history) == {"loss", "accuracy"}


def test_targets_stand_in_for_the_labels() -> None:
    """A model that is shown the right answers learns them, whatever the labels say, and how sure it may be."""
    data = dataset()
    targets = np.full((len(data.train), 4), 0.1, np.float32)
    targets[np.arange(len(targets)), data.train.labels] = 0.7
    shuffled = replace(data.train, labels=np.roll(data.train.labels, 1))
    trained = fit_dataset(replace(data, train=shuffled), replace(SETTINGS, class_weights="none"), targets=targets)
    assert accuracy(trained, data.test) > 0.95
    scores = probabilities(trained.model, data.test.patches)
    assert 0.6 < float(np.median(scores.max(axis=1))) < 0.8


def test_targets_of_another_shape_are_refused() -> None:
    """One row for each example, one column for each label."""
    data = dataset()
    with pytest.raises(UsageError, match=r"targets \(300, 3\): expected \(300, 4\)"):
        fit_dataset(data, SETTINGS, targets=np.ones((300, 3), np.float32))


def test_class_weights_help_the_rare_label() -> None:
    """Balanced, a label of one in fifty is told more often than without weights."""
    rng = np.random.default_rng(3)
    codes = np.array([0] * 490 + [1] * 10)
    patches = np.clip(rng.normal(100 + 6 * codes[:, None, None], 40, (500, 16, 16)), 0, 255).astype(np.uint8)
    examples = Examples(patches, np.zeros((500, 0), np.uint8), codes, np.array([""] * 500))
    n_told = {}
    for how in ("none", "balanced"):
        keras.utils.set_random_seed(0)
        model = build_model((16, 16), 2, hidden_units=4)
        fit_model(model, examples, examples.take(np.zeros(500, bool)), FitSettings(2, 50, class_weights=how))
        n_told[how] = int(probabilities(model, patches).argmax(axis=1).sum())
    assert n_told["balanced"] > n_told["none"]


def test_a_network_of_ones_own_is_built_after_the_seed_and_fitted() -> None:
    """`build_model` with extra layers, by way of a function."""

    def own(spec: PatchSpec, n_labels: int) -> object:
        return build_model((spec.size, spec.size), n_labels, [keras.layers.Dropout(0.1)])

    data = dataset()
    first, again = (fit_dataset(data, SETTINGS, own) for _ in range(2))
    assert accuracy(first, data.test) > 0.95
    assert weights_sha256(first.model) == weights_sha256(again.model)


def test_going_on_from_a_model_onto_other_labels(tree: Tree) -> None:
    """The body is kept: what is known is told from the first epoch on, and a new label is learned."""
    old = fit_dataset(dataset(), SETTINGS)
    folder = tree(30, ("top", "left"))
    (folder / "left").rename(folder / "leftish")
    data = open_dataset(Source(folder, ("top", "leftish")), SPEC)
    adapted = fit_dataset(data, FitSettings(epochs=3, batch=8), start=old)
    assert adapted.labels == ("top", "leftish")
    assert accuracy(adapted, data.test) > 0.95
    assert adapted.code["network"] == "mlp"
    assert adapted.code["started_from_weights_sha256"] == weights_sha256(old.model)


def test_going_on_without_a_step_worth_the_name_changes_nothing() -> None:
    """At a rate of next to nothing the answers are those of the model started from."""
    data = dataset(2)
    old = fit_dataset(data, SETTINGS)
    same = fit_dataset(data, FitSettings(epochs=1, learning_rate=1e-9), start=old)
    given = data.test.patches, data.test.measures
    np.testing.assert_allclose(probabilities(same.model, *given), probabilities(old.model, *given), atol=1e-3)


def test_what_cannot_be_fitted_is_refused() -> None:
    """Settings out of range, a start that wants other patches, no examples, a network of another size."""
    data = dataset()
    out_of_range: tuple[dict[str, Any], ...] = (
        {"epochs": 0},
        {"batch": 0},
        {"learning_rate": 0},
        {"learning_rate": 2},
        {"seed": -1},
    )
    for wrong in out_of_range:
        with pytest.raises(UsageError):
            FitSettings(**wrong)
    with pytest.raises(UsageError, match="expected none or softened or balanced"):
        FitSettings(class_weights="some")  # type: ignore[arg-type]
    start = TrainedModel(build_network("mlp", PatchSpec(8), 4), LABELS, PatchSpec(8))
    with pytest.raises(UsageError, match="the model to start from wants"):
        fit_dataset(data, SETTINGS, start=start)
    with pytest.raises(UsageError, match="no examples to learn from"):
        fit_dataset(replace(data, train=data.train.take(np.zeros(300, bool))), SETTINGS)
    with pytest.raises(UsageError, match="4 labels"):
        fit_dataset(data, SETTINGS, lambda spec, n: build_model((spec.size, spec.size), n + 1))


def test_weights_that_ran_away_are_no_model() -> None:
    """NaN is said, not saved."""
    data = dataset()
    poisoned = build_network("mlp", SPEC, 4)
    poisoned.layers[-1].set_weights([np.full((128, 4), np.nan, np.float32), np.zeros(4, np.float32)])
    with pytest.raises(UsageError, match=r"no numbers any more: take a lower rate than 0\.002"):
        fit_model(poisoned, data.train, data.validation, SETTINGS)


def test_weight_decay_of_ones_own_layers_counts() -> None:
    """Losses that layers add are minimised too."""
    data = dataset()

    def built(strength: float) -> Callable[[PatchSpec, int], object]:
        decay = keras.regularizers.L2(strength)
        extra = [keras.layers.Dense(8, kernel_regularizer=decay, name="extra")]
        return lambda spec, n_labels: build_model((16, 16), n_labels, extra)

    sizes = [
        np.abs(fit_dataset(data, SETTINGS, built(strength)).model.get_layer("extra").get_weights()[0]).mean()
        for strength in (0.0, 1.0)
    ]
    assert sizes[1] < 0.8 * sizes[0]
