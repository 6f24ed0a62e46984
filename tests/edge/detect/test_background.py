"""The background by sector and radius, beside slow and plain versions of the same."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from drawn_faces import Drawing, draw, small_face
from slow_definitions import around

from edge.detect.background import background_of, bound_centre, expected_profile
from edge.detect.region import inspected_region
from edge.detect.sectors import median5, unroll
from edge.detect.settings import DetectSettings
from edge.detect.smoothing import smoothed


@pytest.mark.parametrize("seed", range(3))
def test_the_expected_profile_equals_its_slow_definition(seed: int) -> None:
    """Medians, slope, light and hub, each written as its sentence says, give the same profile."""
    _, region = small_face(seed)
    samples, hub = unroll(region.pixels, region), 8
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
    assert np.array_equal(expected_profile(median5(*samples), hub), expected)


@pytest.mark.parametrize(("centre", "expected"), [(90, 90), (75, 80), (40, 80), (120, 120)])
def test_a_centre_is_no_darker_than_a_core_can_be(centre: int, expected: int) -> None:
    """Within the hub the profile is raised to 20 grey levels below what lies around; brighter ones stay."""
    profile = np.full((48, 30), 100, np.uint8)
    profile[:, :8] = centre
    bounded = bound_centre(profile, 8, 20.0)
    assert (bounded[:, :8] == expected).all()
    assert (bounded[:, 8:] == 100).all()
    assert (profile[:, :8] == centre).all()


def test_only_a_single_mode_core_is_put_in() -> None:
    """A core of 5 um radius is in the background and told apart from the cladding; one of 25 um is not looked for."""
    for core_um, is_put_in in ((5.0, True), (25.0, False)):
        pixels, face = draw(Drawing(radius=100.0, core=60.0, noise=0.5))
        # 40 px of core radius
        known = replace(face, core_r_px=40.0, um_per_px_x=core_um / 40, um_per_px_y=core_um / 40)
        region = inspected_region(pixels, known, 2.0)
        assert region is not None
        background = background_of(smoothed(region.pixels, 1.4), region, known, DetectSettings())
        assert (not np.array_equal(background.profile, background.without_core)) == is_put_in
        if is_put_in:
            assert abs(int(np.median(background.without_core[:, :30])) - 80) <= 2
        assert abs(int(np.median(background.profile[:, 10:30])) - 140) <= 2
