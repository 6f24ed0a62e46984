"""One name must not switch the rule: what a mark is called is believed where its own shape bears it out."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.judge import believed_name, judge, list_criteria, load_criteria
from edge.judge.readings import (
    LINE_UM,
    OBVIOUS_SIGMA,
    STRONG_SIGMA,
    SURE,
    SURE_CLEAN,
    is_line,
    readings,
)
from edge.labels import CLEAN, DEFECT_LABELS, DIG, SCRATCH, UNKNOWN
from edge.records import Candidate, Finding, Status

WORSE = [Status.PASS, Status.UNREADABLE, Status.FAIL]
MARKS = [label for label in (*DEFECT_LABELS, UNKNOWN) if label != CLEAN]


def candidate(
    length_um: float, width_um: float, nearest_um: float = 30.0, contrast_grey: float = -30.0, reach_um: float = 0.0
) -> Candidate:
    """A mark of this length and width."""
    return replace(
        Candidate.at_box(0, 0, 9, 9),
        diameter_um=length_um,
        length_um=length_um,
        width_um=width_um,
        nearest_um=nearest_um,
        farthest_um=nearest_um + reach_um,
        contrast_grey=contrast_grey,
    )


@st.composite
def candidates(draw: st.DrawFn) -> Candidate:
    """Marks of every shape and strength, at every place."""
    length = draw(st.floats(0.1, 150.0))
    width = length * draw(st.sampled_from([0.05, 0.2, 1 / 3, 0.34, 0.5, 1.0]) | st.floats(0.02, 1.0))
    nearest = draw(st.sampled_from([0.0, 12.5, 57.5, 67.5]) | st.floats(0, 140))
    contrast = draw(st.sampled_from([-60.0, -30.0, -12.0, -6.0, 15.0]))
    return candidate(length, width, nearest, contrast, draw(st.sampled_from([0.0, 5.0, 80.0])))


def test_a_particle_that_is_named_scratch_is_judged_by_its_diameter_too() -> None:
    """A particle of 8.9 um with a narrow tail was passed by its width of 1.1 um: the worked example of the standard."""
    profile = load_criteria("iec-61300-3-35-2015-sm-upc")
    particle = candidate(7.7, 1.13)
    verdict = judge([Finding(particle, SCRATCH, 0.85, {SCRATCH: 0.85})], profile)
    assert verdict.status is Status.FAIL
    (reason,) = verdict.reasons
    assert reason.size_um == 7.7
    assert "7.7 um across" in reason.text
    assert "no sure scratch by its shape" in reason.text


def test_a_scratch_is_judged_by_its_width() -> None:
    """40 um long and 2 um wide: no other rule is asked, whatever its length."""
    profile = load_criteria("iec-61300-3-35-2015-sm-upc")
    scratch = candidate(40.0, 2.0)
    assert judge([Finding(scratch, SCRATCH, 0.9, {SCRATCH: 0.9})], profile).status is Status.PASS
    assert [r.is_scratch for r in readings(Finding(scratch, SCRATCH, 0.9, {}))] == [True]


def test_a_line_that_is_named_otherwise_is_a_scratch_as_well() -> None:
    """Where a profile allows defects and no scratch, a scratch is none by another name."""
    line = Finding(candidate(40.0, 1.0), DIG, 0.9, {DIG: 0.9})
    assert [r.is_scratch for r in readings(line)] == [False, True]


@settings(deadline=None, max_examples=300)
@given(
    mark=candidates(),
    name=st.sampled_from(list_criteria()),
    label=st.sampled_from(MARKS),
    score=st.sampled_from([0.3, 0.49, 0.5, 0.9]),
)
def test_no_name_makes_a_verdict_better_unless_the_shape_bears_it_out(
    mark: Candidate, name: str, label: str, score: float
) -> None:
    """Held against the stricter of both rules, for every shipped profile, mark and label that a model could give."""
    profile = load_criteria(name)
    verdict = judge([Finding(mark, label, score, {label: score})], profile)
    strict = judge([Finding(mark, label, 0.0, {label: 0.0})], profile)
    borne_out = is_line(mark) == (label == SCRATCH) and score >= SURE
    if not borne_out:
        assert verdict.status is strict.status
    assert WORSE.index(verdict.status) <= WORSE.index(strict.status)


@settings(deadline=None, max_examples=200)
@given(
    mark=candidates(),
    shares=st.lists(st.floats(0.01, 1.0), min_size=5, max_size=5),
)
def test_no_model_can_dismiss_an_obvious_mark(mark: Candidate, shares: list[float]) -> None:
    """Whatever the scores: a mark that stands far above the noise is no `clean`; every other name stays as it is."""
    scores = dict(zip(DEFECT_LABELS, (share / sum(shares) for share in shares), strict=True))
    best = max(scores, key=lambda label: scores[label])
    label, score = believed_name(mark, best, scores)
    sigmas = abs(mark.contrast_grey) / mark.noise_grey
    if sigmas >= OBVIOUS_SIGMA or (sigmas >= STRONG_SIGMA and scores[CLEAN] < SURE_CLEAN):
        assert label != CLEAN
    if best != CLEAN:
        assert (label, score) == (best, scores[best])


@pytest.mark.parametrize(
    ("contrast_grey", "p_clean", "expected"),
    [
        (-8.0, 0.45, CLEAN),
        (-11.9, 0.45, CLEAN),
        (-12.0, 0.45, DIG),
        (-12.0, 0.69, DIG),
        (-12.0, 0.7, CLEAN),
        (-19.9, 0.99, CLEAN),
        (-20.0, 0.99, UNKNOWN),
        (25.0, 1.0, UNKNOWN),
        (25.0, 0.45, DIG),
    ],
)
def test_clean_has_to_be_earned(contrast_grey: float, p_clean: float, expected: str) -> None:
    """By hand, at one grey level of noise: a weak mark is dismissed by the best score, a strong one by a sure score."""
    rest = 1 - p_clean
    scores = {DIG: 0.9 * rest, SCRATCH: 0.1 * rest, CLEAN: p_clean}
    label, score = believed_name(candidate(9.0, 8.0, contrast_grey=contrast_grey), CLEAN, scores)
    assert label == expected
    assert score == (scores[DIG] if expected == DIG else p_clean)


@pytest.mark.parametrize(
    ("length_um", "width_um", "expected"),
    [(LINE_UM, 4.0, True), (LINE_UM, 4.01, False), (11.9, 0.5, False), (60.0, 20.0, True), (60.0, 20.1, False)],
)
def test_what_a_line_is(length_um: float, width_um: float, expected: bool) -> None:
    """Twelve micrometres or longer, and three times as long as wide; both strictly at the border."""
    assert is_line(candidate(length_um, width_um)) is expected
