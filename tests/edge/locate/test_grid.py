"""The rows that fibres lie in: which places in them are empty."""

from __future__ import annotations

import math
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.imaging.ellipse import Ellipse
from edge.locate.grid import empty_places

PITCH = 4.0
"""Radii of a 125 um cladding that make 250 um."""


def rows(n: int, n_rows: int, r: float = 20.0, ry: float = 20.0, turn: float = 0.0) -> list[Ellipse]:
    """Fibres 250 um apart in rows 500 um apart, turned by `turn` degrees, row by row."""
    c, s = math.cos(math.radians(turn)), math.sin(math.radians(turn))
    at = [(PITCH * i, 2 * PITCH * j) for j in range(n_rows) for i in range(n)]
    return [Ellipse(300 + r * (c * u - s * v), 200 + ry * (s * u + c * v), r, ry) for u, v in at]


def off(found: Sequence[Ellipse], expected: Sequence[Ellipse]) -> float:
    """The largest distance, in radii, of the places from those expected; infinite where they are not as many."""
    if len(found) != len(expected):
        return math.inf
    key = lambda e: (round(e.x_px), round(e.y_px))  # noqa: E731
    pairs = zip(sorted(found, key=key), sorted(expected, key=key), strict=True)
    return max((math.hypot((a.x_px - b.x_px) / b.rx_px, (a.y_px - b.y_px) / b.ry_px) for a, b in pairs), default=0.0)


@given(
    st.integers(3, 12),
    st.sampled_from([1, 2, 6]),
    st.floats(-8, 8),
    st.floats(0.9, 1.1),
    st.data(),
)
def test_a_gap_in_a_row_is_found_wherever_it_is(
    n: int, n_rows: int, turn: float, aspect: float, data: st.DataObject
) -> None:
    """1 to 72 fibres, level or tilted, square pixels or not: one between others leaves one gap, there."""
    fibres = rows(n, n_rows, ry=20 * aspect, turn=turn)
    i = data.draw(st.integers(1, n - 2)) + n * data.draw(st.integers(0, n_rows - 1))
    between, _ = empty_places(fibres[:i] + fibres[i + 1 :], 125)
    assert off(between, [fibres[i]]) < 0.1


@given(st.integers(2, 12), st.sampled_from([1, 2, 6]), st.floats(-8, 8))
def test_whole_rows_have_no_gaps(n: int, n_rows: int, turn: float) -> None:
    """Nothing is missing where every place is taken."""
    assert empty_places(rows(n, n_rows, turn=turn), 125)[0] == []


def test_the_end_of_a_row_that_another_row_has_is_a_gap() -> None:
    """Two rows of twelve, one of which lacks its last fibre."""
    fibres = rows(12, 2)
    assert off(empty_places(fibres[:-1], 125)[0], [fibres[-1]]) < 0.1


@pytest.mark.parametrize("kept", [(0, 2), (0, 3), (0, 2, 4)])
def test_the_pitch_of_the_standard_tells_of_a_gap(kept: tuple[int, ...]) -> None:
    """Fibres 500 or 750 um apart, and none between: a row has 250 um (IEC 61754-7)."""
    fibres = rows(5, 1)
    expected = [fibres[i] for i in range(kept[-1]) if i not in kept]
    assert off(empty_places([fibres[i] for i in kept], 125)[0], expected) < 0.1


def test_a_row_goes_on_at_its_ends() -> None:
    """One place beyond either end is where the next fibre would be."""
    fibres = rows(6, 1)
    assert off(empty_places(fibres[1:-1], 125)[1], [fibres[0], fibres[-1]]) < 0.1


def test_what_keeps_no_distance_has_no_gaps() -> None:
    """One fibre, or discs here and there, are no row."""
    assert empty_places([Ellipse(9, 9, 5, 5)], 125) == ([], [])
    scattered = [Ellipse(20.0 * x, 20.0 * y, 20, 20) for x, y in ((0, 0), (5.3, 0.2), (8.8, 0.1), (14.1, 0))]
    assert empty_places(scattered, 125) == ([], [])
