"""What the geometry below `locate` promises: ellipses that move as said, rays that see what they should, exact fits."""

from __future__ import annotations

import math

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from edge.imaging.ellipse import Ellipse, View, median, noise_of, slope, unroll
from edge.locate.circle_votes import centres, inside_frame, rings, scene_of, votes
from edge.locate.core import find_core
from edge.locate.rim_fit import design, fit_rim, robust, solve
from edge.locate.rim_fit_obscured import fit_broken

U8 = NDArray[np.uint8]
TRUTH = Ellipse(100.3, 80.6, 50.2, 46.1)


def disc(at: Ellipse = TRUTH, inside: float = 90, outside: float = 180, noise: float = 1.0, blur: float = 1.0) -> U8:
    """(160, 200) uint8."""
    ys, xs = (np.mgrid[0:640, 0:800].astype(np.float32) + 0.5) / 4 - 0.5
    rho = np.hypot((xs - at.x_px) / at.rx_px, (ys - at.y_px) / at.ry_px)
    sharp = cv2.resize(np.where(rho < 1, inside, outside).astype(np.float32), (200, 160), interpolation=cv2.INTER_AREA)
    grey = cv2.GaussianBlur(sharp, (0, 0), blur) + np.random.default_rng(0).normal(0, noise, sharp.shape)
    return np.asarray(np.clip(np.rint(grey), 0, 255), np.uint8)


def view_of(picture: U8) -> View:
    """All of a picture."""
    h, w = picture.shape
    return View(picture, 0, 0, w - 1, h - 1)


def off(ellipse: Ellipse, truth: Ellipse = TRUTH) -> float:
    """The largest difference in px."""
    return max(
        abs(ellipse.x_px - truth.x_px),
        abs(ellipse.y_px - truth.y_px),
        abs(ellipse.rx_px - truth.rx_px),
        abs(ellipse.ry_px - truth.ry_px),
    )


@given(factor=st.sampled_from([0.125, 0.25, 0.5, 2.0, 4.0]))
def test_scaling_and_scaling_back_changes_nothing(factor: float) -> None:
    """And the picture's corner stays where it is: half a pixel before the first centre."""
    assert off(TRUTH.scaled(factor).scaled(1 / factor)) < 1e-9
    assert Ellipse(-0.5, -0.5, 1, 1).scaled(factor).x_px == -0.5


@settings(max_examples=30)
@given(moves=st.lists(st.floats(-2, 2), min_size=4, max_size=4))
def test_the_four_parameters_are_those_of_the_ellipse(moves: list[float]) -> None:
    """Offsets along the rays that come from a moved circle are solved for that move, exactly."""
    parameters = np.array(moves)
    rows, _ = design(256)
    assert np.allclose(solve(rows @ parameters, np.ones(256)), parameters, atol=1e-4)
    circle = Ellipse(10, 20, 30, 30).moved(parameters)
    assert (circle.x_px, circle.ry_px) == (10 + moves[0], 30 + moves[3])


def test_a_quarter_of_outliers_does_not_move_the_fit() -> None:
    """Chips and dirt on the rim: within a tenth of a pixel."""
    rows, _ = design(256)
    truth = np.array([0.7, -0.4, 1.1, 0.3])
    offsets = rows @ truth + np.random.default_rng(0).normal(0, 0.2, 256)
    offsets[40:104] += 5
    parameters, residual = robust(offsets, np.ones(256), 8.0, 0.7)
    assert np.abs(parameters - truth).max() < 0.1
    assert np.count_nonzero(np.abs(residual) > 3) == 64


def test_rays_say_whether_they_lie_in_the_view() -> None:
    """A ray counts with both of its ends inside; a ramp is read off exactly."""
    ramp = np.tile(np.arange(200, dtype=np.uint8), (160, 1))
    grey, seen = unroll(view_of(ramp), Ellipse(100, 80, 50, 40), np.array([-10, 0, 10], np.float32), 4)
    assert seen.all()
    assert grey[0].tolist() == [139, 150, 161]
    _, seen = unroll(view_of(ramp), Ellipse(160, 80, 50, 40), np.array([-10, 0, 10], np.float32), 4)
    assert seen.tolist() == [False, True, True, True]


def test_the_slope_of_a_ramp_is_its_rise() -> None:
    """In grey per sample, whatever the smoothing."""
    ramp = np.tile(np.arange(0, 120, 3, dtype=np.uint8), (4, 1))
    for sigma in (0.5, 1.0, 2.5):
        assert slope(ramp, sigma, 3)[:, 10:-10] == pytest.approx(3.0, abs=1e-4)


def test_the_noise_is_what_was_put_in() -> None:
    """Within a fifth, though one pixel in forty lies on an edge; too few pixels have none."""
    grey = np.full((256, 40), 90.0)
    grey[:, 20:] = 180
    grey += np.random.default_rng(0).normal(0, 4, grey.shape)
    assert noise_of(np.rint(grey).astype(np.uint8), 1.0) == pytest.approx(4, rel=0.2)
    assert noise_of(np.zeros((256, 2), np.uint8), 1.0) == 0


