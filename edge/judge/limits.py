"""One cell of a table of limits, written the way the standards print it.

A limit is a text such as ``none``, ``no limit``, ``any <=3; none >3`` or ``any <2; 5 of 2 to 5; none >5``.
It divides all sizes from 0 upwards into classes, each of which allows any number, none, or so many::

    limit   = "none" | "no limit" | "any" | "not graded" | "to be confirmed" | clause (";" clause)*
    clause  = ("any" | "none" | N "of") sizes
    sizes   = "<" X | "<=" X | ">" X | ">=" X | X "to" Y | X "to <" Y | "any size"

Clauses stand in rising order and leave neither gap nor overlap. In ``X to Y`` both ends belong to the class,
unless the neighbour claims the end (``5 of 2 to 5; none >=5`` ends below 5). What is below a leading ``none >X``
is allowed; what is above a trailing ``N of`` is not, as the tables mean it (``4 of <=3``: at most four of up to
3 um, none larger). Anything else left unsaid is refused.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, replace
from itertools import pairwise

from edge.errors import UsageError

_NUMBER = r"(\d{1,6}(?:\.\d{1,6})?)"
_CLAUSE = re.compile(
    rf"(?P<what>any|none|(?P<n>\d{{1,6}}) of) ?"
    rf"(?:(?P<sign><=|>=|<|>) ?{_NUMBER}|{_NUMBER} to (?P<below><)? ?{_NUMBER}|(?P<all>any size))"
)
# The longest cell of the tables has 33.
_MOST_CHARACTERS = 300
_EXAMPLES = "'none', 'no limit', 'any <=3; none >3', 'any <2; 5 of 2 to 5; none >5'"


@dataclass(frozen=True, slots=True)
class SizeClass:
    """A range of sizes and how many of them are allowed.

    Attributes:
        low_um: the range's lower end, from 0.
        high_um: its upper end; infinite in the last class.
        has_low: whether a mark of exactly `low_um` belongs to it.
        has_high: whether a mark of exactly `high_um` belongs to it.
        n_allowed: how many marks may be of this size; 0 is none, None is any number.
    """

    low_um: float
    high_um: float
    has_low: bool
    has_high: bool
    n_allowed: int | None

    def holds(self, size_um: float) -> bool:
        """Whether a mark of this size belongs to the class."""
        above = size_um >= self.low_um if self.has_low else size_um > self.low_um
        return above and (size_um <= self.high_um if self.has_high else size_um < self.high_um)

    @property
    def sizes(self) -> str:
        """The range for people: `<2 um`, `2 to 5 um`, `>5 um`, or "" for every size."""
        if math.isinf(self.high_um):
            if self.low_um == 0:
                return ""
            return f"{'>=' if self.has_low else '>'}{self.low_um:g} um"
        if self.low_um == 0:
            return f"{'<=' if self.has_high else '<'}{self.high_um:g} um"
        return f"{self.low_um:g} to {'' if self.has_high else '<'}{self.high_um:g} um"

    @property
    def text(self) -> str:
        """The clause for people: `none >5 um`, `5 of 2 to 5 um`."""
        what = {None: "any", 0: "none"}.get(self.n_allowed, f"{self.n_allowed} of")
        return f"{what} {self.sizes}" if self.sizes else what if self.n_allowed in (None, 0) else f"{what} any size"


@dataclass(frozen=True, slots=True)
class Limit:
    """What a zone allows of one kind of mark.

    Attributes:
        text: the limit as the profile writes it.
        classes: rising classes of size, covering all sizes; empty when not graded or not known.
        graded: False for `not graded`: the zone does not exist for this kind of mark.
        known: False for `to be confirmed`: there is a limit, and the profile does not know it.
    """

    text: str
    classes: tuple[SizeClass, ...]
    graded: bool = True
    known: bool = True

    @property
    def smallest_um(self) -> float | None:
        """The smallest size that counts: 0 where every mark does, even if some are allowed, None where none does."""
        if not self.known:
            return 0.0
        return next((c.low_um for c in self.classes if c.n_allowed is not None), None)

    def class_of(self, size_um: float) -> SizeClass:
        """The class that a mark of this size belongs to.

        Raises:
            ValueError: the size is negative or not a number, or the limit has no classes.
        """
        for size_class in self.classes:
            if size_class.holds(size_um):
                return size_class
        raise ValueError(f"size {size_um} um against the limit {self.text!r}: expected a graded limit and a size >= 0")

    def ceiling_um(self, size_um: float) -> float | None:
        """The smallest size above `size_um` from which on none is allowed; None where there is no such size."""
        return next((c.low_um for c in self.classes if c.n_allowed == 0 and c.low_um >= size_um), None)


def parse_limit(text: str) -> Limit:
    """The limit that a text of this module's grammar means; case, spaces and `um` do not matter.

    Raises:
        UsageError: the text is no limit, or leaves sizes out, or names them twice.
    """
    if len(text) > _MOST_CHARACTERS:
        raise UsageError(
            f"limit {text[:40]!r}... has {len(text)} characters, at most {_MOST_CHARACTERS} are read; "
            f"write it as in {_EXAMPLES}"
        )
    words = re.sub(r"\s+", " ", re.sub(r"\b(um|µm)\b|(?<=\d)(um|µm)\b", "", text.lower())).strip()
    if words == "none":
        return Limit(words, (SizeClass(0.0, math.inf, True, False, 0),))
    if words in ("no limit", "any"):
        return Limit(words, (SizeClass(0.0, math.inf, True, False, None),))
    if words == "not graded":
        return Limit(words, (), graded=False)
    if words == "to be confirmed":
        return Limit(words, (), known=False)
    drafts = [_draft(clause.strip(), text) for clause in re.split(r"[;,]", words)]
    return Limit(words, _joined(drafts, text))


@dataclass(frozen=True, slots=True)
class _Draft:
    """A clause as written: whether an end belongs to it may still be open (None)."""

    low_um: float
    high_um: float
    has_low: bool | None
    has_high: bool | None
    n_allowed: int | None


def _draft(clause: str, text: str) -> _Draft:
    found = _CLAUSE.fullmatch(clause)
    if found is None:
        raise UsageError(f"limit {text!r}: cannot read {clause!r}; write it as in {_EXAMPLES}")
    what, n, sign, one, low, below, high, _ = found.groups()
    n_allowed = int(n) if n else {"any": None, "none": 0}[what]
    if sign in ("<", "<="):
        draft = _Draft(0.0, float(one), True, sign == "<=", n_allowed)
    elif sign in (">", ">="):
        draft = _Draft(float(one), math.inf, sign == ">=", False, n_allowed)
    elif low is not None:
        draft = _Draft(float(low), float(high), True if float(low) == 0 else None, False if below else None, n_allowed)
    else:
        draft = _Draft(0.0, math.inf, True, False, n_allowed)
    if draft.low_um >= draft.high_um or (sign == ">" and draft.low_um == 0):
        raise UsageError(f"limit {text!r}: {clause!r} holds no size; the larger figure comes last and is above 0")
    return draft


def _joined(drafts: list[_Draft], text: str) -> tuple[SizeClass, ...]:
    """Settles the open ends and adds what the tables leave unsaid, or refuses."""
    first, last = drafts[0], drafts[-1]
    if any(a.low_um >= b.low_um for a, b in pairwise(drafts)):
        raise UsageError(f"limit {text!r}: the classes do not rise; write the smallest sizes first")
    if first.low_um > 0 or first.has_low is False:
        if first.n_allowed != 0:
            raise UsageError(
                f"limit {text!r}: says nothing of sizes under {first.low_um:g}; add 'any <{first.low_um:g}'"
            )
        drafts = [_Draft(0.0, first.low_um, True, None, None), *drafts]
    if not math.isinf(last.high_um):
        if last.n_allowed is None:
            raise UsageError(
                f"limit {text!r}: says nothing of sizes over {last.high_um:g}; add 'none >{last.high_um:g}'"
            )
        ends = last.has_high if last.has_high is not None else True
        drafts = [*drafts[:-1], replace(last, has_high=ends), _Draft(last.high_um, math.inf, not ends, False, 0)]
    settled = [drafts[0]]
    for draft in drafts[1:]:
        before, here = settled[-1], draft
        if before.high_um != here.low_um:
            raise UsageError(
                f"limit {text!r}: one class ends at {before.high_um:g} um and the next begins at {here.low_um:g} um; "
                "classes rise and touch"
            )
        if before.has_high is None and here.has_low is not None:
            before = replace(before, has_high=not here.has_low)
        elif here.has_low is None and before.has_high is not None:
            here = replace(here, has_low=not before.has_high)
        if before.has_high is None or before.has_high == here.has_low:
            raise UsageError(
                f"limit {text!r}: exactly {here.low_um:g} um belongs to {'no' if before.has_high is False else 'both'} "
                f"class{'' if before.has_high is False else 'es'}; write '<' or '<=' so that it belongs to one"
            )
        settled[-1:] = [before, here]
    return tuple(SizeClass(d.low_um, d.high_um, bool(d.has_low), bool(d.has_high), d.n_allowed) for d in settled)
