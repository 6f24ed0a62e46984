"""Where labelled pictures come from, split and ready to be learned from."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edge.classify import PatchSpec
from edge.classify.patches import prepare
from edge.errors import UsageError
from edge.labels import DEFECT_LABELS
from trainer.data import captured_patches, coco, fashion_mnist
from trainer.data.augmentation import AugmentSettings, augmented
from trainer.data.examples import Examples, joined
from trainer.data.label_folders import Grouping, read_tree
from trainer.data.rehearsal import can_rehearse, rehearsal
from trainer.data.split import SplitSettings, split, split_groups

Facts = dict[str, str | int | float]


@dataclass(frozen=True, eq=False)
class Dataset:
    """Labelled patches in three parts that share no picture and no group.

    Attributes:
        labels: in the order of the model's outputs; the parts' labels are indices into it.
        spec: how the pictures were prepared.
        train: what is learned from.
        validation: what chooses the best epoch and fits the temperature.
        test: what is only scored.
        data: what it is, for the model's record: name, SHA-256, counts, how it was split.
        unreadable: a message for each picture that could not be read.
        notices: what else people should know, a sentence each.
        check: what a conversion is measured on besides the test part; None: on that alone.
    """

    labels: tuple[str, ...]
    spec: PatchSpec
    train: Examples
    validation: Examples
    test: Examples
    data: Facts = field(default_factory=dict)
    unreadable: tuple[str, ...] = ()
    notices: tuple[str, ...] = ()
    check: Examples | None = None


@dataclass(frozen=True, slots=True)
class Source:
    """Which pictures, as a user names them.

    Attributes:
        folder: a tree `<label>/*.png`, captured patches (see `captured_patches`), whole pictures with
            `annotations.json` (see `coco`), or the IDX files of Fashion-MNIST; None: Fashion-MNIST from
            where Debian puts it.
        labels: the labels and their order; None: sorted.
        grouping: which pictures of a tree stay together; None: each stands for itself.
        download: let Keras fetch Fashion-MNIST where it is not installed.
        rehearsed_faces: rendered faces to learn from besides, where the labels of rendered marks are among those of
            the model: one that goes on with a few pictures forgets what they do not show.
    """

    folder: Path | None = None
    labels: tuple[str, ...] | None = None
    grouping: Grouping | None = None
    download: bool = False
    rehearsed_faces: int = 0


def open_dataset(source: Source, spec: PatchSpec, settings: SplitSettings | None = None) -> Dataset:
    """The pictures of a source, prepared and split.

    Of Fashion-MNIST the test part is the official one, and 5,000 of the training pictures are for validation.

    Raises:
        UsageError: see `label_folders.read_tree`, `split.split` and `fashion_mnist.load`; or labels or groups for
            Fashion-MNIST, which has its own.
        SourceError: pictures that cannot be read.
    """
    settings = settings or SplitSettings()
    if source.folder is not None and not fashion_mnist.is_folder(source.folder):
        return _rehearsed(_from_folder(source.folder, source, spec, settings), source.rehearsed_faces)
    if source.labels is not None or source.grouping is not None:
        raise UsageError("Fashion-MNIST has its own labels and no groups: give --classes and groups with --data only")
    return _from_fashion_mnist(source, spec, settings.seed)


def _from_folder(folder: Path, source: Source, spec: PatchSpec, settings: SplitSettings) -> Dataset:
    if coco.is_folder(folder):
        return _from_labelled_pictures(folder, spec, settings)
    if captured_patches.is_folder(folder):
        return _from_captured(folder, source, spec, settings)
    return _from_tree(folder, source, spec, settings)


def _rehearsed(dataset: Dataset, n_faces: int) -> Dataset:
    """The dataset with rendered faces among what is learned from and held out; the test part stays as it is."""
    if n_faces == 0 or not can_rehearse(dataset.labels):
        return dataset
    learned, held_out, check = rehearsal(n_faces, dataset.labels, dataset.spec)
    return replace(
        dataset,
        train=joined([dataset.train, learned]),
        validation=joined([dataset.validation, held_out]),
        check=check,
        data=dataset.data | {"rehearsed_faces": n_faces, "rehearsed_examples": len(learned)},
        notices=(*dataset.notices, f"{n_faces} rendered faces are learned along, so that the rest is not forgotten"),
    )


def _from_captured(folder: Path, source: Source, spec: PatchSpec, settings: SplitSettings) -> Dataset:
    """Patches of which few may be labelled: labels may be without any, and pictures stay together."""
    read = captured_patches.read_captured(folder, spec, source.labels, source.grouping)
    parts = split_groups(read.examples.groups, settings)
    data = _described(folder, read.sha256, settings) | {"groups": len(np.unique(read.examples.groups))}
    if source.grouping is not None:
        data |= {"group_pattern": source.grouping.pattern or ""}
    data |= _counts(read.labels, read.examples.labels)
    absent = sorted(set(range(len(read.labels))) - set(read.examples.labels.tolist()))
    notices = list(read.notices)
    if absent:
        notices.append(f"no picture of {', '.join(read.labels[code] for code in absent)}")
    return Dataset(
        read.labels,
        spec,
        _varied(read.examples.take(parts.train), spec, settings),
        read.examples.take(parts.validation),
        read.examples.take(parts.test),
        data,
        read.unreadable,
        tuple(notices),
    )


def _varied(examples: Examples, spec: PatchSpec, settings: SplitSettings) -> Examples:
    """Several copies of each, all a little different, where the patches are such that this can be done."""
    return augmented(examples, spec, AugmentSettings(seed=settings.seed)) if spec.background == "median" else examples


def _described(folder: Path, sha256: str, settings: SplitSettings) -> Facts:
    data: Facts = {"name": folder.resolve().name, "sha256": sha256, "split_seed": settings.seed}
    return data | {"validation_share": settings.validation, "test_share": settings.test}


def _from_tree(folder: Path, source: Source, spec: PatchSpec, settings: SplitSettings) -> Dataset:
    tree = read_tree(folder, spec, source.labels, source.grouping)
    examples = tree.examples
    parts = split(examples.labels, tree.labels, examples.groups if tree.grouped else None, settings)
    data = _described(folder, tree.sha256, settings)
    if source.grouping is not None:
        data |= {"group_column": source.grouping.column or "", "group_pattern": source.grouping.pattern or ""}
        data |= {"groups": len(np.unique(examples.groups))}
    data |= _counts(tree.labels, examples.labels)
    notices = list(tree.notices)
    for name, part in (("validation", parts.validation), ("test", parts.test)):
        absent = sorted(set(range(len(tree.labels))) - set(examples.labels[part].tolist()))
        if len(part) and absent:
            notices.append(f"no {name} picture of {', '.join(tree.labels[code] for code in absent)}: too few groups")
    return Dataset(
        tree.labels,
        spec,
        examples.take(parts.train),
        examples.take(parts.validation),
        examples.take(parts.test),
        data,
        tree.unreadable,
        tuple(notices),
    )


def _from_labelled_pictures(folder: Path, spec: PatchSpec, settings: SplitSettings) -> Dataset:
    """Whole pictures with boxes; the model's own labels, whichever of them occur, and pictures stay together."""
    read = coco.read_labelled(folder, spec)
    examples = read.examples
    parts = split_groups(examples.groups, settings)
    data = _described(folder, read.sha256, settings) | _counts(DEFECT_LABELS, examples.labels)
    return Dataset(
        DEFECT_LABELS,
        spec,
        _varied(examples.take(parts.train), spec, settings),
        examples.take(parts.validation),
        examples.take(parts.test),
        data,
        read.unreadable,
        read.notices,
    )


