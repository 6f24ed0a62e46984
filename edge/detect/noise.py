"""How far a pixel may stray from its background without being a mark, by sector and radius.

Two things make pixels stray: noise, read from the median deviation, and edges that are not quite round.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np

from edge.arrays import F32, U8
from edge.detect.background import INNER_PARTS, Background
from edge.detect.region import InspectedRegion
from edge.detect.sectors import Samples, circle_median, median5, neighbours_median, radial_step
from edge.detect.settings import DetectSettings
from edge.imaging.exact import median, median_upper
from edge.imaging.noise import MAD_TO_SIGMA
from edge.records import EndFace

SPREAD_STEPS = 28
"""Noise is kept in 28ths of a grey level, so that a byte holds up to 9 grey levels."""
ROOT_OFFSET_GREY = np.float32(0.3)
"""Added to a median deviation before its root: deviations are whole grey levels, and 0 is no deviation of none.
Chosen on real end faces."""
NOISE_UNITS, NOISE_SECTORS = 5, 7
"""The noise is a mean over so many radii and sectors; with 8 sectors and no circle the detector found less
(docs/accuracy-notes.md)."""
MAX_NOISE_GREY = 6.0
"""More is no noise but dirt, such as an oil film with its fringes over the whole face. Chosen on real end faces."""
RING_NOISE = 0.4
"""Share of the range of the rings in a multimode core that counts as one sigma of noise at its centre. Chosen on real
end faces."""
MAX_RING_GREY = 3.0
"""Most that this may be: a stronger ring at the centre is dirt. Chosen on real end faces."""
MULTIMODE_CORE_R_UM = 20.0
"""Cores from this radius on are multimode ones: they have 25 or 31 um (IEC 60793-2-10)."""
DIP_R_UM = 2.0
"""Radius of the dark point in the centre of a multimode core: graded-index glass is often short of dopant along its
axis."""
DIP_SPREAD = 2
"""How many times as far as elsewhere a pixel may stray there. Chosen on real end faces."""
RIM_LOW, RIM_HIGH = 0.85, 1.15
"""Radii, in cladding radii, between which the steepest edge is taken for the cladding's rim. Chosen on real end
faces."""
RIM_WINDOW_UNITS = 13
"""Units of radius around the steepest place within which an edge's step is read: six to each side. Chosen on real
end faces."""
MIN_BLUR_PX, MAX_BLUR_PX = 0.3, 2.5
"""Blur assumed at least, as any lens and sensor have it, and believed at most: a wider edge is no blur but a bevel.
Chosen on real end faces."""
SLOPE_BLUR_PX2 = 1 / 3
"""Variance of a box two units wide: a slope over two units is that of an edge blurred by such a box."""
_ROOTS = np.sqrt(np.arange(256, dtype=np.float32) + ROOT_OFFSET_GREY)


@dataclass(frozen=True, slots=True)
class Noise:
    """How far pixels stray, and how far edges are blurred.

    Attributes:
        spread: (48, n) uint8, one sigma of what is no mark by sector and radius, in 28ths of a grey level.
        blur_px: one sigma of the picture's own blur.
    """

    spread: U8
    blur_px: float


def noise_of(background: Background, region: InspectedRegion, face: EndFace, settings: DetectSettings) -> Noise:
    """The noise beside a background, and the picture's blur."""
    blur_px = edge_blur_px(background.profile, region, settings.smooth_px)
    noise = noise_profile(background.samples, background.profile, background.hub, background.without_core)
    return Noise(spread_profile(noise, background.expected, _dip_px(face), settings), blur_px)


