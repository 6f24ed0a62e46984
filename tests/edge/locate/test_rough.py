"""Fibres in resin filled with glass beads, which has more edges than the rims."""

from __future__ import annotations

import math
from datetime import datetime, timezone

import cv2
import numpy as np
import pytest

from edge.arrays import U8
from edge.inspection import inspect_frame, load_inspector
from edge.locate import locate, locate_fibres
from edge.records import EndFace, Frame, Inspection, Status

R = 110.0
FINE = 2


def rough_ferrule(centres: list[tuple[float, float]], digs: tuple[tuple[float, float], ...] = (), seed: int = 1) -> U8:
    """Resin full of glass beads, brighter than them, with glass of the beads' grey level in it."""
    rng = np.random.default_rng(seed)
    height, width = 420 * FINE, round(max(x for x, _ in centres) + 230) * FINE
    grey = np.full((height, width), 215.0, np.float32)
    for _ in range(height * width // (110 * FINE * FINE)):
        bead = int(rng.integers(0, width)), int(rng.integers(0, height))
        cv2.circle(grey, bead, round(rng.uniform(1.5, 7) * FINE), float(rng.uniform(130, 165)), cv2.FILLED)
    for x, y in centres:
        middle = round(x * FINE), round(y * FINE)
        cv2.circle(grey, middle, round((R + 1) * FINE), 100.0, cv2.FILLED)  # a gap, as between glass and resin
        cv2.circle(grey, middle, round(R * FINE), 150.0, cv2.FILLED)
        cv2.circle(grey, middle, round(R * 0.4 * FINE), 168.0, cv2.FILLED)
    for x, y in digs:
        cv2.circle(grey, (round(x * FINE), round(y * FINE)), 7 * FINE, 40.0, cv2.FILLED)
    small = cv2.resize(grey, (width // FINE, height // FINE), interpolation=cv2.INTER_AREA)
    seen = cv2.GaussianBlur(small, (0, 0), 0.7) + rng.normal(0, 1.5, small.shape)
    out: U8 = np.clip(np.rint(seen), 0, 255).astype(np.uint8)
    return out


def in_row(n: int) -> list[tuple[float, float]]:
    """Fibres 250 um apart."""
    return [(210.0 + k * 4 * R, 208.0) for k in range(n)]


@pytest.mark.parametrize("n", [1, 2, 4])
@pytest.mark.parametrize("seed", [1, 2])
def test_all_fibres_are_located(n: int, seed: int) -> None:
    """Each cladding within 1.5 px and 1.5 %, where the plain search finds none or some."""
    found = locate_fibres(rough_ferrule(in_row(n), seed=seed))
    assert len(found) == n
    for face, (x, y) in zip(found, in_row(n), strict=True):
        assert isinstance(face, EndFace)
        assert math.hypot(face.x_px - x, face.y_px - y) < 1.5
        assert face.cladding_rx_px == pytest.approx(R, rel=0.015)
        assert face.cladding_ry_px == pytest.approx(R, rel=0.015)


def looks(pixels: U8, criteria: str = "auto") -> tuple[Inspection, ...]:
    """What is said of each fibre."""
    frame = Frame(pixels, "rough", 0, datetime.now(timezone.utc))
    return inspect_frame(frame, load_inspector(criteria=criteria))


def verdicts(pixels: U8) -> list[Status]:
    """What the default profile says of each fibre."""
    return [look.verdict.status for look in looks(pixels)]


def test_grain_is_no_mark_and_a_dig_is() -> None:
    """Clean glass passes in A and B beside the grain; a dig in one core fails that fibre alone."""
    clean = rough_ferrule(in_row(2))
    assert verdicts(clean) == [Status.PASS, Status.PASS]
    x, y = in_row(2)[1]
    assert verdicts(rough_ferrule(in_row(2), ((x + 12, y - 8),))) == [Status.PASS, Status.FAIL]


@pytest.mark.parametrize("blur", [2.0, 4.0])
def test_blurred_glass_does_not_pass_beside_grain(blur: float) -> None:
    """The grain stays sharp, the glass is blurred, and there is nothing polished to compare it with."""
    pixels = rough_ferrule(in_row(2))
    soft = cv2.GaussianBlur(pixels, (0, 0), blur)
    inside = np.zeros(pixels.shape, np.uint8)
    for x, y in in_row(2):
        cv2.circle(inside, (round(x), round(y)), round(R - 4), 1, cv2.FILLED)
    told = verdicts(np.where(inside > 0, soft, pixels).astype(np.uint8))
    assert told == [Status.UNREADABLE, Status.UNREADABLE]


def test_one_fibre_in_grain_is_judged_as_one_of_several() -> None:
    """Such ferrules are rectangular: `auto` judges A and B, and a profile that asks for more does not pass."""
    pixels = rough_ferrule(in_row(1))
    (look,) = looks(pixels)
    assert (look.verdict.status, look.criteria.name) == (Status.PASS, "iec-61300-3-35-2015-mpo-mm")
    (whole,) = looks(pixels, "iec-61300-3-35-2015-mm")
    assert whole.verdict.status is Status.UNREADABLE
    assert "zone D lies in a ferrule with a grain" in whole.verdict.reasons[0].text
    assert not any(finding.zone == "D" for finding in whole.findings)


def test_grain_alone_is_no_end_face() -> None:
    """Resin without a fibre has none, and neither has noise."""
    rng = np.random.default_rng(0)
    assert locate(rough_ferrule([(210.0, -400.0)])) is None
    assert locate(rng.integers(0, 256, (480, 640), dtype=np.uint8)) is None
