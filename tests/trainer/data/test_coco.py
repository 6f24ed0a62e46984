"""A user's own pictures with boxes become examples the same way as rendered ones."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from edge.classify import PatchSpec
from edge.errors import SourceError, UsageError
from edge.labels import DEFECT_LABELS
from edge.records import Candidate
from edge.sources import read_picture
from trainer.data.coco import LabelledBox, is_folder, named_by_boxes, read_labelled
from trainer.phantom import Defect, Scene, Sensor, render

SPEC = PatchSpec(background="median", measures=("length_um", "box_px"))
DIG = Defect("dig", 90.0, 20.0, size_um=7.0, contrast=-0.6)


def _coco(**changes: Any) -> dict[str, Any]:
    coco: dict[str, Any] = {
        "info": {"made by": "a labelling program"},
        "images": [{"id": 1, "file_name": "a.png", "group": "fibre 1"}],
        "categories": [{"id": i, "name": name} for i, name in enumerate(DEFECT_LABELS)],
        "annotations": [],
    }
    return coco | changes


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One rendered face with a dig, and its box."""
    here = tmp_path_factory.mktemp("mine")
    phantom = render(Scene(sensor=Sensor(800, 600), defects=(DIG,)))
    cv2.imwrite(str(here / "a.png"), phantom.pixels)
    mark = phantom.marks[0]
    box = [mark.x_px, mark.y_px, mark.w_px, mark.h_px]
    marks = [{"image_id": 1, "category_id": DEFECT_LABELS.index("dig"), "bbox": box}]
    (here / "annotations.json").write_text(json.dumps(_coco(annotations=marks)))
    return here


def _candidate(x: int, y: int, w: int, h: int) -> Candidate:
    return Candidate(x, y, w, h, w * h, 3.0, 3.0, 3.0, 9.0, 0.0, 0.0, 0.0, -30.0)


def test_boxes_name_the_detectors_candidates(folder: Path) -> None:
    """The drawn box without measures, then the candidate on it with them."""
    read = read_labelled(folder, SPEC)
    digs = read.examples.take(read.examples.labels == DEFECT_LABELS.index("dig"))
    assert len(digs) == 2
    assert digs.measures[0, 0] == 0
    assert digs.measures[1, 0] > 0
    assert set(read.examples.groups) == {"fibre 1"}
    assert not read.unreadable


def test_the_hash_follows_the_pictures(folder: Path, tmp_path: Path) -> None:
    """Another picture under the same labels is other data."""
    (tmp_path / "annotations.json").write_bytes((folder / "annotations.json").read_bytes())
    pixels = read_picture(folder / "a.png").copy()
    pixels[0, 0] ^= 1
    cv2.imwrite(str(tmp_path / "a.png"), pixels)
    assert read_labelled(folder, SPEC).sha256 == read_labelled(folder, SPEC).sha256
    assert read_labelled(folder, SPEC).sha256 != read_labelled(tmp_path, SPEC).sha256


def test_the_best_box_wins() -> None:
    """Overlap decides; a box without a name takes the candidate away, and so does an incomplete picture."""
    dig, scratch = LabelledBox("dig", 100, 100, 10, 10), LabelledBox("scratch", 60, 60, 90, 90)
    unsure = LabelledBox("", 300, 300, 20, 20)
    boxes = (scratch, dig, unsure)
    there = [_candidate(101, 101, 9, 9), _candidate(305, 305, 9, 9), _candidate(500, 20, 5, 5)]
    assert [label for _, label in named_by_boxes(there, boxes, complete=True)] == ["dig", "clean"]
    assert [label for _, label in named_by_boxes(there, boxes, complete=False)] == ["dig"]


def test_a_scratch_is_found_along_its_line() -> None:
    """A small candidate on the line is the scratch's, one in the box's empty corner is not."""
    line = LabelledBox("scratch", 0, 0, 300, 300, line=(0.0, 0.0, 300.0, 300.0))
    on = named_by_boxes([_candidate(148, 149, 5, 5)], [line], complete=True)
    assert [label for _, label in on] == ["scratch"]


def test_one_box_over_everything_finds_nothing() -> None:
    """A candidate far larger than the label matches by overlap alone."""
    box = LabelledBox("dig", 100, 100, 4, 4)
    assert [label for _, label in named_by_boxes([_candidate(0, 0, 400, 400)], [box], complete=True)] == ["clean"]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"images": []}, "names no images"),
        ({"categories": [{"id": 0, "name": "crack"}]}, "'crack' is none of scratch"),
        ({"annotations": [{"image_id": 9, "category_id": 0, "bbox": [0, 0, 1, 1]}]}, "expected both listed"),
        ({"annotations": [{"image_id": 1, "category_id": 0, "bbox": [0, 0, -1, 1]}]}, "at least 0"),
        ({"annotations": [{"image_id": 1, "category_id": 0, "bbox": [0, 0, 1]}]}, "cannot be used"),
    ],
)
def test_bad_annotations_are_refused(tmp_path: Path, changes: dict[str, Any], message: str) -> None:
    """With what was wrong and where."""
    (tmp_path / "annotations.json").write_text(json.dumps(_coco(**changes)))
    with pytest.raises(UsageError, match=message):
        read_labelled(tmp_path, SPEC)


def test_pictures_that_cannot_be_read_are_told(tmp_path: Path) -> None:
    """None at all is an error."""
    (tmp_path / "annotations.json").write_text(json.dumps(_coco()))
    assert is_folder(tmp_path)
    with pytest.raises(SourceError, match=r"none of its 1 pictures"):
        read_labelled(tmp_path, SPEC)


def test_a_picture_without_an_end_face_keeps_its_boxes(tmp_path: Path) -> None:
    """And it is said."""
    cv2.imwrite(str(tmp_path / "a.png"), np.full((300, 400), 90, np.uint8))
    marks = [
        {"image_id": 1, "category_id": 0, "bbox": [10, 10, 40, 6]},
        {"image_id": 1, "category_id": 1, "bbox": [9, 9, 2, 2], "ignore": 1},
    ]
    (tmp_path / "annotations.json").write_text(json.dumps(_coco(annotations=marks)))
    read = read_labelled(tmp_path, SPEC)
    assert len(read.examples) == 1
    assert "no end face found in 1 pictures" in read.notices[0]
