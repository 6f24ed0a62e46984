from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from trainer_pictures import LABELS, Tree

from edge.classify import PatchSpec
from edge.errors import UsageError
from trainer.data import Examples, Source, fashion_mnist, open_dataset
from trainer.data.dataset import reopen, unseen
from trainer.data.examples import joined
from trainer.data.label_folders import Grouping
from trainer.data.split import SplitSettings

SPEC = PatchSpec(16)


def test_a_tree_is_split_and_described(tree: Tree) -> None:
    """The record says name, hash, counts and how it was split: what is needed to split it so again."""
    dataset = open_dataset(Source(tree(20)), SPEC, SplitSettings(seed=3))
    assert dataset.labels == LABELS
    assert [len(p) for p in (dataset.train, dataset.validation, dataset.test)] == [56, 8, 16]
    assert dataset.data["name"] == "data"
    assert dataset.data["split_seed"] == 3
    assert dataset.data["pictures left"] == 20
    assert str(tree) not in str(dataset.data)


def test_reopening_gives_the_parts_of_the_training(tree: Tree) -> None:
    """Same pictures, same split, though neither seed nor groups are given again."""
    source = Source(tree(25), ("top", "left", "right", "bottom"), Grouping(pattern=r"fibre\d"))
    first = open_dataset(source, SPEC, SplitSettings(0.2, 0.2, 7))
    again = reopen(first.data, first.labels, SPEC, Source(source.folder))
    assert again.data == first.data
    for name in ("train", "validation", "test"):
        assert np.array_equal(getattr(again, name).patches, getattr(first, name).patches)


def test_a_model_is_scored_on_the_test_part_of_its_own_data_only(tree: Tree) -> None:
    """What it learned from is left out; of pictures it never saw all are used."""
    folder = tree(10)
    dataset = open_dataset(Source(folder), SPEC)
    own = unseen(dataset.data, dataset.labels, SPEC, Source(folder))
    assert (len(own.examples), own.words) == (len(dataset.test), "the test part of data")
    (folder / "top" / "fibre0-000.png").unlink()
    other = unseen(dataset.data, dataset.labels, SPEC, Source(folder))
    assert (len(other.examples), other.words) == (39, "all of data")


def test_other_pictures_may_lack_labels_and_be_few(tree: Tree) -> None:
    """One picture of each of two of the model's labels can be scored; a label it does not know cannot."""
    folder = tree(1, ("top", "left"))
    some = unseen({"name": "mine"}, LABELS, SPEC, Source(folder))
    assert [LABELS[code] for code in some.examples.labels] == ["left", "top"]
    (folder / "top").rename(folder / "up")
    with pytest.raises(UsageError, match="one label, 'left'"):
        unseen({"name": "mine"}, LABELS, SPEC, Source(folder))


def test_data_that_are_not_the_models_are_refused(tree: Tree) -> None:
    """Without a folder the model's own pictures must be known; the labels must be its labels."""
    with pytest.raises(UsageError, match="trained on 'mine': say with --data"):
        reopen({"name": "mine"}, LABELS, SPEC, Source())
    with pytest.raises(UsageError, match="label 'up' has no folder"):
        reopen({"name": "mine"}, ("left", "up"), SPEC, Source(tree(3, ("left", "right"))))


@pytest.mark.skipif(
    not fashion_mnist.is_folder(fashion_mnist.DEBIAN_FOLDER), reason="Debian's dataset-fashion-mnist is not installed"
)
def test_fashion_mnist_is_tested_on_its_own_test_part() -> None:
    """55,000 to learn from, 5,000 to choose, the official 10,000 to test; labels have their names."""
    dataset = open_dataset(Source(), PatchSpec())
    assert [len(p) for p in (dataset.train, dataset.validation, dataset.test)] == [55_000, 5_000, 10_000]
    assert np.bincount(dataset.validation.labels).tolist() == [500] * 10
    assert dataset.labels[9] == "Ankle boot"


def test_fashion_mnist_takes_neither_labels_nor_groups() -> None:
    """Options that would be ignored are refused."""
    for source in (Source(labels=("a", "b")), Source(grouping=Grouping(pattern="x"))):
        with pytest.raises(UsageError, match="its own labels and no groups"):
            open_dataset(source, PatchSpec())


def test_an_idx_folder_is_told_from_a_tree(tmp_path: Path) -> None:
    """A folder with one of the four files is Fashion-MNIST, even if the others are missing."""
    (tmp_path / "t10k-labels-idx1-ubyte").touch()
    with pytest.raises(OSError, match="train-images-idx3-ubyte"):
        open_dataset(Source(tmp_path), PatchSpec())


def test_examples_are_checked_at_birth_and_keep_their_order() -> None:
    """Arrays of unequal length are refused; taking and joining keep patches and labels together."""
    patches = np.arange(4, dtype=np.uint8)[:, None, None] * np.ones((1, 2, 2), np.uint8)
    examples = Examples(patches, np.zeros((4, 0), np.uint8), np.arange(4), np.array(list("abcd")))
    picked = joined([examples.take(np.array([3, 1])), examples.take(examples.labels == 0)])
    assert picked.labels.tolist() == [3, 1, 0]
    assert picked.patches[:, 0, 0].tolist() == [3, 1, 0]
    for wrong in ({"labels": np.arange(3)}, {"patches": patches.astype(float)}, {"groups": np.array(["a"])}):
        with pytest.raises(ValueError, match="patches"):
            Examples(**{**vars(examples), **wrong})
