"""What whole numbers give, at any address, in any order."""

from __future__ import annotations

import math
from fractions import Fraction

import cv2
import numpy as np
import pytest
from drawn_discs import elsewhere, texture
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.imaging.exact import (
    gaussian_weights,
    median,
    median_upper,
    on_grid,
    slope,
    solve_symmetric_4x4,
    unit_gaussian_kernel,
)


@pytest.mark.parametrize("sigma", [0.5, 1.3, 2.7, 6.0])
@pytest.mark.parametrize("n_rays", [1, 3, 5])
def test_the_slope_is_an_exact_sum(sigma: float, n_rays: int) -> None:
    """Long float64 sums in any order give the very same figures, also at the largest contrast."""
    grey = np.where(texture(24, 60) > 127, 255, 0).astype(np.uint8)
    reach = math.ceil(2.5 * round(sigma, 1))
    single = np.zeros((1, 4 * reach + 1), np.uint8)
    single[0, 2 * reach] = 1
    kernel = slope(single, sigma, n_rays)[0, reach : 3 * reach + 1][::-1].astype(np.float64)
    wide = np.pad(grey, ((n_rays // 2,) * 2, (reach,) * 2), mode="edge").astype(np.float64)
    summed = np.sum([wide[k : k + 24] for k in range(n_rays)], axis=0) / n_rays
    expected = [np.convolve(ray, kernel[::-1], mode="valid") for ray in summed]
    assert np.array_equal(slope(grey, sigma, n_rays), np.array(expected).round(12).astype(np.float32))


def test_the_slope_of_a_ramp_is_its_rise() -> None:
    """In grey per sample, whatever the smoothing."""
    ramp = np.tile(np.arange(0, 120, 3, dtype=np.uint8), (4, 1))
    for sigma in (0.5, 1.0, 2.5):
        assert slope(ramp, sigma, 3)[:, 10:-10] == pytest.approx(3.0, abs=1e-4)


def test_sums_of_many_samples_have_their_slope() -> None:
    """Of 16 bit samples, when told how large they may be."""
    ramp = np.tile(np.arange(0, 4080, 40, dtype=np.uint16), (3, 1))
    assert slope(ramp, 2.0, largest=4080)[:, 10:-10] == pytest.approx(40.0, rel=2e-3)


@settings(max_examples=50)
@given(seed=st.integers(0, 999))
def test_four_unknowns_are_what_fractions_give(seed: int) -> None:
    """To the nearest 1/65536, whatever the order in which a library would eliminate."""
    random = np.random.default_rng(seed)
    rows = random.integers(-4096, 4097, (12, 4))
    normal = rows.T @ rows + 4096 * np.eye(4, dtype=np.int64)
    right = random.integers(-(2**30), 2**30, 4)
    left = [[Fraction(int(v)) for v in (*row, value)] for row, value in zip(normal, right, strict=True)]
    for k in range(4):
        left[k] = [v / left[k][k] for v in left[k]]
        for other in range(4):
            if other != k:
                left[other] = [a - left[other][k] * b for a, b in zip(left[other], left[k], strict=True)]
    solved = solve_symmetric_4x4([float(v) for v in normal.ravel()], [float(v) for v in right])
    assert all(abs(Fraction(a) - row[4]) <= Fraction(51, 100 * 65536) for a, row in zip(solved, left, strict=True))
    assert all((a * 65536).is_integer() for a in solved)


def test_values_on_the_grid_are_multiples_of_a_4096th() -> None:
    """The nearest one."""
    values = np.random.default_rng(0).normal(0, 10, 100)
    rounded = on_grid(values)
    assert np.array_equal(rounded * 4096, np.rint(values * 4096))


@pytest.mark.parametrize("sigma", [0.7, 1.0, 1.4, 2.6])
def test_gaussians_are_of_whole_numbers(sigma: float) -> None:
    """Symmetric, falling, about the total asked for; a kernel for grey levels sums to exactly 1, in 256ths."""
    weights = gaussian_weights(sigma, 5, 400)
    assert weights == weights[::-1]
    assert weights[5:] == sorted(weights[5:], reverse=True)
    assert abs(sum(weights) - 400) <= 6
    kernel = unit_gaussian_kernel(sigma)
    assert kernel.sum() == 1
    assert np.array_equal(kernel * 256, np.rint(kernel * 256))
    reach = kernel.size // 2
    assert (kernel * np.arange(-reach, reach + 1) ** 2).sum() == pytest.approx(sigma**2, rel=0.3)


def test_the_medians_differ_only_for_even_counts() -> None:
    """The larger of the middle two, and their mean; arrays of any shape, not changed."""
    assert median_upper(np.array([3.0, 1.0, 2.0])) == median(np.array([3.0, 1.0, 2.0])) == 2
    even = np.array([[4.0, 1.0], [2.0, 3.0]])
    assert (median_upper(even), median(even)) == (3, 2.5)
    assert even.tolist() == [[4.0, 1.0], [2.0, 3.0]]
    for n in (1, 2, 7, 30):
        assert median(texture(1, n)) == np.median(texture(1, n))


@pytest.mark.parametrize("offset", [1, 2, 3, 5, 8, 17, 33])
def test_no_bit_depends_on_where_arrays_lie(offset: int) -> None:
    """The same at every address."""
    grey = texture(64, 34)
    moved = elsewhere(grey, offset)
    assert np.array_equal(slope(grey, 1.7, 3), slope(moved, 1.7, 3))
    assert median_upper(grey) == median_upper(moved)


def test_threads_change_nothing() -> None:
    """OpenCV's own threads split the work, not the sums."""
    picture = texture(600, 800)
    before = cv2.getNumThreads()
    try:
        cv2.setNumThreads(1)
        one = slope(picture, 2.0, 3)
        cv2.setNumThreads(4)
        many = slope(picture, 2.0, 3)
    finally:
        cv2.setNumThreads(before)
    assert np.array_equal(one, many)
