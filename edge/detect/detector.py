"""Proposes marks: whatever differs from an undamaged end face by more than the picture's own noise.

From DO2MR (Mei et al., Sensors 2018, 18(5):1408), for regions: a mark stands out of a locally uniform background by a
number of sigma. What differs from it:

- DO2MR's residual is the difference of a dilation and an erosion over a few pixels. It answers to every edge, the rim
  first, gives up the sign, and makes marks larger by its window. Here the residual is the picture less a background
  that knows the face is round.
- DO2MR's sigma is that of a whole zone. It grows with dirt, and a clean face always has pixels above it. Here the noise
  is a median deviation at each radius and direction, at least a fixed number of grey levels, and where the background
  is steep it holds how far an edge may wander.
- DO2MR has one threshold and an opening. Here a mark must exceed its limit somewhere, and is followed down to half of
  it (hysteresis).

From LEI (same paper), for scratches: a scratch is what adds up along a line. LEI sums along 12 orientations at every
pixel and thresholds each sum. Here the line is followed from piece to piece (`linking`), and what is too weak for that
is summed in blocks first (`faint_lines`).

It cannot see what is the same all around. A blot centred on the core that is paler than about 40 grey levels passes for
the core's own light, a ring of dirt around the glass for its rim.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from edge.arguments import check_grey, check_kind
from edge.detect.allocator import keep_freed_memory
from edge.detect.background import background_of
from edge.detect.comparison import compare
from edge.detect.faint_lines import faint_lines
from edge.detect.following import followed_on
from edge.detect.hysteresis import followed
from edge.detect.linking import joined
from edge.detect.measurement import measure_smoothed
from edge.detect.noise import noise_of
from edge.detect.region import inspected_region
from edge.detect.settings import DetectSettings
from edge.detect.smoothing import smoothed
from edge.errors import UsageError
from edge.records import Candidate, EndFace

MIN_RADIUS_PX = 16
"""A smaller cladding shows no marks: at 16 px of radius a pixel is 4 um."""


def detect(pixels: NDArray[np.uint8], face: EndFace, settings: DetectSettings | None = None) -> tuple[Candidate, ...]:
    """The marks on an end face, top to bottom, then left to right; empty when there is none.

    Args:
        pixels: (h, w) uint8 grey, not changed. It may be cropped anywhere and have a black frame.
        face: where the cladding is; its scale gives the sizes in um.
        settings: `DetectSettings()` if left out.

    Raises:
        UsageError: `pixels` is no (h, w) uint8 array, or the cladding's radius is less than 16 pixels.
    """
    _check(pixels, face)
    check_kind(settings, (DetectSettings, type(None)), "settings")
    settings = settings or DetectSettings()
    region = inspected_region(pixels, face, settings.reach)
    if region is None:
        return ()
    keep_freed_memory()
    smooth = smoothed(region.pixels, settings.smooth_px)
    background = background_of(smooth, region, face, settings)
    noise = noise_of(background, region, face, settings)
    compared = compare(region, smooth, background, noise, settings)
    parts = followed(compared, settings)
    gap_px, faint_px = settings.gap * region.radius, settings.faint * region.radius
    marks = followed_on(compared.difference, joined(parts, gap_px, faint_px), region)
    found = measure_smoothed(compared.pixels, face, marks)
    found += faint_lines(compared, marks.pixel, face, gap_px, faint_px)
    return tuple(sorted(found, key=lambda c: (c.y_px, c.x_px, c.h_px, c.w_px)))


def _check(pixels: NDArray[np.uint8], face: EndFace) -> None:
    check_grey(pixels)
    check_kind(face, EndFace, "face")
    smallest_px = min(face.cladding_rx_px, face.cladding_ry_px)
    if smallest_px < MIN_RADIUS_PX:
        raise UsageError(
            f"the cladding's radius is {smallest_px:.1f} px, expected at least {MIN_RADIUS_PX} px; magnify more"
        )
