"""What a rim promises: exact least squares, and when it is the rim of a disc."""

from __future__ import annotations

import math
from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from drawn_discs import draw_disc
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.imaging.ellipse import Ellipse, VisiblePicture
from edge.locate.rim import Rim, design, is_disc, is_field_stop, solve
from edge.locate.settings import LocateSettings

GOOD = Rim(Ellipse(100, 80, 50, 50), step_grey=40.0, coverage=0.9, agreement=1.0, visible=1.0, width_px=1.5)


@settings(max_examples=30)
@given(moves=st.lists(st.floats(-2, 2), min_size=4, max_size=4))
def test_the_four_parameters_are_those_of_the_ellipse(moves: list[float]) -> None:
    """Offsets along the rays that come from a moved circle are solved for that move, exactly."""
    parameters = np.array(moves)
    rows, _ = design(256)
    assert np.allclose(solve(rows @ parameters, np.ones(256)), parameters, atol=1e-4)


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 999), n=st.sampled_from([64, 256]))
def test_a_fit_is_what_fractions_give(seed: int, n: int) -> None:
    """Normal equations of fractions, without any rounding, have the same solution to 1/65536 px."""
    random = np.random.default_rng(seed)
    offsets = np.rint(random.normal(0, 5, n) * 4096) / 4096
    weight = random.integers(0, 4097, n).astype(np.float64)
    rows, products = design(n)
    exact = [[Fraction(v) for v in row] for row in rows.tolist()]
    parts = list(zip(exact, weight.tolist(), offsets.tolist(), strict=True))
    normal = [[sum(int(w) * r[i] * r[j] for r, w, _ in parts) for j in range(4)] for i in range(4)]
    right = [sum(int(w) * Fraction(o) * r[i] for r, w, o in parts) for i in range(4)]
    assert [float(v) for row in normal for v in row] == (weight @ products).tolist()
    held = np.array([[float(v) for v in row] for row in normal])
    held += 1e-6 * np.eye(4) * (held[0, 0] + held[1, 1])
    expected = np.linalg.solve(held, [float(v) for v in right])
    assert np.abs(solve(offsets, weight) - expected).max() <= 0.51 / 65536


def test_a_scaled_rim_is_as_large_in_the_larger_picture() -> None:
    """Ellipse and width grow, the grey levels stay; so it is half as steep."""
    double = GOOD.scaled(2)
    assert (double.ellipse, double.width_px, double.step_grey) == (GOOD.ellipse.scaled(2), 3.0, 40.0)
    assert double.steepness == pytest.approx(GOOD.steepness / 2)
    assert (GOOD.sign, replace(GOOD, step_grey=-1.0).sign) == (1.0, -1.0)


@pytest.mark.parametrize(
    "changes",
    [
        {"coverage": 0.6, "agreement": 0.97},
        {"coverage": 0.5},
        {"coverage": 0.7, "visible": 0.5},
        {"agreement": 0.7},
        {"step_grey": 2.0},
        {"step_grey": -2.0},
        {"width_px": 4.0},
        {"width_px": math.inf},
        {"ellipse": Ellipse(100, 80, 60, 40)},
    ],
    ids=str,
)
def test_a_rim_that_the_picture_does_not_support_is_no_disc(changes: dict[str, Any]) -> None:
    """Too few rays on it, too faint, too wide, or too flat."""
    assert is_disc(GOOD, LocateSettings())
    assert not is_disc(replace(GOOD, **changes), LocateSettings())


def test_a_unanimous_rim_needs_fewer_rays() -> None:
    """If all of it is visible."""
    rim = replace(GOOD, coverage=0.57, agreement=0.98)
    assert is_disc(rim, LocateSettings())
    assert not is_disc(replace(rim, visible=0.99), LocateSettings())


def test_a_field_stop_is_large_bright_and_has_black_around_it() -> None:
    """All three of them."""
    at = Ellipse(100.3, 80.6, 60, 60)
    rim = replace(GOOD, ellipse=at, step_grey=-150.0)
    stop, fibre = (VisiblePicture.whole(draw_disc(at, inside=150, outside=grey)) for grey in (3, 60))
    assert is_field_stop(rim, stop)
    assert not is_field_stop(rim, fibre)
    assert not is_field_stop(replace(rim, step_grey=150.0), stop)
    assert not is_field_stop(replace(rim, ellipse=at.grown(0.5)), stop)
