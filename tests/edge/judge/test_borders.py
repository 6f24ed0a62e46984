"""Marks that are close to a border: what each rule makes of them, and that it is told."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.judge import judge, judge_badly_seen, list_criteria, load_criteria, zone_of
from edge.judge.borders import MOST_PLACE_UM
from edge.judge.profile_file import GUARDED, SIMPLE, STRICT
from edge.records import Candidate, Finding, Status

SM2 = "iec-61300-3-35-2015-sm-upc"
WORSE = {Status.PASS: 0, Status.UNREADABLE: 1, Status.FAIL: 2}


def mark(label: str, size_um: float, nearest_um: float, sigma_um: float, reach_um: float = 3.0) -> Finding:
    """A dark mark of this size, from `nearest_um` outwards; a scratch is 40 um long and so wide."""
    long_um = 40.0 if label == "scratch" else size_um
    at = {"x_px": 0, "y_px": 0, "w_px": 1, "h_px": 1, "area_px": 1, "area_um2": 1.0, "contrast_grey": -30.0}
    width_um = size_um if label == "scratch" else size_um / 2
    sizes = {"diameter_um": long_um, "length_um": long_um, "width_um": width_um, "uncertainty_um": sigma_um}
    place = {"nearest_um": nearest_um, "farthest_um": nearest_um + reach_um, "distance_um": nearest_um + reach_um / 2}
    return Finding(Candidate(**at, **sizes, **place), label, 0.9, {label: 0.9})  # type: ignore[arg-type]


B, NONE = 40.0, ()


@pytest.mark.parametrize(
    ("size_um", "sigma_um", "guarded", "simple", "close"),
    [
        (4.5, 0.2, Status.PASS, Status.PASS, False),
        (4.7, 0.2, Status.FAIL, Status.PASS, True),
        (5.3, 0.2, Status.FAIL, Status.FAIL, True),
        (5.5, 0.2, Status.FAIL, Status.FAIL, False),
    ],
)
def test_a_size_within_the_band_fails_as_a_close_call(
    size_um: float, sigma_um: float, guarded: Status, simple: Status, close: bool
) -> None:
    """5 um are allowed: what may be more fails unless the profile takes sizes as they are, and both are told."""
    criteria = load_criteria(SM2)
    dig = mark("dig", size_um, B, sigma_um)
    verdict = judge([dig], criteria)
    assert verdict.status is guarded
    assert [reason.close_call for reason in verdict.reasons] == ([close] if guarded is Status.FAIL else [])
    assert verdict.advice.endswith("a close call") == close
    as_measured = judge([dig], replace(criteria, borderline=SIMPLE))
    assert as_measured.status is simple
    if close and simple is Status.PASS:
        assert as_measured.advice == (
            "a close call: zone B: dig 4.7 um across, 0.3 um under the limit of 5 um, +-0.4 um"
        )


def test_the_reason_tells_on_which_side_the_measurement_lies() -> None:
    """Under the limit by less than the band is not written as over it."""
    criteria = load_criteria(SM2)
    (under,) = judge([mark("dig", 4.7, B, 0.2)], criteria).reasons
    assert under.text == "zone B: dig 4.7 um across, not surely under the limit of 5 um; a close call: +-0.4 um"
    assert under.margin_um == pytest.approx(0.3)
    (over,) = judge([mark("dig", 5.2, B, 0.2)], criteria).reasons
    assert over.text == "zone B: dig 5.2 um across, none over 5 um allowed; a close call: +-0.4 um"
    (wide,) = judge([mark("scratch", 2.9, B, 0.1)], criteria).reasons
    assert "scratch 2.9 um wide, not surely under the limit of 3 um" in wide.text


def test_a_count_within_the_band_is_told() -> None:
    """Six digs of which one may be too small to count are one too many, as a close call."""
    criteria = load_criteria(SM2)
    digs = [mark("dig", 3.0, B, 0.1)] * 5
    assert judge(digs, criteria).status is Status.PASS
    verdict = judge([*digs, mark("dig", 1.9, B, 0.1)], criteria)
    assert (verdict.status, verdict.reasons[0].close_call) == (Status.FAIL, True)
    assert verdict.reasons[0].text.endswith("at most 5; a close call: 1 as small, within the uncertainty")
    sure = judge([*digs, mark("dig", 2.5, B, 0.1)], criteria)
    assert (sure.status, sure.reasons[0].close_call) == (Status.FAIL, False)


def test_a_mark_that_barely_reaches_a_zone_counts_in_the_outer_one_and_is_told() -> None:
    """12.3 um out of 12.5 with +-0.3 um is zone B, and PASS says that it was close; strict and simple count it in A."""
    criteria = load_criteria(SM2)
    dig = mark("dig", 1.5, 12.3, 0.3)
    verdict = judge([dig], criteria)
    assert (verdict.status, zone_of(dig.candidate, "dig", criteria)) == (Status.PASS, "B")
    assert verdict.advice == (
        "a close call: zone A: dig 1.5 um across, none allowed; it lies 0.2 um inside zone A's edge, +-0.3 um"
    )
    for rule in (SIMPLE, STRICT):
        told = judge([dig], replace(criteria, borderline=rule))
        assert (told.status, told.reasons[0].zone, told.reasons[0].close_call) == (Status.FAIL, "A", True)
        assert told.reasons[0].text.endswith("; a close call: 0.2 um inside zone A's edge, +-0.3 um")


def test_a_mark_that_ends_just_outside_a_zone_is_told() -> None:
    """It counts outside, except by `strict`; that it was close is said."""
    criteria = load_criteria(SM2)
    dig = mark("dig", 1.5, 12.6, 0.3)
    assert judge([dig], criteria).advice.endswith("it lies 0.1 um outside zone A's edge, +-0.3 um")
    assert judge([dig], replace(criteria, borderline=STRICT)).status is Status.FAIL
    assert judge([mark("dig", 1.5, 12.9, 0.3)], criteria).advice == ""


def test_a_bad_measurement_moves_no_mark_far_out_of_a_zone() -> None:
    """However unsure: what reaches half a micrometre into zone A counts there."""
    criteria = load_criteria(SM2)
    assert judge([mark("dig", 1.5, 12.5 - MOST_PLACE_UM - 0.01, 3.0)], criteria).reasons[0].zone == "A"


def test_a_mark_that_barely_shows_is_a_close_call() -> None:
    """Where no mark is allowed, it is close whether there is one: a contrast of 6 sigma, not one of 30."""
    criteria = load_criteria(SM2)
    dig = mark("dig", 1.5, 5.0, 0.1)
    assert not judge([dig], criteria).reasons[0].close_call
    faint = replace(dig, candidate=replace(dig.candidate, contrast_grey=-6.0, noise_grey=1.0))
    (reason,) = judge([faint], criteria).reasons
    assert reason.close_call
    assert reason.text.endswith("none allowed; a close call: it barely shows, 6 grey levels")


def test_one_sure_reason_is_no_close_call() -> None:
    """The advice calls a verdict close only where every reason is."""
    criteria = load_criteria(SM2)
    verdict = judge([mark("dig", 4.9, B, 0.2), mark("dig", 9.0, B, 0.2)], criteria)
    assert [reason.close_call for reason in verdict.reasons] == [False, True]
    assert "close call" not in verdict.advice


MARKS = st.builds(
    mark,
    st.sampled_from(["scratch", "dig", "contamination", "chip", "unknown"]),
    st.floats(0, 40),
    st.floats(0, 140),
    st.floats(0, 3),
    st.floats(0, 60),
)


@given(st.lists(MARKS, max_size=8), st.sampled_from(list_criteria()))
@settings(max_examples=300, deadline=None)
def test_no_rule_is_stricter_than_strict(findings: list[Finding], name: str) -> None:
    """On every profile and all marks: what `strict` passes, the others pass."""
    criteria = load_criteria(name)
    strictest = WORSE[judge(findings, replace(criteria, borderline=STRICT)).status]
    for rule in (GUARDED, SIMPLE):
        assert WORSE[judge(findings, replace(criteria, borderline=rule)).status] <= strictest


@given(MARKS, st.sampled_from(list_criteria()))
@settings(max_examples=300, deadline=None)
def test_what_passes_guarded_passes_at_its_largest(finding: Finding, name: str) -> None:
    """A mark that passes would pass, too, if it were as large as its uncertainty allows."""
    criteria = load_criteria(name)
    c = finding.candidate
    largest = replace(c, width_um=c.width_um + 2 * c.uncertainty_um, diameter_um=c.diameter_um + 2 * c.uncertainty_um)
    # its shape decides how it is read, and stays
    if finding.label != "scratch" and judge([finding], criteria).status is Status.PASS:
        larger = replace(finding, candidate=largest)
        assert judge([larger], replace(criteria, borderline=SIMPLE)).status is not Status.FAIL or _in_a_band(c, name)


def _in_a_band(candidate: Candidate, name: str) -> bool:
    radii = [zone.outer_radius_um for zone in load_criteria(name).zones]
    return any(0 <= radius - candidate.nearest_um <= MOST_PLACE_UM for radius in radii)


def test_an_unsure_name_fails_a_bad_picture_where_it_makes_no_difference() -> None:
    """A mark that fails as a scratch and as a defect is certain whatever it is, unless it may be no mark at all."""
    criteria = load_criteria(SM2)
    gash = replace(mark("scratch", 6.0, B, 0.3), score=0.4, scores={"scratch": 0.4, "chip": 0.35, "clean": 0.1})
    assert judge_badly_seen([gash], criteria, ["noisy"]).status is Status.FAIL
    ghost = replace(gash, scores={"scratch": 0.4, "clean": 0.38})
    assert judge_badly_seen([ghost], criteria, ["noisy"]).status is Status.UNREADABLE
    thin = replace(gash, candidate=replace(gash.candidate, width_um=2.0))
    assert judge_badly_seen([thin], criteria, ["noisy"]).status is Status.UNREADABLE
