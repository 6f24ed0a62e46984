"""Which limits are exceeded, by which marks: the profile's zones and limits held against findings.

Rules of IEC 61300-3-35 that no table shows, as reprints and the BICSI slides tell them:

- A scratch is held against its limit by its width, every other mark (dig, chip, contamination, unknown, or
  whatever else a model calls it) by the diameter of the smallest circle that holds it. `clean` is no mark. A name
  that the mark's shape does not bear out does not choose the rule: then both are held (`edge.judge.readings`).
- A scratch is judged in each zone it crosses. Any other mark counts wholly in the innermost zone it touches.
- Touching is not strict: a mark whose nearest point lies exactly on a zone's outer edge touches that zone. A
  scratch that ends exactly on a zone's inner edge does not cross that zone: the edge belongs to the inner one.
- A mark that is as close to a border, of sizes or of zones, as its uncertainty counts as the profile's rule says
  (`edge.judge.borders`).
- A zone that is `not graded` for a label does not exist for it: the mark counts in the next zone it touches.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from edge.arguments import LARGEST, check_each, check_kind, described, is_number
from edge.errors import UsageError
from edge.judge.borders import class_of, placed
from edge.judge.limits import Limit, SizeClass
from edge.judge.profiles import Criteria, Zone
from edge.judge.readings import Reading, readings
from edge.labels import CLEAN, SCRATCH
from edge.records import Candidate, Finding


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
    """The zones between the mark's nearest and farthest point, from the inside out; empty outside all of them.

    At a border the profile's rule for it decides (`edge.judge.borders`).
    """
    check_kind(candidate, Candidate, "candidate")
    check_kind(criteria, Criteria, "criteria")
    nearest, farthest = placed(candidate, criteria)
    return tuple(
        zone
        for zone in criteria.zones
        if nearest <= zone.outer_radius_um and (zone.inner_um == 0 or farthest > zone.inner_radius_um)
    )


def zone_of(candidate: Candidate, label: str, criteria: Criteria) -> str:
    """Name of the innermost zone that the mark touches, or "" outside all of them and for `clean`."""
    touched = () if label == CLEAN else zones_crossed(candidate, criteria)
    return touched[0].name if touched else ""


def breaches(findings: Sequence[Finding], criteria: Criteria) -> tuple[Breach, ...]:
    """Every limit that is exceeded or not known, from the inner zone outwards; empty when the face passes.

    Raises:
        UsageError: a measure of a finding is negative or not a finite number.
    """
    check_findings(findings, criteria)
    # Marks share a count when they share zone, limit and class of size.
    counted: dict[tuple[int, Reading, int], list[tuple[int, Reading]]] = {}
    for i, finding in enumerate(findings):
        for z, reading in judged(finding, criteria):
            zone = criteria.zones[z]
            own = reading.label if reading.label in zone.labels or reading.is_scratch else ""
            limit = zone.limit_for(reading.label)
            c = (
                limit.classes.index(class_of(limit, reading.size_um, finding.candidate, criteria))
                if limit.known
                else -1
            )
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


def once_a_mark(found: Sequence[Breach]) -> list[Breach]:
    """The breaches less those that say of a mark in a zone a second time, by the other reading, that it fails."""
    told: set[tuple[str, tuple[int, ...]]] = set()
    once = []
    for breach in found:
        if (breach.zone.name, breach.members) not in told:
            told.add((breach.zone.name, breach.members))
            once.append(breach)
    return once


def fails_anyway(finding: Finding, criteria: Criteria) -> bool:
    """Whether a mark fails by itself whichever way it is read, as a scratch or as a defect."""
    failing: set[bool] = set()
    for z, reading in judged(finding, criteria):
        limit = criteria.zones[z].limit_for(reading.label)
        if limit.known and class_of(limit, reading.size_um, finding.candidate, criteria).n_allowed == 0:
            failing.add(reading.is_scratch)
    return failing == {True, False}


def judged(finding: Finding, criteria: Criteria) -> list[tuple[int, Reading]]:
    """Indices of the zones whose limits the mark is held against, each with how it is read there."""
    crossed = {zone.name for zone in zones_crossed(finding.candidate, criteria)}
    out: list[tuple[int, Reading]] = []
    for reading in readings(finding):
        graded = [
            z for z, zone in enumerate(criteria.zones) if zone.name in crossed and zone.limit_for(reading.label).graded
        ]
        out += [(z, reading) for z in (graded if reading.is_scratch else graded[:1])]
    return out


def check_findings(findings: Sequence[Finding], criteria: Criteria) -> None:
    """Raises UsageError unless these are findings whose measures are numbers from 0, and a profile."""
    check_each(findings, Finding, "findings")
    check_kind(criteria, Criteria, "criteria")
    for i, finding in enumerate(findings):
        _check(finding, i)


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
