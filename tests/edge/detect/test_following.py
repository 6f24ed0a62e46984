"""Scratches are followed through weak stretches and across the core, and no further than they go."""

from __future__ import annotations

import math

import pytest
from drawn_faces import Drawing, Line, draw, spot

from edge.detect import detect

R = 100.0


@pytest.mark.parametrize("angle", [0.2, 0.9, 1.5, 2.4])
@pytest.mark.parametrize("core", [0.0, 25.0])
@pytest.mark.parametrize("seed", [1, 2])
def test_a_scratch_that_is_seen_at_both_ends_is_one(angle: float, core: float, seed: int) -> None:
    """Strong at both ends and weak between them, across the core: one mark over the whole length."""
    ux, uy = math.cos(angle), math.sin(angle)
    ends = [Line(side * 52 * ux, side * 52 * uy, 2.5, -40, 56, angle) for side in (-1, 1)]
    between = Line(0, 0, 2.5, -12, 50, angle)
    pixels, face = draw(Drawing((*ends, between), core=core, noise=1.2, seed=seed, radius=R))
    longest = max(detect(pixels, face), key=lambda c: c.length_um)
    assert longest.length_um == pytest.approx(160, abs=5)
    assert longest.width_um < 5


@pytest.mark.parametrize("angle", [0.3, 1.1, 2.0])
def test_a_scratch_that_fades_is_followed_to_its_end(angle: float) -> None:
    """Its strong part is found, its weak part of a third of the contrast belongs to it."""
    ux, uy = math.cos(angle), math.sin(angle)
    strong, weak = Line(40 * ux, 40 * uy, 2.5, -36, 70, angle), Line(-35 * ux, -35 * uy, 2.5, -10, 80, angle)
    pixels, face = draw(Drawing((strong, weak), core=0.0, noise=1.2, radius=R))
    longest = max(detect(pixels, face), key=lambda c: c.length_um)
    assert longest.length_um == pytest.approx(150, abs=10)


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("noise", [1.0, 3.0])
def test_noise_makes_no_scratch_longer(seed: int, noise: float) -> None:
    """A scratch that ends in the middle of the glass ends there."""
    turn = 0.4 + seed
    line = Line(55 * math.cos(turn), 55 * math.sin(turn), 2.5, -40, 60, turn)
    pixels, face = draw(Drawing((line,), core=0.0, noise=noise, seed=seed, radius=R))
    (found,) = [c for c in detect(pixels, face) if c.length_um > 20]
    assert found.length_um == pytest.approx(60, abs=6)


def test_a_dig_beside_the_way_stays_a_dig() -> None:
    """What a scratch is followed past keeps its own size: it may be what fails."""
    strong, weak = Line(-45, 0, 2.5, -40, 70, 0.0), Line(30, 0, 2.5, -11, 80, 0.0)
    dig = spot(0.0, 25.0, 9.0, -50)
    pixels, face = draw(Drawing((strong, weak, dig), core=0.0, noise=1.0, radius=R))
    found = detect(pixels, face)
    assert max(c.length_um for c in found) > 140
    assert any(8 < c.diameter_um < 14 and c.length_um < 20 for c in found)
