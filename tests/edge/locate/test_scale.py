"""A calibration is held against the cladding that it is used on."""

from __future__ import annotations

import pytest

from edge.locate import LocateSettings, scale_problem
from edge.records import EndFace


def face(um_x: float, um_y: float, rx: float = 140.0, ry: float = 140.0, scale_from: str = "calibration") -> EndFace:
    """A fibre of these half axes, with this scale."""
    return EndFace(200, 200, rx, ry, None, um_x, um_y, scale_from)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("at", "cladding_um"),
    [
        (face(0.4464, 0.4464), 125),
        (face(0.4464 * 1.045, 0.4464 * 1.045), 125),
        (face(0.4464 * 0.955, 0.4464 * 0.955), 125),
        (face(0.5, 0.5), 140),
        (face(0.2857, 0.2857), 80),
        (face(0.60, 0.55, 104, 113.5), 125),
    ],
    ids=["right", "4.5 % more", "4.5 % less", "140 um", "80 um", "pixels that are not square"],
)
def test_a_scale_that_fits_is_used(at: EndFace, cladding_um: float) -> None:
    """Within 5 %: glass and bore, and what a stage micrometer gives; whatever the cladding is said to be."""
    assert scale_problem(at, LocateSettings(cladding_um=cladding_um)) is None


@pytest.mark.parametrize(
    ("at", "cladding_um", "said"),
    [
        (face(0.30, 0.30), 125, "the cladding measures 84 um, expected 125 um"),
        (face(0.5, 0.5), 125, "the cladding measures 140 um, expected 125 um"),
        (face(0.4464, 0.4464), 140, "the cladding measures 125 um, expected 140 um"),
        (face(0.4455, 0.9), 125, "measures 125 um across and 252 um down, and it is round"),
        (face(0.55, 0.60, 104, 113.5), 125, "measures 114 um across and 136 um down, and it is round"),
    ],
    ids=["84", "140 for 125", "125 for 140", "not round", "axes swapped"],
)
def test_a_scale_that_does_not_fit_is_said(at: EndFace, cladding_um: float, said: str) -> None:
    """With what the cladding measures, and what was expected."""
    problem = scale_problem(at, LocateSettings(cladding_um=cladding_um))
    assert problem is not None
    assert said in problem


def test_a_scale_from_the_cladding_cannot_be_wrong() -> None:
    """It is what is expected."""
    assert scale_problem(face(0.3, 0.6, scale_from="cladding"), LocateSettings()) is None
