"""The smallest mark that the detector finds, from how well a part of a picture is seen.

A round mark of diameter d that is blurred by sigma keeps 1 - exp(-d^2 / 8 sigma^2) of its contrast in its middle, a
line of width w keeps erf(w / 2 sqrt(2) sigma). What is kept must exceed the detector's limit. `scripts/visibility.py`
draws marks of all sizes, contrasts, blurs, noises and pixel sizes, and shows that nine of ten are found from here on.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from statistics import NormalDist

from edge.detect.settings import DetectSettings
from edge.records import JudgedRing, Seeing

STRENGTH = 0.5
"""Contrast of a mark that must be seen, over the grey step at the cladding's edge. Small marks on 84 real faces have
about half of it, in the median."""
MARGIN = 1.2
"""How far a mark must exceed the limit to be found nine times of ten, on drawn faces."""
NOISE_BIAS = 1.12
"""The detector reads noise so much higher than it is, on drawn faces of 10 grey levels of noise."""


def smallest_mark_um(seeing: Seeing, um_per_px: float, settings: DetectSettings) -> tuple[float, float]:
    """Diameter of the smallest defect and width of the narrowest scratch that are found; infinite where none is."""
    blur_px = math.hypot(seeing.blur_px, settings.smooth_px)
    # what smoothing leaves of noise whose pixels are independent
    smoothed_grey = NOISE_BIAS * seeing.noise_grey / (2 * math.sqrt(math.pi) * settings.smooth_px)
    limit_grey = max(settings.limit_grey, settings.limit_sigma * max(smoothed_grey, settings.min_noise_grey))
    kept = MARGIN * limit_grey / max(STRENGTH * seeing.step_grey, 1e-6)
    if kept >= 1 or not math.isfinite(blur_px):
        return math.inf, math.inf
    defect_px = blur_px * math.sqrt(-8 * math.log(1 - kept))
    scratch_px = 2 * blur_px * NormalDist().inv_cdf((1 + kept) / 2)
    return defect_px * um_per_px, scratch_px * um_per_px


def smallest_marks_um(
    seeing: Iterable[Seeing], um_per_px: float, settings: DetectSettings
) -> dict[str, tuple[float, float]]:
    """For each zone the smallest defect and scratch that show in all of it, in um."""
    found: dict[str, tuple[float, float]] = {}
    for part in seeing:
        defect, scratch = smallest_mark_um(part, um_per_px, settings)
        before = found.get(part.zone, (0.0, 0.0))
        found[part.zone] = max(before[0], defect), max(before[1], scratch)
    return found


def too_small(rings: Sequence[JudgedRing], smallest_um: Mapping[str, tuple[float, float]]) -> tuple[str, ...]:
    """A sentence for each zone in which marks that matter would not show."""
    told = []
    for ring in rings:
        shown = smallest_um.get(ring.name)
        if shown is None:
            continue
        for what, needed, size in (("defect", ring.defect_um, shown[0]), ("scratch", ring.scratch_um, shown[1])):
            if needed is None or size <= needed:
                continue
            extent = "across" if what == "defect" else "wide"
            least = max(size, needed + 0.1)  # never told as the figure that it exceeds
            found = f"only from {least:.1f} um {extent}" if math.isfinite(size) else "at no size"
            told.append(
                f"marks would be missed: in zone {ring.name} a {what} shows {found}, and {needed:g} um must be seen"
            )
            break
    return tuple(told)
