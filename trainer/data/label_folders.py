"""A user's own pictures: a folder per label, and what says which pictures belong together."""

from __future__ import annotations

import csv
import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edge.capture.sidecar import pixels_sha256
from edge.classify import PatchSpec
from edge.classify.measure_codes import measure_picture
from edge.classify.patches import prepare
from edge.errors import SourceError, UsageError
from edge.sources import list_folder, read_picture
from trainer.data.examples import Examples

FILE_COLUMN = "file"


@dataclass(frozen=True, slots=True)
class Grouping:
    """Which pictures stay together when they are split: those of one fibre, one day, one scope.

    Attributes:
        column: of a CSV table that has a column `file` besides, with paths relative to the table or to the tree.
        table: the CSV file; None: the only one in the tree's folder, else the one beside it with its name.
        pattern: regular expression, searched in each path below the tree (`label/name.png`); the group is what its
            first pair of parentheses holds, or all it matches. Not together with `column`.
    """

    column: str | None = None
    table: Path | None = None
    pattern: str | None = None

    def __post_init__(self) -> None:
        if (self.column is None) == (self.pattern is None):
            raise UsageError("groups come from a column or from a pattern: give one of the two")
        if self.table is not None and self.column is None:
            raise UsageError(f"table {self.table} without a column: say which one holds the groups (--group-column)")


@dataclass(frozen=True, eq=False)
class Tree:
    """What was read.

    Attributes:
        labels: in the order of the model's outputs.
        examples: the pictures as the model sees them, by label, then by path; grouped if asked for, else each is
            a group of its own.
        grouped: whether groups were asked for.
        sha256: over labels, paths and contents of the pictures used.
        unreadable: a message for each picture that could not be read.
        notices: what else was left out, a sentence each.
    """

    labels: tuple[str, ...]
    examples: Examples
    grouped: bool
    sha256: str
    unreadable: tuple[str, ...] = ()
    notices: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class LabelledPicture:
    """One picture of a mark, prepared.

    Attributes:
        name: path below the tree.
        code: of its label.
        patch: (size, size) uint8.
        measures: (k,) uint8.
        sha256: of the pixels before they were prepared.
    """

    name: str
    code: int
    patch: NDArray[np.uint8]
    measures: NDArray[np.uint8]
    sha256: str


def read_tree(
    folder: Path, spec: PatchSpec, labels: Sequence[str] | None = None, grouping: Grouping | None = None
) -> Tree:
    """The pictures of `folder`/<label>/, each prepared as `edge.classify.patches.prepare` does it.

    Pictures below a label's folder are found at any depth; hidden files and other types are passed over. A picture
    that occurs twice is used once, and not at all where its copies lie under different labels.

    Args:
        folder: its folders are the labels.
        spec: what the model wants to see; of the measures a ready-made picture tells only its box's size.
        labels: the labels and their order; None: the folders' names, sorted.
        grouping: which pictures stay together.

    Raises:
        UsageError: no folder, no labels, one label only, a folder that is not among `labels` or the reverse, a label
            without pictures, or groups that do not cover every picture.
        SourceError: none of a label's pictures could be read.
    """
    named = _labels(folder, labels)
    paths = {label: _pictures_of(folder / label, label) for label in named}
    group_of = _groups(folder, [path for of_label in paths.values() for path in of_label], grouping)
    pictures: list[LabelledPicture] = []
    unreadable: list[str] = []
    for code, label in enumerate(named):
        read = read_pictures(folder, paths[label], code, spec, unreadable)
        if not read:
            raise SourceError(
                f"label {label!r}: none of its {len(paths[label])} pictures can be read: {unreadable[-1]}"
            )
        pictures += read
    pictures, notices = without_copies(pictures)
    digest = hashlib.sha256("".join(f"{p.sha256} {named[p.code]} {p.name}\n" for p in pictures).encode()).hexdigest()
    examples = Examples(
        np.stack([p.patch for p in pictures]),
        np.stack([p.measures for p in pictures]),
        np.array([p.code for p in pictures], np.int64),
        np.array([group_of.get(p.name, p.name) for p in pictures], np.str_),
    )
    return Tree(named, examples, bool(group_of), digest, tuple(unreadable), notices)


def labels_in(folder: Path, known: Sequence[str]) -> tuple[str, ...]:
    """The labels that have a folder: those of `known` in its order, then the others, sorted.

    Raises:
        UsageError: no folder, or one without labels.
    """
    found = _folders_in(folder)
    return tuple([label for label in known if label in found] + [label for label in found if label not in known])


def _folders_in(folder: Path) -> list[str]:
    if not folder.is_dir():
        what = "is no folder" if folder.exists() else "does not exist"
        raise UsageError(f"data {folder} {what}: expected a folder with one folder of pictures per label")
    found = sorted(p.name for p in folder.iterdir() if p.is_dir() and not p.name.startswith("."))
    if not found:
        raise UsageError(f"data {folder} has no labels: expected a folder of pictures for each, {folder}/<label>/*.png")
    return found


