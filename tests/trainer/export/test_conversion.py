import io
import struct
import zipfile
from dataclasses import replace
from functools import lru_cache

import numpy as np
import pytest

keras = pytest.importorskip("keras", reason="the train extra (TensorFlow) is not installed")

from edge.classify import (
    Classifier,
    PatchSpec,
    load_bundle,
)
from edge.classify.bundle import graph_of, pack, read_bundle
from edge.classify.runtime import available_runtimes, build_interpreter
from edge.errors import ModelError, UsageError
from trainer.data import Examples
from trainer.export import Card, Gates, Material, bundle_foreign, convert
from trainer.export.gates import failed_gates
from trainer.export.graph import operators, parse, too_new
from trainer.export.logits_model import as_inputs
from trainer.export.recipe import RECIPES
from trainer.learning.model_file import TrainedModel
from trainer.learning.network import build_network
from trainer.learning.standardisation import probabilities

pytestmark = [pytest.mark.train, pytest.mark.slow]

LABELS = ("top left", "top right", "bottom left", "bottom right")
CARD = Card("quarters", threshold=0.5, licence="Apache-2.0", notes="Which quarter is bright.")
MEASURES = ("snr", "fill")


def quarters(n: int, seed: int, k: int = 0) -> Examples:
    """Noise with one brighter quarter; the measures tell the row and the column, at times wrongly."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 4, n)
    patches = rng.normal(100, 40, (n, 16, 16))
    for patch, label in zip(patches, labels, strict=True):
        patch[8 * (label // 2) :, 8 * (label % 2) :][:8, :8] += 60
    measures = np.stack([labels // 2, labels % 2], axis=1) * 60 + rng.integers(1, 130, (n, 2))
    return Examples(
        np.clip(patches, 0, 255).astype(np.uint8), measures[:, :k].astype(np.uint8), labels, np.array([""] * n)
    )


@lru_cache
def trained(network: str, k: int) -> TrainedModel:
    """A network that learnt the quarters, not perfectly."""
    keras.utils.set_random_seed(0)
    spec = PatchSpec(16, measures=MEASURES[:k])
    model = build_network(network, spec, 4)
    examples = quarters(2000, 0, k)
    inputs = [examples.patches / np.float32(255), examples.measures / np.float32(255)][: 2 if k else 1]
    model.fit(as_inputs(model, inputs), examples.labels, epochs=3, batch_size=64, verbose=0)
    return TrainedModel(model, LABELS, spec, {"name": "quarters"}, {"seed": 0})


@lru_cache
def material(k: int) -> Material:
    """Calibration, held-out and check examples."""
    return Material(quarters(200, 1, k), quarters(600, 2, k), quarters(1200, 3, k))


@lru_cache
def converted(recipe: str, network: str = "mlp", k: int = 0) -> bytes:
    """A bundle by a recipe."""
    return convert(trained(network, k), material(k), CARD, recipe).content


@pytest.mark.parametrize("recipe", RECIPES)
def test_every_recipe_runs_on_the_edge(recipe: str) -> None:
    """The edge's classifier gives the float network's answers for every recipe, one by one and all at once."""
    examples = material(0).check
    wanted = probabilities(trained("mlp", 0).model, examples.patches).argmax(axis=1)
    for report in available_runtimes():
        if report.works:
            classifier = Classifier(read_bundle(converted(recipe)), report.name)
            scores = classifier(examples.patches)
            assert (scores.argmax(axis=1) == wanted).mean() >= RECIPES[recipe].min_agreement
            assert np.array_equal(classifier(examples.patches[7:8]), scores[7:8])
            assert scores.sum(axis=1) == pytest.approx(np.ones(len(examples)), abs=1e-5)


@pytest.mark.parametrize(("network", "k"), [("mlp", 2), ("cnn", 0), ("cnn", 2)])
def test_every_network_runs_on_the_edge(network: str, k: int) -> None:
    """The CNN and the second input come through the default recipe as well."""
    examples = material(k).check
    classifier = Classifier(read_bundle(converted("int8", network, k)))
    accuracy = (classifier(examples.patches, examples.measures if k else None).argmax(axis=1) == examples.labels).mean()
    assert accuracy > 0.6
    if k:
        assert not np.array_equal(classifier(examples.patches), classifier(examples.patches, examples.measures))


@pytest.mark.parametrize(("network", "k"), [("mlp", 0), ("cnn", 2)])
def test_default_contract(network: str, k: int) -> None:
    """Default: int8 inputs, scale 1 and zero point -128, a free batch, built-in operators, float logits and scores."""
    bundle = read_bundle(converted("int8", network, k))
    interpreter = build_interpreter(bundle.content)
    for details in interpreter.get_input_details():
        assert details["dtype"] == np.int8
        assert details["quantization"] == (1.0, -128)
        assert details["shape_signature"][0] == -1
    outputs = interpreter.get_output_details()
    assert [output["name"] for output in outputs] == ["logits", "scores"]
    assert all(output["dtype"] == np.float32 for output in outputs)
    assert operators(graph_of(bundle))[-3:] == ["DEQUANTIZE", "FULLY_CONNECTED", "SOFTMAX"]
    assert too_new(graph_of(bundle)) == []


def test_mlp_has_no_operator_too_many() -> None:
    """Nothing works out the batch, scales or flattens: two layers, one step from integer to float, and the softmax."""
    names = operators(graph_of(read_bundle(converted("int8"))))
    assert names == ["FULLY_CONNECTED", "DEQUANTIZE", "FULLY_CONNECTED", "SOFTMAX"]
    assert operators(graph_of(read_bundle(converted("int8-full")))) == ["FULLY_CONNECTED", "FULLY_CONNECTED"]


@pytest.mark.parametrize("recipe", RECIPES)
def test_same_bytes(recipe: str) -> None:
    """Two conversions of the same weights are the same bytes, whatever was built in between."""
    build_network("cnn", PatchSpec(16), 3)
    assert convert(trained("mlp", 0), material(0), CARD, recipe).content == converted(recipe)


def test_bundle_describes_the_model() -> None:
    """What the maker said and what was measured travel inside."""
    description = read_bundle(converted("int8")).description
    assert (description.name, description.labels, description.recipe) == ("quarters", LABELS, "int8")
    assert (description.threshold, description.licence) == (0.5, "Apache-2.0")
    assert description.data == {"name": "quarters"}
    assert {"seed", "weights_sha256", "converted_by", "measured_with"} <= set(description.code)
    assert description.metrics["agreement"] >= 0.998
    assert 0.05 <= description.temperature <= 20


def test_standard_metadata() -> None:
    """The flatbuffer's own metadata names the file of labels, and that file is in the archive."""
    content = converted("int8", "mlp", 2)
    model = parse(graph_of(read_bundle(content)))
    (entry,) = model.metadata
    assert entry.name == b"TFLITE_METADATA"
    metadata = bytes(model.buffers[entry.buffer].data)
    assert metadata[4:8] == b"M001"
    for text in (b"labels.txt", b"quarters", b"measures", b"snr, fill"):
        assert struct.pack("<I", len(text)) + text in metadata or text in metadata
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert tuple(archive.read("labels.txt").decode().splitlines()) == LABELS


