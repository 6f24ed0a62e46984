from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

pytest.importorskip("sklearn", reason="the train extra (scikit-learn) is not installed")
pytest.importorskip("matplotlib", reason="the train extra (matplotlib) is not installed")

from edge.classify import Classifier
from edge.errors import UsageError
from edge.records import Identity
from trainer.data import Examples
from trainer.evaluation import evaluate, write_evaluation
from trainer.learning.calibration import softmax

LABELS = ("scratch", "dig", "clean")


class Scripted(Classifier):
    """Stands for the edge's classifier: its logits are the first pixels of each patch."""

    labels = LABELS
    threshold = 0.5
    identity = Identity("scripted", "0" * 64, "no runtime")

    def __init__(self) -> None:
        """Nothing to load."""

    def logits(self, patches: np.ndarray, _: Any = None) -> np.ndarray:
        """(n, 3) float32."""
        return patches[:, 0, :3].astype(np.float32) / 40

    def __call__(self, patches: np.ndarray, measures: Any = None) -> np.ndarray:
        """(n, 3), rows sum to 1."""
        return softmax(self.logits(patches), 2.0).astype(np.float32)


def examples(answers: list[int], truth: list[int], strength: int = 200) -> Examples:
    """Patches that the scripted classifier answers so."""
    patches = np.zeros((len(answers), 4, 4), np.uint8)
    patches[np.arange(len(answers)), 0, answers] = strength
    return Examples(patches, np.zeros((len(answers), 0), np.uint8), np.array(truth), np.array([""] * len(answers)))


ANSWERS, TRUTH = [0, 0, 0, 1, 1, 2], [0, 0, 1, 1, 1, 1]


def test_figures_of_a_literal_case() -> None:
    """Two scratches right; of four digs two right, one called scratch and one clean; no clean one."""
    found = evaluate(Scripted(), examples(ANSWERS, TRUTH), "six patches")
    assert found.confusion == ((2, 0, 0), (1, 2, 1), (0, 0, 0))
    assert (found.pictures, found.accuracy) == (6, round(4 / 6, 6))
    scratch, dig, clean = (found.per_label[label] for label in LABELS)
    assert (scratch.precision, scratch.recall, scratch.f1, scratch.pictures) == (round(2 / 3, 6), 1.0, 0.8, 2)
    assert (dig.precision, dig.recall, dig.f1) == (1.0, 0.5, round(2 / 3, 6))
    assert (clean.precision, clean.recall, clean.f1, clean.pictures) == (0.0, 0.0, 0.0, 0)
    assert found.macro_f1 == round((0.8 + 2 / 3) / 2, 6)
    assert found.float_network is None


def test_reliability_bins_hold_every_picture_and_give_the_calibration_error() -> None:
    """The 15 bins' gaps, weighted by their pictures, are the expected calibration error."""
    rng = np.random.default_rng(0)
    patches = rng.integers(0, 256, (300, 4, 4), np.uint8)
    some = Examples(patches, np.zeros((300, 0), np.uint8), rng.integers(0, 3, 300), np.array([""] * 300))
    found = evaluate(Scripted(), some)
    assert len(found.reliability) == 15
    assert sum(b.pictures for b in found.reliability) == 300
    error = sum(b.pictures * abs(b.confidence - b.accuracy) for b in found.reliability) / 300
    assert found.calibration_error == pytest.approx(error, abs=1e-5)
    for b in found.reliability:
        assert not b.pictures or b.low - 1e-6 <= b.confidence <= b.high + 1e-6


def test_coverage_counts_what_is_not_unknown() -> None:
    """Weak answers fall below the threshold and leave the covered accuracy alone."""
    strong, weak = examples([0, 1], [0, 1]), examples([2, 2], [0, 1], strength=10)
    both = Examples(
        np.concatenate([strong.patches, weak.patches]),
        np.zeros((4, 0), np.uint8),
        np.array([0, 1, 0, 1]),
        np.array([""] * 4),
    )
    found = evaluate(Scripted(), both)
    assert (found.accuracy, found.coverage, found.accuracy_covered) == (0.5, 0.5, 1.0)


def test_agreement_is_measured_at_temperature_1() -> None:
    """The float network's probabilities are held against the graph's before its temperature."""
    some = examples(ANSWERS, TRUTH)
    same = softmax(Scripted().logits(some.patches))
    found = evaluate(Scripted(), some, float_scores=same.astype(np.float32)).float_network
    assert found is not None
    assert (found.agreement, found.largest_probability_error) == (1.0, 0.0)
    other = same[:, [1, 0, 2]]
    found = evaluate(Scripted(), some, float_scores=other.astype(np.float32)).float_network
    assert found is not None
    assert found.agreement == round(1 / 6, 6)


@pytest.mark.parametrize("history", [{}, {"loss": (1.0, 0.5), "accuracy": (0.4, 0.8)}])
def test_json_and_pictures_are_written(tmp_path: Path, history: dict[str, tuple[float, ...]]) -> None:
    """JSON with every figure, PNGs that decode; learning curves only where they are known; twice the same bytes."""
    found = evaluate(Scripted(), examples(ANSWERS, TRUTH), "six patches", history=history)
    paths = write_evaluation(found, tmp_path / "new" / "folder")
    names = ["evaluation.json", "confusion.png", "reliability.png", *(["learning.png"] if history else [])]
    assert [p.name for p in paths] == names
    assert sorted(p.name for p in paths[0].parent.iterdir()) == sorted(names)
    told = json.loads(paths[0].read_text())
    assert (told["schema"], told["confusion"][1]) == ("ferrule/evaluation/1", [1, 2, 1])
    for path in paths[1:]:
        assert min(cv2.imread(str(path)).shape[:2]) > 400
    before = [p.read_bytes() for p in paths]
    assert [p.read_bytes() for p in write_evaluation(found, paths[0].parent)] == before


def test_learning_curves_mark_the_epoch_that_was_kept(tmp_path: Path) -> None:
    """Of equal accuracies the lower loss; drawn with one epoch too."""
    one: dict[str, tuple[float, ...]] = {"loss": (1.0,), "accuracy": (0.5,), "val_loss": (1.0,), "val_accuracy": (0.5,)}
    found = evaluate(Scripted(), examples(ANSWERS, TRUTH), history=one)
    assert len(write_evaluation(found, tmp_path)) == 4


def test_no_pictures_and_no_place_are_refused(tmp_path: Path) -> None:
    """Nothing to score; a file where the folder should be."""
    with pytest.raises(UsageError, match="no pictures to score"):
        evaluate(Scripted(), examples([], []))
    (tmp_path / "file").touch()
    with pytest.raises(UsageError, match="cannot be made"):
        write_evaluation(evaluate(Scripted(), examples(ANSWERS, TRUTH)), tmp_path / "file")
