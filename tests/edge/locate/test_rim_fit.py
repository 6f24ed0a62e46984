"""Rims are fitted below a pixel, and outliers do not move them."""

from __future__ import annotations

import math

import numpy as np
import pytest
from drawn_discs import draw_disc, off_px

from edge.imaging.ellipse import Ellipse, VisiblePicture
from edge.locate.pyramid import pyramid_of
from edge.locate.rim import design
from edge.locate.rim_fit import fit_rim, rim_of_ring, robust, sharp_rim, steepest

PICTURE = VisiblePicture.whole(draw_disc())


def test_a_quarter_of_outliers_does_not_move_the_fit() -> None:
    """Chips and dirt on the rim: within a tenth of a pixel."""
    rows, _ = design(256)
    truth = np.array([0.7, -0.4, 1.1, 0.3])
    offsets = rows @ truth + np.random.default_rng(0).normal(0, 0.2, 256)
    offsets[40:104] += 5
    parameters, residual = robust(offsets, np.ones(256), 8.0, 0.7)
    assert np.abs(parameters - truth).max() < 0.1
    assert np.count_nonzero(np.abs(residual) > 3) == 64


def test_the_steepest_point_is_found_between_samples() -> None:
    """The top of a parabola, in px along the ray."""
    t = np.arange(-4, 5)
    slopes = np.array([10 - (t - 0.3) ** 2, 7 - (t + 1.2) ** 2], np.float32)
    at, height = steepest(slopes, 0.5, -2.0)
    assert at == pytest.approx([0.15, -0.6], abs=1e-3)
    assert height == pytest.approx([10, 7], abs=0.1)


def test_a_fit_says_how_sure_it_is() -> None:
    """Step, width and coverage of a drawn disc; and nothing fits where no rim is visible."""
    rim = fit_rim(PICTURE, Ellipse(102, 79, 48, 48), 6.0, 1.0, 256)
    assert rim is not None
    assert off_px(rim.ellipse) < 0.15
    assert rim.step_grey == pytest.approx(90, abs=5)
    assert rim.width_px == pytest.approx(math.hypot(1.0, 1.0), abs=0.25)
    assert (rim.agreement, rim.visible) == (1.0, 1.0)
    assert rim.coverage > 0.99
    assert fit_rim(PICTURE, Ellipse(-60, -60, 48, 48), 6.0, 1.0, 256) is None


def test_a_curved_edge_is_not_pulled_inwards_by_blur() -> None:
    """The radius of a small disc stays within 0.1 px at a blur of a tenth of it."""
    small = Ellipse(100.2, 80.3, 25.0, 25.0)
    picture = VisiblePicture.whole(draw_disc(small, blur=2.5, noise=0))
    rim = fit_rim(picture, Ellipse(100, 80, 26, 26), 8.0, 1.0, 256, 2.0)
    assert rim is not None
    assert off_px(rim.ellipse, small) < 0.1


def test_a_ring_becomes_a_rim_of_the_picture() -> None:
    """From a circle that is 5 % off, to 0.15 px; of the other polarity there is none."""
    pyramid = pyramid_of(draw_disc())
    ring = Ellipse(101, 80, 50, 50)
    rim = rim_of_ring(pyramid, 0, ring, 1.0)
    assert rim is not None
    assert off_px(rim.ellipse) < 0.15
    other = rim_of_ring(pyramid, 0, ring, -1.0)
    assert other is None or other.coverage < 0.5


@pytest.mark.parametrize(("blur", "noise"), [(3.0, 1.0), (1.0, 25.0)])
def test_a_blurred_or_noisy_rim_is_fitted_with_its_own_width(blur: float, noise: float) -> None:
    """A second fit brings it to within 0.4 px."""
    pyramid = pyramid_of(draw_disc(blur=blur, noise=noise))
    rim = sharp_rim(pyramid, Ellipse(101, 80, 49, 47), 1.0, 1.0)
    assert rim is not None
    assert off_px(rim.ellipse) < 0.4
