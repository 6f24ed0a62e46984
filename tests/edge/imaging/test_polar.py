"""Rays are sampled exactly, and say whether they lie in the visible part."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from drawn_discs import elsewhere, texture
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.imaging.ellipse import Ellipse, VisiblePicture
from edge.imaging.polar import sampled, strip_offsets, unroll


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


def test_rays_say_whether_they_lie_in_the_visible_part() -> None:
    """A ray counts with both of its ends inside; a ramp is read off exactly."""
    ramp = VisiblePicture.whole(np.tile(np.arange(200, dtype=np.uint8), (160, 1)))
    grey, seen = unroll(ramp, Ellipse(100, 80, 50, 40), np.array([-10, 0, 10], np.float32), 4)
    assert seen.all()
    assert grey[0].tolist() == [139, 150, 161]
    _, seen = unroll(ramp, Ellipse(160, 80, 50, 40), np.array([-10, 0, 10], np.float32), 4)
    assert seen.tolist() == [False, True, True, True]


def test_whether_a_ray_is_seen_is_the_same_near_the_border() -> None:
    """The quick answer for ellipses well inside never differs from asking every ray."""
    picture, offsets = VisiblePicture(texture(), 3, 2, 115, 85), np.array([-4, 0, 5], np.float32)
    theta = np.arange(64) * (2 * np.pi / 64)
    for x in np.arange(30.0, 90.0, 0.37):
        at = Ellipse(float(x), 43.5, 35.0, 34.0)
        _, seen = unroll(picture, at, offsets, 64)
        expected = np.ones(64, np.bool_)
        for k in (1 - 4 / at.mean_px, 1 + 5 / at.mean_px):
            column, row = at.x_px + at.rx_px * k * np.cos(theta), at.y_px + at.ry_px * k * np.sin(theta)
            expected &= (column >= 3) & (column <= 115) & (row >= 2) & (row <= 85)
        assert np.array_equal(seen, expected)


@pytest.mark.parametrize(("half_px", "n", "step"), [(4.0, 33, 0.25), (6.0, 49, 0.25), (24.0, 49, 1.0), (1.1, 11, 0.25)])
def test_a_strip_reaches_as_far_as_asked(half_px: float, n: int, step: float) -> None:
    """Evenly, with offset 0 in its middle, no closer than a quarter of a pixel."""
    offsets, step_px = strip_offsets(half_px)
    assert (offsets.size, step_px) == (n, step)
    assert offsets[n // 2] == 0
    assert np.array_equal(offsets, -offsets[::-1])
    assert half_px <= offsets[-1] < half_px + step


@pytest.mark.parametrize("offset", [1, 2, 3, 5, 8, 17, 33])
def test_no_sample_depends_on_where_the_picture_lies(offset: int) -> None:
    """The same rays at every address."""
    at, offsets = Ellipse(60.3, 44.9, 30.1, 29.2), np.arange(-8, 9, 0.5, dtype=np.float32)
    here, there = (VisiblePicture.whole(p) for p in (texture(), elsewhere(texture(), offset)))
    assert np.array_equal(unroll(here, at, offsets, 64)[0], unroll(there, at, offsets, 64)[0])


def test_threads_change_no_sample() -> None:
    """OpenCV's own threads split the work, not the arithmetic."""
    picture = texture(600, 800)
    columns, rows = (np.random.default_rng(k).uniform(0, 590, (512, 300)).astype(np.float32) for k in (1, 2))
    before = cv2.getNumThreads()
    try:
        cv2.setNumThreads(1)
        one = sampled(picture, columns, rows)
        cv2.setNumThreads(4)
        many = sampled(picture, columns, rows)
    finally:
        cv2.setNumThreads(before)
    assert np.array_equal(one, many)
