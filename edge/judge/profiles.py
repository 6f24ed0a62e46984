"""Profiles: a standard's zones and limits as TOML data, shipped or the user's own.

A profile is one file; `docs/criteria.md` describes its keys. Unknown keys, limits that leave sizes out and
labels that nobody declared are refused, because a misspelt limit that is silently ignored passes bad connectors.
"""

from __future__ import annotations

import difflib
import hashlib
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from edge.arguments import check_kind
from edge.bounds import CLADDING_UM, MOST_CLEANINGS, MOST_FIBRES
from edge.errors import UsageError, reason_of
from edge.judge.limits import Limit, parse_limit
from edge.judge.profile_file import GUARDED, ProfileFile, ZoneTable, parse_profile, read_profile
from edge.labels import CLEAN, JUDGED_BY_DIAMETER, SCRATCH
from edge.records import Identity, JudgedRing

FIRST_CRITERIA = "iec-61300-3-35-2015-sm-upc"
STANDARDS_DIR = Path(__file__).parent / "standards"

_OWN_LABEL = re.compile(r"[a-z][a-z0-9_-]{0,31}")
# From dust on the core to four times the diameter of a 2.5 mm ferrule, which no microscope shows at once.
_OUTER_UM = (0.1, 10_000.0)
_SMALLEST_DEFECT_UM = 2.0
_SMALLEST_SCRATCH_UM = 1.0


@dataclass(frozen=True, slots=True)
class Zone:
    """A ring around the centre of the cladding, and what is allowed in it.

    Attributes:
        name: short, such as `A`.
        title: what lies there, such as `core`.
        inner_um: inner diameter: the outer diameter of the zone before; 0 for the first.
        outer_um: outer diameter.
        scratches: the limit on scratches, by width.
        defects: the limit on every other mark, by the diameter of the smallest circle that holds it.
        labels: limits for one label each, instead of `defects`.
        source: where the figures were read.
        confirmed: False where the user must confirm the figures against the standard.
        disagreements: other readings of the same figures, and whose they are.
    """

    name: str
    title: str
    inner_um: float
    outer_um: float
    scratches: Limit
    defects: Limit
    labels: Mapping[str, Limit]
    source: str
    confirmed: bool
    disagreements: tuple[str, ...]

    @property
    def inner_radius_um(self) -> float:
        """Half the inner diameter."""
        return self.inner_um / 2

    @property
    def outer_radius_um(self) -> float:
        """Half the outer diameter."""
        return self.outer_um / 2

    def limit_for(self, label: str) -> Limit:
        """The limit that a mark of this label is held against."""
        return self.scratches if label == SCRATCH else self.labels.get(label, self.defects)


