"""How far pixels stray from their background, beside slow and plain versions of the same."""

from __future__ import annotations

import math

import numpy as np
import pytest
from drawn_faces import small_face
from slow_definitions import around

from edge.detect.background import expected_profile
from edge.detect.noise import SPREAD_STEPS, edge_blur_px, noise_profile, spread_profile
from edge.detect.region import InspectedRegion
from edge.detect.sectors import median5, unroll
from edge.detect.settings import DetectSettings


@pytest.mark.parametrize("seed", range(3))
def test_the_noise_equals_its_slow_definition(seed: int) -> None:
    """Beyond the hub, the noise is the mean over 5 radii and 7 sectors of the roots of what sector and circle say."""
    _, region = small_face(seed)
    samples, hub = unroll(region.pixels, region), 8
    profile = expected_profile(median5(*samples), hub)
    noise = noise_profile(samples, profile, hub, profile)
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


@pytest.mark.parametrize("blur", [0.6, 1.0, 1.5, 2.0])
def test_the_blur_is_read_off_the_rim(blur: float) -> None:
    """A Gaussian edge gives its sigma back to 0.15 px, whatever it was smoothed with before."""
    radius, sigma = 100.0, math.sqrt(blur**2 + 1.4**2)
    edge = [80 + 40 * (1 + math.erf((r - radius) / sigma / math.sqrt(2))) for r in range(200)]
    profile = np.tile(np.rint(edge).astype(np.uint8), (48, 1))
    region = InspectedRegion(np.zeros((8, 8), np.uint8), 0, 0, 0.0, 0.0, 1.0, 1.0, radius, 200.0)
    assert edge_blur_px(profile, region, 1.4) == pytest.approx(blur, abs=0.15)


def test_the_blur_stays_between_its_bounds() -> None:
    """A step without any blur is 0.3 px, a slope over the whole rim 2.5 px, a rim beyond the profile 0.3 px."""
    region = InspectedRegion(np.zeros((8, 8), np.uint8), 0, 0, 0.0, 0.0, 1.0, 1.0, 100.0, 200.0)
    sharp = np.full((48, 200), 80, np.uint8)
    sharp[:, 100:] = 160
    assert edge_blur_px(sharp, region, 1.4) == pytest.approx(0.3)
    bevel = np.tile(np.clip(4 * (np.arange(200) - 80), 0, 255).astype(np.uint8), (48, 1))
    assert edge_blur_px(bevel, region, 1.4) == pytest.approx(2.5)
    assert edge_blur_px(sharp[:, :90], region, 1.4) == pytest.approx(0.3)


def test_the_spread_is_noise_and_wandering_edges() -> None:
    """Noise where it is flat, at least 0.8 grey levels; a tenth of an edge's slope on top; more in the dip."""
    expected = np.full((48, 60), 80, np.uint8)
    expected[:, 30:] = 160
    noise = np.full((48, 60), 2.0, np.float32)
    noise[:, 50:] = 0.1
    spread = spread_profile(noise, expected, 3, DetectSettings()) / SPREAD_STEPS
    assert spread[:, 10:25] == pytest.approx(2.0, abs=0.02)
    assert spread[:, 50:] == pytest.approx(0.8, abs=0.02)
    # 80 grey levels over two units, and an edge that wanders by a tenth of a pixel
    assert spread[:, 30] == pytest.approx(math.hypot(2.0, 4.0), abs=0.02)
    assert spread[:, :3] == pytest.approx(4.0, abs=0.02)