def noise_profile(samples: Samples, profile: U8, hub: int, without_core: U8) -> F32:
    """(48, n) float32: one sigma of the background's noise by sector and radius, from the median deviation.

    The geometric mean of what the sector and what the whole circle say. So a sector full of marks does not hide them
    behind its own spread, and a sector that is rougher than the rest gives fewer false marks. Within `hub` units, where
    circles are too short to tell rings of light from marks, the range of the rings counts as noise, too.

    Args:
        samples: the region unrolled.
        profile: its background.
        hub: radius in units.
        without_core: the background that the rings are read from.
    """
    away = median5(*(cv2.absdiff(sample, profile) for sample in samples))  # type: ignore[arg-type]
    # sums of five whole numbers, so that nothing is rounded
    circle = cv2.boxFilter(circle_median(away), cv2.CV_32F, (NOISE_UNITS, 1), normalize=False)
    circle *= np.float32(1 / NOISE_UNITS)
    sector = neighbours_median(away, 1)
    hub = min(hub, profile.shape[1])
    inner = hub // INNER_PARTS
    sector[:, :hub] = neighbours_median(sector[:, :hub], 5)
    sector[:, :inner] = median_upper(sector[:, inner : 2 * inner])
    circle[:, :inner] = np.sort(circle[0, inner : 2 * inner])[inner // 2]
    # the root of what is one byte is looked up
    steps: F32 = cv2.LUT(sector, _ROOTS)  # type: ignore[assignment]
    steps *= np.float32(SPREAD_STEPS) * np.sqrt(circle + ROOT_OFFSET_GREY)
    steps = np.rint(np.minimum(steps, np.float32(255), out=steps), out=steps).astype(np.uint8)
    beyond = NOISE_SECTORS // 2
    ring = np.concatenate([steps[-beyond:], steps, steps[:beyond]])
    noise = cv2.boxFilter(ring, cv2.CV_32F, (NOISE_UNITS, NOISE_SECTORS), normalize=False)[beyond:-beyond]
    noise *= np.float32(MAD_TO_SIGMA / (NOISE_UNITS * NOISE_SECTORS * SPREAD_STEPS))
    noise[:, :hub] = np.sqrt(np.square(noise[:, :hub]) + np.square(_ring_noise(without_core, hub, inner)))
    bounded: F32 = np.minimum(noise, np.float32(MAX_NOISE_GREY))
    return bounded


def _ring_noise(profile: U8, hub: int, inner: int) -> F32:
    """(48, hub) float32: what the range of the rings within `hub` units adds to one sigma."""
    window = np.ones((1, inner | 1), np.uint8)
    centre = profile[:, : 2 * hub]
    rings = cv2.subtract(cv2.dilate(centre, window), cv2.erode(centre, window))[:, :hub]
    rings[:, :inner] = np.maximum(rings[:, :inner], np.uint8(median_upper(rings[:, inner : 2 * inner])))
    noise: F32 = np.minimum(np.float32(RING_NOISE) * rings, np.float32(MAX_RING_GREY))
    return noise


def spread_profile(noise: F32, expected: U8, dip_px: int, settings: DetectSettings) -> U8:
    """(48, n) uint8: one sigma of what is no mark, noise and wandering edges together, in 28ths of a grey level."""
    noise = np.maximum(noise, np.float32(settings.min_noise_grey))
    # the step is taken over two units
    wander = np.float32(settings.edge_wander_px / 2) * radial_step(expected)
    spread = np.sqrt(noise * noise + wander * wander)
    dip = spread[:, :dip_px]
    dip[:] = DIP_SPREAD * np.maximum(dip, np.float32(settings.limit_grey / settings.limit_sigma))
    steps: U8 = np.rint(np.minimum(np.float32(SPREAD_STEPS) * spread, np.float32(255))).astype(np.uint8)
    return steps


def _dip_px(face: EndFace) -> int:
    """Radius of the dark point in the centre of a multimode core; 0 for other fibres."""
    if face.core_r_px is None or face.core_r_px * face.um_per_px < MULTIMODE_CORE_R_UM:
        return 0
    return math.ceil(DIP_R_UM / face.um_per_px)


def edge_blur_px(profile: U8, region: InspectedRegion, smooth_px: float) -> float:
    """One sigma of the picture's own blur, from the steepest edge near the cladding's rim; 0.3 to 2.5 px.

    The step of an edge through a Gaussian blur is sqrt(2 pi) sigma times its steepest slope; what `smooth_px` and
    the slope's two units add is taken off. A rim that polishing has rounded reads a little high, a sharpened picture
    low.
    """
    low, high = int(RIM_LOW * region.radius), min(int(RIM_HIGH * region.radius) + 1, profile.shape[1])
    # every fourth sector says enough
    rim = profile[::4, low:high].astype(np.int16)
    if rim.shape[1] < RIM_WINDOW_UNITS + 3:
        return MIN_BLUR_PX
    slope = np.abs(rim[:, 2:] - rim[:, :-2])
    steepest = slope.argmax(axis=1)
    # slope k lies at rim k + 1
    at = np.minimum(np.maximum(steepest + 1 - RIM_WINDOW_UNITS // 2, 0), rim.shape[1] - RIM_WINDOW_UNITS)
    every = np.arange(rim.shape[0])
    window = rim[every[:, None], at[:, None] + np.arange(RIM_WINDOW_UNITS)]
    step = window.max(axis=1) - window.min(axis=1)
    # the slope is taken over two units
    width = median(step / np.maximum(0.5 * slope[every, steepest], 1.0))
    own = width**2 / (2 * math.pi) - smooth_px**2 - SLOPE_BLUR_PX2
    return math.sqrt(min(max(own, MIN_BLUR_PX**2), MAX_BLUR_PX**2))
