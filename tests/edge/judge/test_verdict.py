"""The judge, held against every row and boundary of every table that was read, by literal cases."""

import math
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.errors import UsageError
from edge.judge import connector_status, judge, judge_badly_seen, list_criteria, load_criteria, unreadable, zone_of
from edge.judge.breaches import zones_crossed
from edge.judge.verdict import ADVICE_CLEAN, ADVICE_CONFIRM, ADVICE_REPLACE, ADVICE_RETAKE, tightest
from edge.records import Candidate, Finding, Status, Verdict

LABELS = ("scratch", "dig", "contamination", "chip", "unknown", "clean")
SM2, APC2, MM2 = (f"iec-61300-3-35-2015-{x}" for x in ("sm-upc", "sm-apc", "mm"))
SM1, MM1 = (f"iec-61300-3-35-2009-{x}" for x in ("sm-upc", "mm"))


def mark(label, size_um, nearest_um=0.0, farthest_um=None, uncertainty_um=0.0):
    """A finding of this size; a scratch of that width, 40 um long or four times as long as wide, else a blob."""
    is_scratch = label == "scratch"
    length_um = max(40.0, 4.0 * size_um)
    candidate = Candidate(
        x_px=0,
        y_px=0,
        w_px=1,
        h_px=1,
        area_px=1,
        diameter_um=length_um if is_scratch else size_um,
        length_um=length_um if is_scratch else size_um,
        width_um=size_um if is_scratch else size_um / 2,
        area_um2=1.0,
        distance_um=nearest_um,
        nearest_um=nearest_um,
        farthest_um=nearest_um if farthest_um is None else farthest_um,
        contrast_grey=-30.0,
        uncertainty_um=uncertainty_um,
    )
    return Finding(candidate, label, 0.9, {label: 0.9})


def in_zone(name, criteria):
    """A distance that lies in the middle of this zone."""
    zone = next(zone for zone in criteria.zones if zone.name == name)
    return (zone.inner_radius_um + zone.outer_radius_um) / 2


