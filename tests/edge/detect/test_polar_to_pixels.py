"""The background by sector and radius, and laid back onto the pixels, beside slow and plain versions of the same."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from edge.detect import background, polar_to_pixels
from edge.records import EndFace

Grey = NDArray[np.uint8]


def picture(seed: int = 0, radius: float = 30.0, aspect: float = 1.0) -> tuple[Grey, background.Field]:
    """A small noisy end face, brighter outside, and its field."""
    size = round(4.3 * radius)
    x, y = size / 2 + 0.3, size / 2 - 0.2
    rows, columns = np.mgrid[:size, :size]
    grey = np.where(np.hypot(columns - x, (rows - y) / aspect) < radius, 80.0, 160.0)
    grey += np.random.default_rng(seed).normal(0, 4, grey.shape)
    pixels = np.clip(np.rint(grey), 0, 255).astype(np.uint8)
    field = background.inspected_field(pixels, EndFace(x, y, radius, radius * aspect, None, 1, 1), 2.0)
    assert field is not None
    return pixels, field


def between(plane: Grey, x: float, y: float) -> int:
    """A plane at (x, y), given in 32nds of a pixel, its border repeated; to the nearest grey level, half up."""
    x32, y32 = int(np.rint(np.float32(x) * 32)), int(np.rint(np.float32(y) * 32))
    x0, y0 = x32 >> 5, y32 >> 5
    total = 0
    for down, share_y in ((0, 32 - (y32 & 31)), (1, y32 & 31)):
        for right, share_x in ((0, 32 - (x32 & 31)), (1, x32 & 31)):
            row = min(max(y0 + down, 0), plane.shape[0] - 1)
            column = min(max(x0 + right, 0), plane.shape[1] - 1)
            total += int(plane[row, column]) * share_x * share_y
    return (total + 512) >> 10


def around(polar: Grey, step: int) -> Grey:
    """The median of five sectors around the circle, sorted out plainly."""
    return np.median([np.roll(polar, k * step, axis=0) for k in range(-2, 3)], axis=0).astype(np.uint8)


@pytest.mark.parametrize("aspect", [1.0, 1.09])
def test_unrolling_equals_its_slow_definition(aspect: float) -> None:
    """Each sample is the picture at its direction and radius, weighted in whole 32nds of a pixel."""
    pixels, field = picture(aspect=aspect)
    region = field.region(pixels)
    samples = background.unroll(region, field)
    random = np.random.default_rng(1)
    for _ in range(400):
        k, sector, radius = int(random.integers(5)), int(random.integers(48)), int(random.integers(60))
        turn = 2 * math.pi * (sector / 48 + (k - 2) / 240)
        x = np.float32(math.cos(turn) * field.unit_x_px) * np.float32(radius) + np.float32(field.centre_x_px)
        y = np.float32(math.sin(turn) * field.unit_y_px) * np.float32(radius) + np.float32(field.centre_y_px)
        assert samples[k][sector, radius] == between(region, x, y)


@pytest.mark.parametrize("seed", range(3))
def test_the_expected_profile_equals_its_slow_definition(seed: int) -> None:
    """Medians, slope, light and hub, each written as its sentence says, give the same profile."""
    pixels, field = picture(seed)
    samples, hub = background.unroll(field.region(pixels), field), 8
    near = around(np.median(samples, axis=0).astype(np.uint8), 1)
    wide = around(near, 2)
    n = near.shape[1]
    expected = near.copy()
    for sector in range(48):
        for radius in range(n):
            light = 0
            for k in range(-15, 16):
                at = abs(radius + k) if radius + k < n else 2 * (n - 1) - radius - k
                light += min(max(int(near[sector, at]) - int(wide[sector, at]), -6), 6)
            steepest = 0
            for k in range(max(radius - 3, 0), min(radius + 3, n - 1) + 1):
                low, high = wide[sector, max(k - 1, 0)], wide[sector, min(k + 1, n - 1)]
                steepest = max(steepest, abs(int(high) - int(low)))
            if steepest < 4:
                expected[sector, radius] = min(max(int(wide[sector, radius]) + math.floor(light / 31 + 0.5), 0), 255)
    expected[:, :hub] = around(near[:, :hub], 5)
    ring = np.sort(expected[:, 2:4], axis=None)
    expected[:, :2] = ring[ring.size // 2]
    assert np.array_equal(background.expected_profile(samples, hub), expected)


@pytest.mark.parametrize("seed", range(3))
def test_the_noise_equals_its_slow_definition(seed: int) -> None:
    """Beyond the hub, the noise is the mean over 5 radii and 7 sectors of the roots of what sector and circle say."""
    pixels, field = picture(seed)
    samples, hub = background.unroll(field.region(pixels), field), 8
    profile = background.expected_profile(samples, hub)
    noise = background.noise_profile(samples, profile, hub, profile)
    away = np.median(np.abs(np.array(samples, int) - profile), axis=0).astype(np.uint8)
    circle = np.sort([np.median(away[5 * k : 5 * k + 5], axis=0) for k in range(9)], axis=0)[4].astype(int)
    n = circle.size
    mirrored = np.pad(circle, 2, mode="reflect")
    five = sum(mirrored[k : k + n] for k in range(5)).astype(np.float32) * np.float32(0.2)
    third = np.float32(0.3)
    roots = np.sqrt(around(away, 1).astype(np.float32) + third)
    steps = np.minimum(np.rint(roots * (np.float32(28) * np.sqrt(five + third))), 255).astype(int)
    around_it = np.pad(np.vstack([steps[-3:], steps, steps[:3]]), ((0, 0), (2, 2)), mode="reflect")
    total = sum(around_it[j : j + 48, i : i + n] for j in range(7) for i in range(5))
    slow = np.minimum(total.astype(np.float32) * np.float32(1.4826 / (35 * 28)), np.float32(6))
    assert np.array_equal(noise[:, hub + 2 :], slow[:, hub + 2 :])


@settings(deadline=None, max_examples=20)
@given(h=st.integers(1, 9), w=st.integers(1, 9), seed=st.integers(0, 1000))
def test_magnifying_equals_its_slow_definition(h: int, w: int, seed: int) -> None:
    """Four times as large, linear in eighths, along rows, then along columns; halves go to the even grey level."""
    coarse = np.random.default_rng(seed).integers(0, 256, (h, w), dtype=np.uint8)

    def line(values: list[int]) -> list[int]:
        grown = []
        for k, here in enumerate(values):
            before, behind = values[max(k - 1, 0)], values[min(k + 1, len(values) - 1)]
            for other, share in ((before, 3), (before, 1), (behind, 1), (behind, 3)):
                grown.append(round((share * other + (8 - share) * here) / 8))
        return grown

    wide = [line([int(v) for v in row]) for row in coarse]
    slow = np.array([line([row[x] for row in wide]) for x in range(4 * w)], np.uint8).T
    assert np.array_equal(polar_to_pixels.magnified(coarse), slow)
    assert np.array_equal(polar_to_pixels.repeated(coarse), np.kron(coarse, np.ones((4, 4), np.uint8)))


@pytest.mark.parametrize("aspect", [1.0, 1.09])
def test_directions_are_right_to_a_twentieth_of_a_sector(aspect: float) -> None:
    """The direction of each block, found without an angle, is that of the arc tangent."""
    field = picture(radius=40.0, aspect=aspect)[1]
    grid = polar_to_pixels.blocks(field)
    exact = np.mod(np.arctan2(grid.down[:, None], grid.across), 2 * np.pi) * 24 / np.pi
    off = np.abs(grid.sector - exact)
    assert np.minimum(off, 48 - off).max() < 1 / 20
    assert np.allclose(grid.radius, np.hypot(grid.down[:, None], grid.across), rtol=1e-6)


@pytest.mark.parametrize("aspect", [1.0, 1.09])
@pytest.mark.parametrize("at_once", [4096, 37])
def test_laying_out_equals_its_slow_definition(aspect: float, at_once: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Steep blocks are interpolated pixel by pixel, all others between the blocks' middles, however many at once."""
    monkeypatch.setattr(polar_to_pixels, "MOST_AT_ONCE", at_once)
    pixels, field = picture(radius=24.0, aspect=aspect)
    profile = background.expected_profile(background.unroll(field.region(pixels), field), 8)
    spread = np.random.default_rng(5).integers(0, 256, profile.shape, dtype=np.uint8)
    limits = np.random.default_rng(6).integers(0, 127, 256, dtype=np.uint8)
    grid, sharp = polar_to_pixels.blocks(field), 1.2 * field.radius
    laid = polar_to_pixels.lay_out(profile, spread, limits, grid, sharp)

    ring, spread_ring = (np.vstack([p[-1:], p, p[:2]]) for p in (profile, spread))
    rows, columns = grid.radius.shape
    coarse = np.zeros((rows, columns), np.uint8)
    block_limit = np.zeros_like(coarse)
    steep = np.zeros((rows, columns), bool)
    n = profile.shape[1]
    for j in range(rows):
        for i in range(columns):
            radius, sector = grid.radius[j, i], grid.sector[j, i] + np.float32(1)
            coarse[j, i] = between(ring, radius, sector)
            r0, s0 = int(np.rint(radius * 32)) >> 5, int(np.rint(sector * 32)) >> 5
            block_limit[j, i] = limits[spread_ring[s0, min(r0, n - 1)]]
            assert laid.spread[j, i] == spread_ring[s0, min(r0, n - 1)]
            for s in (s0, min(s0 + 1, 50)):
                for r in (min(r0, n - 1), min(r0 + 1, n - 1)):
                    reach = ring[s, max(r - 5, 0) : r + 6]
                    steep[j, i] |= int(reach.max()) - int(reach.min()) > polar_to_pixels.STEEP_GREY
            steep[j, i] &= bool(radius < np.float32(sharp))
    assert steep.any()
    assert not steep.all()
    plane, limit = polar_to_pixels.magnified(coarse), np.kron(block_limit, np.ones((4, 4), np.uint8))
    unit_x = np.float32(grid.across[1] - grid.across[0]) / np.float32(4)
    unit_y = np.float32(grid.down[1] - grid.down[0]) / np.float32(4)
    per_radian = np.float32(48 / (2 * np.pi))
    for j, i in zip(*np.nonzero(steep), strict=True):
        x, y, away = grid.across[i], grid.down[j], grid.radius[j, i]
        per_unit = per_radian / max(away * away, np.float32(1))
        for down in range(4):
            for right in range(4):
                off_x, off_y = np.float32(right - 1.5) * unit_x, np.float32(down - 1.5) * unit_y
                radius = np.sqrt((y + off_y) * (y + off_y) + (x + off_x) * (x + off_x))
                sector = (x * per_unit * off_y + (grid.sector[j, i] + np.float32(1))) - y * per_unit * off_x
                plane[4 * j + down, 4 * i + right] = between(ring, radius, sector)
                limit[4 * j + down, 4 * i + right] = limits[between(spread_ring, radius, sector)]
    assert np.array_equal(laid.expected, plane)
    assert np.array_equal(laid.limit, limit)