def test_constants_are_aligned() -> None:
    """Weights lie at multiples of 16 bytes, as the schema asks for: some processors read no others."""
    graph = graph_of(read_bundle(converted("int16x8")))
    for buffer in parse(graph).buffers:
        if buffer.data is not None and len(buffer.data) >= 64:
            assert graph.index(bytes(buffer.data)) % 16 == 0


@pytest.mark.parametrize(
    ("gates", "message"),
    [
        (Gates(max_probability_error=1e-9), "largest_probability_error is"),
        (Gates(max_calibration_error=-1.0), "calibration_error is"),
        (
            Gates(min_calibration_pictures=201),
            r"number of calibration pictures is 200, at least 201 expected \(1 short\)",
        ),
        (Gates(min_calibration_span_grey=256), "range of grey levels is 255, at least 256"),
        (Gates(max_bytes=1000), r"bytes is \d+, at most 1000 expected"),
    ],
)
def test_gates(gates: Gates, message: str) -> None:
    """A gate that fails stops the conversion and says which and by how much."""
    with pytest.raises(ModelError, match=message) as caught:
        convert(trained("mlp", 0), material(0), CARD, "int8-full", gates)
    assert "is not written" in str(caught.value)


def test_agreement_gate() -> None:
    """Too few answers shared with the float network are told with the shortfall; one picture may always differ."""
    measured = {"n_check": 400, "agreement": 0.99, "largest_probability_error": 0.0, "calibration_error": 0.0}
    (clause,) = failed_gates("int8", Gates(), measured, material(0).calibration)
    assert clause == "agreement with float is 0.9900, 0.998 expected (0.0080 short)"
    assert failed_gates("int8", Gates(), {**measured, "agreement": 1 - 1 / 400}, material(0).calibration) == []