# profile, zone, label, size, how many pass at most (None: any number). One row for each cell and each side of
# each of its boundaries, written from the tables by hand.
TABLES = [
    # Ed. 2, single mode PC
    (SM2, "A", "scratch", 0.1, 0),
    (SM2, "A", "dig", 0.1, 0),
    (SM2, "B", "scratch", 2.9, None),
    (SM2, "B", "scratch", 3.0, None),
    (SM2, "B", "scratch", 3.01, 0),
    (SM2, "B", "dig", 1.99, None),
    (SM2, "B", "dig", 2.0, 5),
    (SM2, "B", "dig", 5.0, 5),
    (SM2, "B", "dig", 5.01, 0),
    (SM2, "C", "scratch", 90.0, None),
    (SM2, "C", "dig", 90.0, None),
    (SM2, "D", "scratch", 90.0, None),
    (SM2, "D", "dig", 10.0, None),
    (SM2, "D", "dig", 10.01, 0),
    # Ed. 2, single mode APC
    (APC2, "A", "scratch", 0.1, 4),
    (APC2, "A", "scratch", 3.0, 4),
    (APC2, "A", "scratch", 3.01, 0),
    (APC2, "A", "dig", 0.1, 0),
    (APC2, "B", "scratch", 90.0, None),
    (APC2, "B", "dig", 1.99, None),
    (APC2, "B", "dig", 2.0, 5),
    (APC2, "B", "dig", 5.0, 5),
    (APC2, "B", "dig", 5.01, 0),
    (APC2, "C", "scratch", 90.0, None),
    (APC2, "C", "dig", 90.0, None),
    (APC2, "D", "scratch", 90.0, None),
    (APC2, "D", "dig", 10.0, None),
    (APC2, "D", "dig", 10.01, 0),
    # Ed. 2, multimode
    (MM2, "A", "scratch", 3.0, None),
    (MM2, "A", "scratch", 3.01, 0),
    (MM2, "A", "dig", 0.1, 4),
    (MM2, "A", "dig", 5.0, 4),
    (MM2, "A", "dig", 5.01, 0),
    (MM2, "B", "scratch", 5.0, None),
    (MM2, "B", "scratch", 5.01, 0),
    (MM2, "B", "dig", 4.99, None),
    (MM2, "B", "dig", 5.0, 5),
    (MM2, "B", "dig", 10.0, 5),
    (MM2, "B", "dig", 10.01, 0),
    (MM2, "C", "scratch", 90.0, None),
    (MM2, "C", "dig", 90.0, None),
    (MM2, "D", "scratch", 90.0, None),
    (MM2, "D", "dig", 19.99, None),
    (MM2, "D", "dig", 20.0, 5),
    (MM2, "D", "dig", 30.0, 5),
    (MM2, "D", "dig", 30.01, 0),
    # Ed. 1, single mode PC
    (SM1, "A", "scratch", 0.1, 0),
    (SM1, "A", "dig", 0.1, 0),
    (SM1, "B", "scratch", 3.0, None),
    (SM1, "B", "scratch", 3.01, 0),
    (SM1, "B", "dig", 1.99, None),
    (SM1, "B", "dig", 2.0, 5),
    (SM1, "B", "dig", 5.0, 5),
    (SM1, "B", "dig", 5.01, 0),
    (SM1, "C", "scratch", 90.0, None),
    (SM1, "C", "dig", 90.0, None),
    (SM1, "D", "scratch", 90.0, None),
    (SM1, "D", "dig", 9.99, None),
    (SM1, "D", "dig", 10.0, 0),
    # Ed. 1, multimode
    (MM1, "A", "scratch", 5.0, None),
    (MM1, "A", "scratch", 5.01, 0),
    (MM1, "A", "dig", 5.0, 4),
    (MM1, "A", "dig", 5.01, 0),
    (MM1, "B", "scratch", 5.0, None),
    (MM1, "B", "scratch", 5.01, 0),
    (MM1, "B", "dig", 1.99, None),
    (MM1, "B", "dig", 2.0, 5),
    (MM1, "B", "dig", 5.0, 5),
    (MM1, "B", "dig", 5.01, 0),
    (MM1, "C", "scratch", 90.0, None),
    (MM1, "C", "dig", 90.0, None),
    (MM1, "D", "scratch", 90.0, None),
    (MM1, "D", "dig", 9.99, None),
    (MM1, "D", "dig", 10.0, 0),
]
# Multi-fibre profiles repeat zones A and B of these tables.
MULTI_FIBRE = {
    "iec-61300-3-35-2015-mpo-sm": SM2,
    "iec-61300-3-35-2015-mpo-sm-apc": APC2,
    "iec-61300-3-35-2015-mpo-mm": MM2,
    "iec-61300-3-35-2009-mpo-sm": SM1,
    "iec-61300-3-35-2009-mpo-mm": MM1,
}
ROWS = TABLES + [
    (mpo, *row[1:]) for mpo, base in MULTI_FIBRE.items() for row in TABLES if row[0] == base and row[1] in "AB"
]


@pytest.mark.parametrize(("name", "zone", "label", "size_um", "n_allowed"), ROWS)
def test_each_cell_of_each_table(name, zone, label, size_um, n_allowed):
    """As many marks as the cell allows pass, one more fails, at each side of each boundary."""
    criteria = load_criteria(name)
    one = mark(label, size_um, in_zone(zone, criteria))
    most = 60 if n_allowed is None else n_allowed
    assert judge([one] * most, criteria).status is Status.PASS
    if n_allowed is not None:
        verdict = judge([one] * (n_allowed + 1), criteria)
        assert verdict.status is Status.FAIL
        assert [(r.zone, r.label) for r in verdict.reasons] == [(zone, label)]
        assert verdict.reasons[0].size_um == (size_um if n_allowed == 0 else None)


@pytest.mark.parametrize("label", ["dig", "chip", "contamination", "unknown", "film"])
@pytest.mark.parametrize(
    ("zone", "size_um", "status"), [("A", 0.5, Status.FAIL), ("B", 5.5, Status.FAIL), ("B", 1.5, Status.PASS)]
)
def test_everything_that_is_no_scratch_is_a_defect(label, zone, size_um, status):
    """Every label other than scratch and clean, known or not, is judged as a defect by its diameter."""
    criteria = load_criteria()
    assert judge([mark(label, size_um, in_zone(zone, criteria))], criteria).status is status


@pytest.mark.parametrize("zone", ["A", "B"])
@pytest.mark.parametrize("name", [n for n in list_criteria() if "2022" not in n])
def test_a_crack_in_a_or_b_fails(name, zone):
    """A model that names cracks fails them in A and B however small they are."""
    criteria = load_criteria(name)
    assert judge([mark("crack", 0.1, in_zone(zone, criteria))], criteria).status is Status.FAIL


