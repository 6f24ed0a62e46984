"""Right verdicts, as a user writes them down: a CSV of files and verdicts."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from edge.errors import UsageError, reason_of
from edge.records import Status
from edge.system.files import read_regular

_MAX_BYTES = 16_000_000
_COLUMNS = ("file", "verdict", "reason")
_VERDICTS = {"pass": Status.PASS, "fail": Status.FAIL}


@dataclass(frozen=True, slots=True)
class Truth:
    """One row.

    Attributes:
        file: the picture's name, with as many of its folders as tell it from others.
        status: PASS or FAIL.
        reason: why, in the user's words; may be empty.
        line: where it stands in the file, from 1.
    """

    file: str
    status: Status
    reason: str
    line: int


def read_truth(path: Path) -> tuple[Truth, ...]:
    """The rows of a CSV with the columns `file`, `verdict` and, if wanted, `reason`.

    Separated by commas or, as spreadsheets write it in many countries, by semicolons; UTF-8, with or without a byte
    order mark. A verdict is PASS or FAIL, in any case.

    Raises:
        UsageError: it cannot be read, a column is missing, a verdict is neither, or a file stands there twice.
    """
    try:
        text = read_regular(path, _MAX_BYTES).decode("utf-8-sig")
    except (OSError, ValueError) as error:
        raise UsageError(f"truth {path}: cannot be read ({reason_of(error)}); expected a CSV in UTF-8") from error
    head = text.partition("\n")[0]
    delimiter = ";" if head.count(";") > head.count(",") else ","
    try:
        table = list(csv.reader(io.StringIO(text), delimiter=delimiter, strict=True))
    except csv.Error as error:
        raise UsageError(f"truth {path}: {error}; expected a CSV") from error
    names = [name.strip().lower() for name in table[0]] if table else []
    for name in _COLUMNS[:2]:
        if names.count(name) != 1:
            raise UsageError(f"truth {path}: no column {name!r} in {', '.join(names)[:80]!r}; expected file,verdict")
    rows = [_row(path, k, dict(zip(names, row, strict=False))) for k, row in enumerate(table[1:], 2) if any(row)]
    if not rows:
        raise UsageError(f"truth {path}: holds no row; expected lines such as face.png,PASS")
    first: dict[str, int] = {}
    for row in rows:
        if row.file in first:
            raise UsageError(f"truth {path}: {row.file} stands in lines {first[row.file]} and {row.line}; keep one")
        first[row.file] = row.line
    return tuple(rows)


def _row(path: Path, line: int, cells: Mapping[str, str]) -> Truth:
    file, verdict = cells.get("file", "").strip().replace("\\", "/"), cells.get("verdict", "").strip()
    status = _VERDICTS.get(verdict.lower())
    if not file or status is None:
        what = f"verdict {verdict[:40]!r}" if file else "no file"
        raise UsageError(f"truth {path}, line {line}: {what}; expected a file and PASS or FAIL")
    return Truth(file, status, cells.get("reason", "").strip(), line)


def matched(rows: Sequence[Truth], pictures: Sequence[Path]) -> tuple[dict[Path, Truth], tuple[Truth, ...]]:
    """The row of each picture that has one, and the rows without a picture.

    A row is that of the picture whose path ends with its `file`.

    Raises:
        UsageError: two pictures end with it, or two rows are that of one picture.
    """
    by_name: dict[str, list[Path]] = {}
    for picture in pictures:
        by_name.setdefault(picture.name, []).append(picture)
    found: dict[Path, Truth] = {}
    missing = []
    for row in rows:
        parts = PurePosixPath(row.file).parts
        fits = [p for p in by_name.get(parts[-1], ()) if p.parts[-len(parts) :] == parts]
        if len(fits) > 1:
            raise UsageError(f"truth line {row.line}: {row.file} may be {fits[0]} or {fits[1]}; write more of its path")
        if not fits:
            missing.append(row)
        elif fits[0] in found:
            other = found[fits[0]]
            raise UsageError(f"truth lines {other.line} and {row.line} are both of {fits[0]}; keep one")
        else:
            found[fits[0]] = row
    return found, tuple(missing)
