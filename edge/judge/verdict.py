"""The judge: what the exceeded limits make of a face, and what to do next.

How marks are held against limits is told in `edge.judge.breaches`. Beyond that:

- Contamination can be cleaned away, so it is a reason to clean and look again, until the profile's number of
  cleanings is reached; what then remains is the connector's own.
- What has no limit cannot pass: a mark whose limit is `to be confirmed` makes the face UNREADABLE, unless
  something else fails it.

A mark more never makes a verdict better: every limit allows a count that marks can only raise.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from edge.arguments import check_each, check_number, items_of
from edge.errors import UsageError
from edge.judge import sentences
from edge.judge.borders import size_band_um
from edge.judge.breaches import breaches, check_findings, fails_anyway, judged, once_a_mark, zones_crossed
from edge.judge.profile_file import SIMPLE, STRICT
from edge.judge.profiles import Criteria
from edge.judge.readings import SURE, SURE_CLEAN
from edge.labels import CLEAN, CONTAMINATION, UNKNOWN
from edge.records import Finding, Reason, Status, Verdict

CERTAIN_SIGMA = 15.0
"""Contrast over noise from which on a mark is certain on a picture that is otherwise too bad."""
CERTAIN_GREY = 20.0
"""The same in grey levels."""

ADVICE_CLEAN = "clean and inspect again"
ADVICE_REPLACE = "re-polish or replace"
ADVICE_RETAKE = "take the picture again"
ADVICE_WIDER = "show more around the fibre"
ADVICE_CALIBRATE = "check the calibration"
ADVICE_PROFILE = "judge it by the profile of its fibre"
ADVICE_CLOSE = "a close call"
ADVICE_CONFIRM = "confirm the limits against your copy of the standard"


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
    reasons = tuple(sentences.reason(breach, findings) for breach in once_a_mark(found))
    may_clean = n_cleanings < criteria.max_cleanings
    if exceeded:
        dirty = any(findings[i].label in criteria.cleanable for breach in exceeded for i in breach.members)
        advice = ADVICE_CLEAN if dirty and may_clean else ADVICE_REPLACE
        close = f"; {ADVICE_CLOSE}" if all(reason.close_call for reason in reasons) else ""
        return Verdict(Status.FAIL, reasons, advice + close)
    if found:
        return Verdict(Status.UNREADABLE, reasons, ADVICE_CONFIRM)
    return Verdict(Status.PASS, (), _advice_on_pass(findings, criteria, may_clean))


def judge_badly_seen(
    findings: Sequence[Finding],
    criteria: Criteria,
    problems: Sequence[str],
    n_cleanings: int = 0,
    unseen: Mapping[str, float] | None = None,
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
        unseen: zones that are not wholly in view, if that is all that stands against the picture.

    Returns:
        FAIL with the marks' reasons first and the picture's behind them, or UNREADABLE with the picture's.

    Raises:
        UsageError: there is no problem, or a measure of a finding is negative or not a finite number.
    """
    unread = unreadable(problems)
    check_findings(findings, criteria)
    measured = replace(criteria, borderline=SIMPLE)  # the marks themselves are made smaller
    if unseen and len(unseen) == len(problems):
        unread = _partly_seen(findings, criteria, problems, unseen)
    certain = [finding for finding in findings if _is_certain(finding, measured)]
    found = [b for b in breaches([_at_least(f) for f in certain], measured) if b.size_class is not None]
    if not found:
        return unread
    failed = judge([certain[i] for i in sorted({i for b in found for i in b.members})], criteria, n_cleanings)
    reasons = tuple(sentences.reason(breach, certain) for breach in once_a_mark(found))
    return Verdict(Status.FAIL, (*reasons, *unread.reasons), failed.advice or ADVICE_REPLACE)


def _partly_seen(
    findings: Sequence[Finding], criteria: Criteria, problems: Sequence[str], unseen: Mapping[str, float]
) -> Verdict:
    """UNREADABLE for want of some zones alone: what is in view is told beside it, and how to judge that."""
    bad = {breach.zone.name for breach in breaches(findings, criteria)}
    seen = [ring.name for ring in criteria.judged_rings if ring.name not in unseen]
    if not seen or bad:
        return unreadable(problems)
    told = f"{sentences.listed(seen)} in view and clean"
    advice = f"{ADVICE_WIDER}; or judge what is in view: --zones {','.join(seen)}"
    return unreadable([f"{'; '.join(problems)}; {told}"], advice)


