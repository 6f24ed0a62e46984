"""The standard as data, and the judge that holds findings against it.

Rules of IEC 61300-3-35 that no table shows, as reprints and the BICSI slides tell them:

- A scratch is held against its limit by its width, every other mark (dig, chip, contamination, unknown, or
  whatever else a model calls it) by the diameter of the smallest circle that holds it. `clean` is no mark. A name
  that the mark's shape does not bear out does not choose the rule: then both are held (`edge.judge.readings`).
- A scratch is judged in each zone it crosses. Any other mark counts wholly in the innermost zone it touches.
- Touching is not strict: a mark whose nearest point lies exactly on a zone's outer edge touches that zone. A
  scratch that ends exactly on a zone's inner edge does not cross that zone: the edge belongs to the inner one.
- A zone that is `not graded` for a label does not exist for it: the mark counts in the next zone it touches.
- Contamination can be cleaned away, so it is a reason to clean and look again, until the profile's number of
  cleanings is reached; what then remains is the connector's own.
- What has no limit cannot pass: a mark whose limit is `to be confirmed` makes the face UNREADABLE, unless
  something else fails it.

A mark more never makes a verdict better: every limit allows a count that marks can only raise.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from edge.arguments import LARGEST, check_each, check_kind, check_number, described, is_number, items_of
from edge.errors import UsageError
from edge.judge import sentences
from edge.judge.limits import Limit, SizeClass
from edge.judge.profiles import Criteria, Zone
from edge.judge.readings import SURE, Reading, readings
from edge.labels import CLEAN, CONTAMINATION, SCRATCH, UNKNOWN
from edge.records import Candidate, Finding, Reason, Status, Verdict

CERTAIN_SIGMA = 15.0
"""Contrast over noise from which on a mark is certain on a picture that is otherwise too bad."""
CERTAIN_GREY = 20.0
"""The same in grey levels."""
CERTAIN_SPREAD = 2.0
"""By how many sigma of its uncertainty a mark is taken to be smaller there."""

ADVICE_CLEAN = "clean and inspect again"
ADVICE_REPLACE = "re-polish or replace"
ADVICE_RETAKE = "take the picture again"
ADVICE_CONFIRM = "confirm the limits against your copy of the standard"


@dataclass(frozen=True, slots=True)
class Breach:
    """A limit that was exceeded, or is not known, and the findings that did it.

    Attributes:
        zone: where.
        limit: the limit, as the profile has it.
        size_class: the class of sizes that holds too many; None where the limit is to be confirmed.
        members: indices into the findings, largest first; a single one unless a count was exceeded.
        is_scratch: whether widths were compared, not diameters.
    """

    zone: Zone
    limit: Limit
    size_class: SizeClass | None
    members: tuple[int, ...]
    is_scratch: bool

    def size_um(self, finding: Finding) -> float:
        """The size of a mark that this limit is about."""
        return finding.candidate.width_um if self.is_scratch else finding.candidate.diameter_um


def zones_crossed(candidate: Candidate, criteria: Criteria) -> tuple[Zone, ...]:
    """The zones between the mark's nearest and farthest point, from the inside out; empty outside all of them."""
    check_kind(candidate, Candidate, "candidate")
    check_kind(criteria, Criteria, "criteria")
    return tuple(
        zone
        for zone in criteria.zones
        if candidate.nearest_um <= zone.outer_radius_um
        and (zone.inner_um == 0 or max(candidate.farthest_um, candidate.nearest_um) > zone.inner_radius_um)
    )


def zone_of(candidate: Candidate, label: str, criteria: Criteria) -> str:
    """Name of the innermost zone that the mark touches, or "" outside all of them and for `clean`."""
    touched = () if label == CLEAN else zones_crossed(candidate, criteria)
    return touched[0].name if touched else ""


def judge(findings: Sequence[Finding], criteria: Criteria, n_cleanings: int = 0) -> Verdict:
    """PASS, FAIL or UNREADABLE, with a reason for each limit exceeded, and what to do next.

    Args:
        findings: named candidates of one fibre; their own `zone` is not looked at.
        criteria: the profile.
        n_cleanings: how often this connector was cleaned before this look.

    Returns:
        Reasons from the inner zone outwards, within a zone the largest first; none on PASS. The advice on PASS is
        empty, unless contamination is there to be removed, a mark is within its uncertainty of a limit, or the
        profile is not confirmed.

    Raises:
        UsageError: a measure of a finding is negative or not a finite number.
    """
    check_number(n_cleanings, "n_cleanings", 0)
    found = breaches(findings, criteria)
    exceeded = [breach for breach in found if breach.size_class is not None]
    reasons = tuple(sentences.reason(breach, findings) for breach in _once_a_mark(found))
    may_clean = n_cleanings < criteria.max_cleanings
    if exceeded:
        dirty = any(findings[i].label in criteria.cleanable for breach in exceeded for i in breach.members)
        return Verdict(Status.FAIL, reasons, ADVICE_CLEAN if dirty and may_clean else ADVICE_REPLACE)
    if found:
        return Verdict(Status.UNREADABLE, reasons, ADVICE_CONFIRM)
    return Verdict(Status.PASS, (), _advice_on_pass(findings, criteria, may_clean))