@dataclass(frozen=True)
class Criteria:
    """What a verdict is made by.

    Attributes:
        identity: the file's name without suffix, and the SHA-256 of its bytes.
        title: one line for people.
        sources: where it was read.
        notes: what a user must know before trusting it.
        zones: rings from the inside out; they touch.
        cladding_um: the cladding's diameter that the zones were made for.
        fibre: the kind of fibre that it was made for, `single-mode` or `multimode`; None where it does not say.
        fibres: how many fibres a picture has to show; None where the profile does not say.
        borderline: what becomes of a mark that is close to a border: `guarded`, `simple` or `strict`.
        max_cleanings: after so many cleanings what remains counts as permanent.
        cleanable: labels that cleaning can remove.
        path: the file.
    """

    identity: Identity
    title: str
    sources: tuple[str, ...]
    notes: tuple[str, ...]
    zones: tuple[Zone, ...]
    cladding_um: float
    fibre: str | None
    fibres: int | None
    max_cleanings: int
    cleanable: frozenset[str]
    path: Path
    borderline: str = GUARDED

    @property
    def judged_rings(self) -> tuple[JudgedRing, ...]:
        """The zones that a mark can make a face fail in: what a picture has to show, and how small a mark it must show.

        That is the smallest size that counts for a limit. Where every mark does, it is a defect of 2 um and a scratch
        of 1 um: IEC 61300-3-35 ignores defects below 2 um in zone B, and a scratch of 1 um is about the finest
        that a microscope of its field of view resolves.
        """
        rings = []
        for zone in self.zones:
            own = [x for limit in zone.labels.values() if (x := limit.smallest_um) is not None]
            defect = zone.defects.smallest_um
            if defect is None and own:  # the only ones that can fail there
                defect = min(own)
            scratch = zone.scratches.smallest_um
            if defect is not None or scratch is not None:
                rings.append(
                    JudgedRing(
                        zone.name,
                        zone.inner_radius_um,
                        zone.outer_radius_um,
                        None if defect is None else defect or _SMALLEST_DEFECT_UM,
                        None if scratch is None else scratch or _SMALLEST_SCRATCH_UM,
                    )
                )
        return tuple(rings)

    @property
    def judged_radius_um(self) -> float:
        """How far from the centre a mark can make a face fail; 0 where nothing can."""
        return max((ring.outer_um for ring in self.judged_rings), default=0.0)

    def restricted(self, names: Sequence[str]) -> Criteria:
        """The profile with these of its zones alone; its name tells them.

        Raises:
            UsageError: there is no such zone, or none is named.
        """
        known = [zone.name for zone in self.zones]
        unknown = [name for name in names if name not in known]
        if unknown or not names:
            told = f"zone {unknown[0][:40]!r}" if unknown else "no zone"
            raise UsageError(f"{told} in {self.identity.name}; expected some of {', '.join(known)}, such as A,B")
        zones = tuple(zone for zone in self.zones if zone.name in names)
        name = f"{self.identity.name}[{','.join(zone.name for zone in zones)}]"
        return replace(self, zones=zones, identity=replace(self.identity, name=name))

    @property
    def is_confirmed(self) -> bool:
        """Whether every zone's figures were confirmed against their source, and every limit is known."""
        return all(
            zone.confirmed and all(x.known for x in (zone.scratches, zone.defects, *zone.labels.values()))
            for zone in self.zones
        )


def list_criteria() -> tuple[str, ...]:
    """Names of the profiles that ship, sorted, the one for most connectors first."""
    names = sorted(path.stem for path in STANDARDS_DIR.glob("*.toml"))
    return tuple(sorted(names, key=lambda name: name != FIRST_CRITERIA))


def load_criteria(name_or_path: str | Path = FIRST_CRITERIA) -> Criteria:
    """The profile of this name, or in this file.

    Args:
        name_or_path: a name of `list_criteria`, or a path; a name that ships is taken before a file of that name.

    Raises:
        UsageError: there is no such profile, or it cannot be used; the message says which key and what to write.
    """
    check_kind(name_or_path, (str, os.PathLike), "criteria")
    text = str(name_or_path)
    shipped = list_criteria()
    path = STANDARDS_DIR / f"{text}.toml" if text in shipped else _expanded(Path(name_or_path))
    try:
        data = read_profile(path)
    except FileNotFoundError as error:
        near = difflib.get_close_matches(text, shipped, n=1, cutoff=0.6)
        hint = f"did you mean {near[0]}?" if near else f"expected a TOML file or one of {', '.join(shipped)}"
        raise UsageError(f"criteria {text!r}: no such profile and no such file; {hint}") from error
    except (OSError, ValueError) as error:
        raise UsageError(f"criteria {text!r}: cannot be read ({reason_of(error)}); expected a TOML file") from error
    try:
        raw = parse_profile(data)
    except UsageError as error:
        raise UsageError(
            f"criteria {text}: {error}; `ferrule criteria show {FIRST_CRITERIA}` shows a profile that works"
        ) from error
    try:
        return _checked(raw, Identity(path.stem, hashlib.sha256(data).hexdigest()), path)
    except UsageError as error:
        raise UsageError(f"criteria {text}: {error}") from error