def test_clean_is_not_judged():
    """`clean` means that the detector was wrong: it has no zone and fails nothing, even in the core."""
    criteria = load_criteria()
    one = mark("clean", 90.0)
    assert judge([one], criteria) == Verdict(Status.PASS)
    assert zone_of(one.candidate, "clean", criteria) == ""


def test_sizes_of_different_labels_share_one_count():
    """Five of 2 to 5 um are five marks of whatever kind; scratches, and marks under 2 um, do not count among them."""
    criteria = load_criteria()
    at = in_zone("B", criteria)
    five = [mark(label, 3.0, at) for label in ("dig", "chip", "contamination", "unknown", "dig")]
    others = [mark("scratch", 2.5, at)] * 9 + [mark("dig", 1.9, at)] * 9
    assert judge(five + others, criteria).status is Status.PASS
    verdict = judge([*five, *others, mark("dig", 5.0, at)], criteria)
    assert [r.text for r in verdict.reasons] == ["zone B: 6 defects of 2 to 5 um, at most 5"]
    assert verdict.reasons[0].limit == "5 of 2 to 5 um"
    assert verdict.reasons[0].label == "defect"
    digs = judge([mark("dig", 3.0, at)] * 6, criteria)
    assert digs.reasons[0].text == "zone B: 6 digs of 2 to 5 um, at most 5"


def test_a_count_of_scratches_is_of_widths():
    """The angled single-mode core allows four scratches of up to 3 um, and says that widths are meant."""
    verdict = judge([mark("scratch", 1.0)] * 5, load_criteria(APC2))
    assert [r.text for r in verdict.reasons] == ["zone A: 5 scratches of <=3 um in width, at most 4"]


@pytest.mark.parametrize(
    ("label", "nearest_um", "farthest_um", "zones", "zone"),
    [
        ("dig", 0.0, 3.0, "A", "A"),
        ("dig", 12.5, 15.0, "AB", "A"),
        ("dig", 12.51, 15.0, "B", "B"),
        ("dig", 57.5, 58.0, "BC", "B"),
        ("dig", 57.6, 90.0, "CD", "C"),
        ("dig", 125.0, 130.0, "D", "D"),
        ("dig", 125.1, 130.0, "", ""),
        ("scratch", 5.0, 130.0, "ABCD", "A"),
        ("scratch", 5.0, 12.5, "A", "A"),
        ("scratch", 5.0, 12.6, "AB", "A"),
        ("scratch", 12.5, 12.5, "A", "A"),
        ("scratch", 30.0, 67.5, "BC", "B"),
    ],
)
def test_a_mark_counts_in_the_inner_zone_a_scratch_in_each(label, nearest_um, farthest_um, zones, zone):
    """Touching a zone's outer edge is being in it; ending on its inner edge is not."""
    criteria = load_criteria()
    candidate = mark(label, 1.0, nearest_um, farthest_um).candidate
    assert "".join(z.name for z in zones_crossed(candidate, criteria)) == zones
    assert zone_of(candidate, label, criteria) == zone


def test_a_defect_over_two_zones_is_judged_once_in_the_inner_one():
    """A dig of 12 um that touches B and D's neighbour C fails in B alone, though D would fail it too."""
    criteria = load_criteria()
    assert [r.zone for r in judge([mark("dig", 12.0, 57.0, 69.0)], criteria).reasons] == ["B"]
    assert judge([mark("dig", 12.0, 58.0, 70.0)], criteria).status is Status.PASS


def test_a_scratch_is_judged_in_each_zone_it_crosses():
    """A scratch of 4 um from the core to the contact zone fails in A and B, and C and D allow it."""
    criteria = load_criteria()
    assert [r.zone for r in judge([mark("scratch", 4.0, 2.0, 120.0)], criteria).reasons] == ["A", "B"]
    assert [r.zone for r in judge([mark("scratch", 2.0, 2.0, 120.0)], criteria).reasons] == ["A"]
    assert judge([mark("scratch", 2.0, 13.0, 120.0)], criteria).status is Status.PASS


