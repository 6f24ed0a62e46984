"""A pytest plugin (`-p collection_record`) that writes what was collected: each test's id, and a digest of its data.

    FERRULE_COLLECTED=FILE pytest --collect-only -p collection_record

A line a test in the order of running. The digest is of what the parameters hold, not of what their ids say.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import types
from collections.abc import Iterator, Mapping, Set
from pathlib import Path
from typing import Any

import numpy as np
import pytest


def pytest_collection_finish(session: pytest.Session) -> None:
    """Writes the lines once all is collected."""
    lines = [json.dumps([item.nodeid, digest(_params(item))]) for item in session.items]
    Path(os.environ["FERRULE_COLLECTED"]).write_text("\n".join(lines), encoding="utf-8")


def digest(value: Any) -> str:
    """SHA-256 of what a value holds; equal in each process that builds it alike. Sets have no order, all else has."""
    return hashlib.sha256(b"\0".join(_parts(value, ()))).hexdigest()


def _params(item: pytest.Item) -> Any:
    callspec = getattr(item, "callspec", None)
    return {} if callspec is None else callspec.params


def _parts(value: Any, above: tuple[int, ...]) -> Iterator[bytes]:
    """What a value is made of; `above` are the objects it lies in, so that a ring ends."""
    yield type(value).__qualname__.encode()
    if id(value) in above:
        return
    above = (*above, id(value))
    if isinstance(value, np.ndarray) and value.dtype.hasobject:
        yield from _all((value.shape, value.tolist()), above)
    elif isinstance(value, np.ndarray):
        yield from (str(value.dtype).encode(), repr(value.shape).encode(), value.tobytes())
    elif isinstance(value, Mapping):
        yield from _all(value.items(), above)
    elif isinstance(value, Set):
        yield from sorted(b"".join(_parts(part, above)) for part in value)
    elif isinstance(value, (list, tuple)):
        yield from _all(value, above)
    elif isinstance(value, (str, int, float, complex, bytes, np.generic, type(None), type)):
        yield repr(value).encode()
    elif isinstance(value, types.FunctionType):
        cells = [cell.cell_contents for cell in value.__closure__ or ()]
        yield from _all((value.__qualname__, value.__code__.co_code, value.__defaults__, cells), above)
    elif dataclasses.is_dataclass(value):
        yield from _all([getattr(value, field.name) for field in dataclasses.fields(value)], above)
    elif hasattr(value, "__dict__"):
        yield from _parts(vars(value), above)


def _all(values: Any, above: tuple[int, ...]) -> Iterator[bytes]:
    for value in values:
        yield from _parts(value, above)
