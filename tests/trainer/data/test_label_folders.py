from __future__ import annotations

import csv
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest
from trainer_pictures import LABELS, Tree

from edge.classify import PatchSpec
from edge.errors import SourceError, UsageError
from edge.sources import read_picture
from trainer.data.label_folders import Grouping, labels_in, read_tree

SPEC = PatchSpec(16)


def write_table(path: Path, rows: list[dict[str, str]]) -> Path:
    """A CSV file with a header."""
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    return path


def test_labels_are_the_folders_sorted_and_pictures_are_prepared(tree: Tree) -> None:
    """A patch of the model's size comes out as it lies on disk, under its folder's label."""
    folder = tree(3)
    read = read_tree(folder, SPEC)
    assert read.labels == LABELS
    assert read.examples.labels.tolist() == [0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 3]
    assert np.array_equal(read.examples.patches[0], read_picture(folder / "bottom" / "fibre0-000.png"))
    assert read.examples.measures.shape == (12, 0)
    assert not read.grouped


def test_given_labels_set_the_order(tree: Tree) -> None:
    """The order of the model's outputs is the user's if he names it."""
    read = read_tree(tree(3), SPEC, labels=("top", "left", "right", "bottom"))
    assert read.labels[0] == "top"
    assert read.examples.labels.tolist()[:3] == [0, 0, 0]


def test_any_size_type_and_number_of_channels_is_read(tmp_path: Path) -> None:
    """Grey, colour, alpha and 16 bit; PNG, JPEG, BMP and TIFF; square or not; at any depth below the label."""
    rng = np.random.default_rng(0)
    shapes = {"a.png": (40, 30), "b.jpg": (9, 9, 3), "c.bmp": (16, 16, 3), "d.tif": (20, 61), "e.PNG": (8, 8, 4)}
    for label in ("x", "y"):
        (tmp_path / label / "deeper").mkdir(parents=True)
        for name, shape in shapes.items():
            cv2.imwrite(str(tmp_path / label / name), rng.integers(0, 256, shape, np.uint8))
        cv2.imwrite(str(tmp_path / label / "deeper" / "f.png"), rng.integers(0, 65536, (12, 12), np.uint16))
    read = read_tree(tmp_path, PatchSpec(16, "median"))
    assert read.examples.patches.shape == (12, 16, 16)
    assert not read.unreadable