def _labels(folder: Path, wanted: Sequence[str] | None) -> tuple[str, ...]:
    found = _folders_in(folder)
    named = tuple(wanted) if wanted is not None else tuple(found)
    if len(named) < 2:
        raise UsageError(f"data {folder} has one label, {named[0]!r}: expected at least 2 to tell apart")
    for label in named:
        if label not in found:
            raise UsageError(f"label {label!r} has no folder in {folder}: there are {', '.join(found)}")
    extra = [name for name in found if name not in named]
    if extra:
        raise UsageError(f"folder {folder / extra[0]} is not among the labels {', '.join(named)}: add it, or move it")
    return named


def _pictures_of(folder: Path, label: str) -> list[Path]:
    try:
        return list_folder(folder, recursive=True)
    except SourceError as error:
        raise UsageError(f"label {label!r} cannot be learned: {error}") from error


def read_pictures(
    folder: Path, paths: Sequence[Path], code: int, spec: PatchSpec, unreadable: list[str]
) -> list[LabelledPicture]:
    """Pictures of one label, prepared.

    Args:
        folder: the tree, to which their names are relative.
        paths: the pictures.
        code: of the label.
        spec: what the model wants to see; of the measures a ready-made picture tells only its box's size.
        unreadable: gains a message for each picture that cannot be read.
    """
    pictures = []
    for path in paths:
        try:
            pixels = read_picture(path)
        except SourceError as error:
            unreadable.append(str(error))
            continue
        digest = pixels_sha256(pixels)
        name = path.relative_to(folder).as_posix()
        pictures.append(LabelledPicture(name, code, prepare(pixels, spec), measure_picture(pixels, spec), digest))
    return pictures


def without_copies(pictures: Sequence[LabelledPicture]) -> tuple[list[LabelledPicture], tuple[str, ...]]:
    """The pictures once each, without those that lie under several labels; and sentences about what was left out."""
    first: dict[str, LabelledPicture] = {}
    contradicted: dict[str, tuple[str, str]] = {}
    n_copies = 0
    for picture in pictures:
        known = first.setdefault(picture.sha256, picture)
        n_copies += known is not picture
        if known.code != picture.code:
            contradicted.setdefault(picture.sha256, (known.name, picture.name))
    notices = []
    if n_copies:
        notices.append(f"{n_copies} pictures are copies of others and are not used twice")
    if contradicted:
        one, other = next(iter(contradicted.values()))
        notices.append(
            f"{len(contradicted)} pictures lie under several labels and are not used, such as {one}, {other}"
        )
    return [p for digest, p in first.items() if digest not in contradicted], tuple(notices)


def _groups(folder: Path, paths: Sequence[Path], grouping: Grouping | None) -> dict[str, str]:
    """The group of each picture by its name below the tree; empty where none were asked for."""
    names = [path.relative_to(folder).as_posix() for path in paths]
    if grouping is None:
        return {}
    if grouping.pattern is not None:
        return groups_by_pattern(names, grouping.pattern)
    return _groups_by_column(folder, names, str(grouping.column), grouping.table)


def groups_by_pattern(names: Sequence[str], pattern: str) -> dict[str, str]:
    """The group of each name: what the pattern's first pair of parentheses holds there, or all that it matches.

    Raises:
        UsageError: no regular expression, or one that finds nothing in a name.
    """
    try:
        compiled = re.compile(pattern)
    except re.error as error:
        raise UsageError(f"group pattern {pattern!r} is no regular expression: {error}") from error
    groups = {}
    for name in names:
        match = compiled.search(name)
        group = match and (match.group(1) if compiled.groups else match.group())
        if not group:
            raise UsageError(f"group pattern {pattern!r} finds nothing in {name!r}: expected a group for every picture")
        groups[name] = group
    return groups


def _groups_by_column(folder: Path, names: Sequence[str], column: str, table: Path | None) -> dict[str, str]:
    path = table or _only_table(folder)
    known = {(folder / name).resolve(): name for name in names}
    groups: dict[str, str] = {}
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            rows = csv.DictReader(file)
            missing = {FILE_COLUMN, column} - set(rows.fieldnames or ())
            if missing:
                have = ", ".join(rows.fieldnames or ())
                raise UsageError(f"table {path} has no column {min(missing)!r}: it has {have or 'none'}")
            for row in rows:
                for base in (path.parent, folder):
                    name = known.get((base / (row[FILE_COLUMN] or "")).resolve())
                    if name is not None:
                        groups[name] = row[column] or ""
    except (OSError, UnicodeDecodeError, csv.Error, ValueError) as error:
        if isinstance(error, UsageError):
            raise
        raise UsageError(f"table {path} cannot be read as CSV: {error}") from error
    for name in names:
        if not groups.get(name):
            raise UsageError(f"table {path} has no {column} for {name}: expected one for every picture")
    return groups


def _only_table(folder: Path) -> Path:
    inside = sorted(folder.glob("*.csv"))
    beside = folder.resolve().with_suffix(".csv")
    if len(inside) == 1:
        return inside[0]
    if not inside and beside.is_file():
        return beside
    raise UsageError(f"{len(inside)} CSV tables in {folder}: expected one, or {beside}; name it with --table")
