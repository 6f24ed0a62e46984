"""The recipe of the models that ship: what they are made from, and what their card says."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("tensorflow", reason="tensorflow is not installed")

from edge.classify import load_bundle
from edge.classify.bundle import read_bundle
from edge.labels import DEFECT_LABELS
from trainer.data.augmentation import AugmentSettings
from trainer.data.rendered import PROVENANCE_SEEDS, rendered_examples, rendered_sha256
from trainer.export import Gates
from trainer.learning import FitSettings
from trainer.model_card import card_text
from trainer.phantom import Phantom, Scene, random_scene, render
from trainer.phantom.scene import LABEL_OF_KIND
from trainer.shipped_models import (
    SPEC,
    DefectModel,
    MakeSettings,
    _threshold,
    distillation_set,
    examples_for,
    make,
    risk_coverage,
)

pytestmark = pytest.mark.train

SCORES = np.array([[0.9, 0.1], [0.6, 0.4], [0.55, 0.45], [0.2, 0.8]], np.float32)
TRUTH = np.array([0, 1, 0, 1])


def test_risk_falls_with_coverage_as_counted_by_hand() -> None:
    """At 0 all are named, one of four wrongly; above 0.6 two are left, both right."""
    curve = risk_coverage(SCORES, TRUTH)
    np.testing.assert_allclose(curve[0], (0.0, 1.0, 0.25))
    np.testing.assert_allclose(curve[13], (0.65, 0.5, 0.0))


def test_the_threshold_lies_where_answers_are_mostly_wrong() -> None:
    """Forty answers below 0.4 are wrong, those above are right."""
    low = np.tile([[0.35, 0.33, 0.32]], (40, 1))
    high = np.tile([[0.8, 0.1, 0.1]], (60, 1))
    scores = np.concatenate([low, high]).astype(np.float32)
    labels = np.concatenate([np.ones(40, np.int64), np.zeros(60, np.int64)])
    assert 0.34 < _threshold(scores, labels, 0.5) <= 0.36
    assert _threshold(scores[40:], labels[40:], 0.5) == 0.0


@pytest.mark.slow
@pytest.mark.parametrize("network", ["mlp", "deep-cnn"])
def test_two_makes_are_the_same_bytes(monkeypatch: pytest.MonkeyPatch, network: str) -> None:
    """Small ones, but from faces to file: the recipe is the same. The card names what is inside."""
    monkeypatch.setattr("trainer.export.gates.RENDERED_MARKS_GATES", {network: Gates(0.0, 1.0, 1.0, 8, 1)})
    fit = FitSettings(epochs=1, class_weights="none")
    settings = MakeSettings(6, 3, 3, 50, augment=AugmentSettings(copies=1), fit=fit, teachers=1, workers=1)

    def made() -> DefectModel:
        return make("tiny", network, distillation_set(examples_for(settings), settings), settings)

    one, other = made(), made()
    assert one.conversion.content == other.conversion.content
    description = read_bundle(one.conversion.content).description
    assert description.labels == DEFECT_LABELS
    card = card_text(one, network)
    assert card.startswith("# tiny")
    assert str(description.data["rendered_sha256"]) in card
    assert "- teachers: 1\n" in card
    assert "same bytes" in card


@pytest.mark.slow
def test_teachers_answer_every_variation_and_none_are_the_labels() -> None:
    """Their mean answer is a distribution over the labels; without teachers there is no answer but the label."""
    fit = FitSettings(epochs=1, class_weights="none")
    settings = MakeSettings(6, 3, 3, 50, augment=AugmentSettings(copies=2), fit=fit, teachers=2, workers=1)
    rendered = examples_for(settings)
    learned_from = distillation_set(rendered, settings)
    assert len(learned_from.dataset.train) == 2 * len(rendered.train)
    assert learned_from.targets is not None
    assert learned_from.targets.shape == (len(learned_from.dataset.train), len(DEFECT_LABELS))
    np.testing.assert_allclose(learned_from.targets.sum(axis=1), 1.0, atol=1e-5)
    assert distillation_set(rendered, replace(settings, teachers=0)).targets is None


@pytest.mark.slow
def test_the_examples_do_not_depend_on_the_processes() -> None:
    """One or two workers, the same examples."""
    one, two = (rendered_examples((2, 1, 1), 70, SPEC, workers) for workers in (1, 2))
    np.testing.assert_array_equal(one.train.patches, two.train.patches)
    np.testing.assert_array_equal(one.check.measures, two.check.measures)


def test_the_faces_that_stand_for_the_renderer_hold_every_kind_of_defect() -> None:
    """A change of how one kind is drawn cannot slip past them."""
    drawn = {defect.kind for seed in PROVENANCE_SEEDS for defect in random_scene(seed).defects}
    assert drawn == set(LABEL_OF_KIND)


def test_provenance_is_of_what_is_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same faces hash alike; another pixel, another truth, another variation or another face does not."""
    augment, seeds = AugmentSettings(), (3, 4)
    here = rendered_sha256(SPEC, augment, seeds)
    assert rendered_sha256(SPEC, augment, seeds) == here
    assert rendered_sha256(SPEC, augment, (3, 5)) != here
    assert rendered_sha256(SPEC, replace(augment, seed=1), seeds) != here

    def off_by_one_pixel(scene: Scene) -> Phantom:
        phantom = render(scene)
        pixels = phantom.pixels.copy()
        pixels[0, 0] ^= 1
        return replace(phantom, pixels=pixels)

    def off_by_one_truth(scene: Scene) -> Phantom:
        phantom = render(scene)
        return replace(
            phantom, marks=(replace(phantom.marks[0], area_px=phantom.marks[0].area_px + 1), *phantom.marks[1:])
        )

    for other in (off_by_one_pixel, off_by_one_truth):
        monkeypatch.setattr("trainer.data.rendered.render", other)
        assert rendered_sha256(SPEC, augment, seeds) != here


def test_the_shipped_models_name_the_defects() -> None:
    """Both ship, with the labels in their order and a threshold that leaves most marks a name."""
    for name in ("fibre-defects", "fibre-defects-mlp"):
        description = load_bundle(name).description
        assert description.labels == DEFECT_LABELS
        assert description.patch.background == "median"
        assert 0.0 <= description.threshold < 0.6
