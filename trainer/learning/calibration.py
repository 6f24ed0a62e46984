"""Calibration: how far a model's probabilities can be believed, and the temperature that makes them so."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from edge.errors import UsageError

N_BINS = 15
"""Of the calibration error, as in Guo et al. 2017."""

_COLDEST, _WARMEST = 0.05, 20.0
"""Ends of the interval that is searched for the temperature."""


def softmax(logits: NDArray[np.floating], temperature: float = 1.0) -> NDArray[np.float64]:
    """Probabilities (n, k) of logits (n, k); rows sum to 1."""
    scaled = logits.astype(np.float64) / temperature
    weights = np.exp(scaled - scaled.max(axis=1, keepdims=True))
    probabilities: NDArray[np.float64] = weights / weights.sum(axis=1, keepdims=True)
    return probabilities


def fit_temperature(logits: NDArray[np.floating], labels: NDArray[np.integer]) -> float:
    """The temperature at which the true labels are likeliest: one number for all classes, answers unchanged.

    Guo et al., On Calibration of Modern Neural Networks, ICML 2017. The likelihood has one maximum in 1/T, found
    by halving the interval; where every answer is right it lies beyond the interval, and its end is returned.

    Args:
        logits: (n, k), of pictures that nothing was trained on.
        labels: (n,), true indices 0..k-1.

    Returns:
        0.05 to 20, rounded to four digits.

    Raises:
        UsageError: no pictures.
    """
    if len(logits) == 0:
        raise UsageError("no held-out pictures: the temperature is fitted on some, better 1,000")
    wide = logits.astype(np.float64)
    true = wide[np.arange(len(wide)), labels].mean()
    low, high = 1 / _WARMEST, 1 / _COLDEST
    for _ in range(50):
        middle = (low + high) / 2
        expected = (softmax(wide, 1 / middle) * wide).sum(axis=1).mean()
        low, high = (low, middle) if expected > true else (middle, high)
    return float(f"{1 / low:.4g}")


def bins_of(confidence: NDArray[np.floating]) -> NDArray[np.int64]:
    """The bin of each confidence 0..1: `N_BINS` of equal width, from 0; a confidence of 1 lies in the last."""
    bins: NDArray[np.int64] = np.minimum((confidence * N_BINS).astype(np.int64), N_BINS - 1)
    return bins


def calibration_error(probabilities: NDArray[np.floating], labels: NDArray[np.integer]) -> float:
    """Expected calibration error, 0..1: how far stated confidence and accuracy lie apart, over 15 equal bins.

    Args:
        probabilities: (n, k), rows sum to 1.
        labels: (n,), true indices 0..k-1.

    Raises:
        UsageError: no pictures.
    """
    if len(probabilities) == 0:
        raise UsageError("no pictures: the calibration error is measured on some, better 1,000")
    confidence = probabilities.max(axis=1)
    right = probabilities.argmax(axis=1) == labels
    apart = np.bincount(bins_of(confidence), weights=confidence - right, minlength=N_BINS)
    return float(np.abs(apart).sum() / len(probabilities))
