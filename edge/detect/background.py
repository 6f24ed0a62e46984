"""The background: what an undamaged end face would look like, by sector and radius.

An end face is round. Its rim, the core's edge, rings inside the core and the halo around the glass are the same along
a circle, and light changes slowly around it. So the background at each radius is a median along the angle: marks are
short along the angle and drop out of it.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from edge.arrays import U8
from edge.detect import core_background
from edge.detect.region import InspectedRegion
from edge.detect.sectors import Samples, median5, neighbours_median, radial_step, unroll
from edge.detect.settings import DetectSettings
from edge.imaging.exact import median_upper
from edge.records import EndFace

MIN_HUB = 6
"""Least radius of the hub in units, so that its inner third is two units wide."""
INNER_PARTS = 3
"""In the inner third of the hub the background has one grey level. Chosen on real end faces."""
SHADE_LEVEL = 128
"""Stands for no difference in the light, so that a byte holds both signs."""
MAX_SHADE_GREY = 6
"""Most that uneven light is trusted to add over 37 degrees; more is an edge or a mark. Chosen on real end faces."""
SHADE_UNITS = 31
"""Units of radius over which light is taken to be the same; a mark is shorter. Chosen on real end faces."""
MIN_EDGE_GREY = 4
"""Change over two units of radius from which on there is an edge. Chosen on real end faces."""
EDGE_UNITS = 5
"""An edge counts two units before and behind it, too. Chosen on real end faces."""
MAX_DARK_CENTRE_GREY = 20.0
"""Most that the centre of a core is darker than its surroundings by itself. Chosen on real end faces."""
SINGLE_MODE_CORE_R_UM = 6.0
"""Cores up to this radius are single-mode ones: they have 4 to 5 um (ITU-T G.652), the smallest multimode ones 25."""
OFF_CENTRE_UM = 1.0
"""How far a single-mode core is looked for off the cladding's centre: ITU-T G.652 allows 0.6 um, and the located
centre is off by some, too."""
MIN_CORE_HUBS = 1.5
"""A core that is smaller, in radii of the hub, leaves no ring beside the hub to compare with. Chosen on real end
faces."""
CORE_INSIDE = 0.9
"""Share of the core's radius that its edge's blur does not reach. Chosen on real end faces."""


@dataclass(frozen=True, slots=True)
class Background:
    """What is expected by sector and radius, and what it was worked out from.

    Attributes:
        samples: five times (48, n) uint8, the smoothed region unrolled.
        hub: radius in units within which circles are short against marks.
        profile: (48, n) uint8, the background as it was seen, with a single-mode core in it.
        without_core: (48, n) uint8, the same with the cladding in the single-mode core's place.
        expected: (48, n) uint8, the profile with its centre bounded (`bound_centre`): what the picture is compared to.
    """

    samples: Samples
    hub: int
    profile: U8
    without_core: U8
    expected: U8


def background_of(smooth: U8, region: InspectedRegion, face: EndFace, settings: DetectSettings) -> Background:
    """The background of a smoothed region, (h, w) uint8."""
    samples = unroll(smooth, region)
    by_sector = median5(*samples)
    hub = max(MIN_HUB, round(settings.hub * region.radius))
    profile = without_core = expected_profile(by_sector, hub)
    beside = region.radius
    if face.core_r_px is not None:
        if face.core_r_px > MIN_CORE_HUBS * hub:
            beside = face.core_r_px
        if face.core_r_px * face.um_per_px <= SINGLE_MODE_CORE_R_UM:
            off_centre = OFF_CENTRE_UM / face.um_per_px
            profile, without_core = core_background.put_in(profile, by_sector, face.core_r_px, off_centre)
    return Background(samples, hub, profile, without_core, bound_centre(profile, hub, CORE_INSIDE * beside))


def expected_profile(by_sector: U8, hub: int) -> U8:
    """(48, n) uint8: the background by sector and radius.

    Where the picture has an edge, the rim or the core's, the window of the median is 37 degrees, because edges are not
    quite round. Between edges it is 97 degrees: a scratch that runs along the circle would fill the shorter window and
    become its own background. The wide window misses how light changes around the circle; that is put back from the
    short one, averaged along the radius. Within `hub` units, where circles are short against a mark, the window is half
    the circle; in the inner third of that it is the ring around it.

    Args:
        by_sector: (48, n) uint8, the median of each sector's samples; not changed.
        hub: radius in units.
    """
    near = neighbours_median(by_sector, 1)
    wide = neighbours_median(near, 2)
    shade = np.maximum(cv2.addWeighted(near, 1, wide, -1, SHADE_LEVEL), np.uint8(SHADE_LEVEL - MAX_SHADE_GREY))
    np.minimum(shade, np.uint8(SHADE_LEVEL + MAX_SHADE_GREY), out=shade)
    lit = cv2.addWeighted(wide, 1, cv2.blur(shade, (SHADE_UNITS, 1)), 1, -SHADE_LEVEL)
    step = cv2.dilate(radial_step(wide), np.ones((1, EDGE_UNITS), np.uint8))
    profile: U8 = np.where(step < MIN_EDGE_GREY, lit, near)
    hub = min(hub, profile.shape[1])
    inner = hub // INNER_PARTS
    profile[:, :hub] = neighbours_median(near[:, :hub], 5)
    profile[:, :inner] = median_upper(profile[:, inner : 2 * inner])
    return profile


def bound_centre(profile: U8, hub: int, beside: float) -> U8:
    """The profile, within `hub` units nowhere darker than a multimode core can be against what lies around.

    Otherwise a blot that covers the whole centre would pass for a dark core. What lies around is read from `hub` out to
    `beside` units.
    """
    around = median_upper(profile[:, hub : max(hub + 1, round(beside))])
    bounded: U8 = profile.copy()
    np.maximum(bounded[:, :hub], np.uint8(max(around - MAX_DARK_CENTRE_GREY, 0)), out=bounded[:, :hub])
    return bounded