def reopen(data: Facts, labels: tuple[str, ...], spec: PatchSpec, source: Source) -> Dataset:
    """The pictures of a model's training, split as they were then; or others, split alike.

    Args:
        data: what the model's record says of its training data.
        labels: the model's.
        spec: the model's.
        source: where the pictures are now; labels and groups that it does not name are those of the record.

    Raises:
        UsageError: the source names no folder and the record is not of Fashion-MNIST; or as `open_dataset`.
        SourceError: as `open_dataset`.
    """
    if source.folder is None and data.get("name") != fashion_mnist.NAME:
        raise UsageError(f"the model was trained on {data.get('name', 'pictures')!r}: say with --data where they are")
    is_tree = source.folder is not None and not fashion_mnist.is_folder(source.folder)
    settings = SplitSettings(
        float(data.get("validation_share", SplitSettings().validation)),
        float(data.get("test_share", SplitSettings().test)),
        int(data.get("split_seed", 0)),
    )
    if is_tree:
        source = replace(source, labels=labels, grouping=source.grouping or _recorded_grouping(data))
        source = replace(source, rehearsed_faces=int(data.get("rehearsed_faces", 0)))
    dataset = open_dataset(source, spec, settings)
    if dataset.labels != labels:
        raise UsageError(f"the model tells {', '.join(labels)} apart, the data are {', '.join(dataset.labels)}")
    return dataset


