"""How well verdicts agree with right ones, as attribute studies of measurement systems tell it.

A false PASS (a miss) lets a bad connector through, a false FAIL (a false alarm) rejects a good one. Their rates come
with the upper end of a one-sided 95 % interval (C. J. Clopper and E. S. Pearson, Biometrika 26(4), 1934), because no
error in 30 pictures does not mean that there is none in 1,000. Kappa is J. Cohen's (Educational and Psychological
Measurement 20(1), 1960). Limits are those of AIAG, Measurement Systems Analysis, 4th edition, on attribute studies.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from edge.records import Inspection, Status
from edge.validation.truth import Truth

CONFIDENCE = 0.95
ACCEPTABLE, MARGINAL, UNACCEPTABLE = "acceptable", "marginal", "unacceptable"
# AIAG MSA, 4th edition: effectiveness, miss rate, false alarm rate
_EFFECTIVENESS = (0.90, 0.80)
_MISS_RATE = (0.02, 0.05)
_FALSE_ALARM_RATE = (0.05, 0.10)


@dataclass(frozen=True, slots=True)
class Case:
    """One picture.

    Attributes:
        source: its path.
        truth: what is right.
        status: what Ferrule said of the connector.
        inspections: one for each fibre; empty where the picture could not be read.
        problem: why it could not; "" where it could.
    """

    source: str
    truth: Truth
    status: Status
    inspections: tuple[Inspection, ...] = ()
    problem: str = ""

    @property
    def agrees(self) -> bool:
        """Whether Ferrule said what is right."""
        return self.status is self.truth.status

    @property
    def reasons(self) -> list[str]:
        """Why Ferrule said it, of all fibres, and why the picture could not be read."""
        told = [reason.text for look in self.inspections for reason in look.verdict.reasons]
        return [*told, self.problem] if self.problem else told


@dataclass(frozen=True, slots=True)
class Rate:
    """How often something happened.

    Attributes:
        n: how often.
        of: out of how many.
        upper: the upper end of a one-sided 95 % interval, 0..1; 1 where `of` is 0.
        grade: by AIAG's limits on the rate itself; "" where there are none.
    """

    n: int
    of: int
    upper: float
    grade: str = ""

    @property
    def share(self) -> float | None:
        """n / of; None where `of` is 0."""
        return self.n / self.of if self.of else None


@dataclass(frozen=True, slots=True)
class Agreement:
    """What a validation shows.

    Attributes:
        counts: (truth, said) and how many pictures that is; truth is PASS or FAIL.
        false_pass: bad connectors that passed, of all bad ones.
        false_fail: good connectors that failed, of all good ones.
        unreadable: pictures without a verdict, of all.
        effective: right verdicts, of all; its `upper` is that of the errors' share subtracted from 1, a lower end.
        kappa: of the pictures that got a verdict; None where all are of one kind and said to be.
    """

    counts: dict[tuple[Status, Status], int]
    false_pass: Rate
    false_fail: Rate
    unreadable: Rate
    effective: Rate
    kappa: float | None


def agreement_of(cases: Sequence[Case]) -> Agreement:
    """The figures of at least one case."""
    counts = {(truth, said): 0 for truth in (Status.PASS, Status.FAIL) for said in Status}
    for case in cases:
        counts[case.truth.status, case.status] += 1
    n_good, n_bad = (sum(counts[truth, said] for said in Status) for truth in (Status.PASS, Status.FAIL))
    n_right = counts[Status.PASS, Status.PASS] + counts[Status.FAIL, Status.FAIL]
    n_unreadable = counts[Status.PASS, Status.UNREADABLE] + counts[Status.FAIL, Status.UNREADABLE]
    return Agreement(
        counts=counts,
        false_pass=_rate(counts[Status.FAIL, Status.PASS], n_bad, _MISS_RATE),
        false_fail=_rate(counts[Status.PASS, Status.FAIL], n_good, _FALSE_ALARM_RATE),
        unreadable=_rate(n_unreadable, len(cases)),
        effective=_effective(n_right, len(cases)),
        kappa=_kappa(counts),
    )


def _rate(n: int, of: int, limits: tuple[float, float] | None = None) -> Rate:
    grade = "" if limits is None or of == 0 else _graded(n / of <= limits[0], n / of <= limits[1])
    return Rate(n, of, upper_bound(n, of), grade)


def _effective(n: int, of: int) -> Rate:
    grade = "" if of == 0 else _graded(n / of >= _EFFECTIVENESS[0], n / of >= _EFFECTIVENESS[1])
    return Rate(n, of, 1 - upper_bound(of - n, of), grade)


def _graded(acceptable: bool, marginal: bool) -> str:
    return ACCEPTABLE if acceptable else MARGINAL if marginal else UNACCEPTABLE


def _kappa(counts: dict[tuple[Status, Status], int]) -> float | None:
    """Cohen's kappa of PASS and FAIL."""
    kinds = (Status.PASS, Status.FAIL)
    n = sum(counts[truth, said] for truth in kinds for said in kinds)
    if n == 0:
        return None
    observed = sum(counts[kind, kind] for kind in kinds) / n
    by_chance = sum(
        sum(counts[kind, said] for said in kinds) * sum(counts[truth, kind] for truth in kinds) for kind in kinds
    ) / (n * n)
    return None if by_chance == 1 else (observed - by_chance) / (1 - by_chance)


def upper_bound(n: int, of: int, confidence: float = CONFIDENCE) -> float:
    """The upper end of the one-sided Clopper-Pearson interval of n out of `of`: 1 where all are, or there are none.

    The largest share at which so few would still be seen in 1 - confidence of all studies.
    """
    if n >= of:
        return 1.0
    low, high = n / of, 1.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if _at_most(n, of, middle) > 1 - confidence else (low, middle)
    return high


def _at_most(n: int, of: int, share: float) -> float:
    """Probability of at most n out of `of` where each has this probability."""
    if share <= 0:
        return 1.0
    if share >= 1:
        return 0.0
    log, other = math.log(share), math.log1p(-share)
    ways = (math.lgamma(of + 1) - math.lgamma(k + 1) - math.lgamma(of - k + 1) for k in range(n + 1))
    return math.fsum(math.exp(w + k * log + (of - k) * other) for k, w in enumerate(ways))
