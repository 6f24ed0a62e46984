"""Whether a calibration fits the fibre that it is used on: the cladding itself is a measure."""

from __future__ import annotations

from edge.locate.settings import LocateSettings
from edge.records import EndFace

TOLERANCE = 0.05
"""How far the cladding may measure from what is expected, as a share: glass and bore are 3.5 % apart, and a calibration
is good to 1 %. The next claddings, 80 and 140 um, are 36 and 12 % off (IEC 60793-2-10)."""


def scale_problem(face: EndFace, settings: LocateSettings) -> str | None:
    """What is wrong with the calibration that the face was located with; None where it fits, or there is none.

    The cladding is round, so both axes must give the same diameter, and it must be the expected one.
    """
    if face.scale_from != "calibration":
        return None
    across, down = 2 * face.cladding_rx_px * face.um_per_px_x, 2 * face.cladding_ry_px * face.um_per_px_y
    mean, expected = 2 * face.cladding_r_um, settings.cladding_um
    scale = f"{face.um_per_px_x:g} x {face.um_per_px_y:g} um a pixel"
    if abs(across / down - 1) > TOLERANCE:
        return (
            f"wrong scale: with {scale} the cladding measures {across:.0f} um across and {down:.0f} um down, and it is "
            "round; give the width and the height of a pixel, in this order"
        )
    if abs(mean / expected - 1) > TOLERANCE:
        return (
            f"wrong scale: with {scale} the cladding measures {mean:.0f} um, expected {expected:g} um; if it is "
            f"what it measures, say --cladding {mean:.0f}"
        )
    return None
