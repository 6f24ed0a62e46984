import numpy as np
import pytest

keras = pytest.importorskip("keras", reason="the train extra (TensorFlow) is not installed")

from edge.classify import PatchSpec
from trainer.data import Examples
from trainer.export.logits_model import as_inputs, without_softmax
from trainer.export.range_equalisation import equalise_ranges
from trainer.learning.network import build_model, build_network

pytestmark = pytest.mark.train
MEASURES = ("snr", "fill", "aspect")


def noise(n: int, k: int) -> Examples:
    """Patches and measures that look like nothing."""
    rng = np.random.default_rng(1)
    patches = rng.integers(0, 256, (n, 28, 28), np.uint8)
    return Examples(patches, rng.integers(0, 256, (n, k), np.uint8), np.zeros(n, np.int64), np.array([""] * n))


@pytest.mark.parametrize(("network", "k"), [("mlp", 0), ("mlp", 3), ("cnn", 3)])
def test_equalising_changes_no_answer(network: str, k: int) -> None:
    """Hidden units scaled before their ReLU and scaled back after it: the logits stay, the units' maxima lie closer."""
    logits_model = without_softmax(build_network(network, PatchSpec(measures=MEASURES[:k]), 5))
    examples = noise(50, k)
    inputs = as_inputs(
        logits_model, [examples.patches.astype(np.float32), examples.measures.astype(np.float32)][: 1 + (k > 0)]
    )
    hidden = keras.Model(logits_model.inputs, logits_model.layers[-2].output)
    logits, largest = np.asarray(logits_model(inputs)), np.asarray(hidden(inputs)).max(axis=0)
    assert equalise_ranges(logits_model, examples)
    assert np.asarray(logits_model(inputs)) == pytest.approx(logits, abs=1e-4)
    evened = np.asarray(hidden(inputs)).max(axis=0)
    active = largest > 0
    assert (evened.max() / evened[active].min()) < (largest.max() / largest[active].min())


def test_nothing_to_equalise() -> None:
    """Where no ReLU layer of its own feeds the logits, the model is left alone."""
    plain = without_softmax(build_model(hidden_units=None))
    before = [w.copy() for w in plain.get_weights()]
    assert not equalise_ranges(plain, noise(5, 0))
    assert all(np.array_equal(a, b) for a, b in zip(before, plain.get_weights(), strict=True))