def judge_badly_seen(
    findings: Sequence[Finding], criteria: Criteria, problems: Sequence[str], n_cleanings: int = 0
) -> Verdict:
    """FAIL for what is certain on a picture that is too bad to pass, else UNREADABLE.

    What is seen badly (cut off, blurred, noisy, dark, pale) withholds PASS alone. A mark fails here only where it
    stands far above the noise, and where its size less its uncertainty, at its place farther out by as much, still
    exceeds the limit.

    Args:
        findings: named candidates of one fibre.
        criteria: the profile.
        problems: what stands against the picture, a sentence each; at least one.
        n_cleanings: how often this connector was cleaned before this look.

    Returns:
        FAIL with the marks' reasons first and the picture's behind them, or UNREADABLE with the picture's.

    Raises:
        UsageError: there is no problem, or a measure of a finding is negative or not a finite number.
    """
    unread = unreadable(problems)
    _check_all(findings, criteria)
    certain = [finding for finding in findings if _is_certain(finding)]
    found = [b for b in breaches([_at_least(f) for f in certain], criteria) if b.size_class is not None]
    if not found:
        return unread
    failed = judge([certain[i] for i in sorted({i for b in found for i in b.members})], criteria, n_cleanings)
    reasons = tuple(sentences.reason(breach, certain) for breach in _once_a_mark(found))
    return Verdict(Status.FAIL, (*reasons, *unread.reasons), failed.advice or ADVICE_REPLACE)


def _is_certain(finding: Finding) -> bool:
    c = finding.candidate
    named = finding.label != UNKNOWN and finding.score >= SURE
    return named and abs(c.contrast_grey) >= max(CERTAIN_SIGMA * c.noise_grey, CERTAIN_GREY)


def _at_least(finding: Finding) -> Finding:
    """The mark as small, and as far out, as its uncertainty allows."""
    c, less_um = finding.candidate, CERTAIN_SPREAD * finding.candidate.uncertainty_um
    smaller = replace(
        c,
        width_um=max(c.width_um - less_um, 0.0),
        diameter_um=max(c.diameter_um - less_um, 0.0),
        nearest_um=c.nearest_um + less_um,
        farthest_um=max(c.farthest_um, c.nearest_um + less_um),
    )
    return replace(finding, candidate=smaller)


def _once_a_mark(found: Sequence[Breach]) -> list[Breach]:
    """The breaches less those that say of a mark in a zone a second time, by the other reading, that it fails."""
    told: set[tuple[str, tuple[int, ...]]] = set()
    once = []
    for breach in found:
        if (breach.zone.name, breach.members) not in told:
            told.add((breach.zone.name, breach.members))
            once.append(breach)
    return once


def unreadable(problems: Iterable[str]) -> Verdict:
    """UNREADABLE, with one reason for each problem of the picture; at least one is expected.

    Raises:
        UsageError: there is no problem, so nothing says why the picture cannot be judged.
    """
    problems = items_of(problems, "problems")
    check_each(problems, str, "problems")
    reasons = tuple(Reason(zone="", label="picture", size_um=None, limit="", text=text) for text in problems)
    if not reasons:
        raise UsageError("unreadable() without a problem; expected at least one sentence that says why")
    return Verdict(Status.UNREADABLE, reasons, ADVICE_RETAKE)


def connector_status(verdicts: Iterable[Verdict]) -> Status:
    """What the verdicts of all its fibres make of a connector.

    One failing fibre fails it; else one unreadable fibre, or none at all, leaves it UNREADABLE.
    """
    verdicts = items_of(verdicts, "verdicts")
    check_each(verdicts, Verdict, "verdicts")
    statuses = [verdict.status for verdict in verdicts]
    if Status.FAIL in statuses:
        return Status.FAIL
    return Status.UNREADABLE if Status.UNREADABLE in statuses or not statuses else Status.PASS


