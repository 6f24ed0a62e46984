"""Sizes on drawn faces: strokes that cross, and how often the stated uncertainty holds."""

from __future__ import annotations

import math

import cv2
import numpy as np
import pytest
from drawn_faces import Disc, Drawing, Line, draw, spot

from edge.detect import detect
from edge.records import Candidate


@pytest.mark.parametrize("apart", [0.6, 1.0, math.pi / 2])
@pytest.mark.parametrize("width", [3.0, 4.5])
def test_crossing_scratches_are_as_wide_as_each(apart: float, width: float) -> None:
    """Two lines that cross are one mark, and its width is that of a line, not of the space between them."""
    lines = tuple(Line(45, -40, width, -50, 90, 0.3 + turn) for turn in (0.0, apart))
    pixels, face = draw(Drawing(lines, core=0.0, noise=1.0))
    found = max(detect(pixels, face), key=lambda c: c.length_um)
    assert found.length_um > 80
    assert width - 0.5 < found.width_um < width + 2


def test_a_hollow_gouge_is_as_wide_as_both_its_edges() -> None:
    """Two parallel edges of a gouge are one wide mark, not two thin ones."""
    edges = tuple(Line(50 + side, 0, 2.5, -60, 70, math.pi / 2) for side in (-2.5, 2.5))
    pixels, face = draw(Drawing(edges, core=0.0, noise=1.0))
    found = max(detect(pixels, face), key=lambda c: c.length_um)
    assert found.width_um > 4.0


def sharpened(pixels: np.ndarray, strength: float) -> np.ndarray:
    """As cameras do it: an unsharp mask of 1.3 px."""
    grey = pixels.astype(np.float32)
    grey += strength * (grey - cv2.GaussianBlur(grey, (0, 0), 1.3))
    return np.clip(np.rint(grey), 0, 255).astype(np.uint8)


@pytest.mark.parametrize("strength", [0.0, 0.6, 1.2])
@pytest.mark.parametrize(("blur", "noise"), [(0.8, 1.2), (1.5, 1.2), (0.8, 4.0)])
def test_two_sigma_cover_the_truth(strength: float, blur: float, noise: float) -> None:
    """Of discs of 3 to 22 px and radial lines of 2.5 to 8 px, through sensors, 9 of 10 are within twice their sigma."""
    discs = tuple(spot(0.45 + math.pi * k / 4, 150, d, -40) for k, d in enumerate((3, 4, 5, 7, 9, 12, 16, 22)))
    turns = [0.1 + 2 * math.pi * k / 5 for k in range(5)]
    lines = tuple(
        Line(60 * math.cos(a), 60 * math.sin(a), w, -40, 50, a)
        for a, w in zip(turns, (2.5, 3.5, 5, 6.5, 8), strict=True)
    )
    pixels, face = draw(Drawing((*discs, *lines), blur=blur, noise=noise, core=0.0))
    found = detect(sharpened(pixels, strength), face)
    covered = [_covered(found, face.x_px, face.y_px, m) for m in (*discs, *lines)]
    assert len(covered) - sum(covered) <= 1


def _covered(found: tuple[Candidate, ...], x: float, y: float, mark: Disc | Line) -> bool:
    """Whether the mark's true size lies within two sigma of the measured one."""
    c = min(found, key=lambda c: math.hypot(c.x_px + c.w_px / 2 - x - mark.x, c.y_px + c.h_px / 2 - y - mark.y))
    off = c.diameter_um - mark.diameter if isinstance(mark, Disc) else c.width_um - mark.width
    return abs(off) <= 2 * c.uncertainty_um
