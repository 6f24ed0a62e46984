"""Training, validation and test parts, which share no picture and no group of pictures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edge.errors import UsageError

MIN_PER_LABEL = 3
"""Pictures, or groups of them, that a label needs: one for each part."""

_MORE_FOLDS = 3


@dataclass(frozen=True, slots=True)
class SplitSettings:
    """How large the parts are, of every label alike.

    Attributes:
        validation: share that chooses the best epoch and fits the temperature, 0..0.5.
        test: share that is only scored, 0..0.5.
        seed: of the shuffling; groups are dealt out by size, so that there it decides between equal ones only.
    """

    validation: float = 0.1
    test: float = 0.2
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("validation", "test"):
            share = getattr(self, name)
            if not 0 <= share <= 0.5:
                raise UsageError(f"{name} share {share}: expected 0 to 0.5")


@dataclass(frozen=True, eq=False)
class Split:
    """Ascending indices of the three parts; each (n,) int64. A part whose share is 0 is empty."""

    train: NDArray[np.int64]
    validation: NDArray[np.int64]
    test: NDArray[np.int64]


def split(
    codes: NDArray[np.int64], labels: Sequence[str], groups: NDArray[np.str_] | None, settings: SplitSettings
) -> Split:
    """A stratified split, by group where groups are given. The same input gives the same split.

    Args:
        codes: (n,) indices into `labels`.
        labels: their names, for messages.
        groups: (n,) what must stay on one side; None where every picture stands for itself.
        settings: shares and seed.

    Raises:
        UsageError: a label has fewer than three pictures or groups, or ends up with nothing to learn from.
    """
    _check_enough(codes, labels, groups)
    everything = np.arange(len(codes))
    rest, test = _held_out(everything, codes, groups, settings.test, settings.seed)
    share = settings.validation / (1 - settings.test)
    train, validation = _held_out(rest, codes, groups, share, settings.seed + 1)
    missing = set(range(len(labels))) - set(codes[train].tolist())
    if missing:
        raise UsageError(
            f"label {labels[min(missing)]!r}: its groups are too few or too large to split; "
            "name smaller groups, or add pictures"
        )
    return Split(train, validation, test)


def split_groups(groups: NDArray[np.str_], settings: SplitSettings) -> Split:
    """A split by group alone, for sets in which labels may be missing. The same input gives the same split.

    Raises:
        UsageError: fewer than three groups, one for each part.
    """
    names = np.unique(groups)
    if len(names) < MIN_PER_LABEL:
        raise UsageError(
            f"{len(names)} labelled pictures or groups: expected at least {MIN_PER_LABEL}, "
            "for training, validation and test"
        )
    shuffled = np.random.default_rng(settings.seed).permutation(names)
    n_test = max(1, round(settings.test * len(names))) if settings.test else 0
    n_validation = max(1, round(settings.validation * len(names))) if settings.validation else 0
    held = shuffled[: n_test + n_validation]
    test, validation = np.isin(groups, held[:n_test]), np.isin(groups, held[n_test:])
    return Split(np.flatnonzero(~test & ~validation), np.flatnonzero(validation), np.flatnonzero(test))


def _check_enough(codes: NDArray[np.int64], labels: Sequence[str], groups: NDArray[np.str_] | None) -> None:
    for code, label in enumerate(labels):
        of_label = np.flatnonzero(codes == code)
        n, what = (len(of_label), "pictures") if groups is None else (len(set(groups[of_label])), "groups of pictures")
        if n < MIN_PER_LABEL:
            raise UsageError(
                f"label {label!r} has {n} {what}: expected at least {MIN_PER_LABEL}, for training, validation and test"
            )


def _held_out(
    among: NDArray[np.int64], codes: NDArray[np.int64], groups: NDArray[np.str_] | None, share: float, seed: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """`among` without, and the held-out share of it."""
    if share == 0:
        return among, among[:0]
    if groups is None:
        held = _held_out_pictures(among, codes, share, seed)
    else:
        held = _held_out_groups(among, codes, groups, share, seed)
    out = np.isin(among, held)
    return among[~out], among[out]


def _held_out_pictures(
    among: NDArray[np.int64], codes: NDArray[np.int64], share: float, seed: int
) -> NDArray[np.int64]:
    rng = np.random.default_rng(seed)
    held = []
    for code in np.unique(codes[among]):
        of_label = rng.permutation(among[codes[among] == code])
        # However large the share, one stays for each of the other parts.
        most = max(1, min(round(share * len(of_label)), len(of_label) - 2))
        held.append(of_label[:most])
    return np.concatenate(held)


def _held_out_groups(
    among: NDArray[np.int64], codes: NDArray[np.int64], groups: NDArray[np.str_], share: float, seed: int
) -> NDArray[np.int64]:
    """Of the folds of scikit-learn's StratifiedGroupKFold the one that comes nearest to the share of every label.

    Groups are few and uneven: a fold may hold a third of its share of a label. So folds of some more and some
    fewer parts are looked at too.
    """
    from sklearn.model_selection import StratifiedGroupKFold  # a second to import, and only groups need it

    y = codes[among]
    most = min(len(np.unique(groups[among])), int(np.bincount(y)[np.unique(y)].min()))
    wanted = round(1 / share)
    numbers = {min(max(2, wanted + more), most) for more in range(-_MORE_FOLDS, _MORE_FOLDS + 1)}
    runs = [StratifiedGroupKFold(n, shuffle=True, random_state=seed) for n in sorted(numbers)]
    folds = [fold for run in runs for _, fold in run.split(y, y, groups[among])]
    held = min(folds, key=lambda fold: _deviation(y, fold, share))
    chosen: NDArray[np.int64] = among[held]
    return chosen


def _deviation(y: NDArray[np.int64], fold: NDArray[np.int64], share: float) -> float:
    """The largest relative distance of a label's share in the fold from the share wanted."""
    n_all = np.bincount(y)
    n_held = np.bincount(y[fold], minlength=len(n_all))
    known = n_all > 0
    return float(np.abs(n_held[known] / n_all[known] / share - 1).max())
