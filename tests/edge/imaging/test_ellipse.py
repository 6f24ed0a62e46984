"""The arithmetic below `locate` and `assess` is exact: what whole numbers give, at any address, in any order."""

from __future__ import annotations

import math
from fractions import Fraction

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from edge.imaging.ellipse import Ellipse, View, median, noise_of, sampled, slope, unroll
from edge.locate.circle_votes import smoothed
from edge.locate.rim_fit import design, solve

U8 = NDArray[np.uint8]


def texture(height: int = 90, width: int = 120, seed: int = 0) -> U8:
    """Independent grey levels."""
    return np.random.default_rng(seed).integers(0, 256, (height, width)).astype(np.uint8)


def elsewhere(array: NDArray[np.generic], offset: int) -> NDArray[np.generic]:
    """The same array, its first byte `offset` bytes further in memory."""
    room = np.empty(array.nbytes + 128, np.uint8)
    start = -room.ctypes.data % 64 + offset
    moved = room[start : start + array.nbytes].view(array.dtype).reshape(array.shape)
    moved[:] = array
    return moved


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 999))
def test_samples_are_bilinear_in_32nds_of_a_pixel(seed: int) -> None:
    """Every sample is what whole numbers give for the nearest 32nd, halves of a grey level upwards."""
    picture, random = texture(), np.random.default_rng(seed)
    x = random.uniform(0, 118, (5, 7)).astype(np.float32)
    y = random.uniform(0, 88, (5, 7)).astype(np.float32)
    grey = sampled(picture, x, y)
    for place in np.ndindex(5, 7):
        column, row = round(float(x[place]) * 32), round(float(y[place]) * 32)
        (i, right), (j, down) = divmod(column, 32), divmod(row, 32)
        corners = picture[j : j + 2, i : i + 2].astype(int)
        total = (32 - down) * ((32 - right) * corners[0, 0] + right * corners[0, 1])
        total += down * ((32 - right) * corners[1, 0] + right * corners[1, 1])
        assert grey[place] == (total + 512) // 1024


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
    summed = sum(wide[k : k + 24] for k in range(n_rays)) / n_rays
    expected = [np.convolve(ray, kernel[::-1], mode="valid") for ray in summed]
    assert np.array_equal(slope(grey, sigma, n_rays), np.array(expected).round(12).astype(np.float32))


def test_sums_of_many_samples_have_their_slope() -> None:
    """Of 16 bit samples, when told how large they may be."""
    ramp = np.tile(np.arange(0, 4080, 40, dtype=np.uint16), (3, 1))
    assert slope(ramp, 2.0, largest=4080)[:, 10:-10] == pytest.approx(40.0, rel=2e-3)


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 999), n=st.sampled_from([64, 256]))
def test_a_fit_is_what_fractions_give(seed: int, n: int) -> None:
    """Normal equations of fractions, without any rounding, have the same solution to 1/65536 px."""
    random = np.random.default_rng(seed)
    offsets = np.rint(random.normal(0, 5, n) * 4096) / 4096
    weight = random.integers(0, 4097, n).astype(np.float64)
    rows, products = design(n)
    exact = [[Fraction(v) for v in row] for row in rows.tolist()]
    parts = list(zip(exact, weight.tolist(), offsets.tolist(), strict=True))
    normal = [[sum(int(w) * r[i] * r[j] for r, w, _ in parts) for j in range(4)] for i in range(4)]
    right = [sum(int(w) * Fraction(o) * r[i] for r, w, o in parts) for i in range(4)]
    assert [float(v) for row in normal for v in row] == (weight @ products).tolist()
    held = np.array([[float(v) for v in row] for row in normal])
    held += 1e-6 * np.eye(4) * (held[0, 0] + held[1, 1])
    expected = np.linalg.solve(held, [float(v) for v in right])
    assert np.abs(solve(offsets, weight) - expected).max() <= 0.51 / 65536


@pytest.mark.parametrize("sigma", [1.2, 1.5, 2.7])
def test_tallies_are_smoothed_in_whole_numbers(sigma: float) -> None:
    """The largest tally that there can be does not reach what float32 rounds."""
    tally = np.zeros((60, 80), np.float32)
    tally[20:40, 30:60] = 30_000
    smooth = smoothed(tally, sigma)
    assert np.array_equal(smooth, np.rint(smooth))
    assert smooth.max() < 2**24
    assert np.unravel_index(smooth.argmax(), smooth.shape)[0] in range(20, 40)


@pytest.mark.parametrize("offset", [1, 2, 3, 5, 8, 17, 33])
def test_no_bit_depends_on_where_arrays_lie(offset: int) -> None:
    """Samples, slopes and noise are the same at every address."""
    picture = texture()
    at, offsets = Ellipse(60.3, 44.9, 30.1, 29.2), np.arange(-8, 9, 0.5, dtype=np.float32)
    h, w = picture.shape
    grey, _ = unroll(View(picture, 0, 0, w - 1, h - 1), at, offsets, 64)
    moved: U8 = elsewhere(picture, offset)  # type: ignore[assignment]
    again, _ = unroll(View(moved, 0, 0, w - 1, h - 1), at, offsets, 64)
    assert np.array_equal(grey, again)
    strip: U8 = elsewhere(grey, offset)  # type: ignore[assignment]
    assert np.array_equal(slope(grey, 1.7, 3), slope(strip, 1.7, 3))
    assert noise_of(grey, 0.5) == noise_of(strip, 0.5)
    assert median(grey) == median(strip)


def test_whether_a_ray_is_seen_is_the_same_near_the_border() -> None:
    """The quick answer for rims well inside of the view never differs from asking every ray."""
    picture = texture()
    view, offsets = View(picture, 3, 2, 115, 85), np.array([-4, 0, 5], np.float32)
    theta = np.arange(64) * (2 * np.pi / 64)
    for x in np.arange(30.0, 90.0, 0.37):
        at = Ellipse(float(x), 43.5, 35.0, 34.0)
        _, seen = unroll(view, at, offsets, 64)
        expected = np.ones(64, np.bool_)
        for k in (1 - 4 / at.mean_px, 1 + 5 / at.mean_px):
            column, row = at.x_px + at.rx_px * k * np.cos(theta), at.y_px + at.ry_px * k * np.sin(theta)
            expected &= (column >= 3) & (column <= 115) & (row >= 2) & (row <= 85)
        assert np.array_equal(seen, expected)


def test_threads_change_nothing() -> None:
    """OpenCV's own threads split the work, not the sums."""
    picture = texture(600, 800)
    columns, rows = (np.random.default_rng(k).uniform(0, 590, (512, 300)).astype(np.float32) for k in (1, 2))
    before = cv2.getNumThreads()
    try:
        cv2.setNumThreads(1)
        one = sampled(picture, columns, rows), slope(picture, 2.0, 3)
        cv2.setNumThreads(4)
        many = sampled(picture, columns, rows), slope(picture, 2.0, 3)
    finally:
        cv2.setNumThreads(before)
    assert np.array_equal(one[0], many[0])
    assert np.array_equal(one[1], many[1])
