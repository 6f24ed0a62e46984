"""What marks are called, and which of its sizes the standard holds a mark against."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from edge.records import Finding

SCRATCH = "scratch"
DIG = "dig"
CONTAMINATION = "contamination"
CHIP = "chip"
CLEAN = "clean"
"""The detector was wrong: no mark, and not judged."""
UNKNOWN = "unknown"
"""The model is not sure: judged as a defect."""

DEFECT_LABELS = (SCRATCH, DIG, CONTAMINATION, CHIP, CLEAN)
"""What a defect model names, in the order of its scores."""

JUDGED_BY_DIAMETER = (DIG, CONTAMINATION, CHIP, UNKNOWN)
"""The defects of the standard's tables; whatever else a model names is one of them, but for scratches and `clean`."""


def judged_size_um(finding: Finding) -> float:
    """The size that limits are about: a scratch's width, any other mark's smallest enclosing circle, in um.

    IEC 61300-3-35 limits scratches by width and defects by diameter.
    """
    return finding.candidate.width_um if finding.label == SCRATCH else finding.candidate.diameter_um