def test_all_failed_gates_are_told() -> None:
    """Several gates that fail are told at once."""
    with pytest.raises(ModelError, match=r"calibration pictures is 200.*range of grey levels"):
        convert(
            trained("mlp", 0),
            material(0),
            CARD,
            gates=Gates(min_calibration_pictures=999, min_calibration_span_grey=999),
        )


def test_wrong_range_is_caught() -> None:
    """Calibration pictures that were scaled to 0..1 already are caught: their model would answer at chance."""
    dark = material(0).calibration
    scaled = replace(dark, patches=(dark.patches // 200).astype(np.uint8))
    with pytest.raises(ModelError, match="range of grey levels is 1"):
        convert(trained("mlp", 0), replace(material(0), calibration=scaled), CARD)


def test_unfit_examples() -> None:
    """Examples of another shape, with labels the model does not have, or none at all, are refused by name."""
    good = material(0)
    none = good.check.take(np.zeros(0, np.int64))
    other = replace(good.check, labels=good.check.labels + 4)
    for changed, message in (
        (replace(good, check=none), "no check pictures"),
        (replace(good, held_out=other), "held_out labels reach 7"),
        (replace(good, calibration=material(2).calibration), r"the model takes .* and \(n, 0\)"),
    ):
        with pytest.raises(UsageError, match=message):
            convert(trained("mlp", 0), changed, CARD)


def test_unknown_recipe() -> None:
    """An unknown recipe says which there are."""
    with pytest.raises(UsageError, match="expected one of int8, int8-full, float32, dynamic, int16x8"):
        convert(trained("mlp", 0), material(0), CARD, "int4")


def test_foreign_graphs_can_be_bundled() -> None:
    """A graph that keeps the contract gets a bundle; one of another contract is refused."""
    graph = graph_of(read_bundle(converted("int8-full")))
    bundle = read_bundle(bundle_foreign(graph, LABELS, PatchSpec(16), CARD))
    patches = material(0).check.patches
    ours = Classifier(read_bundle(converted("int8-full")))
    assert np.array_equal(Classifier(bundle).logits(patches), ours.logits(patches))
    with pytest.raises(ModelError, match="scores are off"):
        bundle_foreign(graph_of(read_bundle(converted("int8"))), LABELS, PatchSpec(16), CARD)
    with pytest.raises(ModelError, match="its patch input is"):
        bundle_foreign(graph, LABELS, PatchSpec(28), CARD)
    with pytest.raises(ModelError, match="a logit for each of its 3 labels"):
        bundle_foreign(graph, LABELS[:3], PatchSpec(16), CARD)


def test_another_input_scale_is_refused() -> None:
    """A graph whose int8 input has another scale than 1 is refused at load, under whatever seal."""
    from trainer.export.graph import serialise

    bundle = read_bundle(converted("int8"))
    model = parse(graph_of(bundle))
    model.subgraphs[0].tensors[model.subgraphs[0].inputs[0]].quantization.scale = [1 / 255]
    with pytest.raises(ModelError, match="expected 1 and -128"):
        Classifier(read_bundle(pack(serialise(model), bundle.description)))


def test_tiny_models_are_what_the_script_makes() -> None:
    """The committed tiny models are, byte for byte, what their script makes."""
    import runpy
    from pathlib import Path

    root = Path(__file__).parents[3]
    made = runpy.run_path(str(root / "scripts" / "make_tiny_model.py"))["tiny_models"]()
    for name, content in made.items():
        assert (root / name).read_bytes() == content
    assert load_bundle(root / "tests" / "data" / "tiny.tflite").description.name == "tiny"
