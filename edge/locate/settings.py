"""What is known about the picture before looking.

The numbers of the search itself are in `edge.locate.thresholds`.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass, fields

from edge.arguments import LARGEST, check_kind, check_number
from edge.bounds import CLADDING_UM, MOST_FIBRES, MOST_PIXEL_ASPECT, UM_PER_PX
from edge.errors import UsageError

_SMALLEST = sys.float_info.min
_BOUNDS = {"um_per_px_x": UM_PER_PX, "um_per_px_y": UM_PER_PX, "cladding_um": CLADDING_UM}


@dataclass(frozen=True)
class LocateSettings:
    """What is known about the microscope and the fibre before looking.

    Attributes:
        um_per_px_x: width of a pixel from a calibration; None where there is none.
        um_per_px_y: height of a pixel; where only one of both is given it counts for both.
        cladding_um: diameter of the cladding, from which the scale is taken without a calibration:
            125 um (IEC 60793-2-10 and -50), 140 um for the older 100/140 fibre.
        n_fibres: how many fibres the picture has to show, 1 to 72; None where nobody said.
        min_radius: smallest radius looked for, as a share of the picture's shorter side. A row of
            twelve fibres 250 um apart across a 4:3 picture has claddings of 2.8 %.
        min_lone_radius: below this share a disc counts only among at least four that are evenly spaced; alone
            it is dust. It stands for a field of view of 1250 um, five times what the standard grades.
        min_lone_radius_px: but a disc of this radius counts whatever its share: its pixels are fine enough to judge.
        max_radius: largest radius looked for, as a share of the shorter side.
        min_step_grey: smallest grey step at the cladding's edge.
        min_coverage: least share of the visible rays that must have their edge on the ellipse.
    """

    um_per_px_x: float | None = None
    um_per_px_y: float | None = None
    cladding_um: float = 125.0
    n_fibres: int | None = None
    min_radius: float = 0.025
    min_lone_radius: float = 0.05
    min_lone_radius_px: float = 40.0
    max_radius: float = 0.62
    min_step_grey: float = 3.0
    min_coverage: float = 0.65

    def __post_init__(self) -> None:
        for item in fields(self):
            value = getattr(self, item.name)
            if value is not None:
                check_number(value, item.name, *_BOUNDS.get(item.name, (_SMALLEST, LARGEST)))
        if self.n_fibres is not None:
            check_kind(self.n_fibres, int, "n_fibres")
            check_number(self.n_fibres, "n_fibres", 1, MOST_FIBRES)
        x, y = self.um_per_px_x or self.um_per_px_y, self.um_per_px_y or self.um_per_px_x
        if x and y and not 1 / MOST_PIXEL_ASPECT <= x / y <= MOST_PIXEL_ASPECT:
            raise UsageError(f"um_per_px_x is {x} and um_per_px_y {y}; expected pixels that are nearly square")
        if self.min_radius >= self.max_radius:
            raise UsageError(f"min_radius {self.min_radius} is not below max_radius {self.max_radius}")


DEFAULT_SETTINGS = LocateSettings()