def breaches(findings: Sequence[Finding], criteria: Criteria) -> tuple[Breach, ...]:
    """Every limit that is exceeded or not known, from the inner zone outwards; empty when the face passes.

    Raises:
        UsageError: a measure of a finding is negative or not a finite number.
    """
    _check_all(findings, criteria)
    # Marks share a count when they share zone, limit and class of size.
    counted: dict[tuple[int, Reading, int], list[tuple[int, Reading]]] = {}
    for i, finding in enumerate(findings):
        _check(finding, i)
        for z, reading in _judged(finding, criteria):
            zone = criteria.zones[z]
            own = reading.label if reading.label in zone.labels or reading.is_scratch else ""
            limit = zone.limit_for(reading.label)
            c = limit.classes.index(limit.class_of(reading.size_um)) if limit.known else -1
            counted.setdefault((z, Reading(own, reading.is_scratch, 0.0), c), []).append((i, reading))
    out: list[Breach] = []
    for (z, rule, c), members in counted.items():
        zone = criteria.zones[z]
        limit = zone.limit_for(rule.label)
        size_class = None if c < 0 else limit.classes[c]
        if size_class is not None and (size_class.n_allowed is None or len(members) <= size_class.n_allowed):
            continue
        largest_first = tuple(i for i, _ in sorted(members, key=lambda member: -member[1].size_um))
        one_by_one = size_class is None or size_class.n_allowed == 0
        groups = [(i,) for i in largest_first] if one_by_one else [largest_first]
        out += [Breach(zone, limit, size_class, group, rule.is_scratch) for group in groups]
    order = {zone.name: i for i, zone in enumerate(criteria.zones)}
    return tuple(
        sorted(
            out,
            key=lambda b: (
                b.size_class is None,
                order[b.zone.name],
                len(b.members) > 1,
                -b.size_um(findings[b.members[0]]),
                b.members,
                b.is_scratch != (findings[b.members[0]].label == SCRATCH),
            ),
        )
    )


def tightest(findings: Sequence[Finding], criteria: Criteria) -> tuple[Finding, Reason] | None:
    """The mark that comes closest to a size from which on none is allowed, and by how much; None if none has one.

    Counts are not sizes and do not take part. On a tie the first finding is taken.

    Raises:
        UsageError: a measure of a finding is negative or not a finite number.
    """
    _check_all(findings, criteria)
    best: tuple[Finding, Reason] | None = None
    for i, finding in enumerate(findings):
        _check(finding, i)
        for z, reading in _judged(finding, criteria):
            zone, size = criteria.zones[z], reading.size_um
            limit = zone.limit_for(reading.label)
            ceiling = limit.ceiling_um(size)
            if ceiling is None or (best is not None and ceiling - size >= (best[1].margin_um or 0.0)):
                continue
            margin = ceiling - size
            text = (
                f"zone {zone.name}: {sentences.what(finding, reading.is_scratch, ceiling)}, {margin:.1f} um under the "
                f"limit of {ceiling:g} um{sentences.within(margin, finding)}"
            )
            best = finding, Reason(zone.name, finding.label, size, limit.text, text, margin)
    return best


def _check_all(findings: Sequence[Finding], criteria: Criteria) -> None:
    check_each(findings, Finding, "findings")
    check_kind(criteria, Criteria, "criteria")


def _judged(finding: Finding, criteria: Criteria) -> list[tuple[int, Reading]]:
    """Indices of the zones whose limits the mark is held against, each with how it is read there."""
    crossed = {zone.name for zone in zones_crossed(finding.candidate, criteria)}
    out: list[tuple[int, Reading]] = []
    for reading in readings(finding):
        graded = [
            z for z, zone in enumerate(criteria.zones) if zone.name in crossed and zone.limit_for(reading.label).graded
        ]
        out += [(z, reading) for z in (graded if reading.is_scratch else graded[:1])]
    return out


def _check(finding: Finding, i: int) -> None:
    """A measure that is not a number compares false with every limit, and would pass."""
    c = finding.candidate
    check_kind(c, Candidate, f"finding {i}: candidate")
    check_kind(finding.label, str, f"finding {i}: label")
    for name in ("width_um", "diameter_um", "nearest_um", "farthest_um", "uncertainty_um"):
        value = getattr(c, name)
        if not is_number(value, 0, LARGEST):
            told = f"finding {i} ({finding.label}): {name} = {described(value)}"
            raise UsageError(f"{told}; expected a finite number from 0")


def _advice_on_pass(findings: Sequence[Finding], criteria: Criteria, may_clean: bool) -> str:
    parts = []
    if may_clean and any(f.label == CONTAMINATION and _judged(f, criteria) for f in findings):
        parts.append("within the limits, but contamination is to be removed: clean before mating")
    close = tightest(findings, criteria)
    if close is not None and (close[1].margin_um or 0.0) < close[0].candidate.uncertainty_um:
        parts.append(f"a close call: {close[1].text}")
    if not criteria.is_confirmed:
        parts.append(ADVICE_CONFIRM)
    return "; ".join(parts)
