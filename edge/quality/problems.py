"""What stands against a picture, in words: each problem has the figure, what is needed, and mostly what to do."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from edge.quality.settings import QualitySettings
from edge.records import EndFace, JudgedRing

SCRATCH_UM = 3.0
"""Width of the scratch that stands for focus: the limit of zone B in IEC 61300-3-35."""
PIXELS_A_DEFECT = 2.5
"""The smallest defect that matters must span so many: two by Nyquist's theorem, and a quarter more for the raster. Real
faces reduced to .87 um a pixel lost chips of 12 um on the rim."""


@dataclass(frozen=True)
class Measures:
    """What was measured, in the units that the problems name."""

    blur_px: float
    blur_um: float
    worst_blur_um: float
    brightness: float
    step_grey: float
    noise_grey: float
    saturation: float
    worst_saturation: float
    not_shown: tuple[str, ...] = ()


def graphics(zones: Sequence[str]) -> Iterator[str]:
    """What a program drew over these zones, if it did."""
    if zones:
        where = _named(zones, "the glass or its border")
        yield (
            f"graphics in {where}: lines, letters or boxes that a program drew hide the connector; "
            "save the picture without them"
        )


def in_grain(rings: Sequence[JudgedRing], radius_um: float) -> Iterator[str]:
    """The zones beyond the glass, in a ferrule whose grain hides marks."""
    beyond = [ring.name for ring in rings if ring.outer_um > radius_um]
    if beyond:
        where = _named(beyond, "the border")
        yield f"{where} lies in a ferrule with a grain, in which no mark shows; judge such a ferrule in A and B alone"


def out_of_view(unseen_share: Mapping[str, float]) -> Iterator[str]:
    """The zones that are cut off, each by its share."""
    for name, share in unseen_share.items():
        what = _named([name], "the glass and its border")
        yield f"cut off: {_beyond(100 * share, 0, 0)}% of {what} is not in view"


def badly_seen(seen: Measures, settings: QualitySettings) -> Iterator[str]:
    """Blur, darkness, low contrast, noise, white, and zones in which nothing shows."""
    focus, worst_focus = kept_contrast(seen.blur_um), kept_contrast(seen.worst_blur_um)
    if focus < settings.min_focus:
        yield (
            f"blurred: a {SCRATCH_UM:.0f} um scratch keeps {_beyond(focus, settings.min_focus, 2)} of its contrast "
            f"(blur {seen.blur_um:.1f} um, {seen.blur_px:.1f} px), at least {settings.min_focus:.2f} is needed"
        )
    elif worst_focus < settings.min_sector_focus:
        yield (
            f"blurred on one side: a {SCRATCH_UM:.0f} um scratch keeps "
            f"{_beyond(worst_focus, settings.min_sector_focus, 2)} of its contrast there, at least "
            f"{settings.min_sector_focus:.2f} is needed"
        )
    if seen.brightness < settings.min_brightness:
        mean, least = _beyond(seen.brightness, settings.min_brightness, 2), f"{settings.min_brightness:.2f}"
        yield f"dark: mean brightness {mean}, at least {least} is needed"
    least_step, most_noise = 255 * settings.min_contrast, 255 * settings.max_noise
    if seen.step_grey < least_step:
        step = _beyond(seen.step_grey, least_step, 1)
        yield f"low contrast: the cladding's edge steps by {step} grey levels, at least {least_step:.1f} are needed"
    if seen.noise_grey > most_noise:
        yield f"noisy: {_beyond(seen.noise_grey, most_noise, 1)} grey levels, at most {most_noise:.1f} may be"
    if seen.worst_saturation > settings.max_saturation:
        white = _beyond(100 * seen.worst_saturation, 100 * settings.max_saturation, 0)
        yield (
            f"overexposed: {white}% of the core, the cladding or the ferrule is white, "
            f"at most {settings.max_saturation:.0%} may be"
        )
    if seen.not_shown:
        where = _named(seen.not_shown, "the glass")
        yield f"nothing shows in {where}: it is even, or blurred under a sharp rim, so marks would not show either"


def too_coarse(rings: Sequence[JudgedRing], block_px: float, face: EndFace) -> Iterator[str]:
    """The pixel against the smallest defect that matters."""
    pixel_um = block_px * face.um_per_px
    defect_um = min((ring.defect_um for ring in rings if ring.defect_um is not None), default=math.inf)
    if pixel_um * PIXELS_A_DEFECT > defect_um:
        blocks = f" (enlarged in blocks of {block_px:.1f} pixels)" if block_px >= 1.5 else ""
        yield (
            f"coarse: a pixel is {_beyond(pixel_um, defect_um / PIXELS_A_DEFECT, 2)} um wide{blocks}, and at most "
            f"{defect_um / PIXELS_A_DEFECT:.2f} may be to show a defect of {defect_um:g} um; magnify more"
        )


def _named(zones: Sequence[str], otherwise: str) -> str:
    """`zone A and B`; where nobody said which zones are judged, the other words."""
    return f"zone {' and '.join(zones)}" if any(zones) else otherwise


def _beyond(value: float, limit: float, digits: int) -> str:
    """A value beyond its limit, rounded to nearest, but never to the figure that the limit is told as."""
    step = 10.0**-digits
    told = round(value / step)
    if told == round(limit / step):
        told += 1 if value > limit else -1
    return f"{told * step:.{digits}f}"


def kept_contrast(blur_um: float) -> float:
    """0..1: what a Gaussian blur of this sigma leaves of the contrast in the middle of a 3 um wide line."""
    # to nine digits: in the last of its sixteen, libraries differ
    return round(math.erf(SCRATCH_UM / (2 * math.sqrt(2) * max(blur_um, 1e-3))), 9)
