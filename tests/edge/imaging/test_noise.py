"""Noise is told apart from what the picture shows."""

from __future__ import annotations

import numpy as np
import pytest
from drawn_discs import elsewhere, texture

from edge.imaging.noise import IQR_PER_SIGMA, MAD_TO_SIGMA, noise_of


def test_the_noise_is_what_was_put_in() -> None:
    """Within a fifth, though one pixel in forty lies on an edge; too few pixels have none."""
    grey = np.full((256, 40), 90.0)
    grey[:, 20:] = 180
    grey += np.random.default_rng(0).normal(0, 4, grey.shape)
    assert noise_of(np.rint(grey).astype(np.uint8), 1.0) == pytest.approx(4, rel=0.2)
    assert noise_of(np.zeros((256, 2), np.uint8), 1.0) == 0


def test_samples_within_a_pixel_are_not_noise() -> None:
    """Where four samples lie in a pixel every fourth counts."""
    grey = np.random.default_rng(0).normal(128, 4, (256, 40)).round().astype(np.uint8)
    assert noise_of(np.repeat(grey, 4, axis=1), 0.25) == noise_of(grey, 1.0)


def test_the_constants_are_those_of_a_gaussian() -> None:
    """Of many samples of sigma 1."""
    values = np.random.default_rng(0).normal(0, 1, 200_000)
    assert MAD_TO_SIGMA * np.median(np.abs(values)) == pytest.approx(1, abs=0.01)
    assert np.subtract(*np.percentile(values, [75, 25])) / IQR_PER_SIGMA == pytest.approx(1, abs=0.01)


@pytest.mark.parametrize("offset", [1, 8, 17, 33])
def test_the_noise_does_not_depend_on_where_the_rays_lie(offset: int) -> None:
    """The same at every address."""
    assert noise_of(texture(), 0.5) == noise_of(elsewhere(texture(), offset), 0.5)