def _is_certain(finding: Finding, criteria: Criteria) -> bool:
    """Whether a mark may fail where the picture is bad: it stands out, and its name is sure or makes no difference."""
    c = finding.candidate
    if abs(c.contrast_grey) < max(CERTAIN_SIGMA * c.noise_grey, CERTAIN_GREY):
        return False
    if finding.label != UNKNOWN and finding.score >= SURE:
        return True
    return finding.scores.get(CLEAN, 0.0) <= 1 - SURE_CLEAN and fails_anyway(_at_least(finding), criteria)


def _at_least(finding: Finding) -> Finding:
    """The mark as small, and as far out, as its uncertainty allows."""
    c, less_um = finding.candidate, size_band_um(finding.candidate)
    smaller = replace(
        c,
        width_um=max(c.width_um - less_um, 0.0),
        diameter_um=max(c.diameter_um - less_um, 0.0),
        nearest_um=c.nearest_um + less_um,
        farthest_um=max(c.farthest_um, c.nearest_um + less_um),
    )
    return replace(finding, candidate=smaller)


def unreadable(problems: Iterable[str], advice: str = ADVICE_RETAKE) -> Verdict:
    """UNREADABLE, with one reason for each problem of the picture, and what to do; at least one problem is expected.

    Raises:
        UsageError: there is no problem, so nothing says why the picture cannot be judged.
    """
    problems = items_of(problems, "problems")
    check_each(problems, str, "problems")
    reasons = tuple(Reason(zone="", label="picture", size_um=None, limit="", text=text) for text in problems)
    if not reasons:
        raise UsageError("unreadable() without a problem; expected at least one sentence that says why")
    return Verdict(Status.UNREADABLE, reasons, advice)


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


def tightest(findings: Sequence[Finding], criteria: Criteria) -> tuple[Finding, Reason] | None:
    """The mark that comes closest to a size from which on none is allowed, and by how much; None if none has one.

    Counts are not sizes and do not take part. On a tie the first finding is taken.

    Raises:
        UsageError: a measure of a finding is negative or not a finite number.
    """
    check_findings(findings, criteria)
    best: tuple[Finding, Reason] | None = None
    for finding in findings:
        for z, reading in judged(finding, criteria):
            zone, size = criteria.zones[z], reading.size_um
            limit = zone.limit_for(reading.label)
            ceiling = limit.ceiling_um(size)
            if ceiling is None or (best is not None and ceiling - size >= (best[1].margin_um or 0.0)):
                continue
            margin = ceiling - size
            text = (
                f"zone {zone.name}: {sentences.what(finding, reading.is_scratch, ceiling)}, {margin:.1f} um under the "
                f"limit of {ceiling:g} um"
            )
            best = finding, Reason(zone.name, finding.label, size, limit.text, text, margin)
    return best


def _advice_on_pass(findings: Sequence[Finding], criteria: Criteria, may_clean: bool) -> str:
    parts = []
    if may_clean and any(f.label == CONTAMINATION and judged(f, criteria) for f in findings):
        parts.append("within the limits, but contamination is to be removed: clean before mating")
    if close := _close_call(findings, criteria):
        parts.append(f"{ADVICE_CLOSE}: {close}")
    if not criteria.is_confirmed:
        parts.append(ADVICE_CONFIRM)
    return "; ".join(parts)


def _close_call(findings: Sequence[Finding], criteria: Criteria) -> str:
    """What the uncertainty could turn on a face that passes, or ""."""
    near = tightest(findings, criteria)
    if near is not None and (near[1].margin_um or 0.0) < size_band_um(near[0].candidate):
        return f"{near[1].text}, +-{size_band_um(near[0].candidate):.2g} um"
    found = [b for b in breaches(findings, replace(criteria, borderline=STRICT)) if b.size_class is not None]
    if not found:
        return ""
    breach = found[0]
    shifted = [i for i in breach.members if breach.zone not in zones_crossed(findings[i].candidate, criteria)]
    text = sentences.reason(breach, findings).text.partition(";")[0]
    where = sentences.close_to_edge(findings[shifted[0]], breach.zone) if shifted else "within the uncertainty"
    return f"{text}; it lies {where}"
