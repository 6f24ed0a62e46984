"""The main axis of a cloud of points."""

from __future__ import annotations

import math

import numpy as np
import pytest

from edge.imaging.moments import main_axis


@pytest.mark.parametrize("turn", np.linspace(-1.5, 1.5, 13).tolist())
def test_the_main_axis_is_that_of_the_angle(turn: float) -> None:
    """The axis found by square roots is the one that the arc tangent gives."""
    xx, yy = (
        np.array([9 * math.cos(turn) ** 2 + math.sin(turn) ** 2]),
        np.array([math.cos(turn) ** 2 + 9 * math.sin(turn) ** 2]),
    )
    xy = np.array([8 * math.sin(turn) * math.cos(turn)])
    half_sum, spread, axis_x, axis_y = main_axis(xx, yy, xy)
    assert (half_sum + spread)[0] == pytest.approx(9)
    assert (half_sum - spread)[0] == pytest.approx(1)
    assert (axis_x[0], axis_y[0]) == pytest.approx((math.cos(turn), math.sin(turn)), abs=1e-7)
    assert main_axis(np.ones(1), np.ones(1), np.zeros(1))[2:] == (np.ones(1), np.zeros(1))
