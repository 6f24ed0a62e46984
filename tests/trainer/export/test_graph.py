from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("flatbuffers", reason="the train extra (flatbuffers) is not installed")
pytest.importorskip("ai_edge_litert", reason="ai-edge-litert is not installed")

from edge.classify import PatchSpec, load_bundle
from edge.classify.bundle import graph_of, list_models
from edge.classify.engine import Engine
from edge.classify.runtime import build_interpreter
from trainer.export.graph import (
    canonical,
    input_ranks,
    operators,
    output_name,
    parse,
    serialise,
    too_new,
    with_scores,
)

DATA = Path(__file__).parents[2] / "data"


@pytest.fixture
def tiny() -> bytes:
    """Left and right of a 4x4 patch, made by hand; logits only."""
    return graph_of(load_bundle(DATA / "tiny.tflite"))


def logits_of(graph: bytes, patches: np.ndarray) -> np.ndarray:
    """What a graph of the tiny model's contract says."""
    engine = Engine(build_interpreter(graph), PatchSpec(4), 2)
    engine.run(patches, None)
    return engine.logits()


def test_canonical_is_a_fixed_point_and_keeps_every_answer(tiny: bytes) -> None:
    """Twice is once; names tell inputs and outputs; the answers are those of before, bit for bit."""
    once = canonical(tiny, "tiny")
    assert canonical(once, "tiny") == once
    (tensor,) = (parse(once).subgraphs[0].tensors[i] for i in parse(once).subgraphs[0].inputs)
    assert tensor.name == b"patch"
    assert output_name(once) == "logits"
    patches = np.random.default_rng(0).integers(0, 256, (20, 4, 4), np.uint8)
    assert np.array_equal(logits_of(once, patches), logits_of(tiny, patches))


def test_what_nothing_uses_goes(tiny: bytes) -> None:
    """A constant, a tensor and an operator code that the converter left behind."""
    model = parse(tiny)
    subgraph = model.subgraphs[0]
    model.operatorCodes.insert(0, parse(tiny).operatorCodes[0])
    for operator in subgraph.operators:
        operator.opcodeIndex += 1
    subgraph.tensors.append(parse(tiny).subgraphs[0].tensors[1])
    assert canonical(serialise(model)) == canonical(tiny)


def test_scores_are_the_softmax_at_the_temperature(tiny: bytes) -> None:
    """The graph's second output, held against numpy; the logits stay as they were."""
    graph = with_scores(canonical(tiny), 2.0)
    assert operators(graph)[-1] == "SOFTMAX"
    engine = Engine(build_interpreter(graph), PatchSpec(4), 2)
    patches = np.random.default_rng(1).integers(0, 256, (20, 4, 4), np.uint8)
    engine.run(patches, None)
    assert engine.scores is not None
    weights = np.exp(engine.logits() / 2.0)
    assert engine.scores() == pytest.approx(weights / weights.sum(axis=1, keepdims=True), abs=1e-6)
    assert np.array_equal(engine.logits(), logits_of(tiny, patches))


@pytest.mark.parametrize("name", sorted(list_models()))
def test_a_shipped_graph_is_in_order(name: str) -> None:
    """Written again it is the same bytes; the oldest runtime has all its operators; constants lie on multiples of 16.

    Alignment is checked of constants long enough to be found in the file.
    """
    graph = graph_of(load_bundle(name))
    assert serialise(parse(graph)) == graph
    assert too_new(graph) == []
    assert sorted(input_ranks(graph)) == [2, 3]
    constants = [bytes(b.data) for b in parse(graph).buffers if b.data is not None and len(b.data) >= 64]
    assert constants
    assert {graph.index(constant) % 16 for constant in constants} == {0}


def test_an_operator_that_is_too_new_is_named(tiny: bytes) -> None:
    """With its version, for the message."""
    model = parse(tiny)
    model.operatorCodes[0].version = 99
    assert too_new(serialise(model)) == [f"{operators(tiny)[0]} version 99"]