@dataclass(frozen=True, eq=False)
class Unseen:
    """Labelled patches that a model did not learn from.

    Attributes:
        examples: their labels are indices into the model's.
        words: what they are, for people.
        unreadable: a message for each picture that could not be read.
    """

    examples: Examples
    words: str
    unreadable: tuple[str, ...] = ()


def unseen(data: Facts, labels: tuple[str, ...], spec: PatchSpec, source: Source) -> Unseen:
    """What a model can be scored on: the test part of its own data, or all of any other.

    Other pictures need not have all of the model's labels, but at least two.

    Args:
        data: what the model's record says of its training data.
        labels: the model's.
        spec: the model's.
        source: where the pictures are.

    Raises:
        UsageError: as `reopen`.
        SourceError: as `reopen`.
    """
    folder = source.folder
    if folder is None or fashion_mnist.is_folder(folder):
        dataset = reopen(data, labels, spec, source)
        return Unseen(dataset.test, f"the test part of {dataset.data['name']}")
    if captured_patches.is_folder(folder):
        present = labels
        tree = captured_patches.read_captured(folder, spec, labels, source.grouping)
    else:
        present = tuple(label for label in labels if (folder / label).is_dir()) or labels
        tree = read_tree(folder, spec, present)
    if tree.sha256 == data.get("sha256"):
        dataset = reopen({**data, "rehearsed_faces": 0}, labels, spec, source)
        return Unseen(dataset.test, f"the test part of {dataset.data['name']}", dataset.unreadable)
    codes = np.array([labels.index(label) for label in present])[tree.examples.labels]
    return Unseen(replace(tree.examples, labels=codes), f"all of {folder.resolve().name}", tree.unreadable)


def _recorded_grouping(data: Facts) -> Grouping | None:
    column, pattern = str(data.get("group_column", "")), str(data.get("group_pattern", ""))
    return Grouping(column or None, None, pattern or None) if column or pattern else None


_VALIDATION_SHARE = 5_000 / 60_000


def _from_fashion_mnist(source: Source, spec: PatchSpec, seed: int) -> Dataset:
    (pictures, codes), (test_pictures, test_codes) = fashion_mnist.load(source.folder, source.download)
    settings = SplitSettings(validation=_VALIDATION_SHARE, test=0.0, seed=seed)
    parts = split(codes, fashion_mnist.LABELS, None, settings)
    known = _examples(pictures, codes, spec)
    data: Facts = {"name": fashion_mnist.NAME, "sha256": fashion_mnist.SHA256["train-images-idx3-ubyte"]}
    data |= {"split_seed": seed, "pictures": len(codes), "test_pictures": len(test_codes)}
    test = _examples(test_pictures, test_codes, spec)
    return Dataset(fashion_mnist.LABELS, spec, known.take(parts.train), known.take(parts.validation), test, data)


def _examples(pictures: NDArray[np.uint8], codes: NDArray[np.int64], spec: PatchSpec) -> Examples:
    if pictures.shape[1:] != (spec.size, spec.size) or spec.background != "keep":
        pictures = np.stack([prepare(picture, spec) for picture in pictures])
    measures = np.zeros((len(codes), len(spec.measures)), np.uint8)
    return Examples(pictures, measures, codes, np.arange(len(codes)).astype(np.str_))


def _counts(labels: Sequence[str], codes: Iterable[int]) -> Facts:
    of_code = np.bincount(np.fromiter(codes, np.int64), minlength=len(labels))
    counts: Facts = {"pictures": int(of_code.sum())}
    return counts | {f"pictures {label}": int(n) for label, n in zip(labels, of_code, strict=True)}
