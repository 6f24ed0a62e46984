"""What an undamaged end face looks like at each pixel, and how far a pixel may stray from it.

An end face is round: its rim, the core's edge, rings inside the core and the halo around the glass are the
same along a circle, and light changes slowly around it. So the picture is unrolled around the cladding, and
the background at each radius is the median along the angle. Marks are short along the angle and drop out of
it. Everything here is a plain function of its arguments; arrays index `[y, x]` or `[sector, radius]`.

Whatever decides something is an integer, or a float made by single operations that IEEE 754 rounds correctly, so
that every machine finds the same marks: OpenCV interpolates by float maps as the processor likes, by maps in 32nds
of a pixel the same everywhere.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.imaging.ellipse import median, sampled, true_median
from edge.records import EndFace

Grey = NDArray[np.uint8]
Plane = NDArray[np.float32]
Samples = tuple[Grey, ...]

N_SECTORS = 48
"""Directions at which the background is kept, 7.5 degrees apart; the window of its median is 37 degrees."""
SAMPLES_PER_SECTOR = 5
COARSE_PX = 4
"""Grid on which the background is laid out where it changes slowly."""
SHADE_GREY = 6
"""Most that uneven light is trusted to add over 37 degrees, so that an edge or a mark is not taken for light."""
SHADE_UNITS = 31
"""Units of radius over which light is taken to be the same; a mark is shorter."""
FLAT_GREY = 4
"""Grey levels over two units of radius below which there is no edge."""
MOST_NOISE_GREY = 6.0
"""More than this is no noise but dirt, such as an oil film with its fringes over the whole face."""
CENTRE_GREY = 20.0
"""Most that the centre of a core is darker than its surroundings by itself."""
RING_NOISE = 0.4
"""Share of the rings' range in a multimode core that counts as one sigma of noise at its centre."""
MOST_RING_GREY = 3.0
"""Most that this may be: a stronger ring at the centre is dirt."""
MAD_TO_SIGMA = 1.4826
SPREAD_STEPS = 28
"""Noise is kept in 28ths of a grey level, up to 9."""
_ROOTS = np.sqrt(np.arange(256, dtype=np.float32) + np.float32(0.3))
_TURNS = [
    2 * math.pi * (sector / N_SECTORS + (k - SAMPLES_PER_SECTOR // 2) / (N_SECTORS * SAMPLES_PER_SECTOR))
    for k in range(SAMPLES_PER_SECTOR)
    for sector in range(N_SECTORS)
]
_COSINES = np.array([math.cos(turn) for turn in _TURNS])
_SINES = np.array([math.sin(turn) for turn in _TURNS])
"""The directions of the samples: every sector's first, then every sector's second, and so on."""


@dataclass(frozen=True, slots=True)
class Field:
    """The part of a picture that is inspected, and the polar coordinates in it.

    One unit of radius is one pixel of the mean cladding radius; with pixels that are not square, a circle of
    the glass is an ellipse in the picture and a circle again in units.

    Attributes:
        x_px: first column of the region in the picture.
        y_px: first row.
        w_px: columns.
        h_px: rows.
        centre_x_px: the cladding's centre, counted from the region's first column.
        centre_y_px: the same, counted from its first row.
        unit_x_px: columns per unit of radius.
        unit_y_px: rows per unit of radius.
        radius: the cladding's radius in units.
        reach: largest radius inspected, in units.
    """

    x_px: int
    y_px: int
    w_px: int
    h_px: int
    centre_x_px: float
    centre_y_px: float
    unit_x_px: float
    unit_y_px: float
    radius: float
    reach: float

    def region(self, pixels: Grey) -> Grey:
        """The field's box of a picture, as a view."""
        return pixels[self.y_px : self.y_px + self.h_px, self.x_px : self.x_px + self.w_px]


def inspected_field(pixels: Grey, face: EndFace, reach: float) -> Field | None:
    """The box around the face out to `reach` cladding radii, clipped by the picture and its black frame border.

    It is whole blocks of 4 px wide and high: larger where nothing is in the way, else up to 3 px smaller at the right
    and at the bottom. None if it would be less than 8 pixels wide or high.
    """
    h, w = pixels.shape
    x0 = max(0, int(np.floor(face.x_px - reach * face.cladding_rx_px)))
    y0 = max(0, int(np.floor(face.y_px - reach * face.cladding_ry_px)))
    x1 = min(w, int(np.ceil(face.x_px + reach * face.cladding_rx_px)) + 1)
    y1 = min(h, int(np.ceil(face.y_px + reach * face.cladding_ry_px)) + 1)
    if min(x1 - x0, y1 - y0) < 8:
        return None
    left, right = _lit(pixels[y0:y1, x0:x1].T)
    top, bottom = _lit(pixels[y0:y1, x0:x1])
    free_x, free_y = x0 + right == x1, y0 + bottom == y1
    x0, x1, y0, y1 = x0 + left, x0 + right, y0 + top, y0 + bottom
    x0, x1 = _whole_blocks(x0, x1, left == 0, free_x, w)
    y0, y1 = _whole_blocks(y0, y1, top == 0, free_y, h)
    if min(x1 - x0, y1 - y0) < 8:
        return None
    radius = float(np.sqrt(face.cladding_rx_px * face.cladding_ry_px))
    unit_x, unit_y = face.cladding_rx_px / radius, face.cladding_ry_px / radius
    return Field(x0, y0, x1 - x0, y1 - y0, face.x_px - x0, face.y_px - y0, unit_x, unit_y, radius, reach * radius)


def _whole_blocks(first: int, last: int, may_start_before: bool, may_end_behind: bool, size: int) -> tuple[int, int]:
    """The span first to last (past the end), made a multiple of the block's side within 0 to size."""
    missing = (first - last) % COARSE_PX
    if may_end_behind and last + missing <= size:
        return first, last + missing
    if may_start_before and first >= missing:
        return first - missing, last
    return first, last - (last - first) % COARSE_PX


def _lit(rows: Grey, dark_grey: int = 16, seam_px: int = 4) -> tuple[int, int]:
    """First and past-the-last row inside a black frame border; the border's blurred seam is left out with it."""
    first, last = 0, rows.shape[0]
    while first < last and int(rows[first].max()) <= dark_grey:
        first += 1
    while last > first and int(rows[last - 1].max()) <= dark_grey:
        last -= 1
    return (first + seam_px if first else 0), (last - seam_px if last < rows.shape[0] else last)


def unroll(region: Grey, field: Field) -> Samples:
    """Five times (48, n) uint8: the region along 240 directions at whole radii, every fifth direction together.

    Beyond the region its border is repeated.
    """
    radius = np.arange(int(np.ceil(field.reach)) + 2, dtype=np.float32)
    x = np.multiply.outer((_COSINES * field.unit_x_px).astype(np.float32), radius)
    y = np.multiply.outer((_SINES * field.unit_y_px).astype(np.float32), radius)
    x += np.float32(field.centre_x_px)
    y += np.float32(field.centre_y_px)
    samples = sampled(region, x, y)
    return tuple(samples[k : k + N_SECTORS] for k in range(0, samples.shape[0], N_SECTORS))


def median5(a: Grey, b: Grey, c: Grey, d: Grey, e: Grey) -> Grey:
    """The median of five arrays, element by element, by minima and maxima alone."""
    low = cv2.max(cv2.min(a, b), cv2.min(c, d))
    high = cv2.min(cv2.max(a, b), cv2.max(c, d))
    return cv2.max(cv2.min(low, high), cv2.min(cv2.max(low, high), e))  # type: ignore[return-value]


def _around(polar: Grey, step: int) -> Grey:
    """Median of five sectors, `step` sectors apart, centred on each sector."""
    n = polar.shape[0]
    ring = np.concatenate([polar[-2 * step :], polar, polar[: 2 * step]])
    return median5(*(ring[k * step : k * step + n] for k in range(5)))


def _circle(sectors: Grey) -> Grey:
    """(1, n) uint8: median over the circle (of nine medians of five sectors)."""
    nine = median5(*(sectors[k : k + 41 : 5] for k in range(5)))
    return np.sort(nine, axis=0)[4:5]


def expected_profile(samples: Samples, hub: int) -> Grey:
    """(48, n) uint8: the background by sector and radius.

    Where the picture has an edge, the rim or the core's, the window of the median is 37 degrees, because edges
    are not quite round. Between edges it is 97 degrees, so that a scratch that runs along the circle does not
    become its own background, and what light adds over the shorter window, slowly along the radius, is put back.
    Near the centre both are short against a mark: within `hub` units the window is half the circle, and in the
    inner third of that the ring around it.
    """
    near = _around(median5(*samples), 1)
    wide = _around(near, 2)
    level = 128
    shade = np.maximum(cv2.addWeighted(near, 1, wide, -1, level), np.uint8(level - SHADE_GREY))
    np.minimum(shade, np.uint8(level + SHADE_GREY), out=shade)
    lit = cv2.addWeighted(wide, 1, cv2.blur(shade, (SHADE_UNITS, 1)), 1, -level)
    steep = cv2.dilate(step_profile(wide), np.ones((1, 5), np.uint8))
    profile: Grey = np.where(steep < FLAT_GREY, lit, near)
    hub = min(hub, profile.shape[1])
    profile[:, :hub] = _around(near[:, :hub], 5)
    profile[:, : hub // 3] = median(profile[:, hub // 3 : hub // 3 * 2])
    return profile


def bound_centre(profile: Grey, hub: int, beside: float) -> Grey:
    """The profile, nowhere within `hub` units darker than a multimode core makes it against what lies around.

    A blot that covers the whole centre would pass for a dark core otherwise. What lies around is taken from `hub`
    out to `beside` units.
    """
    around = median(profile[:, hub : max(hub + 1, round(beside))])
    bounded: Grey = profile.copy()
    np.maximum(bounded[:, :hub], np.uint8(max(around - CENTRE_GREY, 0)), out=bounded[:, :hub])
    return bounded


def noise_profile(samples: Samples, profile: Grey, hub: int, ringed: Grey) -> Plane:
    """(48, n) float32: one sigma of the background's noise by sector and radius, from the median deviation.

    Geometric mean of what the sector and what the whole circle say: a sector full of marks does not hide them
    behind its own spread, and a sector that is coarser than the others is not accused for it. Within `hub`
    units, where circles are too short to tell rings of light from marks, what the rings vary counts as noise.

    Args:
        samples: the region unrolled.
        profile: its background.
        hub: radius in units.
        ringed: the background that the rings are read from: without a core that is known.
    """
    away = median5(*(cv2.absdiff(sample, profile) for sample in samples))  # type: ignore[arg-type]
    # sums of five whole numbers, so that nothing is rounded
    circle = cv2.boxFilter(_circle(away), cv2.CV_32F, (5, 1), normalize=False)
    circle *= np.float32(0.2)
    sector = _around(away, 1)
    hub = min(hub, profile.shape[1])
    pin = hub // 3
    sector[:, :hub] = _around(sector[:, :hub], 5)
    sector[:, :pin] = median(sector[:, pin : 2 * pin])
    circle[:, :pin] = np.sort(circle[0, pin : 2 * pin])[pin // 2]
    # the root of what is one byte is looked up
    steps: Plane = cv2.LUT(sector, _ROOTS)  # type: ignore[assignment]
    steps *= np.float32(SPREAD_STEPS) * np.sqrt(circle + np.float32(0.3))
    steps = np.rint(np.minimum(steps, np.float32(255), out=steps), out=steps).astype(np.uint8)
    ring = np.concatenate([steps[-3:], steps, steps[:3]])
    noise = cv2.boxFilter(ring, cv2.CV_32F, (5, 7), normalize=False)[3:-3]
    noise *= np.float32(MAD_TO_SIGMA / (5 * 7 * SPREAD_STEPS))
    window = np.ones((1, pin | 1), np.uint8)
    centre = ringed[:, : 2 * hub]
    rings = cv2.subtract(cv2.dilate(centre, window), cv2.erode(centre, window))[:, :hub]
    rings[:, :pin] = np.maximum(rings[:, :pin], np.uint8(median(rings[:, pin : 2 * pin])))
    ring_noise = np.minimum(np.float32(RING_NOISE) * rings, np.float32(MOST_RING_GREY))
    noise[:, :hub] = np.sqrt(np.square(noise[:, :hub]) + np.square(ring_noise))
    most: Plane = np.minimum(noise, np.float32(MOST_NOISE_GREY))
    return most


def step_profile(profile: Grey) -> Grey:
    """(48, n) uint8: grey levels by which the background changes over two units of radius, widened by one unit."""
    padded = cv2.copyMakeBorder(profile, 0, 0, 1, 1, cv2.BORDER_REPLICATE)
    return cv2.dilate(cv2.absdiff(padded[:, 2:], padded[:, :-2]), np.ones((1, 3), np.uint8))  # type: ignore[return-value]


def edge_blur_px(profile: Grey, field: Field, smooth_px: float) -> float:
    """One sigma of the picture's own blur, from the steepest edge near the cladding's rim; 0.3 to 2.5 px.

    The step of a blurred edge over its steepest slope is 2.5 sigma; what `smooth_px` and the sampling of the
    profile (a third of a pixel squared) add is taken off. A rim that is round by polishing reads a little high,
    a sharpened picture low.
    """
    low, high = int(0.85 * field.radius), min(int(1.15 * field.radius) + 1, profile.shape[1])
    rim = profile[::4, low:high].astype(np.int16)
    if rim.shape[1] < 16:
        return 0.3
    slope = np.abs(rim[:, 2:] - rim[:, :-2])
    steepest = slope.argmax(axis=1)
    at = np.minimum(np.maximum(steepest - 5, 0), rim.shape[1] - 13)
    every = np.arange(rim.shape[0])
    window = rim[every[:, None], at[:, None] + np.arange(13)]
    step = window.max(axis=1) - window.min(axis=1)
    # the slope is taken over two units
    width = true_median(step / np.maximum(0.5 * slope[every, steepest], 1.0))
    own = width**2 / (2 * math.pi) - smooth_px**2 - 1 / 3
    return math.sqrt(min(max(own, 0.3**2), 2.5**2))
