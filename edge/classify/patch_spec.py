"""What a model may ask to see: patch size, background, and measures.

A `PatchSpec` travels inside the model's file; `patches.py` and `measure_codes.py` make what it asks for.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from edge.arguments import check_kind
from edge.classify.measures import MEASURES
from edge.errors import UsageError

Background = Literal["keep", "median"]

_MIN_SIZE, _MAX_SIZE = 4, 1024


@dataclass(frozen=True, slots=True)
class PatchSpec:
    """What a model wants to see of a mark.

    Attributes:
        size: side of the square patch, 4..1024 px.
        background: "keep" leaves the grey levels alone; "median" takes the median of the patch's surround off
            and puts it at grey 128, gain 1, clipped to 0..255.
        measures: names from `MEASURES`, in the order of the model's second input; empty: no second input.

    Raises:
        UsageError: the size, the background or a measure is none of these, or a measure is named twice.
    """

    size: int = 28
    background: Background = "keep"
    measures: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        check_kind(self.size, int, "patch size")
        check_kind(self.measures, tuple, "measures")
        if not _MIN_SIZE <= self.size <= _MAX_SIZE:
            raise UsageError(f"patch size {self.size} px: expected {_MIN_SIZE} to {_MAX_SIZE}")
        check_kind(self.background, str, "background")
        if self.background not in get_args(Background):
            raise UsageError(f"background {self.background!r}: expected one of {', '.join(get_args(Background))}")
        unknown = [name for name in self.measures if not isinstance(name, str) or name not in MEASURES]
        if unknown:
            raise UsageError(f"unknown measure {unknown[0]!r}: expected some of {', '.join(MEASURES)}")
        if len(set(self.measures)) != len(self.measures):
            raise UsageError(f"measures {', '.join(self.measures)}: each may be named once")