def test_unreadable_pictures_are_named_and_the_others_used(tree: Tree) -> None:
    """An empty, a truncated and a foreign file cost themselves only, and each is told of."""
    folder = tree(4)
    (folder / "top" / "empty.png").touch()
    whole = (folder / "top" / "fibre0-000.png").read_bytes()
    (folder / "top" / "short.png").write_bytes(whole[: len(whole) // 2])
    (folder / "left" / "text.jpg").write_text("no picture")
    (folder / "left" / "notes.txt").write_text("passed over")
    (folder / "left" / ".hidden.png").write_text("passed over")
    read = read_tree(folder, SPEC)
    assert len(read.examples) == 16
    assert sorted(Path(message.split(":")[0]).name for message in read.unreadable) == [
        "empty.png",
        "short.png",
        "text.jpg",
    ]


def test_a_label_whose_pictures_all_fail_is_an_error(tree: Tree) -> None:
    """Learning without one of the labels is not what was asked for."""
    folder = tree(3)
    for path in (folder / "top").iterdir():
        path.write_bytes(b"no picture")
    with pytest.raises(SourceError, match="label 'top': none of its 3 pictures can be read"):
        read_tree(folder, SPEC)


def test_copies_are_used_once_and_contradictions_not_at_all(tree: Tree) -> None:
    """The same picture twice would be in two parts; under two labels it teaches nothing."""
    folder = tree(4)
    shutil.copy(folder / "top" / "fibre0-000.png", folder / "top" / "copy.png")
    shutil.copy(folder / "left" / "fibre0-000.png", folder / "right" / "wrong.png")
    read = read_tree(folder, SPEC)
    assert np.bincount(read.examples.labels).tolist() == [4, 3, 4, 4]
    assert read.notices[0].startswith("2 pictures are copies")
    assert "left/fibre0-000.png, right/wrong.png" in read.notices[1]


def test_the_hash_is_of_labels_names_and_contents(tree: Tree) -> None:
    """Reading twice gives one hash; another label order, name or pixel gives another."""
    folder = tree(3)
    first = read_tree(folder, SPEC).sha256
    assert read_tree(folder, PatchSpec(20)).sha256 == first
    (folder / "top" / "fibre0-000.png").rename(folder / "top" / "renamed.png")
    assert read_tree(folder, SPEC).sha256 != first


@pytest.mark.parametrize(
    ("pattern", "groups"),
    [(r"fibre\d", {"fibre0", "fibre1", "fibre2", "fibre3", "fibre4"}), (r"-00(\d)", {"0", "1", "2", "3", "4"})],
)
def test_groups_by_pattern(tree: Tree, pattern: str, groups: set[str]) -> None:
    """The group is what the parentheses hold, or all that the pattern matches."""
    read = read_tree(tree(5), SPEC, grouping=Grouping(pattern=pattern))
    assert read.grouped
    assert set(read.examples.groups) == groups


def test_groups_by_column_from_a_table_inside_beside_or_named(tree: Tree, tmp_path: Path) -> None:
    """Paths in the table are relative to it or to the tree; other rows and columns do not matter."""
    folder = tree(3)
    paths = sorted(folder.rglob("*.png"))
    rows = [{"file": p.relative_to(folder).as_posix(), "day": p.name[:6], "x": "1"} for p in paths]
    inside = write_table(folder / "table.csv", [*rows, {"file": "top/gone.png", "day": "never", "x": ""}])
    assert set(read_tree(folder, SPEC, grouping=Grouping("day")).examples.groups) == {"fibre0", "fibre1", "fibre2"}
    inside.unlink()
    rows = [{"file": p.relative_to(tmp_path).as_posix(), "day": p.name[:6]} for p in paths]
    beside = write_table(tmp_path / "data.csv", rows)
    assert len(set(read_tree(folder, SPEC, grouping=Grouping("day")).examples.groups)) == 3
    named = beside.rename(tmp_path / "other.csv")
    assert len(set(read_tree(folder, SPEC, grouping=Grouping("day", named)).examples.groups)) == 3


def test_groups_that_do_not_cover_every_picture_are_refused(tree: Tree, tmp_path: Path) -> None:
    """A picture without a group could be on any side; each way to get there has its own message."""
    folder = tree(3)
    table = write_table(tmp_path / "t.csv", [{"file": "data/top/fibre0-000.png", "day": "1"}])
    (tmp_path / "binary.csv").write_bytes(b"\xff\xfe\x00\x81")
    cases = {
        "has no day for": Grouping("day", table),
        "has no column 'night'": Grouping("night", table),
        "cannot be read as CSV": Grouping("day", tmp_path / "gone.csv"),
        "cannot be read as CSV: 'utf-8'": Grouping("day", tmp_path / "binary.csv"),
        "0 CSV tables in": Grouping("day"),
        "no regular expression": Grouping(pattern="("),
        "finds nothing in": Grouping(pattern="^fibre9"),
    }
    for expected, grouping in cases.items():
        with pytest.raises(UsageError, match=expected):
            read_tree(folder, SPEC, grouping=grouping)


def test_grouping_is_by_one_thing() -> None:
    """Column and pattern together, neither, or a table without a column are refused."""
    for wrong in ({}, {"column": "a", "pattern": "b"}, {"pattern": "b", "table": Path("t.csv")}):
        with pytest.raises(UsageError):
            Grouping(**wrong)


def test_folders_that_cannot_be_learned_from_are_refused(tree: Tree, tmp_path: Path) -> None:
    """Missing, a file, empty, one label, an empty label, labels that are not there: one clear line each."""
    folder = tree(3)
    (tmp_path / "file").touch()
    (tmp_path / "empty").mkdir()
    one = tmp_path / "one"
    shutil.copytree(folder / "top", one / "top")
    cases = [
        ("does not exist", tmp_path / "gone", None),
        ("is no folder", tmp_path / "file", None),
        ("has no labels", tmp_path / "empty", None),
        ("has one label, 'top'", one, None),
        ("label 'up' has no folder", folder, ("up", "top")),
        ("bottom is not among the labels left, right, top", folder, ("left", "right", "top")),
    ]
    for expected, where, labels in cases:
        with pytest.raises(UsageError, match=expected):
            read_tree(where, SPEC, labels)
    (folder / "nothing").mkdir()
    with pytest.raises(UsageError, match="label 'nothing' cannot be learned"):
        read_tree(folder, SPEC)


def test_known_labels_come_first_and_new_ones_after(tree: Tree) -> None:
    """Going on from a model keeps its order of labels."""
    assert labels_in(tree(1), ("top", "gone", "bottom")) == ("top", "bottom", "left", "right")
