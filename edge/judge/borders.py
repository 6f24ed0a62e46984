"""Marks that are close to a border, of a size or of a zone: which side they count on.

A measurement has an uncertainty, and a limit has none. A decision rule says what becomes of a mark that the
measurement cannot put on one side (JCGM 106, ISO 14253-1). A profile chooses it by `borderline`:

- `guarded`, unless a profile says otherwise: a size within the band around a limit counts as over it, so that what
  passes is below it for sure. A mark that reaches into a zone by no more than the band counts in the next one outwards:
  IEC 61300-3-35 draws its zones wider than what they protect.
- `simple`: sizes and places count as they were measured.
- `strict`: a size within the band counts as over the limit, and a mark that may reach into a zone counts in it.
"""

from __future__ import annotations

from edge.judge.limits import Limit, SizeClass
from edge.judge.profile_file import GUARDED, SIMPLE, STRICT
from edge.judge.profiles import Criteria
from edge.records import Candidate

BAND_SIGMA = 2.0
"""Half the band around a size, in sigmas of the measurement: they hold 95 % of all errors."""
PLACE_SIGMA = 1.0
"""The same around a zone's border: a diameter has two edges, of which one lies at the border."""
MOST_PLACE_UM = 0.5
"""No picture is so bad that a mark may reach farther into a zone and not count there."""
BARELY_SHOWS_SIGMA = 7.0
"""Contrast over noise up to which a mark barely shows: the detector proposes from 5 sigma on, and noise moves that by
2 sigma."""

_OUTWARDS = {GUARDED: 1.0, SIMPLE: 0.0, STRICT: -1.0}


def size_band_um(candidate: Candidate) -> float:
    """How far a size may be off, to 95 %."""
    return BAND_SIGMA * candidate.uncertainty_um


def place_band_um(candidate: Candidate) -> float:
    """How far a mark's nearest point may be off, to 95 %."""
    return min(PLACE_SIGMA * candidate.uncertainty_um, MOST_PLACE_UM)


def placed(candidate: Candidate, criteria: Criteria) -> tuple[float, float]:
    """From where to where a mark counts, um from the cladding's centre."""
    nearest = max(candidate.nearest_um + _OUTWARDS[criteria.borderline] * place_band_um(candidate), 0.0)
    return nearest, max(candidate.farthest_um, nearest)


def class_of(limit: Limit, size_um: float, candidate: Candidate, criteria: Criteria) -> SizeClass:
    """The class of sizes that a mark counts in: its own, or the strictest of those that its band reaches."""
    own = limit.class_of(size_um)
    if criteria.borderline == SIMPLE:
        return own
    band = size_band_um(candidate)
    first, last = limit.class_of(max(size_um - band, 0.0)), limit.class_of(size_um + band)
    reached = limit.classes[limit.classes.index(first) : limit.classes.index(last) + 1]
    strictest = min(reached, key=_allowance)
    return own if _allowance(own) == _allowance(strictest) else strictest


def _allowance(size_class: SizeClass) -> float:
    return float("inf") if size_class.n_allowed is None else size_class.n_allowed


def is_close(size_um: float, size_class: SizeClass, candidate: Candidate) -> bool:
    """Whether the uncertainty could put a mark out of the class that it is held against, at its lower end."""
    return size_class.low_um > 0 and size_um - size_band_um(candidate) < size_class.low_um


def barely_shows(candidate: Candidate) -> bool:
    """Whether it is a close call that there is a mark at all."""
    return abs(candidate.contrast_grey) < BARELY_SHOWS_SIGMA * candidate.noise_grey
