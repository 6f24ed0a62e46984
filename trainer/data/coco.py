"""A user's own labelled pictures: whole end faces with boxes, as labelling programs write them.

The folder holds `annotations.json` in the COCO form and the pictures that it names:

    images       id, file_name (relative to the folder); `group`: what must stay together, such as the fibre;
                 `complete`: false where not every mark was labelled, so that what has no box may still be one
    categories   id, name: the model's labels
    annotations  image_id, category_id, bbox [x, y, w, h] in pixels; `iscrowd` or `ignore`: 1 where nobody could say;
                 `segmentation`: [[x, y, x, y, ...]], the line of a scratch, or its outline

Other keys are passed over, as such files carry many. Examples are made as from rendered faces: the detector proposes
candidates, the boxes name them, and a candidate on no box of a complete picture is `clean`.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import msgspec
import numpy as np
from numpy.typing import NDArray

from edge.classify import PatchSpec, crop
from edge.classify.measure_codes import measure_box
from edge.detect import detect
from edge.errors import SourceError, UsageError
from edge.labels import DEFECT_LABELS
from edge.locate import locate
from edge.records import Candidate
from edge.sources import read_picture
from trainer.data.candidate_labels import box_candidate, from_candidates
from trainer.data.examples import Examples, joined

FILE = "annotations.json"
_SLACK_PX = 4.0
_OVERLAP = 0.1


class _Image(msgspec.Struct):
    id: int | str
    file_name: str
    group: str = ""
    complete: bool = True


class _Category(msgspec.Struct):
    id: int | str
    name: str


class _Annotation(msgspec.Struct):
    image_id: int | str
    category_id: int | str
    bbox: tuple[float, float, float, float]
    iscrowd: int = 0
    ignore: int = 0
    segmentation: object = None


class _Coco(msgspec.Struct):
    images: list[_Image]
    annotations: list[_Annotation]
    categories: list[_Category]


@dataclass(frozen=True, slots=True)
class LabelledBox:
    """A mark as a person drew it.

    Attributes:
        label: its name; "" where nobody could say.
        x_px: left column.
        y_px: top row.
        w_px: columns.
        h_px: rows.
        line: corners x, y of a scratch, one after the other; empty where only the box is known.
    """

    label: str
    x_px: float
    y_px: float
    w_px: float
    h_px: float
    line: tuple[float, ...] = ()


@dataclass(frozen=True, eq=False)
class LabelledPictures:
    """What was read.

    Attributes:
        examples: named by the boxes; the labels are indices into `edge.labels.DEFECT_LABELS`.
        sha256: over the annotations and the pictures used.
        unreadable: a message for each picture that could not be read.
        notices: what else was left out, a sentence each.
    """

    examples: Examples
    sha256: str
    unreadable: tuple[str, ...] = ()
    notices: tuple[str, ...] = ()


def is_folder(folder: Path) -> bool:
    """Whether the folder holds pictures labelled in this form."""
    return (folder / FILE).is_file()


def read_labelled(folder: Path, spec: PatchSpec) -> LabelledPictures:
    """Examples from every picture of the folder.

    Besides the detector's candidates each labelled box is cut out as it was drawn, with nothing known but the picture.

    Args:
        folder: see the module.
        spec: what the model wants to see.

    Raises:
        UsageError: annotations that cannot be used, or a label that the defect model does not have.
        SourceError: none of the pictures could be read.
    """
    coco = _annotations(folder / FILE)
    boxes = _boxes(coco, folder / FILE)
    digest = hashlib.sha256((folder / FILE).read_bytes())
    parts: list[Examples] = []
    unreadable, n_without = [], 0
    for image in coco.images:
        try:
            pixels = read_picture(folder / image.file_name)
        except SourceError as error:
            unreadable.append(str(error))
            continue
        digest.update(pixels.tobytes())
        group = image.group or image.file_name
        mine = boxes.get(image.id, [])
        parts.append(_as_drawn(pixels, mine, spec, group))
        face = locate(pixels)
        if face is None:
            n_without += 1
            continue
        named = named_by_boxes(detect(pixels, face), mine, image.complete)
        parts.append(from_candidates(pixels, face, named, spec, group))
    if not parts:
        raise SourceError(f"{folder / FILE}: none of its {len(coco.images)} pictures can be read: {unreadable[-1:]}")
    notices = (f"no end face found in {n_without} pictures: only their boxes are used",) if n_without else ()
    return LabelledPictures(joined(parts), digest.hexdigest(), tuple(unreadable), notices)


def named_by_boxes(
    candidates: Sequence[Candidate], boxes: Sequence[LabelledBox], complete: bool
) -> list[tuple[Candidate, str]]:
    """The candidates with the name of the box that fits best, in their order.

    A candidate on a box that nobody could name is left out, and so is one on none where the picture is not complete.
    """
    named = []
    for candidate in candidates:
        on = [box for box in boxes if _matches(candidate, box)]
        label = max(on, key=lambda box: _overlap(candidate, box)).label if on else ("clean" if complete else "")
        if label:
            named.append((candidate, label))
    return named


def _annotations(path: Path) -> _Coco:
    try:
        coco = msgspec.json.decode(path.read_bytes(), type=_Coco)
    except (msgspec.MsgspecError, OSError) as error:
        raise UsageError(f"{path} cannot be used: {error}; expected COCO's images, annotations, categories") from error
    if not coco.images:
        raise UsageError(f"{path} names no images: expected at least 1")
    return coco


def _boxes(coco: _Coco, path: Path) -> dict[int | str, list[LabelledBox]]:
    names = {category.id: category.name for category in coco.categories}
    for name in names.values():
        if name not in DEFECT_LABELS:
            raise UsageError(f"{path}: label {name!r} is none of {', '.join(DEFECT_LABELS)}: rename the category")
    images = {image.id for image in coco.images}
    boxes: dict[int | str, list[LabelledBox]] = {}
    for mark in coco.annotations:
        if mark.image_id not in images or mark.category_id not in names:
            raise UsageError(
                f"{path}: an annotation of image {mark.image_id!r}, category {mark.category_id!r}: expected both listed"
            )
        if not all(math.isfinite(v) for v in mark.bbox) or min(mark.bbox[2:]) < 0:
            raise UsageError(f"{path}: bbox {mark.bbox}: expected x, y and a width and height of at least 0")
        label = "" if mark.iscrowd or mark.ignore else names[mark.category_id]
        boxes.setdefault(mark.image_id, []).append(LabelledBox(label, *mark.bbox, line=_line(mark.segmentation)))
    return boxes


def _line(segmentation: object) -> tuple[float, ...]:
    if isinstance(segmentation, list) and segmentation and isinstance(segmentation[0], list):
        return tuple(float(v) for v in segmentation[0] if isinstance(v, int | float))
    return ()


def _as_drawn(pixels: NDArray[np.uint8], boxes: Sequence[LabelledBox], spec: PatchSpec, group: str) -> Examples:
    named = []
    for box in boxes:
        if box.label:
            corner_and_size = round(box.x_px), round(box.y_px), round(box.w_px), round(box.h_px)
            named.append((box_candidate(*corner_and_size), box.label))
    candidates = [c for c, _ in named]
    return Examples(
        crop(pixels, candidates, spec),
        np.array([measure_box(c.w_px, c.h_px, spec) for c in candidates], np.uint8).reshape(-1, len(spec.measures)),
        np.array([DEFECT_LABELS.index(label) for _, label in named], np.int64),
        np.array([group] * len(named), np.str_),
    )


def _overlap(c: Candidate, box: LabelledBox) -> float:
    """Intersection over union."""
    w = min(c.x_px + c.w_px, box.x_px + box.w_px) - max(c.x_px, box.x_px)
    h = min(c.y_px + c.h_px, box.y_px + box.h_px) - max(c.y_px, box.y_px)
    if w <= 0 or h <= 0:
        return 0.0
    return w * h / (c.w_px * c.h_px + box.w_px * box.h_px - w * h)


def _matches(c: Candidate, box: LabelledBox) -> bool:
    """Overlap, or one's centre in or near the other; a candidate far larger than the box by overlap alone."""
    if _overlap(c, box) >= _OVERLAP:
        return True
    if max(c.w_px, c.h_px) > 3 * max(box.w_px, box.h_px) + 2 * _SLACK_PX:
        return False
    x, y = c.x_px + c.w_px / 2, c.y_px + c.h_px / 2
    if box.line and _distance(x, y, box.line) <= _SLACK_PX + min(c.w_px, c.h_px) / 2:
        return True
    centre = replace(box, x_px=box.x_px + box.w_px / 2, y_px=box.y_px + box.h_px / 2, w_px=0, h_px=0)
    mine = LabelledBox("", c.x_px, c.y_px, c.w_px, c.h_px)
    return _gap(x, y, box) <= _SLACK_PX or _gap(centre.x_px, centre.y_px, mine) <= _SLACK_PX


def _gap(x: float, y: float, box: LabelledBox) -> float:
    return math.hypot(max(box.x_px - x, 0, x - box.x_px - box.w_px), max(box.y_px - y, 0, y - box.y_px - box.h_px))


def _distance(x: float, y: float, line: tuple[float, ...]) -> float:
    """From a point to a line of corners."""
    points = np.asarray(line[: len(line) // 2 * 2], np.float64).reshape(-1, 2)
    if len(points) < 2:
        return math.inf
    start, step = points[:-1], np.diff(points, axis=0)
    along = ((np.array([x, y]) - start) * step).sum(axis=1) / np.maximum((step**2).sum(axis=1), 1e-12)
    nearest = start + np.clip(along, 0, 1)[:, None] * step
    return float(np.hypot(*(np.array([x, y]) - nearest).T).min())