def test_the_median_is_the_upper_one() -> None:
    """Of an even number the larger of the two in the middle."""
    assert median(np.array([3.0, 1.0, 2.0])) == 2
    assert median(np.array([4.0, 1.0, 2.0, 3.0])) == 3


def test_a_fit_says_how_sure_it_is() -> None:
    """Step, width and coverage of a drawn disc; and nothing fits where no rim is visible."""
    rim = fit_rim(view_of(disc()), Ellipse(102, 79, 48, 48), 6.0, 1.0, 256)
    assert rim is not None
    assert off(rim.ellipse) < 0.15
    assert rim.step_grey == pytest.approx(90, abs=5)
    assert rim.width_px == pytest.approx(math.hypot(1.0, 1.0), abs=0.25)
    assert (rim.agreement, rim.visible) == (1.0, 1.0)
    assert rim.coverage > 0.99
    assert fit_rim(view_of(disc()), Ellipse(-60, -60, 48, 48), 6.0, 1.0, 256) is None


def test_a_curved_edge_is_not_pulled_inwards_by_blur() -> None:
    """The radius of a small disc stays within 0.1 px at a blur of a tenth of it."""
    small = Ellipse(100.2, 80.3, 25.0, 25.0)
    rim = fit_rim(view_of(disc(small, blur=2.5, noise=0)), Ellipse(100, 80, 26, 26), 8.0, 1.0, 256, 2.0)
    assert rim is not None
    assert off(rim.ellipse, small) < 0.1


def test_a_broken_rim_is_found_by_all_rays_together() -> None:
    """Stripes of film across the rim; from a concentric start a tenth too small, within 2 %."""
    picture = disc(inside=110, outside=160).astype(np.float32)
    ys, xs = np.mgrid[0:160, 0:200]
    picture += 45 * np.sin((xs + 1.7 * ys) / 3)
    rim = fit_broken(view_of(picture.astype(np.uint8)), TRUTH.grown(0.9), 8.0, 1.0)
    assert rim is not None
    assert off(rim.ellipse) < 0.02 * TRUTH.mean_px
    assert fit_broken(view_of(disc()), Ellipse(-20, 80, 50, 50), 8.0, 1.0) is None


def test_halving_moves_nothing() -> None:
    """Every level of a scene shows the disc where it is, to a tenth of its own pixel."""
    large = cv2.resize(disc(), (800, 640), interpolation=cv2.INTER_CUBIC)
    truth = TRUTH.scaled(4)
    scene = scene_of(np.asarray(large, np.uint8))
    assert len(scene.views) == 4
    for k, view in enumerate(scene.views[:3]):
        rim = fit_rim(view, truth.scaled(0.5**k), 12.0 * 0.5**k, 1.0, 256, 4.0 * 0.5**k)
        assert rim is not None
        assert off(rim.ellipse, truth.scaled(0.5**k)) < 0.1 * 4 / 2**k


def test_a_black_frame_is_left_out() -> None:
    """On each side where there is one, with the two blurred pixels beside it; a black picture has none."""
    picture = disc()
    framed = np.zeros((180, 220), np.uint8)
    framed[20:, 8:-12] = picture
    assert inside_frame(framed) == (10, 22, 206, 180)
    assert inside_frame(picture) == (0, 0, 200, 160)
    assert inside_frame(np.zeros((60, 80), np.uint8)) == (0, 0, 80, 60)


def test_edges_vote_for_the_centre_and_rings_say_the_radius() -> None:
    """Of a disc of either polarity; of nothing, nothing."""
    circle = Ellipse(100.3, 80.6, 48, 48)
    for inside, sign in ((90, 1), (220, -1)):
        view = view_of(disc(circle, inside=inside, outside=160))
        x, y = next(centres(view, (4, 90)))
        assert math.hypot(x - 100, y - 80) < 3
        radius, step = rings(view, x, y, (4, 90))[0]
        assert radius == pytest.approx(48, abs=2)
        assert step * sign > 0
        own = votes(view, (45, 51), (float(sign),))
        best_y, best_x = np.unravel_index(own.argmax(), own.shape)
        assert math.hypot(best_x - 100, best_y - 80) < 3
    blank = view_of(np.full((160, 200), 128, np.uint8))
    assert list(centres(blank, (4, 90))) == []
    assert rings(blank, 100, 80, (4, 90)) == []


@pytest.mark.parametrize("core", [220, 96, 84])
def test_the_core_is_the_step_in_the_cladding(core: float) -> None:
    """Lit, or six grey levels lighter or darker than it; half a pixel."""
    picture = disc(noise=0)
    inner = disc(TRUTH.grown(0.4), inside=core, outside=90, noise=1)
    ys, xs = np.mgrid[0:160, 0:200]
    inside = np.hypot((xs - TRUTH.x_px) / TRUTH.rx_px, (ys - TRUTH.y_px) / TRUTH.ry_px) < 0.7
    radius, confidence = find_core(view_of(np.where(inside, inner, picture)), TRUTH)
    assert radius == pytest.approx(0.4 * TRUTH.mean_px, abs=0.5)
    assert 0 < confidence <= 1


def test_a_cladding_of_a_few_pixels_has_no_core() -> None:
    """Nothing to be seen there, and no error."""
    assert find_core(view_of(disc()), Ellipse(100, 80, 3, 3)) == (None, 0.0)
