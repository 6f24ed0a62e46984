"""Single-mode or multimode: what the core tells of the fibre, and whether a profile was made for it.

A single-mode core has 8 to 10 um (IEC 60793-2-50), a multimode one 50, 62.5 or more (IEC 60793-2-10). Zone A of a
single-mode profile is 25 um wide: it would judge half of a multimode core by the limits of the cladding.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from edge.judge.profile_file import MULTIMODE, SINGLE_MODE
from edge.judge.profiles import Criteria, list_criteria, load_criteria
from edge.records import EndFace, Identity

AUTO = "auto"
"""Stands for the profile that fits the fibre."""
DEFAULT_CRITERIA = AUTO
AUTO_PROFILES: Mapping[tuple[str, bool], str] = {
    (SINGLE_MODE, False): "iec-61300-3-35-2015-sm-upc",
    (MULTIMODE, False): "iec-61300-3-35-2015-mm",
    (SINGLE_MODE, True): "iec-61300-3-35-2015-mpo-sm",
    (MULTIMODE, True): "iec-61300-3-35-2015-mpo-mm",
}
"""By the kind of fibre, and by whether the picture shows several."""

_LARGEST_SINGLE_MODE_UM, _SMALLEST_MULTIMODE_UM = 15.0, 40.0
_SURE = 0.2
"""Confidence from which on a core's edge is believed: on 84 real faces none is wrong from here on."""


def fibre_kind(face: EndFace) -> str | None:
    """`single-mode` or `multimode`; None where the core does not tell."""
    core_um = core_diameter_um(face)
    if core_um is None or face.core_confidence < _SURE:
        return None
    if core_um <= _LARGEST_SINGLE_MODE_UM:
        return SINGLE_MODE
    return MULTIMODE if core_um >= _SMALLEST_MULTIMODE_UM else None


def core_diameter_um(face: EndFace) -> float | None:
    """Diameter of the core; None where it cannot be seen."""
    return None if face.core_r_px is None else 2 * face.core_r_px * face.um_per_px


def fibre_problem(face: EndFace, criteria: Criteria) -> str | None:
    """What does not fit where the core is not that of the profile's fibre; None where it fits, or nobody can tell."""
    kind = fibre_kind(face)
    if kind is None or criteria.fibre is None or kind == criteria.fibre:
        return None
    other = _counterpart(criteria.identity.name.partition("[")[0], kind)
    use = f"--criteria {other}" if other else f"a {kind} profile"
    return f"wrong profile: this looks like {kind} (core {core_diameter_um(face):.0f} um across): use {use}"


def _counterpart(name: str, kind: str) -> str | None:
    """The shipped profile that is the same one for the other kind of fibre."""
    stem, shipped = name, list_criteria()
    for tail in ("-upc", "-apc"):
        stem = stem.removesuffix(tail)
    if kind == MULTIMODE:
        candidates = [stem.removesuffix("-sm") + "-mm"]
    else:
        candidates = [stem.removesuffix("-mm") + tail for tail in ("-sm-upc", "-sm")]
    return next((candidate for candidate in candidates if candidate in shipped), None)


@dataclass(frozen=True)
class Auto:
    """The profile that fits the fibre, whichever it is.

    Attributes:
        profiles: what it chooses from, by kind of fibre and by whether the picture shows several.
    """

    profiles: Mapping[tuple[str, bool], Criteria]

    @property
    def identity(self) -> Identity:
        """What it is called where it has not chosen: its name, and a hash over those of its profiles."""
        all_of_them = "".join(profile.identity.sha256 for profile in self.profiles.values())
        return Identity(AUTO, hashlib.sha256(all_of_them.encode()).hexdigest())

    @property
    def title(self) -> str:
        """One line for people."""
        return "single mode or multimode by the core, one fibre or several: a profile of the 2015 edition"

    @property
    def is_confirmed(self) -> bool:
        """Whether all of its profiles are."""
        return all(profile.is_confirmed for profile in self.profiles.values())

    @property
    def text(self) -> str:
        """For people: what it chooses when."""
        rows = [
            f"{kind}, {'several fibres' if several else 'one fibre'}: {profile.identity.name}"
            for (kind, several), profile in self.profiles.items()
        ]
        unknown = "no core that tells: FAIL where both kinds of profile fail, else UNREADABLE"
        return "\n".join([f"{AUTO}: {self.title}", f"sha256 {self.identity.sha256}", "", *rows, unknown])

    @property
    def cladding_um(self) -> float:
        """That of its profiles, which is one."""
        return next(iter(self.profiles.values())).cladding_um

    @property
    def fibres(self) -> int | None:
        """Any number."""
        return None

    def restricted(self, names: Sequence[str]) -> Auto:
        """With these zones alone, as `Criteria.restricted`; a profile for several fibres has fewer zones.

        Raises:
            UsageError: the profile for a single fibre has no such zone, or none is named.
        """
        first = self.profiles[SINGLE_MODE, False].restricted(names)
        known = [zone.name for zone in first.zones]
        left = {}
        for key, profile in self.profiles.items():
            own = [zone.name for zone in profile.zones if zone.name in known]
            left[key] = profile.restricted(own) if own else profile
        return Auto(left)


def load_auto() -> Auto:
    """`auto` with the profiles that ship."""
    return Auto({key: load_criteria(name) for key, name in AUTO_PROFILES.items()})


def load_any(name_or_path: str) -> Criteria | Auto:
    """`auto`, or what `load_criteria` gives.

    Raises:
        UsageError: as `load_criteria`.
    """
    return load_auto() if name_or_path == AUTO else load_criteria(name_or_path)


def open_profiles(criteria: Criteria | Auto, face: EndFace, several: bool) -> tuple[Criteria, ...]:
    """The profiles that a fibre may have to be judged by: one, or both kinds where `auto` cannot tell.

    Args:
        criteria: a profile, or `auto`.
        face: the fibre.
        several: whether the picture shows more than this one.
    """
    if isinstance(criteria, Criteria):
        return (criteria,)
    kind = fibre_kind(face)
    kinds = (SINGLE_MODE, MULTIMODE) if kind is None else (kind,)
    return tuple(criteria.profiles[kind, several] for kind in kinds)


def profile_of(criteria: Criteria | Auto, identity: Identity) -> Criteria:
    """The profile of this identity among those of `criteria`; for any other the first."""
    if isinstance(criteria, Criteria):
        return criteria
    profiles = list(criteria.profiles.values())
    return next((profile for profile in profiles if profile.identity == identity), profiles[0])