def test_reasons_say_zone_what_size_limit_and_margin():
    """A reason carries its figures and a sentence of one line, from the inner zone outwards, the largest first."""
    criteria = load_criteria()
    at_b, at_d = in_zone("B", criteria), in_zone("D", criteria)
    verdict = judge(
        [
            mark("dig", 12.0, at_d),
            mark("scratch", 3.4, at_b),
            mark("dig", 5.5, at_b),
            mark("scratch", 3.4),
            mark("chip", 9.0),
        ],
        criteria,
    )
    assert [r.text for r in verdict.reasons] == [
        "zone A: chip 9.0 um across, none allowed",
        "zone A: scratch 3.4 um wide, none allowed",
        "zone B: dig 5.5 um across, none over 5 um allowed",
        "zone B: scratch 3.4 um wide, none over 3 um allowed",
        "zone D: dig 12.0 um across, none over 10 um allowed",
    ]
    assert [r.limit for r in verdict.reasons] == ["none", "none", "none >5 um", "none >3 um", "none >10 um"]
    assert [r.margin_um for r in verdict.reasons] == [None, None, -0.5, pytest.approx(-0.4), -2.0]
    first_edition = judge([mark("dig", 10.0, at_d)], load_criteria(SM1))
    assert first_edition.reasons[0].text == "zone D: dig 10.0 um across, none of 10 um or more allowed"
    assert first_edition.reasons[0].margin_um == 0.0


@pytest.mark.parametrize(
    ("size_um", "written"), [(5.2, "5.2"), (5.04, "5.04"), (5.004, "5.004"), (5.00004, "5.000"), (12.34, "12.3")]
)
def test_a_size_is_written_so_that_it_differs_from_its_limit(size_um, written):
    """5.04 um over a limit of 5 um is not printed as 5.0; no more than three digits are claimed."""
    criteria = load_criteria()
    (reason,) = judge([mark("dig", size_um, in_zone("B", criteria))], criteria).reasons
    assert f"dig {written} um across" in reason.text


@pytest.mark.parametrize(
    ("labels", "n_cleanings", "advice"),
    [
        (["contamination"], 0, ADVICE_CLEAN),
        (["contamination"], 2, ADVICE_CLEAN),
        (["contamination"], 3, ADVICE_REPLACE),
        (["unknown"], 0, ADVICE_CLEAN),
        (["scratch"], 0, ADVICE_REPLACE),
        (["dig"], 0, ADVICE_REPLACE),
        (["chip"], 0, ADVICE_REPLACE),
        (["scratch", "contamination"], 0, ADVICE_CLEAN),
        (["scratch", "contamination"], 3, ADVICE_REPLACE),
    ],
)
def test_dirt_is_cleaned_first_and_damage_is_replaced(labels, n_cleanings, advice):
    """With dirt among the reasons clean first; after the profile's number of cleanings what remains is permanent."""
    verdict = judge([mark(label, 6.0) for label in labels], load_criteria(), n_cleanings=n_cleanings)
    assert (verdict.status, verdict.advice) == (Status.FAIL, advice)


def test_dirt_that_fails_nothing_does_not_turn_damage_into_dirt():
    """Contamination where it is allowed does not make a scratched core worth cleaning."""
    criteria = load_criteria()
    verdict = judge([mark("scratch", 4.0), mark("contamination", 5.0, in_zone("D", criteria))], criteria)
    assert verdict.advice == ADVICE_REPLACE


def test_a_count_with_dirt_in_it_may_be_cleaned():
    """One mark too many, one of them dirt: cleaning can bring the count down."""
    criteria = load_criteria()
    at = in_zone("B", criteria)
    assert judge([mark("dig", 3.0, at)] * 5 + [mark("contamination", 3.0, at)], criteria).advice == ADVICE_CLEAN


def test_a_pass_advises_only_what_is_left_to_do():
    """PASS has no reasons; its advice is empty unless dirt remains or the profile is unconfirmed."""
    criteria = load_criteria()
    at = in_zone("B", criteria)
    assert judge([], criteria) == Verdict(Status.PASS, (), "")
    assert judge([mark("dig", 3.0, at, uncertainty_um=0.4)], criteria) == Verdict(Status.PASS, (), "")
    assert "clean before mating" in judge([mark("contamination", 1.0, at)], criteria).advice
    assert judge([mark("contamination", 1.0, at)], criteria, n_cleanings=3).advice == ""
    assert judge([mark("contamination", 9.0, 300.0)], criteria).advice == ""


