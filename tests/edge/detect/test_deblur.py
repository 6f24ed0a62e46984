"""True sizes from sizes that were seen through a blur."""

from __future__ import annotations

import math
from collections.abc import Callable

import cv2
import numpy as np
import pytest

from edge.detect.deblur import SIZES, Shape, without_blur


@pytest.mark.parametrize("shape", ["disc", "stroke"])
def test_what_looks_larger_is_larger(shape: Shape) -> None:
    """The size that a mark truly has rises with the size that is seen, without a step."""
    seen = np.arange(0.01, 60, 0.001)
    rise = np.diff(without_blur(seen, 1.0, shape)) / 0.001
    assert rise.min() > 0
    # steepest where the mark is as small as the blur
    assert rise.max() < 14


@pytest.mark.parametrize(("sigmas", "slack"), [(1, 0.05), (2, 0.05), (4, 0.05), (7, 0.05), (9, 0.1), (12, 0.18)])
def test_a_disc_has_its_true_size_whatever_the_blur(sigmas: int, slack: float) -> None:
    """Seen between half-strength points through a Gaussian blur, a disc gets its size back to a 20th of a sigma.

    A large one is at most as much too small as it is seen to be, 2 / d.
    """
    sigma = 12
    middle = 12 * sigma
    away = np.arange(2 * middle + 1) - middle
    disc = np.clip(sigmas * sigma / 2 - np.hypot(*np.meshgrid(away, away)) + 0.5, 0, 1)
    row = cv2.GaussianBlur(disc, (0, 0), sigma)[middle, middle:]
    k = int(np.argmax(row < row[0] / 2))
    seen = 2 * (k - 1 + (row[k - 1] - row[0] / 2) / (row[k - 1] - row[k])) / sigma
    true = without_blur(np.array([seen]), 1.0, "disc")[0]
    assert true == pytest.approx(max(sigmas, seen / 2), abs=slack)
    assert true >= min(seen, sigmas)


def seen_stroke(width: float) -> float:
    """Between half-strength points of a stroke of this width through a blur of 1: a box convolved with a Gaussian."""

    def grey(x: float) -> float:
        return math.erf((x + width / 2) / math.sqrt(2)) - math.erf((x - width / 2) / math.sqrt(2))

    return half_width(grey)


def seen_disc(diameter: float) -> float:
    """The same of a disc, by its integral over radii."""
    radius = (np.arange(2000) + 0.5) * diameter / 4000

    def grey(x: float) -> float:
        return float((radius * np.exp(-((x - radius) ** 2) / 2) * np.exp(-x * radius) * np.i0(x * radius)).sum())

    return half_width(grey)


def half_width(grey: Callable[[float], float]) -> float:
    """Twice the distance at which a falling profile is half of what it is at 0."""
    low, high = 0.0, 20.0
    for _ in range(50):
        middle = (low + high) / 2
        low, high = (middle, high) if grey(middle) > grey(0.0) / 2 else (low, middle)
    return 2 * low


@pytest.mark.parametrize(("shape", "seen"), [("disc", seen_disc), ("stroke", seen_stroke)])
def test_the_tables_are_what_the_blur_makes_of_the_shapes(shape: Shape, seen: Callable[[float], float]) -> None:
    """Each size that is seen is that of the shape convolved with a Gaussian, to a 50th of its sigma."""
    for true, told in SIZES[shape].T:
        if true < 10:
            assert told == pytest.approx(seen(max(float(true), 1e-3)), abs=0.02)
    # from the last size on nothing is taken off
    assert SIZES[shape][0, -1] == SIZES[shape][1, -1]


@pytest.mark.parametrize("shape", ["disc", "stroke"])
def test_sizes_scale_with_the_blur(shape: Shape) -> None:
    """In any unit the same; far above the blur what is seen is true, below it at least half of that."""
    seen = np.array([0.5, 2.5, 4.0, 7.0, 30.0])
    assert np.allclose(without_blur(3 * seen, 3.0, shape), 3 * without_blur(seen, 1.0, shape))
    assert without_blur(seen, 1.0, shape)[-1] == 30.0
    assert without_blur(seen, 1.0, shape)[0] == 0.25
