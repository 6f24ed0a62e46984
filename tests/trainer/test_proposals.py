"""Examples are the detector's candidates, named by the truth where that is certain."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from edge.patches import PatchSpec
from edge.records import Candidate
from trainer.phantom import Phantom, Scene, Sensor, render
from trainer.phantom_defects import Defect
from trainer.proposals import LABELS, from_phantoms, named_by_truth

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


@pytest.mark.slow
def test_rendered_examples_are_the_same_twice() -> None:
    """Every label occurs, shapes fit the spec, and equal seeds give equal examples."""
    one, other = from_phantoms(range(4), SPEC), from_phantoms(range(4), SPEC)
    assert one.patches.shape[1:] == (28, 28)
    assert one.measures.shape == (len(one), 2)
    assert set(one.labels) == set(range(len(LABELS)))
    assert set(one.groups) == {"0", "1", "2", "3"}
    np.testing.assert_array_equal(one.patches, other.patches)
    np.testing.assert_array_equal(one.measures, other.measures)
    np.testing.assert_array_equal(one.labels, other.labels)


def test_no_seeds_are_no_examples() -> None:
    """Empty, of the right shape."""
    assert from_phantoms([], SPEC).patches.shape == (0, 28, 28)