def test_the_tightest_margin_is_known_on_a_pass():
    """Of all marks the one nearest to a size limit is told with its margin; where no limit is a size there is none."""
    criteria = load_criteria()
    at_b, at_d = in_zone("B", criteria), in_zone("D", criteria)
    marks = [mark("dig", 4.0, at_b), mark("scratch", 2.5, at_b), mark("dig", 8.0, at_d)]
    told = tightest(marks, criteria)
    assert told is not None
    finding, reason = told
    assert finding is marks[1]
    assert (reason.zone, reason.label, reason.size_um, reason.margin_um) == ("B", "scratch", 2.5, 0.5)
    assert tightest([mark("dig", 4.0, in_zone("C", criteria))], criteria) is None
    assert tightest([], criteria) is None


@pytest.mark.parametrize(("zone", "passes"), [("A", False), ("B", False), ("C", True), ("D", True)])
@pytest.mark.parametrize("label", ["scratch", "dig", "chip", "unknown"])
def test_a_limit_that_nobody_knows_passes_nothing(zone, label, passes):
    """Ed. 3's limits are the user's to confirm: a mark in A or B cannot be judged; C and D are not graded."""
    criteria = load_criteria("iec-61300-3-35-2022-sm")
    verdict = judge([mark(label, 0.5, in_zone(zone, criteria))], criteria)
    assert verdict.status is (Status.PASS if passes else Status.UNREADABLE)
    assert verdict.advice == ADVICE_CONFIRM
    assert all("its limit is yours to confirm" in reason.text for reason in verdict.reasons)


@pytest.mark.parametrize(("zone", "status"), [("A", "FAIL"), ("B", "FAIL"), ("C", "PASS"), ("D", "FAIL")])
def test_contamination_must_be_removed(zone, status):
    """Ed. 3's rule: contamination fails in A, B and D until it is cleaned away, and C is not graded."""
    criteria = load_criteria("iec-61300-3-35-2022-sm")
    verdict = judge([mark("contamination", 0.5, in_zone(zone, criteria))], criteria)
    assert verdict.status == status
    if status == "FAIL":
        assert verdict.advice == ADVICE_CLEAN
        assert verdict.reasons[0].text == f"zone {zone}: contamination 0.5 um across, none allowed (to be confirmed)"


def test_a_zone_that_is_not_graded_does_not_swallow_a_mark():
    """Contamination over C (not graded) and D (none) counts in D; under Ed. 2, where C has no limit, it counts in C."""
    film = mark("contamination", 30.0, 60.0, 90.0)
    assert [r.zone for r in judge([film], load_criteria("iec-61300-3-35-2022-sm")).reasons] == ["D"]
    assert judge([film], load_criteria(SM2)).status is Status.PASS


def test_what_fails_stays_failed_beside_what_is_not_known():
    """A known limit that is exceeded makes FAIL; the unknown ones are told after it."""
    criteria = load_criteria("iec-61300-3-35-2022-sm")
    verdict = judge([mark("dig", 1.0), mark("contamination", 1.0, in_zone("D", criteria))], criteria)
    assert verdict.status is Status.FAIL
    assert [r.zone for r in verdict.reasons] == ["D", "A"]


def _rewritten(tmp_path, name, old, new):
    path = tmp_path / f"{name}.toml"
    text = load_criteria(name).path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))
    return load_criteria(path)


def test_where_reprints_disagree_on_5_um(tmp_path):
    """Zone B: `none >5` (KITCO, JDSU, Panduit) and `none >=5` (BICSI) differ for a defect of exactly 5 um only."""
    ours = load_criteria(SM1)
    bicsi = _rewritten(tmp_path, SM1, "5 of 2 to 5; none >5", "5 of 2 to 5; none >=5")
    at = in_zone("B", ours)
    for size_um, here, there in [(4.99, "PASS", "PASS"), (5.0, "PASS", "FAIL"), (5.01, "FAIL", "FAIL")]:
        one = [mark("dig", size_um, at)]
        assert (judge(one, ours).status, judge(one, bicsi).status) == (here, there)


def test_where_editions_disagree_on_10_um():
    """Zone D: `none >=10` (Ed. 1) and `none >10` (Ed. 2) differ for a defect of exactly 10 um only."""
    for size_um, first, second in [(9.99, "PASS", "PASS"), (10.0, "FAIL", "PASS"), (10.01, "FAIL", "FAIL")]:
        one = [mark("dig", size_um, 100.0)]
        assert (judge(one, load_criteria(SM1)).status, judge(one, load_criteria(SM2)).status) == (first, second)