@settings(deadline=None, max_examples=40)
@given(
    w=st.integers(60, 140),
    h=st.integers(60, 140),
    x=st.floats(20, 110),
    y=st.floats(20, 110),
    border=st.tuples(*[st.integers(0, 12)] * 4),
)
def test_the_field_is_whole_blocks_within_the_picture(
    w: int, h: int, x: float, y: float, border: tuple[int, int, int, int]
) -> None:
    """Wherever the face lies and however wide a black border is, the field is whole blocks and inside the picture."""
    pixels = np.full((h, w), 90, np.uint8)
    left, right, top, bottom = border
    pixels[:, :left] = pixels[:top] = 0
    pixels[:, w - right :] = pixels[h - bottom :] = 0
    field = background.inspected_field(pixels, EndFace(x, y, 20, 21, None, 1, 1), 2.0)
    if field is not None:
        assert field.w_px % 4 == field.h_px % 4 == 0
        assert field.region(pixels).shape == (field.h_px, field.w_px)
        rows, columns = np.mgrid[: field.h_px, : field.w_px]
        away = np.hypot((columns - field.centre_x_px) / field.unit_x_px, (rows - field.centre_y_px) / field.unit_y_px)
        assert field.region(pixels)[away <= field.reach].min(initial=255) > 0
