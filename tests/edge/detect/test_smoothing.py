"""The blur before marks are looked for."""

from __future__ import annotations

import numpy as np
import pytest

from edge.detect import smoothing
from edge.imaging.exact import unit_gaussian_kernel


@pytest.mark.parametrize("sigma_px", [0.5, 1.0, 1.4, 3.0, 5.0])
def test_the_kernel_is_a_gaussian_of_whole_numbers(sigma_px: float) -> None:
    """Weights are 256ths that add up to one, symmetric, and off the Gaussian by no more than the rounding."""
    kernel = unit_gaussian_kernel(sigma_px)
    parts = kernel * 256
    assert np.array_equal(parts, np.rint(parts))
    assert parts.sum() == 256
    assert np.array_equal(kernel, kernel[::-1])
    at = np.arange(kernel.size) - kernel.size // 2
    gauss = np.exp(-0.5 * (at / sigma_px) ** 2)
    others = at != 0
    assert np.abs(kernel - gauss / gauss.sum())[others].max() <= 0.51 / 256


def test_smoothing_equals_whole_numbers() -> None:
    """Each pixel is the weighted sum of its neighbours, mirrored at the border, to the nearest grey level."""
    pixels = np.random.default_rng(2).integers(0, 256, (20, 24), dtype=np.uint8)
    parts = np.rint(unit_gaussian_kernel(1.4) * 256).astype(int)
    reach = parts.size // 2
    padded = np.pad(pixels.astype(int), reach, mode="reflect")
    rows = sum(parts[k] * padded[:, k : k + 24] for k in range(parts.size))
    slow = sum(parts[k] * rows[k : k + 20] for k in range(parts.size)) / 2**16
    assert np.array_equal(smoothing.smoothed(pixels, 1.4), np.rint(slow).astype(np.uint8))
