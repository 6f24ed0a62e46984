"""The background laid back onto the pixels, beside slow and plain versions of the same."""

from __future__ import annotations

import numpy as np
import pytest
from drawn_faces import Disc, Drawing, draw, small_face
from hypothesis import given, settings
from hypothesis import strategies as st
from slow_definitions import between

from edge.detect import polar_to_pixels
from edge.detect.background import expected_profile
from edge.detect.region import inspected_region
from edge.detect.sectors import N_SECTORS, median5, unroll


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
    region = small_face(radius=40.0, aspect=aspect)[1]
    grid = polar_to_pixels.blocks(region)
    exact = np.mod(np.arctan2(grid.down[:, None], grid.across), 2 * np.pi) * 24 / np.pi
    off = np.abs(grid.sector - exact)
    assert np.minimum(off, 48 - off).max() < 1 / 20
    assert np.allclose(grid.radius, np.hypot(grid.down[:, None], grid.across), rtol=1e-6)


@pytest.mark.parametrize("aspect", [1.0, 1.09])
@pytest.mark.parametrize("at_once", [4096, 37])
def test_laying_out_equals_its_slow_definition(aspect: float, at_once: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Steep blocks are interpolated pixel by pixel, all others between the blocks' middles, however many at once."""
    monkeypatch.setattr(polar_to_pixels, "MAX_AT_ONCE", at_once)
    _, region = small_face(radius=24.0, aspect=aspect)
    profile = expected_profile(median5(*unroll(region.pixels, region)), 8)
    spread = np.random.default_rng(5).integers(0, 256, profile.shape, dtype=np.uint8)
    limits = np.random.default_rng(6).integers(0, 127, 256, dtype=np.uint8)
    grid, sharp = polar_to_pixels.blocks(region), 1.2 * region.radius
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


def test_the_background_equals_its_slow_definition() -> None:
    """What is laid out block by block equals a plain lookup by radius and angle at each pixel."""
    pixels, face = draw(Drawing((Disc(-60, 10, 6, -50),)))
    region = inspected_region(pixels, face, 2.0)
    assert region is not None
    profile = expected_profile(median5(*unroll(region.pixels, region)), 22)
    limits = np.arange(256, dtype=np.uint8)
    laid = polar_to_pixels.lay_out(
        profile, profile, limits, polar_to_pixels.blocks(region), 1.2 * region.radius
    ).expected
    rows, columns = np.mgrid[: region.pixels.shape[0], : region.pixels.shape[1]]
    x, y = columns - region.centre_x_px, rows - region.centre_y_px
    radius, sector = np.hypot(x, y), np.mod(np.arctan2(y, x), 2 * np.pi) * N_SECTORS / (2 * np.pi)
    ring = np.vstack([profile, profile[:1]]).astype(np.float64)
    r0, s0 = np.floor(radius).astype(int), np.floor(sector).astype(int)
    r1 = np.minimum(r0 + 1, profile.shape[1] - 1)
    r0 = np.minimum(r0, profile.shape[1] - 1)
    fr, fs = radius - np.floor(radius), sector - s0
    slow = (ring[s0, r0] * (1 - fr) + ring[s0, r1] * fr) * (1 - fs)
    slow += (ring[s0 + 1, r0] * (1 - fr) + ring[s0 + 1, r1] * fr) * fs
    sharp = radius < 1.15 * region.radius
    assert np.abs(laid - slow)[sharp].max() <= 2.0
    assert np.abs(laid - slow)[(radius < 2 * region.radius)].max() <= 6.0