def _expanded(path: Path) -> Path:
    try:
        return path.expanduser()
    except RuntimeError:  # `~name` where nobody has that name: a file that is called so, then
        return path


def _checked(raw: ProfileFile, identity: Identity, path: Path) -> Criteria:
    """The profile with its limits parsed and its rings made, or a UsageError that names the key."""
    if not raw.title.strip() or not any(source.strip() for source in raw.sources):
        raise UsageError("title and sources are empty; say what the profile is and where its figures were read")
    if not raw.zones:
        raise UsageError("zones is empty; expected at least one [[zones]] table")
    low, high = CLADDING_UM
    if not low <= raw.cladding_um <= high:
        raise UsageError(
            f"cladding_um = {raw.cladding_um}; expected a diameter from {low:g} to {high:g}, such as 125.0"
        )
    if raw.fibres is not None and not 1 <= raw.fibres <= MOST_FIBRES:
        raise UsageError(f"fibres = {raw.fibres}; expected 1 to {MOST_FIBRES}")
    if not 0 <= raw.max_cleanings <= MOST_CLEANINGS:
        raise UsageError(f"max_cleanings = {raw.max_cleanings}; expected 0 to {MOST_CLEANINGS}")
    for label in raw.extra_labels:
        if not _OWN_LABEL.fullmatch(label) or label in (*JUDGED_BY_DIAMETER, SCRATCH, CLEAN):
            raise UsageError(f"extra_labels holds {label[:40]!r}; expected a new lower-case label, such as 'crack'")
    known = (*JUDGED_BY_DIAMETER, *raw.extra_labels)
    for label in raw.cleanable:
        if label not in (*known, SCRATCH):
            raise UsageError(f"cleanable holds {label[:40]!r}; expected one of {', '.join(known)}, scratch")
    zones: list[Zone] = []
    for table in raw.zones:
        zones.append(_zone(table, zones, known))
    return Criteria(
        identity=identity,
        title=raw.title.strip(),
        sources=raw.sources,
        notes=raw.notes,
        zones=tuple(zones),
        cladding_um=raw.cladding_um,
        fibre=raw.fibre,
        fibres=raw.fibres,
        max_cleanings=raw.max_cleanings,
        cleanable=frozenset(raw.cleanable),
        path=path,
        borderline=raw.borderline,
    )


def _zone(table: ZoneTable, inner: list[Zone], known: tuple[str, ...]) -> Zone:
    name = table.name.strip()
    if not name or len(name) > 12 or name in [zone.name for zone in inner]:
        raise UsageError(f"zone name {table.name[:40]!r}; expected a short name that no other zone has, such as 'A'")
    inner_um = inner[-1].outer_um if inner else 0.0
    if not (table.outer_um > inner_um and _OUTER_UM[0] <= table.outer_um <= _OUTER_UM[1]):
        raise UsageError(
            f"zone {name}: outer_um = {table.outer_um}; expected a diameter above {inner_um:g} um, where it begins, "
            f"and from {_OUTER_UM[0]:g} to {_OUTER_UM[1]:g}"
        )
    for label in table.labels:
        if label not in known:
            raise UsageError(
                f"zone {name}: labels names {label[:40]!r}; expected one of {', '.join(known)}, "
                "or add it to extra_labels"
            )
    try:
        return Zone(
            name=name,
            title=table.title.strip(),
            inner_um=inner_um,
            outer_um=table.outer_um,
            scratches=parse_limit(table.scratches),
            defects=parse_limit(table.defects),
            labels={label: parse_limit(text) for label, text in table.labels.items()},
            source=table.source,
            confirmed=table.confirmed,
            disagreements=table.disagreements,
        )
    except UsageError as error:
        raise UsageError(f"zone {name}: {error}") from error
