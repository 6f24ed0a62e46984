"""A picture by sector and radius, beside slow and plain versions of the same."""

from __future__ import annotations

import math

import numpy as np
import pytest
from drawn_faces import small_face
from slow_definitions import around, between

from edge.detect.sectors import circle_median, median5, neighbours_median, radial_step, unroll


def test_the_median_of_five_is_the_median() -> None:
    """The network of minima and maxima equals the sorted median for all orders and ties."""
    five = np.random.default_rng(3).integers(0, 6, (5, 40, 50), dtype=np.uint8)
    assert np.array_equal(median5(*five), np.median(five, axis=0).astype(np.uint8))


@pytest.mark.parametrize("aspect", [1.0, 1.09])
def test_unrolling_equals_its_slow_definition(aspect: float) -> None:
    """Each sample is the picture at its direction and radius, weighted in whole 32nds of a pixel."""
    _, region = small_face(aspect=aspect)
    samples = unroll(region.pixels, region)
    random = np.random.default_rng(1)
    for _ in range(400):
        k, sector, radius = int(random.integers(5)), int(random.integers(48)), int(random.integers(60))
        turn = 2 * math.pi * (sector / 48 + (k - 2) / 240)
        x = np.float32(math.cos(turn) * region.unit_x_px) * np.float32(radius) + np.float32(region.centre_x_px)
        y = np.float32(math.sin(turn) * region.unit_y_px) * np.float32(radius) + np.float32(region.centre_y_px)
        assert samples[k][sector, radius] == between(region.pixels, x, y)


@pytest.mark.parametrize("step", [1, 2, 5])
def test_medians_around_the_circle_equal_their_slow_definitions(step: int) -> None:
    """Of five sectors on either side of the seam as elsewhere; of the circle as nine medians of five."""
    polar = np.random.default_rng(step).integers(0, 256, (48, 30), dtype=np.uint8)
    assert np.array_equal(neighbours_median(polar, step), around(polar, step))
    nine = [np.median(polar[5 * k : 5 * k + 5], axis=0) for k in range(9)]
    assert np.array_equal(circle_median(polar), np.median(nine, axis=0).astype(np.uint8)[None])


def test_the_radial_step_equals_its_slow_definition() -> None:
    """Grey levels over two units, the largest of a place and its two neighbours along the radius."""
    polar = np.random.default_rng(4).integers(0, 256, (48, 20), dtype=np.uint8)
    padded = np.pad(polar.astype(int), ((0, 0), (1, 1)), mode="edge")
    step = np.abs(padded[:, 2:] - padded[:, :-2])
    wide = np.pad(step, ((0, 0), (1, 1)), mode="edge")
    assert np.array_equal(radial_step(polar), np.maximum(np.maximum(wide[:, :-2], step), wide[:, 2:]))
