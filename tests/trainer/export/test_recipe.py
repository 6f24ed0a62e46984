import numpy as np
import pytest

keras = pytest.importorskip("keras", reason="the train extra (TensorFlow) is not installed")

from edge.classify import PatchSpec
from edge.classify.runtime import build_interpreter
from edge.errors import UsageError
from trainer.data import Examples
from trainer.export.graph import parse
from trainer.export.logits_model import without_softmax
from trainer.export.recipe import DEFAULT_RECIPE, RECIPES, to_tflite
from trainer.learning.network import build_network

pytestmark = pytest.mark.train


def grey(n: int, k: int = 0) -> Examples:
    """Patches and measures in a narrow range: what is 0 and 255 in the graph is not taken from them."""
    rng = np.random.default_rng(0)
    patches, measures = rng.integers(100, 150, (n, 16, 16)), rng.integers(100, 150, (n, k))
    return Examples(
        patches.astype(np.uint8), measures.astype(np.uint8), np.zeros(n, np.int64), np.array([""] * n, np.str_)
    )


def graph_by(recipe: str, k: int = 0) -> bytes:
    """A small MLP, converted."""
    keras.utils.set_random_seed(0)
    spec = PatchSpec(16, measures=("snr", "fill")[:k])
    return to_tflite(without_softmax(build_network("mlp", spec, 3)), recipe, grey(40, k))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("recipe", "given", "told"),
    [
        ("int8", np.int8, np.float32),
        ("int8-full", np.int8, np.int8),
        ("float32", np.float32, np.float32),
        ("dynamic", np.float32, np.float32),
        ("int16x8", np.int16, np.int16),
    ],
)
def test_what_goes_in_and_comes_out(recipe: str, given: type, told: type) -> None:
    """Each recipe's inputs and outputs have the types that its description says."""
    interpreter = build_interpreter(graph_by(recipe, 2))
    assert {details["dtype"] for details in interpreter.get_input_details()} == {given}
    assert {details["dtype"] for details in interpreter.get_output_details()} == {told}


@pytest.mark.slow
@pytest.mark.parametrize("recipe", ["int8", "int8-full"])
@pytest.mark.parametrize("k", [0, 2])
def test_a_grey_level_is_a_step_of_the_input(recipe: str, k: int) -> None:
    """Scale 1 and zero point -128 for patches and measures, whatever the calibration's range is."""
    for details in build_interpreter(graph_by(recipe, k)).get_input_details():
        assert details["quantization"] == (1.0, -128)


@pytest.mark.slow
def test_only_quantised_recipes_round_weights() -> None:
    """A quarter of the bytes for the body's weights; float32 keeps them all."""
    sizes = {name: max(len(b.data) for b in parse(graph_by(name)).buffers if b.data is not None) for name in RECIPES}
    assert sizes["float32"] == 4 * 16 * 16 * 128
    assert {name for name, size in sizes.items() if size == 16 * 16 * 128} == {
        name for name, recipe in RECIPES.items() if recipe.is_quantised
    }


def test_calibration_examples_are_not_changed() -> None:
    """The pixels that are set to 0 and 255 for the input's range are those of a copy."""
    examples = grey(5)
    before = examples.patches.copy()
    to_tflite(without_softmax(build_network("mlp", PatchSpec(16), 3)), "int8-full", examples)
    assert np.array_equal(examples.patches, before)


def test_what_cannot_be_converted_is_refused() -> None:
    """An unknown recipe is told which there are; one picture is too few to calibrate with."""
    logits_model = without_softmax(build_network("mlp", PatchSpec(16), 3))
    with pytest.raises(UsageError, match="expected one of int8, int8-full"):
        to_tflite(logits_model, "int4", grey(5))
    with pytest.raises(UsageError, match="1 calibration pictures: the recipe int8 needs at least two"):
        to_tflite(logits_model, DEFAULT_RECIPE, grey(1))
