"""What the public functions ask of their arguments: one check for each kind of argument, one sentence for each fault.

Each costs the same whatever an array holds; what is looked at is its type and shape, never its pixels.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from numbers import Real
from typing import Any

import numpy as np

from edge.errors import UsageError

LARGEST = sys.float_info.max
"""What a float can hold: whole numbers may be larger, and then fail where they are first divided."""


def check_grey(pixels: object) -> None:
    """Raises UsageError unless this is a non-empty (h, w) uint8 array."""
    if not isinstance(pixels, np.ndarray) or pixels.dtype != np.uint8 or pixels.ndim != 2 or pixels.size == 0:
        raise UsageError(
            f"pixels are {described(pixels)}, expected a non-empty (h, w) uint8 picture; "
            "convert with edge.sources.to_grey"
        )


def check_kind(value: object, kind: type | tuple[type, ...], what: str) -> None:
    """Raises UsageError unless the value is of one of these types."""
    if not isinstance(value, kind):
        kinds = kind if isinstance(kind, tuple) else (kind,)
        expected = " or ".join("None" if k is type(None) else k.__name__ for k in kinds)
        raise UsageError(f"{what} is {described(value)}, expected {expected}")


def check_each(values: object, kind: type, what: str) -> None:
    """Raises UsageError unless this is a list or tuple, and each of its items is of the type."""
    if not isinstance(values, Sequence) or isinstance(values, str | bytes):
        raise UsageError(f"{what} are {described(values)}, expected a list of {kind.__name__}")
    for number, value in enumerate(values):
        if not isinstance(value, kind):
            raise UsageError(f"{what}: number {number} is {described(value)}, expected {kind.__name__}")


def items_of(values: Any, what: str) -> list[Any]:
    """The items of whatever can be gone through, as a list.

    Raises:
        UsageError: it is a text, or cannot be gone through.
    """
    try:
        items = list(values)
    except TypeError as error:
        raise UsageError(f"{what} are {described(values)}, expected a list") from error
    if isinstance(values, str | bytes):
        raise UsageError(f"{what} are {described(values)}, expected a list")
    return items


def is_number(value: Any, low: float, high: float) -> bool:
    """Whether this is a real number from `low` to `high`, both included; NaN and True are none."""
    if isinstance(value, bool) or not isinstance(value, Real):
        return False
    figure: Any = value  # the protocol of numbers knows no order
    return bool(low <= figure <= high)


def check_number(value: object, what: str, low: float = -LARGEST, high: float = LARGEST) -> None:
    """Raises UsageError unless this is a number from `low` to `high`, both included."""
    if not is_number(value, low, high):
        most = f" to {high:g}" if high < LARGEST else " or more"
        expected = "a finite number" if low == -LARGEST else f"{low:g}{most}"
        raise UsageError(f"{what} is {described(value)}, expected {expected}")


def described(value: object) -> str:
    """What was given, short and printable."""
    if isinstance(value, np.ndarray):
        return f"{value.shape} {value.dtype}"
    if value is None:
        return "None"
    if isinstance(value, Real):
        return f"{value!r:.40}"
    return f"{value!r:.60}" if isinstance(value, str | bytes) else f"a {type(value).__name__}"
