from pathlib import Path

import numpy as np
import pytest

from edge.classify import PatchSpec, load_bundle
from edge.classify.engine import Engine
from edge.classify.runtime import available_runtimes, build_interpreter
from edge.errors import ModelError

DATA = Path(__file__).parents[2] / "data"
WORKING = [report.name for report in available_runtimes() if report.works]
PATCHES = (np.random.default_rng(0).integers(0, 16, (9, 4, 4)) * 16).astype(np.uint8)
SUMS = np.stack([PATCHES[:, :, :2].sum((1, 2)), PATCHES[:, :, 2:].sum((1, 2))], axis=1)
"""What the tiny models' logits are, times 255: the sums of a patch's halves."""


def engine_of(name: str, runtime: str, still: bool = False, n_labels: int = 2) -> Engine:
    """An engine on a tiny model, which is asked for two labels unless told otherwise."""
    bundle = load_bundle(DATA / f"{name}.tflite")
    return Engine(build_interpreter(bundle.content, runtime), bundle.description.patch, n_labels, still)


@pytest.mark.parametrize("runtime", WORKING)
@pytest.mark.parametrize(
    ("name", "still"),
    [("tiny", True), ("tiny", False), ("tiny-scores", True), ("tiny-scores", False), ("tiny-moving", False)],
)
def test_logits_in_batches_of_changing_size(name: str, still: bool, runtime: str) -> None:
    """Written into the input's memory or copied in: the same answer, and an answer is not changed by the next."""
    engine = engine_of(name, runtime, still)
    first = None
    for n in (1, 9, 3, 3, 1, 9):
        engine.run(PATCHES[:n], None)
        logits = engine.logits()
        assert logits * 255 == pytest.approx(SUMS[:n], abs=1e-3)
        first = logits if first is None else first
    assert first is not None
    assert first * 255 == pytest.approx(SUMS[:1], abs=1e-3)


@pytest.mark.parametrize("runtime", WORKING)
@pytest.mark.parametrize("still", [True, False])
def test_measures_that_are_not_given_are_not_known(still: bool, runtime: str) -> None:
    """None is zero, also after a run that had measures."""
    engine = engine_of("tiny-measures", runtime, still)
    known = np.arange(6, dtype=np.uint8).reshape(3, 2) * 16
    for measures in (known, None, known):
        engine.run(PATCHES[:3], measures)
        expected = SUMS[:3] + (0 if measures is None else measures)
        assert engine.logits() * 255 == pytest.approx(expected, abs=1e-3)


@pytest.mark.parametrize("runtime", WORKING)
def test_scores_only_where_the_graph_has_them(runtime: str) -> None:
    """A graph of logits has none; the others' rows sum to 1."""
    assert engine_of("tiny", runtime).scores is None
    for still in (True, False):
        engine = engine_of("tiny-scores", runtime, still)
        assert engine.scores is not None
        engine.run(PATCHES, None)
        assert engine.scores().sum(axis=1) == pytest.approx(np.ones(9), abs=1e-6)


@pytest.mark.parametrize(
    ("name", "spec", "n_labels", "message"),
    [
        ("tiny", PatchSpec(5), 2, r"its patch input is \(4, 4"),
        ("tiny", PatchSpec(4, measures=("snr",)), 2, "it has 1 inputs: expected 2"),
        ("tiny-measures", PatchSpec(4), 2, "it has 2 inputs: expected 1"),
        ("tiny-measures", PatchSpec(4, measures=("snr",)), 2, r"its measures input is \(2,\): expected \(1,\)"),
        ("tiny", PatchSpec(4), 3, "a logit for each of its 3 labels"),
        ("tiny-scores", PatchSpec(4), 3, "a logit for each of its 3 labels"),
    ],
)
def test_a_graph_of_another_contract_is_refused(name: str, spec: PatchSpec, n_labels: int, message: str) -> None:
    """Before it is run, with what it has and what was expected."""
    content = load_bundle(DATA / f"{name}.tflite").content
    with pytest.raises(ModelError, match=message):
        Engine(build_interpreter(content, WORKING[0]), spec, n_labels)
