"""The measures that a model may ask for: each a figure of a mark, and the scale it is told on."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from operator import attrgetter
from types import MappingProxyType

import numpy as np

from edge.arrays import F64
from edge.errors import UsageError
from edge.records import Candidate, EndFace


@dataclass(frozen=True, slots=True)
class Marks:
    """The figures of some candidates that measures are made of: (n,) float64 each, named as in `Candidate`."""

    w_px: F64
    h_px: F64
    diameter_um: F64
    length_um: F64
    width_um: F64
    area_um2: F64
    distance_um: F64
    nearest_um: F64
    farthest_um: F64
    contrast_grey: F64
    mean_grey: F64
    noise_grey: F64

    @classmethod
    def of(cls, candidates: Sequence[Candidate]) -> Marks:
        """The candidates' figures, in their order."""
        try:
            table = np.array([_FIGURES(candidate) for candidate in candidates], np.float64)
        except (TypeError, ValueError) as error:
            raise UsageError(f"a figure of a candidate is no number: {error}") from error
        return cls(*table.reshape(len(candidates), -1).T) if len(candidates) else cls(*np.empty((12, 0)))


_FIGURES = attrgetter(*(figure.name for figure in fields(Marks)))


@dataclass(frozen=True, slots=True)
class Measure:
    """One figure of a candidate on a fixed scale, as a model's second input takes it.

    Attributes:
        of: the figures, given the marks and their face (None where there is none); None: known of no mark; NaN: not
            known of that one.
        low: the value at code 1; smaller ones are clipped to it.
        high: the value at code 255; larger ones are clipped to it.
        log: whether the scale is logarithmic between the two (then both are positive).
        means: one line for people, with its unit.
    """

    of: Callable[[Marks, EndFace | None], F64 | None]
    low: float
    high: float
    log: bool
    means: str


def _core_um(face: EndFace) -> float | None:
    if face.core_r_px is None:
        return None
    return face.core_r_px * face.um_per_px


def _in_radii(distance_um: F64, face: EndFace | None) -> F64 | None:
    return None if face is None else distance_um / face.cladding_r_um


def _rim_gap_um(m: Marks, face: EndFace | None) -> F64 | None:
    """Gap between the rim and the mark's nearest point: 0 when the mark lies across the rim."""
    if face is None:
        return None
    radius = face.cladding_r_um
    gap: F64 = np.maximum(np.maximum(m.nearest_um - radius, radius - m.farthest_um), 0.0)
    return gap


def _from_core_um(m: Marks, face: EndFace | None) -> F64 | None:
    core_um = None if face is None else _core_um(face)
    return None if core_um is None else m.distance_um - core_um


def _over(figure: F64, unit: F64) -> F64:
    """The quotient; NaN where the unit is not positive."""
    quotient: F64 = np.divide(figure, unit, out=np.full(unit.shape, np.nan), where=unit > 0)
    return quotient


MEASURES: Mapping[str, Measure] = MappingProxyType(
    {
        "length_um": Measure(lambda m, f: m.length_um, 0.25, 400.0, True, "extent along the main axis, um"),
        "width_um": Measure(lambda m, f: m.width_um, 0.25, 400.0, True, "extent across the main axis, um"),
        "diameter_um": Measure(lambda m, f: m.diameter_um, 0.25, 400.0, True, "smallest enclosing circle, um"),
        "area_um2": Measure(lambda m, f: m.area_um2, 0.05, 100_000.0, True, "area, um2"),
        "aspect": Measure(lambda m, f: _over(m.length_um, m.width_um), 1.0, 64.0, True, "length over width"),
        "fill": Measure(
            lambda m, f: _over(m.area_um2, math.pi / 4 * m.diameter_um * np.abs(m.diameter_um)),
            0.0,
            1.0,
            False,
            "area over the area of the enclosing circle",
        ),
        "contrast_grey": Measure(lambda m, f: m.contrast_grey, -127.0, 127.0, False, "strongest deviation, signed"),
        "mean_grey": Measure(lambda m, f: m.mean_grey, -63.5, 63.5, False, "mean deviation, signed"),
        "snr": Measure(
            lambda m, f: _over(np.abs(m.contrast_grey), m.noise_grey), 1.0, 256.0, True, "strongest deviation / noise"
        ),
        "mean_snr": Measure(
            lambda m, f: _over(np.abs(m.mean_grey), m.noise_grey), 0.5, 128.0, True, "mean deviation / noise"
        ),
        "noise_grey": Measure(lambda m, f: m.noise_grey, 0.1, 25.0, True, "the background's sigma, grey levels"),
        "distance_radii": Measure(
            lambda m, f: _in_radii(m.distance_um, f), 0.0, 2.54, False, "centroid from the centre, cladding radii"
        ),
        "nearest_radii": Measure(
            lambda m, f: _in_radii(m.nearest_um, f), 0.0, 2.54, False, "nearest point from the centre, cladding radii"
        ),
        "farthest_radii": Measure(
            lambda m, f: _in_radii(m.farthest_um, f), 0.0, 2.54, False, "farthest point from the centre, cladding radii"
        ),
        "rim_um": Measure(
            lambda m, f: None if f is None else m.distance_um - f.cladding_r_um,
            -63.5,
            63.5,
            False,
            "centroid from the cladding's rim, um, negative inside",
        ),
        "rim_gap_um": Measure(_rim_gap_um, 0.0, 63.5, False, "gap to the rim, um, 0 when the mark lies across it"),
        "core_um": Measure(_from_core_um, -63.5, 63.5, False, "centroid from the core's edge, um, negative inside"),
        "box_px": Measure(lambda m, f: np.maximum(m.w_px, m.h_px), 1.0, 1024.0, True, "longer side of the box, pixels"),
    }
)
"""Every measure a model may ask for. Code 0 is "not known"; 1..255 span `low`..`high`, rounded to nearest."""