def test_where_reprints_disagree_on_the_end_of_zone_b(tmp_path):
    """Zone B of Ed. 1 ends at 120 um (BICSI) or 115 um (JDSU): a dig of 6 um between them fails or passes."""
    jdsu = _rewritten(tmp_path, SM1, "outer_um = 120.0", "outer_um = 115.0")
    one = [mark("dig", 6.0, 59.0, 65.0)]
    assert (judge(one, load_criteria(SM1)).status, judge(one, jdsu).status) == (Status.FAIL, Status.PASS)


def test_where_reprints_disagree_on_scratches_in_a_multimode_core(tmp_path):
    """Zone A of Ed. 1 multimode: any scratch up to 5 um (KITCO, JDSU) or none at all (BICSI)."""
    bicsi = _rewritten(
        tmp_path, MM1, 'outer_um = 65.0\nscratches = "any <=5; none >5"', 'outer_um = 65.0\nscratches = "none"'
    )
    one = [mark("scratch", 4.0)]
    assert (judge(one, load_criteria(MM1)).status, judge(one, bicsi).status) == (Status.PASS, Status.FAIL)


@pytest.mark.parametrize("field", ["width_um", "diameter_um", "nearest_um", "farthest_um", "uncertainty_um"])
@pytest.mark.parametrize("value", [math.nan, math.inf, -1.0])
def test_a_measure_that_is_no_number_is_refused(field, value):
    """A size or distance that is not a finite number from 0 never passes by comparing false with the limit."""
    bad = mark("dig", 1.0, 40.0)
    bad = replace(bad, candidate=replace(bad.candidate, **{field: value}))
    with pytest.raises(UsageError, match=f"{field} = {value}"):
        judge([bad], load_criteria())
    with pytest.raises(UsageError, match=f"{field} = {value}"):
        tightest([bad], load_criteria())


def test_what_cannot_be_read_has_a_reason():
    """Each problem of the picture is a reason, the advice is to take it again, and no problem is no verdict."""
    verdict = unreadable(["no end face was found", "the picture is dark"])
    assert verdict.status is Status.UNREADABLE
    assert [(r.zone, r.label, r.text) for r in verdict.reasons] == [
        ("", "picture", "no end face was found"),
        ("", "picture", "the picture is dark"),
    ]
    assert verdict.advice == ADVICE_RETAKE
    with pytest.raises(UsageError, match="without a problem"):
        unreadable([])


@pytest.mark.parametrize(
    ("statuses", "status"),
    [("PP", "PASS"), ("PF", "FAIL"), ("UF", "FAIL"), ("PU", "UNREADABLE"), ("", "UNREADABLE"), ("F", "FAIL")],
)
def test_one_failing_fibre_fails_the_connector(statuses, status):
    """FAIL before UNREADABLE before PASS; a connector without a fibre was not read."""
    names = {"P": Status.PASS, "F": Status.FAIL, "U": Status.UNREADABLE}
    assert connector_status([Verdict(names[s]) for s in statuses]) == status


@st.composite
def marks(draw):
    """Marks of every label, on and around every boundary of sizes and zones."""
    on_edges = st.sampled_from([0.0, 2.0, 3.0, 5.0, 10.0, 20.0, 30.0])
    radii = st.sampled_from([0.0, 12.5, 32.5, 55.0, 57.5, 60.0, 65.0, 67.5, 125.0])
    nearest = draw(radii | st.floats(0, 140))
    return mark(
        draw(st.sampled_from([*LABELS, "crack"])),
        draw(on_edges | st.floats(0, 40)),
        nearest,
        nearest + draw(st.sampled_from([0.0, 5.0]) | st.floats(0, 120)),
        draw(st.sampled_from([0.0, 0.5])),
    )


@settings(deadline=None, max_examples=150)
@given(
    findings=st.lists(marks(), max_size=12),
    added=marks(),
    where=st.integers(0, 12),
    name=st.sampled_from(list_criteria()),
    n_cleanings=st.integers(0, 4),
)
def test_a_defect_added_never_turns_fail_into_pass(findings, added, where, name, n_cleanings):
    """With one mark more a verdict stays or gets worse, whatever the profile, and no reason disappears."""
    criteria = load_criteria(name)
    order = [Status.PASS, Status.UNREADABLE, Status.FAIL]
    before = judge(findings, criteria, n_cleanings)
    after = judge([*findings[:where], added, *findings[where:]], criteria, n_cleanings)
    assert order.index(after.status) >= order.index(before.status)
    assert len(after.reasons) >= len(before.reasons)
    assert (after.status is Status.PASS) == (after.reasons == ())


