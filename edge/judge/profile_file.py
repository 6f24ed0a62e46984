"""A profile's file: its keys, and how much of anything it may hold before it is no profile."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import msgspec

from edge.errors import UsageError
from edge.labels import CONTAMINATION, UNKNOWN
from edge.system.files import read_regular

# A profile is a page or two; those that ship have 1.7 kB, 4 zones and 17 brackets at most. What has far more was given
# by mistake, and a parser's time and depth grow faster than the text.
_MAX_BYTES = 64_000
_MAX_BRACKETS = 500
_MAX_DOTS_A_LINE = 50
_MAX_ZONES = 16
_MAX_LABELS = 32
_MAX_TEXTS = 64
_MAX_CHARACTERS = 2_000
# Windows' editors write it at the head of a file; TOML does not have it.
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"

SINGLE_MODE, MULTIMODE = "single-mode", "multimode"
"""Kinds of fibre that a profile can be made for."""
GUARDED, SIMPLE, STRICT = "guarded", "simple", "strict"
"""What becomes of a mark whose size or place is within its uncertainty of a border: see `edge.judge.borders`."""


class ZoneTable(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """A `[[zones]]` table, as `docs/criteria.md` describes it."""

    name: str
    outer_um: float
    scratches: str
    defects: str
    title: str = ""
    labels: dict[str, str] = {}
    source: str = ""
    confirmed: bool = True
    disagreements: tuple[str, ...] = ()


class ProfileFile(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """A whole profile, as `docs/criteria.md` describes it."""

    schema: Literal["ferrule/criteria/1"]
    title: str
    sources: tuple[str, ...]
    zones: tuple[ZoneTable, ...]
    notes: tuple[str, ...] = ()
    cladding_um: float = 125.0
    fibre: Literal["single-mode", "multimode"] | None = None
    fibres: int | None = None
    borderline: Literal["guarded", "simple", "strict"] = "guarded"
    # The flow of the standard cleans dry, dry, then wet before it calls a mark permanent.
    max_cleanings: int = 3
    # A mark without a name may be dirt, and a cleaning is cheaper than a connector.
    cleanable: tuple[str, ...] = (CONTAMINATION, UNKNOWN)
    extra_labels: tuple[str, ...] = ()


def read_profile(path: Path) -> bytes:
    """The bytes of a profile's file.

    Raises:
        OSError: it cannot be read, is no regular file, or is larger than a profile can be.
        ValueError: a path that no file can have.
    """
    return read_regular(path, _MAX_BYTES)


def parse_profile(data: bytes) -> ProfileFile:
    """The keys of a profile, of the right types and no others; what they say is not looked at.

    Raises:
        UsageError: no TOML, an unknown key, another type, or more of something than a profile can need.
    """
    n_brackets = data.count(b"[") + data.count(b"{")
    n_dots = max((line.count(b".") for line in data.splitlines()), default=0)
    if n_brackets > _MAX_BRACKETS or n_dots > _MAX_DOTS_A_LINE:
        raise UsageError(
            f"{n_brackets} opening brackets, and up to {n_dots} dots in a line; expected a page or two, "
            f"with at most {_MAX_BRACKETS} and {_MAX_DOTS_A_LINE}"
        )
    try:
        raw = msgspec.toml.decode(data.removeprefix(_BYTE_ORDER_MARK), type=ProfileFile)
    except (ValueError, RecursionError, OverflowError) as error:  # msgspec's and TOML's own are ValueErrors
        raise UsageError(_brief(error)) from error
    _check_lengths(raw)
    return raw


def _check_lengths(raw: ProfileFile) -> None:
    """Raises UsageError where there is more of something than a profile can need."""
    texts = [raw.title, *raw.sources, *raw.notes]
    labels = [*raw.extra_labels, *raw.cleanable]
    for table in raw.zones[: _MAX_ZONES + 1]:
        texts += [table.title, table.source, *table.disagreements]
        labels += table.labels
    for what, n, most in (
        ("zones", len(raw.zones), _MAX_ZONES),
        ("labels", len(set(labels)), _MAX_LABELS),
        ("titles, sources, notes and other readings", len(texts), _MAX_TEXTS),
        ("characters in one of them", max(map(len, texts)), _MAX_CHARACTERS),
    ):
        if n > most:
            raise UsageError(f"{n} {what}; expected at most {most}")


def _brief(error: Exception) -> str:
    """What is wrong, in one line of a length that people read: parsers quote what they were given."""
    text = str(error)
    return text if len(text) <= 300 else f"{text[:297]}..."
