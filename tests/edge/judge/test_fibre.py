"""Single-mode or multimode: what the core tells, and what `auto` makes of it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from edge.errors import UsageError
from edge.judge import fibre_problem, list_criteria, load_any, load_auto, load_criteria, open_profiles, profile_of
from edge.judge.fibre import fibre_kind
from edge.records import EndFace

SM, MM = "iec-61300-3-35-2015-sm-upc", "iec-61300-3-35-2015-mm"


def face(core_um: float | None, confidence: float = 1.0) -> EndFace:
    """A fibre of 125 um with a core of this diameter."""
    core_r_px = None if core_um is None else core_um / 2 / 0.5
    return EndFace(200, 200, 125, 125, core_r_px, 0.5, 0.5, core_confidence=confidence)


@pytest.mark.parametrize(
    ("core_um", "confidence", "kind"),
    [
        (9.0, 1.0, "single-mode"),
        (14.9, 1.0, "single-mode"),
        (50.0, 1.0, "multimode"),
        (62.5, 0.3, "multimode"),
        (100.0, 1.0, "multimode"),
        (19.0, 1.0, None),
        (39.0, 1.0, None),
        (50.0, 0.19, None),
        (None, 0.0, None),
    ],
)
def test_the_core_tells_the_kind_of_fibre(core_um: float | None, confidence: float, kind: str | None) -> None:
    """By its diameter, where that is sure and not between the two."""
    assert fibre_kind(face(core_um, confidence)) == kind


def test_a_profile_for_the_other_kind_is_said() -> None:
    """With what it looks like, and the same profile for that kind; own profiles that name no kind are not asked."""
    told = fibre_problem(face(50.0), load_criteria(SM))
    assert told == f"wrong profile: this looks like multimode (core 50 um across): use --criteria {MM}"
    told = fibre_problem(face(9.0), load_criteria(MM))
    assert told == f"wrong profile: this looks like single-mode (core 9 um across): use --criteria {SM}"
    assert fibre_problem(face(9.0), load_criteria(SM)) is None
    assert fibre_problem(face(None), load_criteria(SM)) is None
    assert fibre_problem(face(50.0), load_criteria("factory-strict")) is None
    own = replace(load_criteria(SM), identity=replace(load_criteria(SM).identity, name="line-3"))
    assert str(fibre_problem(face(50.0), own)).endswith("use a multimode profile")
    inner = load_criteria(SM).restricted(["A", "B"])
    assert str(fibre_problem(face(50.0), inner)).endswith(f"use --criteria {MM}")


def test_every_shipped_standard_names_its_fibre_and_a_counterpart() -> None:
    """So that the hint never leads nowhere."""
    for name in list_criteria():
        criteria = load_criteria(name)
        if name == "factory-strict":
            continue
        assert criteria.fibre == ("multimode" if name.endswith("-mm") else "single-mode")
        other = face(9.0 if criteria.fibre == "multimode" else 50.0)
        hint = str(fibre_problem(other, criteria))
        assert load_criteria(hint.rpartition(" ")[2]).fibre != criteria.fibre, name


@pytest.mark.parametrize(
    ("core_um", "several", "names"),
    [
        (9.0, False, [SM]),
        (50.0, False, [MM]),
        (9.0, True, ["iec-61300-3-35-2015-mpo-sm"]),
        (50.0, True, ["iec-61300-3-35-2015-mpo-mm"]),
        (None, False, [SM, MM]),
        (None, True, ["iec-61300-3-35-2015-mpo-sm", "iec-61300-3-35-2015-mpo-mm"]),
    ],
)
def test_auto_picks_by_the_core_and_the_number_of_fibres(
    core_um: float | None, several: bool, names: list[str]
) -> None:
    """Both kinds stay open where the core does not tell."""
    auto = load_auto()
    profiles = open_profiles(auto, face(core_um), several)
    assert [profile.identity.name for profile in profiles] == names
    for profile in profiles:
        assert profile_of(auto, profile.identity) is profile
    assert profile_of(auto, auto.identity).identity.name == SM


def test_auto_is_a_name_like_any_other() -> None:
    """It can be loaded and restricted; a profile is what it is."""
    assert load_any("auto").identity.name == "auto"
    assert load_any(SM) == load_criteria(SM)
    assert open_profiles(load_criteria(MM), face(9.0), False) == (load_criteria(MM),)
    inner = load_auto().restricted(["A", "B"])
    assert {profile.identity.name for profile in inner.profiles.values()} == {
        f"iec-61300-3-35-2015-{tail}[A,B]" for tail in ("sm-upc", "mm", "mpo-sm", "mpo-mm")
    }
    with pytest.raises(UsageError, match="zone 'E'"):
        load_auto().restricted(["E"])
