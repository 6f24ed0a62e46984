"""How long and how broad strokes are."""

from __future__ import annotations

import math

import numpy as np
import pytest

from edge.detect import strokes

ONE = np.zeros(1, np.intp)


def test_a_straight_stroke_has_no_bend() -> None:
    """Its path is as long as the line between its ends."""
    along = np.linspace(-40, 40, 200)
    across = np.where(np.arange(200) % 2 == 0, 1.0, -1.0)
    assert strokes.bend(along, across, np.zeros(200, np.intp), ONE, 1.0) == pytest.approx(1.0, abs=0.01)


@pytest.mark.parametrize("unit_um", [1.0, 0.25])
def test_a_bent_stroke_is_longer_than_the_line_between_its_ends(unit_um: float) -> None:
    """An arc of 120 degrees is 1.21 times its chord, to a 20th and in whatever unit."""
    turn = np.linspace(-math.pi / 3, math.pi / 3, 2000)
    along, across = 60 * unit_um * np.sin(turn), 60 * unit_um * np.cos(turn)
    expected = (2 * math.pi / 3) / math.sqrt(3)
    bend = strokes.bend(along, across, np.zeros(2000, np.intp), ONE, unit_um)
    assert bend == pytest.approx(expected, abs=0.05)


def test_a_short_mark_has_no_path() -> None:
    """With fewer than three points of a path there is no bend."""
    along = np.linspace(0, 15, 50)
    assert strokes.bend(along, along**2, np.zeros(50, np.intp), ONE, 1.0) == 1.0


def pixels_of(width: int, drawn: list[bool], step: int = 2) -> np.ndarray:
    """Places along the axis of a stroke's pixels: `width` in each column of the steps that are drawn."""
    columns = [step * k + j for k, is_drawn in enumerate(drawn) if is_drawn for j in range(step)]
    return np.repeat(np.array(columns, np.float64), width)


@pytest.mark.parametrize("width", [1, 2, 5])
def test_the_section_is_the_mean_width(width: int) -> None:
    """Of an even stroke its width, and it has no gaps."""
    along = pixels_of(width, [True] * 20)
    section, dotted = strokes.section(along, np.zeros(along.size, np.intp), ONE, 1.0)
    assert section == pytest.approx(width)
    assert not dotted[0]


@pytest.mark.parametrize(("n_gaps", "is_dotted"), [(4, False), (5, False), (6, True)])
def test_a_stroke_with_more_than_a_quarter_of_gaps_is_dotted(n_gaps: int, is_dotted: bool) -> None:
    """Gaps count for nothing in the section, and are told from a quarter of the length on."""
    drawn = [True] * 20
    drawn[2 : 2 + 2 * n_gaps : 2] = [False] * n_gaps
    along = pixels_of(3, drawn)
    section, dotted = strokes.section(along, np.zeros(along.size, np.intp), ONE, 1.0)
    assert section == pytest.approx(3)
    assert dotted[0] == is_dotted


def test_the_breadth_of_dots_is_read_off_their_outline() -> None:
    """Rows of discs have the breadth of the discs, each mark its own."""
    turn = np.linspace(0, 2 * math.pi, 200, endpoint=False)
    along = np.concatenate([12 * k + r * np.cos(turn) for r in (2.0, 3.0) for k in range(5)])
    across = np.concatenate([r * np.sin(turn) for r in (2.0, 3.0) for _ in range(5)])
    mark = np.repeat(np.array([0, 1]), 1000)
    breadth = strokes.dot_breadth(along, across, mark, np.array([0, 1000]), 1.0)
    assert breadth == pytest.approx([4.0, 6.0], abs=0.5)


def test_marks_are_measured_as_if_alone() -> None:
    """Two marks at once give what each gives by itself."""
    random = np.random.default_rng(0)
    sizes = (150, 90)
    along = [np.sort(random.uniform(0, 60, n)) for n in sizes]
    across = [random.uniform(0, 4, n) for n in sizes]
    mark, start = np.repeat(np.array([0, 1]), sizes), np.array([0, sizes[0]])
    both_along, both_across = np.concatenate(along), np.concatenate(across)
    bends = strokes.bend(both_along, both_across, mark, start, 1.0)
    sections, _ = strokes.section(both_along, mark, start, 1.0)
    for k, n in enumerate(sizes):
        alone = np.zeros(n, np.intp)
        assert strokes.bend(along[k], across[k], alone, ONE, 1.0)[0] == bends[k]
        assert strokes.section(along[k], alone, ONE, 1.0)[0][0] == sections[k]
