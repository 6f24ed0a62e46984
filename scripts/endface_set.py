"""The labelled real end faces beside the checkout: read, dealt into folds by fibre, and scored by their own program.

The pictures have no licence that would let them into this repository. `EndfaceSet.read` says so where they are absent.
Needs no TensorFlow, as scripts/model_accuracy.py runs where there is none.
"""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge.classify import PatchSpec, prepare_all
from edge.records import Frame
from edge.sources import read_picture
from trainer.data.coco import LabelledBox

REPO = Path(__file__).resolve().parent.parent
DEFAULT_FOLDER = Path(os.environ.get("FERRULE_ENDFACES", REPO.parent / "shared" / "endfaces"))
Row = dict[str, Any]


@dataclass(frozen=True)
class EndfaceSet:
    """The labelled pictures.

    Attributes:
        folder: holds `annotations.json`, `patches.csv`, `images/`, `patches/` and `score.py`; its README says more.
        annotations: lists of `images`, `defects`, `clean` and `ignore`, as in the file.
    """

    folder: Path
    annotations: dict[str, list[Row]]

    @staticmethod
    def is_in(folder: Path) -> bool:
        """Whether the folder holds such a set."""
        return (folder / "annotations.json").is_file()

    @classmethod
    def read(cls, folder: Path) -> EndfaceSet:
        """The set in a folder; ends the program with a message where there is none."""
        if not cls.is_in(folder):
            sys.exit(f"no annotations.json in {folder}; name the folder of labelled end faces, or set FERRULE_ENDFACES")
        return cls(folder, json.loads((folder / "annotations.json").read_text(encoding="utf-8")))

    @property
    def images(self) -> list[Row]:
        """What is known of each picture, in the file's order."""
        return self.annotations["images"]

    @property
    def fibres(self) -> list[str]:
        """The fibres that were looked at, sorted; several pictures may be of one."""
        return sorted({image["fibre"] for image in self.images})

    def frames(self, fibres: set[str] | None = None) -> Iterator[Frame]:
        """The pictures of these fibres, or all; the source is the picture's name, as `score.py` wants it."""
        for image in self.images:
            if fibres is None or image["fibre"] in fibres:
                yield Frame(read_picture(self.folder / image["file_name"]), image["name"] + ".jpg")

    def patch_rows(self) -> list[Row]:
        """The lines of `patches.csv`: `file`, `class`, `confidence`, `fibre` and more."""
        with (self.folder / "patches.csv").open(newline="", encoding="utf-8") as file:
            return list(csv.DictReader(file))

    def boxes(self) -> dict[str, list[LabelledBox]]:
        """The labelled boxes of each picture by its name; the label is "" where nobody could say."""
        boxes: dict[str, list[LabelledBox]] = {image["name"]: [] for image in self.images}
        for kind in ("defects", "clean", "ignore"):
            for mark in self.annotations[kind]:
                label = {"clean": "clean", "ignore": ""}.get(kind, mark.get("label", ""))
                line = tuple(v for point in mark.get("polyline") or () for v in point)
                x, y, w, h = mark["bbox"]
                name = "" if mark.get("iscrowd") else str(label)
                boxes[mark["image"]].append(LabelledBox(name, x, y, w, h, line))
        return boxes

    def write_coco(self, folder: Path, labels: Sequence[str]) -> None:
        """Writes the labels in the form that users' pictures have (`trainer.data.coco`), grouped by fibre."""
        labelled = [image for image in self.images if image["defects_labelled"]]
        marks = [{**d, "ignore": 0} for d in self.annotations["defects"]]
        marks += [{**d, "label": "clean"} for d in self.annotations["clean"]]
        marks += [{**d, "label": "clean", "ignore": 1} for d in self.annotations["ignore"]]
        names = {image["name"] for image in labelled}
        coco = {
            "images": [
                {
                    "id": image["name"],
                    "file_name": str((self.folder / image["file_name"]).resolve()),
                    "group": image["fibre"],
                    "complete": not image.get("dense"),
                }
                for image in labelled
            ],
            "categories": [{"id": name, "name": name} for name in labels],
            "annotations": [_coco_annotation(mark) for mark in marks if mark["image"] in names],
        }
        (folder / "annotations.json").write_text(json.dumps(coco), encoding="utf-8")

    def score_inspections(self, rows: Sequence[Row]) -> Row:
        """What the set's `score.py` says of inspections, which are rows as `ferrule inspect --json` prints them."""
        return self._score(rows)

    def score_patches(self, rows: Sequence[Row]) -> Row:
        """What the set's `score.py` says of patches, which are rows as `ferrule classify --json` prints them."""
        return self._score(rows, "--patches")

    def _score(self, rows: Sequence[Row], *options: str) -> Row:
        with tempfile.TemporaryDirectory() as scratch:
            path = Path(scratch) / "rows.jsonl"
            path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
            command = [sys.executable, str(self.folder / "score.py"), str(path), *options]
            done = subprocess.run(command, capture_output=True, text=True, check=True)
        return dict(json.loads(done.stdout.splitlines()[-1]))  # the last line that it prints is JSON


def _coco_annotation(mark: Row) -> Row:
    return {
        "image_id": mark["image"],
        "category_id": mark["label"],
        "bbox": mark["bbox"],
        "iscrowd": mark.get("iscrowd", 0),
        "ignore": mark.get("ignore", 0),
        "segmentation": [[v for p in mark["polyline"] for v in p]] if mark.get("polyline") else None,
    }


def folds_of(weights: Mapping[str, int], n: int) -> list[set[str]]:
    """The fibres in `n` folds of about the same weight: the heaviest first, each to the fold that is lightest so far.

    Args:
        weights: of each fibre, such as its number of examples; of equal ones the name decides.
        n: folds.
    """
    folds: list[set[str]] = [set() for _ in range(n)]
    for fibre in sorted(weights, key=lambda f: (-weights[f], f)):
        min(folds, key=lambda fold: sum(weights[f] for f in fold)).add(fibre)
    return folds


def prepared(
    endfaces: EndfaceSet, files: Sequence[str], spec: PatchSpec
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Labelled patches and their measures as a model sees them."""
    return prepare_all([read_picture(endfaces.folder / file) for file in files], spec)


def headline(endfaces: EndfaceSet, inspections: Sequence[Row], patches: Sequence[Row]) -> Row:
    """The figures that adapting is judged by, of whole pictures and of single patches."""
    whole, alone = endfaces.score_inspections(inspections), endfaces.score_patches(patches)
    keys = ("recall", "false_findings_per_face", "class_agreement", "scratch_or_defect_agreement")
    figures = {key: round(whole[key], 4) for key in keys}
    keys_alone = ("accuracy_sure", "macro_f1_sure", "defect_or_clean_sure")
    return figures | {f"patches_{key}": round(alone[key], 4) for key in keys_alone}
