import numpy as np
import pytest

keras = pytest.importorskip("keras", reason="the train extra (TensorFlow) is not installed")

from edge.classify import PatchSpec
from edge.classify.engine import Engine
from edge.classify.runtime import build_interpreter
from trainer.data import Examples
from trainer.export.bias_correction import correct_biases
from trainer.export.graph import canonical, operators
from trainer.export.logits_model import without_softmax
from trainer.export.recipe import RECIPES, to_tflite
from trainer.learning.network import build_network

pytestmark = [pytest.mark.train, pytest.mark.slow]


def faint(n: int, seed: int) -> Examples:
    """Patches as the defect model sees them: grey 128, and a little of something."""
    rng = np.random.default_rng(seed)
    patches = np.clip(128 + rng.normal(0, 6, (n, 28, 28)), 0, 255).astype(np.uint8)
    return Examples(patches, np.zeros((n, 0), np.uint8), np.zeros(n, np.int64), np.array([""] * n))


@pytest.mark.parametrize("recipe", [name for name, recipe in RECIPES.items() if recipe.is_quantised])
@pytest.mark.parametrize("network", ["mlp", "cnn"])
def test_mean_error_goes(network: str, recipe: str) -> None:
    """On pictures that were not calibrated with, the quantised graph's mean logits come closer to the float one's."""
    keras.utils.set_random_seed(0)
    spec, calibration, other = PatchSpec(28), faint(200, 0), faint(200, 1)
    model = build_network(network, spec, 5)
    rng = np.random.default_rng(2)
    model.set_weights([w if w.ndim > 1 else rng.normal(0, 0.1, w.shape) for w in model.get_weights()])
    logits_model = without_softmax(model)

    def logits(graph: bytes) -> np.ndarray:
        engine = Engine(build_interpreter(graph), spec, 5)
        engine.run(other.patches, None)
        return engine.logits()

    exact = canonical(to_tflite(logits_model, "float32", calibration))
    rounded = canonical(to_tflite(logits_model, recipe, calibration))
    better = correct_biases(rounded, exact, calibration)
    wanted = logits(exact)
    assert np.abs((logits(better) - wanted).mean(axis=0)).max() < np.abs((logits(rounded) - wanted).mean(axis=0)).max()
    assert len(better) == len(rounded)
    assert operators(better) == operators(rounded)
