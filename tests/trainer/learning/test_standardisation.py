from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

keras = pytest.importorskip("keras", reason="the train extra (TensorFlow) is not installed")

from edge.classify import PatchSpec
from edge.errors import UsageError
from trainer.data import Examples
from trainer.learning.network import NETWORKS, build_model, build_network
from trainer.learning.standardisation import fold, probabilities, scaling_of, takes_scaling, unfold

pytestmark = pytest.mark.train
layers = keras.layers


def examples(k: int = 0, n: int = 40) -> Examples:
    """Patches that are mid grey nearly everywhere, and measures of which one is constant."""
    rng = np.random.default_rng(0)
    patches = np.clip(rng.normal(128, 6, (n, 20, 20)), 0, 255).astype(np.uint8)
    measures = rng.integers(0, 256, (n, k), np.uint8)
    measures[:, :1] = 7
    return Examples(patches, measures, rng.integers(0, 3, n), np.array([""] * n))


def convolution(padding: str) -> list[object]:
    """Extra layers that begin with the picture itself."""
    return [layers.Reshape((20, 20, 1)), layers.Conv2D(2, 3, padding=padding), layers.Flatten()]


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("measures", [(), ("snr", "fill", "aspect")])
def test_folding_keeps_the_answers(name: str, measures: tuple[str, ...]) -> None:
    """A model of standardised inputs answers the same once it takes the inputs as they are."""
    some = examples(len(measures))
    model = build_network(name, PatchSpec(20, measures=measures), 3)
    scaling = scaling_of(some)
    standardised = probabilities(model, some.patches, some.measures, scaling)
    fold(model, scaling)
    np.testing.assert_allclose(probabilities(model, some.patches, some.measures), standardised, atol=2e-4)


def test_unfolding_is_the_inverse() -> None:
    """Up to the rounding of float32."""
    some = examples(3)
    model = build_network("cnn", PatchSpec(20, measures=("snr", "fill", "aspect")), 3)
    before = model.get_weights()
    fold(model, scaling_of(some))
    unfold(model, scaling_of(some))
    for a, b in zip(model.get_weights(), before, strict=True):
        np.testing.assert_allclose(a, b, atol=2e-5)


def test_a_constant_input_is_not_divided_by_nothing() -> None:
    """One grey everywhere: the smallest deviation is a grey level."""
    flat = Examples(np.full((4, 8, 8), 9, np.uint8), np.full((4, 1), 3, np.uint8), np.zeros(4, int), np.array([""] * 4))
    scaling = scaling_of(flat)
    assert scaling.patch_sd == 1 / 255
    assert scaling.measures_sd.tolist() == [np.float32(1 / 255)]


@pytest.mark.parametrize(
    ("made", "expected"),
    [
        (lambda: build_model((20, 20), 3), True),
        (
            lambda: build_model(
                (20, 20), 3, [layers.Reshape((20, 20, 1)), layers.Conv2D(2, 3), layers.Flatten()], None
            ),
            True,
        ),
        (
            lambda: build_model(
                (20, 20), 3, [layers.Reshape((20, 20, 1)), layers.Conv2D(2, 3, padding="same"), layers.Flatten()], None
            ),
            False,
        ),
        (lambda: build_model((20, 20), 3, [layers.Dropout(0.5)], None), False),
        (lambda: build_model((20, 20), 3, [layers.Dense(4, use_bias=False)], None), False),
    ],
)
def test_only_what_can_be_folded_exactly_is_standardised(made: Callable[[], Any], expected: bool) -> None:
    """Padding is zero before the scaling and would not be after it; dropout drops x, not (x - mean)."""
    assert takes_scaling(made()) is expected


def test_probabilities_of_none_and_of_many() -> None:
    """No patches give no rows; more than a batch give the rows of one by one."""
    model = build_model((4, 4), 3)
    patches = np.random.default_rng(0).integers(0, 256, (1030, 4, 4), np.uint8)
    together = probabilities(model, patches)
    assert probabilities(model, patches[:0]).shape == (0, 3)
    np.testing.assert_allclose(together[1024:], probabilities(model, patches[1024:]), rtol=1e-5)
    np.testing.assert_allclose(together, model.predict(patches / np.float32(255), verbose=0), rtol=1e-5)


def test_missing_measures_are_said() -> None:
    """A model with two inputs is not fed one."""
    model = build_network("mlp", PatchSpec(4, measures=("snr",)), 2)
    with pytest.raises(UsageError, match="takes measures beside the patches"):
        probabilities(model, np.zeros((1, 4, 4), np.uint8))
