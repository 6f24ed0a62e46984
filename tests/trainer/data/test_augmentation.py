"""Varied copies keep what they are copies of."""

from __future__ import annotations

import numpy as np
import pytest

from edge.classify import PatchSpec
from trainer.data import Examples
from trainer.data.augmentation import AugmentSettings, augmented

SPEC = PatchSpec(8, "median", ("contrast_grey", "length_um", "box_px"))


@pytest.fixture
def examples() -> Examples:
    """Ten patches at mid grey with a dark pixel, their measures known but for one column."""
    patches = np.full((10, 8, 8), 128, np.uint8)
    patches[:, 3, 2] = 60
    measures = np.tile(np.array([60, 120, 200], np.uint8), (10, 1))
    measures[:5, 2] = 0
    return Examples(patches, measures, np.arange(10) % 5, np.arange(10).astype(np.str_))


def test_labels_and_groups_stay(examples: Examples) -> None:
    """Copy after copy, and the originals unchanged."""
    before = examples.patches.copy()
    varied = augmented(examples, SPEC, AugmentSettings(copies=3))
    assert len(varied) == 30
    np.testing.assert_array_equal(varied.labels, np.tile(examples.labels, 3))
    np.testing.assert_array_equal(varied.groups, np.tile(examples.groups, 3))
    np.testing.assert_array_equal(examples.patches, before)


def test_the_same_seed_gives_the_same_copies(examples: Examples) -> None:
    """And another seed others."""
    one, same, other = (augmented(examples, SPEC, AugmentSettings(seed=seed)) for seed in (1, 1, 2))
    np.testing.assert_array_equal(one.patches, same.patches)
    np.testing.assert_array_equal(one.measures, same.measures)
    assert (one.patches != other.patches).any()


def test_nothing_changes_when_nothing_may(examples: Examples) -> None:
    """But for mirroring and turning: the same grey levels, the same measures."""
    still = AugmentSettings(2, 0, 0.0, 0.0, 0.0, 0.0, 0.0)
    varied = augmented(examples, SPEC, still)
    np.testing.assert_array_equal(
        np.sort(varied.patches.reshape(20, -1)), np.sort(np.tile(examples.patches.reshape(10, -1), (2, 1)))
    )
    np.testing.assert_array_equal(varied.measures, np.tile(examples.measures, (2, 1)))


def test_what_is_not_known_stays_unknown(examples: Examples) -> None:
    """No noise makes a figure out of nothing."""
    varied = augmented(examples, SPEC, AugmentSettings(copies=4, code_noise=30.0))
    assert (varied.measures.reshape(4, 10, 3)[:, :5, 2] == 0).all()


def test_an_example_that_forgets_keeps_what_its_patch_tells(examples: Examples) -> None:
    """The box's size shows in the patch's own; the rest goes."""
    varied = augmented(examples, SPEC, AugmentSettings(copies=1, forget_all=1.0, forget_one=0.0))
    assert (varied.measures[:, :2] == 0).all()
    assert (varied.measures[5:, 2] > 0).all()


def test_a_fainter_patch_has_a_fainter_contrast() -> None:
    """Grey measures follow the gain of their patch."""
    patches = np.full((50, 8, 8), 128, np.uint8)
    patches[:, 4, 4] = 68
    examples = Examples(
        patches,
        np.tile(np.array([68, 100, 0], np.uint8), (50, 1)),
        np.zeros(50, np.int64),
        np.arange(50).astype(np.str_),
    )
    varied = augmented(examples, SPEC, AugmentSettings(1, 0, 0.4, 0.0, 0.0, 0.0, 0.0))
    np.testing.assert_allclose(varied.measures[:, 0], varied.patches.reshape(50, -1).min(axis=1).clip(1), atol=1)
