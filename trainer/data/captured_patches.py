"""Patches that `ferrule inspect --capture` kept and a person has labelled since, by moving them into folders.

What the inspection knew of a patch, its measures and its picture, is found by the patch's pixels, so files may be
renamed. Patches of one picture are a group. Further pictures of marks may lie in the folders too: of them nothing but
the pixels is known.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from edge.capture.sidecar import RECORDS, UNLABELLED, CaptureRecord, read_records
from edge.classify import PatchSpec, encode_measures
from edge.errors import SourceError, UsageError
from edge.sources import list_folder
from trainer.data.examples import Examples
from trainer.data.label_folders import Grouping, LabelledPicture, Tree, groups_by_pattern, read_pictures, without_copies


def is_folder(folder: Path) -> bool:
    """Whether patches were captured into the folder."""
    return (folder / RECORDS).is_file()


def labels_in(folder: Path, known: Sequence[str]) -> tuple[str, ...]:
    """All of `known` in its order, then other folders with pictures in them, sorted.

    A model keeps the labels of which there is no picture yet.
    """
    found = sorted(p.name for p in folder.iterdir() if p.is_dir() and p.name != UNLABELLED and _pictures_below(p))
    return (*known, *(name for name in found if name not in known and not name.startswith(".")))


def read_captured(
    folder: Path, spec: PatchSpec, labels: Sequence[str] | None = None, grouping: Grouping | None = None
) -> Tree:
    """The labelled patches as the model saw them, grouped by their pictures.

    Args:
        folder: that was captured into.
        spec: what the model wants to see.
        labels: the labels and their order, some may be without pictures; None: the folders with pictures, sorted.
        grouping: a pattern that is searched in the names of the pictures that the patches are of; None: a group for
            each picture.

    Raises:
        UsageError: nothing is labelled yet, or one label only, a folder with pictures that is not among `labels`, or
            groups by a table.
        SourceError: none of the patches could be read.
    """
    if grouping is not None and grouping.pattern is None:
        raise UsageError(f"{folder} holds captured patches: groups come from a pattern (--group-pattern), not a table")
    records, n_damaged = read_records(folder)
    named = _named(folder, labels)
    n_waiting = len(_pictures_below(folder / UNLABELLED))
    pictures, unreadable = _labelled(folder, named, spec, n_waiting)
    pictures, notices = without_copies(pictures)
    pictures = [_as_recorded(picture, records.get(picture.sha256), spec) for picture in pictures]
    n_unknown = sum(picture.sha256 not in records for picture in pictures)
    told = [
        *([_waiting(n_waiting)] if n_waiting else []),
        *notices,
        *([f"{n_unknown} pictures are in no line of {RECORDS}: only their pixels are known"] if n_unknown else []),
        *([f"{n_damaged} lines of {RECORDS} cannot be read and are passed over"] if n_damaged else []),
    ]
    digest = "".join(f"{p.sha256} {named[p.code]} {p.measures.tobytes().hex()}\n" for p in pictures)
    return Tree(
        named,
        Examples(
            np.stack([p.patch for p in pictures]),
            np.stack([p.measures for p in pictures]),
            np.array([p.code for p in pictures], np.int64),
            np.array(_groups(pictures, records, grouping), np.str_),
        ),
        True,
        hashlib.sha256(digest.encode()).hexdigest(),
        tuple(unreadable),
        tuple(told),
    )


def _named(folder: Path, labels: Sequence[str] | None) -> tuple[str, ...]:
    """The labels as asked for, else as the folders are named; no other folder may hold pictures."""
    found = labels_in(folder, ())
    named = found if labels is None else tuple(labels)
    extra = sorted(set(found) - set(named))
    if extra:
        raise UsageError(f"folder {folder / extra[0]} is not among the labels {', '.join(named)}: add it, or move it")
    return named


def _labelled(
    folder: Path, named: Sequence[str], spec: PatchSpec, n_waiting: int
) -> tuple[list[LabelledPicture], list[str]]:
    """The pictures in the labels' folders, and a message for each that could not be read."""
    pictures: list[LabelledPicture] = []
    unreadable: list[str] = []
    for code, label in enumerate(named):
        pictures += read_pictures(folder, _pictures_below(folder / label), code, spec, unreadable)
    if not pictures and unreadable:
        raise SourceError(f"{folder}: none of its {len(unreadable)} patches can be read: {unreadable[-1]}")
    if not pictures or len(named) < 2:
        raise UsageError(
            f"{folder} has {_waiting(n_waiting)}, and {len(named) if pictures else 0} labels with pictures: expected "
            f"at least 2; move patches from {UNLABELLED}/ into the folders of what they show"
        )
    return pictures, unreadable


def _waiting(n: int) -> str:
    return f"{n} not labelled yet"


def _pictures_below(folder: Path) -> list[Path]:
    """The pictures of a folder that may be empty or absent."""
    try:
        return list_folder(folder, recursive=True)
    except SourceError:
        return []


def _as_recorded(picture: LabelledPicture, record: CaptureRecord | None, spec: PatchSpec) -> LabelledPicture:
    if record is None:
        return picture
    return replace(picture, measures=encode_measures([record.candidate], record.end_face, spec)[0])


def _groups(
    pictures: Sequence[LabelledPicture], records: dict[str, CaptureRecord], grouping: Grouping | None
) -> list[str]:
    known = [records.get(picture.sha256) for picture in pictures]
    if grouping is None or grouping.pattern is None:
        return [r.picture_sha256 if r else p.name for p, r in zip(pictures, known, strict=True)]
    names = [r.source if r else p.name for p, r in zip(pictures, known, strict=True)]
    group_of = groups_by_pattern(names, grouping.pattern)
    return [group_of[name] for name in names]
