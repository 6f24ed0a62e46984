"""Examples are the detector's candidates, named by the truth where that is certain."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from edge.classify import PatchSpec
from edge.labels import DEFECT_LABELS
from edge.records import Candidate
from trainer.data.candidate_labels import from_phantoms, named_by_truth
from trainer.phantom import Defect, Light, Phantom, Scene, Sensor, render

SPEC = PatchSpec(background="median", measures=("length_um", "box_px"))


@pytest.fixture(scope="module")
def phantom() -> Phantom:
    """A dig, a scratch, and a mark too faint to be seen."""
    defects = (
        Defect("dig", 90.0, 0.0, size_um=12.0, contrast=-0.5),
        Defect("scratch", -90.0, 0.0, size_um=60.0, width_um=2.0, angle_deg=90.0, contrast=-0.5),
        Defect("dig", 0.0, 90.0, size_um=6.0, contrast=-0.005),
    )
    return render(Scene(sensor=Sensor(800, 600), defects=defects))


def _on(phantom: Phantom, index: int, **changes: float) -> Candidate:
    m = phantom.marks[index]
    c = Candidate(
        m.x_px, m.y_px, m.w_px, m.h_px, m.area_px, m.diameter_um, m.length_um, m.width_um, 1.0, 0, 0, 0, -50.0
    )
    return replace(c, **changes)  # type: ignore[arg-type]


def _labels(phantom: Phantom, *candidates: Candidate) -> list[str]:
    return [label for _, label in named_by_truth(candidates, phantom)]


def test_a_candidate_on_a_mark_has_its_name(phantom: Phantom) -> None:
    """Whether it covers the mark or a part of it."""
    assert _labels(phantom, _on(phantom, 0), _on(phantom, 1)) == ["dig", "scratch"]
    assert _labels(phantom, _on(phantom, 1, h_px=40, length_um=18.0)) == ["scratch"]


def test_a_candidate_on_nothing_is_clean(phantom: Phantom) -> None:
    """Where nothing was drawn, near or far."""
    assert _labels(phantom, _on(phantom, 0, x_px=20, y_px=20)) == ["clean"]


def test_what_nobody_can_tell_is_left_out(phantom: Phantom) -> None:
    """Beside a mark, on one too faint to be seen, on two of different kinds, on a dot of a scratch."""
    beside = _on(phantom, 0, x_px=phantom.marks[0].x_px + phantom.marks[0].w_px + 2, w_px=3)
    both = Candidate(0, 0, 800, 600, 99, 9.0, 9.0, 3.0, 9.0, 0, 0, 0, -50.0)
    dot = _on(phantom, 1, h_px=5, length_um=2.2, width_um=2.0, diameter_um=2.4)
    assert _labels(phantom, beside, _on(phantom, 2), both, dot) == []


def test_the_bright_twin_of_a_mark_is_not_clean() -> None:
    """Oblique light draws it beyond what the mark owns: nobody can say that nothing is there."""
    light = Light(oblique=0.7, twin=1.2)
    dig = Defect("dig", 90.0, 0.0, size_um=5.0, contrast=-0.5, relief=2.5)
    lit = render(Scene(light=light, sensor=Sensor(800, 600), defects=(dig,)))
    twin = _on(lit, 0, x_px=lit.marks[0].x_px + lit.marks[0].w_px + 5, w_px=2)
    assert lit.change[twin.y_px : twin.y_px + twin.h_px, twin.x_px : twin.x_px + 2].max() > 3
    assert _labels(lit, twin) == []


def test_a_compact_piece_of_a_scratch_and_a_row_of_pits_are_left_out(phantom: Phantom) -> None:
    """However long the detector says they are: twins and neighbours lengthen what is not long."""
    piece = _on(phantom, 1, h_px=3, length_um=9.0, width_um=2.0, diameter_um=9.0)
    pits = [Defect("dig", 90.0 + 4.0 * i, 0.0, size_um=3.0, contrast=-0.5) for i in range(3)]
    row = render(Scene(sensor=Sensor(800, 600), defects=tuple(pits)))
    first, last = row.marks[0], row.marks[-1]
    joined = _on(row, 0, w_px=last.x_px + last.w_px - first.x_px, length_um=11.0, width_um=3.0, diameter_um=11.0)
    assert _labels(phantom, piece) == []
    assert _labels(row, joined) == []
    assert _labels(row, _on(row, 0)) == ["dig"]


@pytest.mark.slow
def test_rendered_examples_are_the_same_twice() -> None:
    """Every label occurs, shapes fit the spec, and equal seeds give equal examples."""
    one, other = from_phantoms(range(2, 6), SPEC), from_phantoms(range(2, 6), SPEC)
    assert one.patches.shape[1:] == (28, 28)
    assert one.measures.shape == (len(one), 2)
    assert set(one.labels) == set(range(len(DEFECT_LABELS)))
    assert set(one.groups) == {"2", "3", "4", "5"}
    np.testing.assert_array_equal(one.patches, other.patches)
    np.testing.assert_array_equal(one.measures, other.measures)
    np.testing.assert_array_equal(one.labels, other.labels)


def test_no_seeds_are_no_examples() -> None:
    """Empty, of the right shape."""
    assert from_phantoms([], SPEC).patches.shape == (0, 28, 28)
