"""What a model may ask to see: patch size, background, and measures on fixed scales.

A `PatchSpec` travels inside the model's file; `edge.patches` makes what it asks for.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal, get_args

from edge.errors import UsageError
from edge.records import Candidate, EndFace

Background = Literal["keep", "median"]

_MIN_SIZE, _MAX_SIZE = 4, 1024


@dataclass(frozen=True, slots=True)
class Measure:
    """One figure of a candidate on a fixed scale, as a model's second input takes it.

    Attributes:
        of: the figure, given the candidate and its face (None where there is none); None or NaN: not known.
        low: the value at code 1; smaller ones are clipped to it.
        high: the value at code 255; larger ones are clipped to it.
        log: whether the scale is logarithmic between the two (then both are positive).
        means: one line for people, with its unit.
    """

    of: Callable[[Candidate, EndFace | None], float | None]
    low: float
    high: float
    log: bool
    means: str


def _radius_um(face: EndFace) -> float:
    return math.sqrt(face.cladding_rx_px * face.um_per_px_x * face.cladding_ry_px * face.um_per_px_y)


def _core_um(face: EndFace) -> float | None:
    if face.core_r_px is None:
        return None
    return face.core_r_px * math.sqrt(face.um_per_px_x * face.um_per_px_y)


def _in_radii(distance_um: float, face: EndFace | None) -> float | None:
    return None if face is None else distance_um / _radius_um(face)


def _rim_gap_um(c: Candidate, face: EndFace | None) -> float | None:
    """Gap between the rim and the mark's nearest point: 0 when the mark lies across the rim."""
    if face is None:
        return None
    return max(c.nearest_um - _radius_um(face), _radius_um(face) - c.farthest_um, 0.0)


def _from_core_um(c: Candidate, face: EndFace | None) -> float | None:
    core_um = None if face is None else _core_um(face)
    return None if core_um is None else c.distance_um - core_um


def _over_noise(grey: float, c: Candidate) -> float | None:
    return abs(grey) / c.noise_grey if c.noise_grey > 0 else None


def _fill(c: Candidate, _: EndFace | None) -> float | None:
    return c.area_um2 / (math.pi / 4 * c.diameter_um**2) if c.diameter_um > 0 else None


def _aspect(c: Candidate, _: EndFace | None) -> float | None:
    return c.length_um / c.width_um if c.width_um > 0 else None


MEASURES: Mapping[str, Measure] = MappingProxyType(
    {
        "length_um": Measure(lambda c, f: c.length_um, 0.25, 400.0, True, "extent along the main axis, um"),
        "width_um": Measure(lambda c, f: c.width_um, 0.25, 400.0, True, "extent across the main axis, um"),
        "diameter_um": Measure(lambda c, f: c.diameter_um, 0.25, 400.0, True, "smallest enclosing circle, um"),
        "area_um2": Measure(lambda c, f: c.area_um2, 0.05, 100_000.0, True, "area, um2"),
        "aspect": Measure(_aspect, 1.0, 64.0, True, "length over width"),
        "fill": Measure(_fill, 0.0, 1.0, False, "area over the area of the enclosing circle"),
        "contrast_grey": Measure(lambda c, f: c.contrast_grey, -127.0, 127.0, False, "strongest deviation, signed"),
        "mean_grey": Measure(lambda c, f: c.mean_grey, -63.5, 63.5, False, "mean deviation, signed"),
        "snr": Measure(lambda c, f: _over_noise(c.contrast_grey, c), 1.0, 256.0, True, "strongest deviation / noise"),
        "mean_snr": Measure(lambda c, f: _over_noise(c.mean_grey, c), 0.5, 128.0, True, "mean deviation / noise"),
        "noise_grey": Measure(lambda c, f: c.noise_grey, 0.1, 25.0, True, "the background's sigma, grey levels"),
        "distance_radii": Measure(
            lambda c, f: _in_radii(c.distance_um, f), 0.0, 2.54, False, "centroid from the centre, cladding radii"
        ),
        "nearest_radii": Measure(
            lambda c, f: _in_radii(c.nearest_um, f), 0.0, 2.54, False, "nearest point from the centre, cladding radii"
        ),
        "farthest_radii": Measure(
            lambda c, f: _in_radii(c.farthest_um, f), 0.0, 2.54, False, "farthest point from the centre, cladding radii"
        ),
        "rim_um": Measure(
            lambda c, f: None if f is None else c.distance_um - _radius_um(f),
            -63.5,
            63.5,
            False,
            "centroid from the cladding's rim, um, negative inside",
        ),
        "rim_gap_um": Measure(_rim_gap_um, 0.0, 63.5, False, "gap to the rim, um, 0 when the mark lies across it"),
        "core_um": Measure(_from_core_um, -63.5, 63.5, False, "centroid from the core's edge, um, negative inside"),
        "box_px": Measure(lambda c, f: float(max(c.w_px, c.h_px)), 1.0, 1024.0, True, "longer side of the box, pixels"),
    }
)
"""Every measure a model may ask for. Code 0 is "not known"; 1..255 span `low`..`high`, rounded to nearest."""


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
        if not _MIN_SIZE <= self.size <= _MAX_SIZE:
            raise UsageError(f"patch size {self.size} px: expected {_MIN_SIZE} to {_MAX_SIZE}")
        if self.background not in get_args(Background):
            raise UsageError(f"background {self.background!r}: expected one of {', '.join(get_args(Background))}")
        unknown = [name for name in self.measures if name not in MEASURES]
        if unknown:
            raise UsageError(f"unknown measure {unknown[0]!r}: expected some of {', '.join(MEASURES)}")
        if len(set(self.measures)) != len(self.measures):
            raise UsageError(f"measures {', '.join(self.measures)}: each may be named once")
