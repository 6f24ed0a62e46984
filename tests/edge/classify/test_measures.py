import math
from dataclasses import replace

import numpy as np
import pytest

from edge.classify.measures import MEASURES, Marks
from edge.errors import UsageError
from edge.records import Candidate, EndFace

FACE = EndFace(200.0, 200.0, 125.0, 125.0, 50.0, 0.5, 0.5)
MARKS = [
    Candidate(
        x_px=0, y_px=0, w_px=4 * k, h_px=3, area_px=12, diameter_um=4.0 * k, length_um=4.0, width_um=2.0, area_um2=6.0,
        distance_um=50.0, nearest_um=48.0, farthest_um=52.0, contrast_grey=-30.0, mean_grey=-12.0, noise_grey=2.0,
    )
    for k in (1, 2, 3)
]  # fmt: skip


@pytest.mark.parametrize("name", sorted(MEASURES))
def test_scales_can_be_used(name: str) -> None:
    """Each has two finite ends in order, positive ones where it counts logarithms, and one line for people."""
    scale = MEASURES[name]
    assert math.isfinite(scale.low)
    assert math.isfinite(scale.high)
    assert scale.low < scale.high
    assert scale.low > 0 or not scale.log
    assert scale.means
    assert scale.means.isprintable()


@pytest.mark.parametrize("name", sorted(MEASURES))
def test_a_measure_is_a_figure_per_mark(name: str) -> None:
    """With a face all are known of an ordinary mark; without one, those that need none stay what they are."""
    marks = Marks.of(MARKS)
    with_face, alone = MEASURES[name].of(marks, FACE), MEASURES[name].of(marks, None)
    assert with_face is not None
    assert with_face.shape == (3,)
    assert np.isfinite(with_face).all()
    if alone is not None:
        assert np.array_equal(alone, with_face)


def test_marks_are_in_the_order_of_the_candidates() -> None:
    """Figures keep their names and their order; none of no candidates."""
    marks = Marks.of(MARKS)
    assert marks.w_px.tolist() == [4, 8, 12]
    assert marks.diameter_um.tolist() == [4, 8, 12]
    assert marks.noise_grey.tolist() == [2, 2, 2]
    assert Marks.of([]).noise_grey.shape == (0,)


def test_figures_that_are_no_numbers_are_refused() -> None:
    """A candidate with a word in the place of a figure is a usage error."""
    with pytest.raises(UsageError, match="a figure of a candidate is no number"):
        Marks.of([replace(MARKS[0], diameter_um="wide")])  # type: ignore[arg-type]