@settings(deadline=None, max_examples=60)
@given(findings=st.lists(marks(), min_size=1, max_size=8), name=st.sampled_from(list_criteria()), data=st.data())
def test_a_defect_that_grows_never_turns_fail_into_pass(findings, name, data):
    """Under every shipped profile a mark grown by 50 um in place leaves the verdict as it is, or makes it worse."""
    criteria = load_criteria(name)
    i = data.draw(st.integers(0, len(findings) - 1))
    c = findings[i].candidate
    grown = replace(c, diameter_um=c.diameter_um + 50.0, width_um=c.width_um + 50.0)
    more = [*findings[:i], replace(findings[i], candidate=grown), *findings[i + 1 :]]
    order = [Status.PASS, Status.UNREADABLE, Status.FAIL]
    assert order.index(judge(more, criteria).status) >= order.index(judge(findings, criteria).status)


@settings(deadline=None, max_examples=40)
@given(findings=st.lists(marks(), max_size=8), name=st.sampled_from(list_criteria()), data=st.data())
def test_the_order_of_findings_does_not_matter(findings, name, data):
    """Shuffled findings give the same status, advice and sentences."""
    criteria = load_criteria(name)
    shuffled = data.draw(st.permutations(findings))
    one, other = judge(findings, criteria), judge(shuffled, criteria)
    assert (one.status, one.advice) == (other.status, other.advice)
    assert sorted(r.text for r in one.reasons) == sorted(r.text for r in other.reasons)


@settings(deadline=None, max_examples=150)
@given(
    findings=st.lists(marks(), max_size=8),
    name=st.sampled_from(list_criteria()),
    noise=st.sampled_from([0.5, 1.0, 4.0]),
)
def test_a_picture_seen_badly_never_passes_and_fails_for_what_fails(findings, name, noise):
    """FAIL only where the same marks, seen well, fail; else UNREADABLE; the picture's problem is always told."""
    criteria = load_criteria(name)
    seen = [replace(f, candidate=replace(f.candidate, noise_grey=noise)) for f in findings]
    badly = judge_badly_seen(seen, criteria, ["blurred"])
    assert badly.status is not Status.PASS
    assert badly.reasons[-1].text == "blurred"
    if badly.status is Status.FAIL:
        assert judge(seen, criteria).status is Status.FAIL
        assert len(badly.reasons) > 1


def test_a_certain_mark_fails_by_its_size_less_its_uncertainty():
    """Zone B of single mode allows 5 um: 6.0 um, give or take .4 twice, fails, and .6 twice does not."""
    criteria = load_criteria(SM2)
    for uncertainty_um, status in ((0.4, Status.FAIL), (0.6, Status.UNREADABLE)):
        dig = mark("dig", 6.0, in_zone("B", criteria), uncertainty_um=uncertainty_um)
        verdict = judge_badly_seen([dig], criteria, ["noisy"])
        assert verdict.status is status
    assert "6.0 um across" in judge_badly_seen([mark("dig", 6.0, 30.0)], criteria, ["noisy"]).reasons[0].text
    with pytest.raises(UsageError, match="at least one sentence"):
        judge_badly_seen([], criteria, [])


def test_what_is_in_view_is_told_apart_from_what_is_not():
    """A zone out of view is UNREADABLE by itself; what is in view and clean is named, and how to judge it alone."""
    criteria = load_criteria(SM2)
    problem = "cut off: 28% of zone D is not in view"
    verdict = judge_badly_seen([], criteria, [problem], unseen={"D": 0.28})
    assert verdict.status is Status.UNREADABLE
    assert verdict.reasons[0].text == f"{problem}; A and B in view and clean"
    assert verdict.advice == "show more around the fibre; or judge what is in view: --zones A,B"
    doubtful = replace(mark("dig", 6.0, in_zone("B", criteria)), score=0.4)
    assert judge_badly_seen([doubtful], criteria, [problem], unseen={"D": 0.28}).reasons[0].text == problem
    blurred = judge_badly_seen([], criteria, [problem, "blurred"], unseen={"D": 0.28})
    assert [reason.text for reason in blurred.reasons] == [problem, "blurred"]
    assert blurred.advice == ADVICE_RETAKE
