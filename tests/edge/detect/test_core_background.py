"""A single-mode core as background: what light makes of it is no mark, and what lies on it is one."""

from __future__ import annotations

import math

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from edge.detect import core_background, detect
from edge.detect.sectors import N_SECTORS
from edge.records import Candidate, EndFace

U8 = NDArray[np.uint8]
UM_PER_PX = 0.4
CENTRE = (300.0, 280.0)


def picture(
    core_grey: float, off_um: tuple[float, float] = (0.0, 0.0), marks: tuple[tuple[float, ...], ...] = ()
) -> U8:
    """A drawn single-mode face; each mark is x_um, y_um from the centre, diameter_um, grey."""
    scale = 4
    drawn = np.full((560 * scale, 600 * scale), 170.0, np.float32)

    def disc(x_um: float, y_um: float, diameter_um: float, grey: float) -> None:
        x, y = (scale * (c + um / UM_PER_PX + 0.5) - 0.5 for c, um in zip(CENTRE, (x_um, y_um), strict=True))
        radius = scale * diameter_um / 2 / UM_PER_PX
        cv2.circle(drawn, (round(x * 16), round(y * 16)), round(radius * 16), grey, -1, cv2.LINE_8, 4)

    disc(0, 0, 125, 90.0)
    disc(*off_um, 9.0, core_grey)
    for mark in marks:
        disc(*mark)
    small = cv2.resize(cv2.GaussianBlur(drawn, (0, 0), 0.9 * scale), (600, 560), interpolation=cv2.INTER_AREA)
    noise = np.random.default_rng(3).normal(0, 1.2, small.shape)
    return np.clip(small + noise, 0, 255).astype(np.uint8)


def face(core_um: float | None = 9.0) -> EndFace:
    """Where it is."""
    radius_px = 62.5 / UM_PER_PX
    core_px = None if core_um is None else core_um / 2 / UM_PER_PX
    return EndFace(*CENTRE, radius_px, radius_px, core_px, UM_PER_PX, UM_PER_PX)


def near_the_core(found: tuple[Candidate, ...]) -> list[Candidate]:
    """Candidates whose box's middle lies within 7 um of the centre."""
    return [
        c for c in found if math.hypot(c.x_px + c.w_px / 2 - CENTRE[0], c.y_px + c.h_px / 2 - CENTRE[1]) * UM_PER_PX < 7
    ]


@pytest.mark.parametrize("core_grey", [90.0, 96.0, 130.0, 180.0, 240.0, 76.0])
@pytest.mark.parametrize("off_um", [(0.0, 0.0), (0.5, 0.0), (-0.3, 0.4)])
def test_a_clean_core_is_no_mark(core_grey: float, off_um: tuple[float, float]) -> None:
    """Lit or unlit, a little off the centre: nothing is proposed at a clean core."""
    assert near_the_core(detect(picture(core_grey, off_um), face())) == []


@pytest.mark.parametrize("mark", [(0.0, 0.0, 2.5), (1.5, 0.5, 2.5), (-2.0, 1.0, 3.0), (4.5, 0.0, 3.0)])
@pytest.mark.parametrize("grey", [40.0, 20.0])
def test_a_dig_in_a_lit_core_is_a_mark(mark: tuple[float, float, float], grey: float) -> None:
    """A dark dig in a lit core is proposed wherever it lies: a candidate's box holds its middle."""
    found = near_the_core(detect(picture(170.0, (0.3, 0.0), ((*mark, grey),)), face()))
    x, y = (c + um / UM_PER_PX for c, um in zip(CENTRE, mark, strict=False))
    assert any(c.x_px <= x <= c.x_px + c.w_px and c.y_px <= y <= c.y_px + c.h_px for c in found)


@pytest.mark.parametrize("diameter_um", [7.0, 9.0, 12.0])
@pytest.mark.parametrize("core_um", [None, 9.0])
def test_dirt_over_the_core_is_a_mark(diameter_um: float, core_um: float | None) -> None:
    """A dark blot that covers the core is proposed, also where it was taken for the core."""
    dirty = picture(90.0, marks=((0.2, 0.1, diameter_um, 45.0),))
    located_as = None if core_um is None else diameter_um
    (found,) = near_the_core(detect(dirty, face(located_as)))
    assert found.diameter_um == pytest.approx(diameter_um, abs=1.2)


def test_a_bright_dig_in_the_middle_of_a_wide_core_is_a_mark() -> None:
    """Only a single-mode core is put into the background: what shines in a multimode core is proposed."""
    shining = picture(90.0, marks=((0.0, 0.0, 50.0, 120.0), (0.0, 0.0, 8.0, 200.0)))
    assert near_the_core(detect(shining, face(50.0)))


def test_the_disc_that_is_put_in_is_the_one_that_was_drawn() -> None:
    """A step of 60 grey levels at 10 units, 1 unit off the centre, comes back within 2 grey levels off its edge."""
    turn = np.arange(N_SECTORS)[:, None] * (2 * np.pi / N_SECTORS)
    radius = np.arange(40)[None, :]
    away = np.hypot(radius * np.cos(turn) - 1.0, radius * np.sin(turn))
    drawn = np.clip(150 - 20 * (away - 8.5), 90, 150).astype(np.uint8)
    plain = np.full_like(drawn, 90)
    found, bare = core_background.put_in(plain, drawn, 10.0, 2.0)
    assert np.abs(found.astype(int) - drawn)[:, 1:].max() <= 8
    assert np.abs(found.astype(int) - drawn)[(away < 7) | (away > 13)].max() <= 2
    assert (bare == 90).all()
    assert (plain == 90).all()


@pytest.mark.parametrize("core_grey", [90, 60])
def test_what_is_no_core_is_left_alone(core_grey: int) -> None:
    """Nothing to be seen, or darker than an unlit core is: the background stays as it was."""
    drawn = np.full((N_SECTORS, 40), 90, np.uint8)
    drawn[:, :10] = core_grey
    plain = np.full_like(drawn, 90)
    for profile in core_background.put_in(plain, drawn, 10.0, 2.0):
        assert np.array_equal(profile, plain)
