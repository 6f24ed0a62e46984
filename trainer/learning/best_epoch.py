"""Which epoch of a fit is kept: the one of the highest validation accuracy, of equals the one of the lower loss."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

History = dict[str, tuple[float, ...]]
"""A figure per epoch: `loss`, `accuracy`, and with validation examples `val_loss` and `val_accuracy`."""


class BestEpoch:
    """Keeps the weights of the best epoch while a network is fitted."""

    def __init__(self) -> None:
        self._rank: tuple[float, float] | None = None
        self._weights: list[Any] | None = None

    def offer(self, model: Any, figures: Mapping[str, float]) -> None:
        """Keeps the weights of this epoch if none before was as good.

        Args:
            model: a Keras model as it is after the epoch.
            figures: of the epoch; one without validation figures is never kept.
        """
        if "val_accuracy" not in figures:
            return
        rank = _rank(figures["val_accuracy"], figures["val_loss"])
        if self._rank is None or rank > self._rank:
            self._rank, self._weights = rank, model.get_weights()

    def restore(self, model: Any) -> None:
        """Gives the model the weights that were kept; leaves it as it is where none were."""
        if self._weights is not None:
            model.set_weights(self._weights)


def kept_epoch(history: Mapping[str, tuple[float, ...]]) -> int | None:
    """The epoch whose weights a fitted model has, from 1; None without validation figures, when it is the last."""
    if "val_accuracy" not in history:
        return None
    ranks = [_rank(*pair) for pair in zip(history["val_accuracy"], history["val_loss"], strict=True)]
    return 1 + ranks.index(max(ranks))


def _rank(accuracy: float, loss: float) -> tuple[float, float]:
    return accuracy, -loss
