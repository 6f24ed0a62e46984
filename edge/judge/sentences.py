"""Verdicts in words: each reason names the zone, the mark, its size, the limit and the margin."""

from __future__ import annotations

from collections.abc import Sequence

from edge.judge.borders import barely_shows, is_close, place_band_um, size_band_um
from edge.judge.breaches import Breach
from edge.judge.profiles import Criteria, Zone
from edge.labels import CONTAMINATION, SCRATCH, UNKNOWN
from edge.records import Finding, Reason


def reason(breach: Breach, findings: Sequence[Finding]) -> Reason:
    """Why a limit is exceeded, or cannot be held: what was measured, against what, and by how much."""
    zone, size_class = breach.zone, breach.size_class
    doubt = "" if zone.confirmed else " (to be confirmed)"
    members = [findings[i] for i in breach.members]
    first = members[0]
    size = breach.size_um(first)
    other = _other_rule(breach, first)
    if size_class is None:
        text = f"zone {zone.name}: {what(first, breach.is_scratch, 0.0)}, its limit is yours to confirm{other}"
        return Reason(zone.name, first.label, size, breach.limit.text, text)
    if size_class.n_allowed:
        labels = {finding.label for finding in members}
        label = labels.pop() if len(labels) == 1 else "defect"
        sizes = f" of {size_class.sizes}" if size_class.sizes else ""
        wide = " in width" if breach.is_scratch and sizes else ""
        n_close = sum(is_close(breach.size_um(finding), size_class, finding.candidate) for finding in members)
        close = len(members) - n_close <= size_class.n_allowed
        note = f"; a close call: {n_close} as small, within the uncertainty" if close else ""
        text = f"zone {zone.name}: {len(members)} {_plural(label)}{sizes}{wide}, at most {size_class.n_allowed}{doubt}"
        return Reason(zone.name, label, None, size_class.text, text + note, None, close)
    barely = _barely_in(first, zone) or _barely_shows(first)
    if size_class.low_um == 0:
        text = f"zone {zone.name}: {what(first, breach.is_scratch, 0.0)}, none allowed{doubt}{other}{barely}"
        return Reason(zone.name, first.label, size, size_class.text, text, None, bool(barely))
    margin = size_class.low_um - size
    over = f"of {size_class.low_um:g} um or more" if size_class.has_low else f"over {size_class.low_um:g} um"
    close = is_close(size, size_class, first.candidate)
    below = close and not size_class.holds(size)
    rule = f"not surely under the limit of {size_class.low_um:g} um" if below else f"none {over} allowed"
    note = f"; a close call: +-{size_band_um(first.candidate):.2g} um" if close else barely
    text = f"zone {zone.name}: {what(first, breach.is_scratch, size_class.low_um)}, {rule}{doubt}{other}{note}"
    return Reason(zone.name, first.label, size, size_class.text, text, margin, bool(note))


def _other_rule(breach: Breach, finding: Finding) -> str:
    """Says so where the mark is held against a rule that is not its name's."""
    if breach.is_scratch == (finding.label == SCRATCH):
        return ""
    if breach.is_scratch:
        return " (as a scratch, which its shape may be)"
    return " (as a defect: no sure scratch by its shape)"


def what(finding: Finding, is_scratch: bool, limit_um: float) -> str:
    """`scratch 3.4 um wide`, `dig 5.04 um across`: as many digits as it takes to differ from the limit, up to 3."""
    size = finding.candidate.width_um if is_scratch else finding.candidate.diameter_um
    digits = next((d for d in (1, 2) if round(size, d) != limit_um), 1 if size == limit_um else 3)
    return f"{finding.label} {size:.{digits}f} um {'wide' if is_scratch else 'across'}"


def listed(names: Sequence[str]) -> str:
    """`A`, `A and B`, `A, B and C`."""
    return " and ".join(filter(None, (", ".join(names[:-1]), names[-1])))


def _plural(label: str) -> str:
    return {SCRATCH: "scratches", CONTAMINATION: "marks of contamination", UNKNOWN: "unknown marks"}.get(
        label, f"{label}s"
    )


def close_to_edge(finding: Finding, zone: Zone) -> str:
    """`0.2 um inside zone A's edge, +-0.3 um`: where a mark lies that is as close to a border as it is unsure."""
    depth_um = zone.outer_radius_um - finding.candidate.nearest_um
    side = "inside" if depth_um >= 0 else "outside"
    band_um = place_band_um(finding.candidate)
    return f"{abs(depth_um):.2g} um {side} zone {zone.name}'s edge, +-{band_um:.2g} um"


def _barely_in(finding: Finding, zone: Zone) -> str:
    """Says so when the mark reaches into the zone by less than the measurement can tell."""
    c = finding.candidate
    unsure = abs(zone.outer_radius_um - c.nearest_um) < place_band_um(c) and c.farthest_um > zone.outer_radius_um
    return f"; a close call: {close_to_edge(finding, zone)}" if unsure else ""


def _barely_shows(finding: Finding) -> str:
    """Says so when the mark barely stands out of the noise."""
    c = finding.candidate
    return f"; a close call: it barely shows, {abs(c.contrast_grey):.2g} grey levels" if barely_shows(c) else ""


def describe(criteria: Criteria) -> str:
    """The profile for people: a table of zones and limits, then sources, notes and other readings; no final newline."""
    rows = [("zone", "from", "to", "scratches (width)", "defects (diameter)", "besides")]
    for zone in criteria.zones:
        own = "; ".join(f"{label}: {limit.text}" for label, limit in zone.labels.items())
        doubt = "" if zone.confirmed else "to be confirmed"
        rows.append(
            (
                f"{zone.name} {zone.title}".strip(),
                f"{zone.inner_um:g}",
                f"{zone.outer_um:g}",
                zone.scratches.text,
                zone.defects.text,
                "; ".join(x for x in (own, doubt) if x),
            )
        )
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    table = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    table.insert(1, "  ".join("-" * width for width in widths if width))
    lines = [
        f"{criteria.identity.name}: {criteria.title}",
        f"sha256 {criteria.identity.sha256}",
        f"sizes and diameters in um, cladding {criteria.cladding_um:g} um, "
        f"what {criteria.max_cleanings} cleanings leave is permanent",
        "",
        *table,
        "",
        *(f"source: {source}" for source in criteria.sources),
        *(f"zone {zone.name}: {zone.source}" for zone in criteria.zones if zone.source),
        *(f"note: {note}" for note in criteria.notes),
        *(f"other reading, zone {zone.name}: {text}" for zone in criteria.zones for text in zone.disagreements),
    ]
    return "\n".join(lines)
