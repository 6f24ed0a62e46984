"""What an undamaged end face looks like at each pixel, and how far a pixel may stray from it.

An end face is round: its rim, the core's edge, rings inside the core and the halo around the glass are the
same along a circle, and light changes slowly around it. So the picture is unrolled around the cladding, and
the background at each radius is the median along the angle. Marks are short along the angle and drop out of
it. Everything here is a plain function of its arguments; arrays index `[y, x]` or `[sector, radius]`.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.records import EndFace

Grey = NDArray[np.uint8]
Plane = NDArray[np.float32]
Samples = tuple[Grey, ...]

N_SECTORS = 48
"""Directions at which the background is kept, 7.5 degrees apart; the window of its median is 37 degrees."""
SAMPLES_PER_SECTOR = 5
COARSE_PX = 4
"""Grid on which the background is laid out where it changes slowly."""
STRIP_ROWS = 64
"""Rows laid out at once: their coordinates stay in the cache."""
SHADE_GREY = 6.0
"""Most that uneven light is trusted to add over 37 degrees, so that an edge or a mark is not taken for light."""
SHADE_UNITS = 31
"""Units of radius over which light is taken to be the same; a mark is shorter."""
FLAT_GREY = 2.0
"""Grey levels per unit of radius below which there is no edge."""
MOST_NOISE_GREY = 6.0
"""More than this is no noise but dirt, such as an oil film with its fringes over the whole face."""
CENTRE_GREY = 20.0
"""Most that the centre of a core is darker than its surroundings by itself."""
RING_NOISE = 0.4
"""Share of the rings' range in a multimode core that counts as one sigma of noise at its centre."""
MOST_RING_GREY = 3.0
"""Most that this may be: a stronger ring at the centre is dirt."""
MAD_TO_SIGMA = 1.4826


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

    None if the box would be less than 8 pixels wide or high.
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
    # whole blocks where nothing is in the way, so that what is laid out on them needs no copy
    x1 = min(w, x1 + (x0 - x1) % COARSE_PX) if free_x else x1
    y1 = min(h, y1 + (y0 - y1) % COARSE_PX) if free_y else y1
    if min(x1 - x0, y1 - y0) < 8:
        return None
    radius = float(np.sqrt(face.cladding_rx_px * face.cladding_ry_px))
    unit_x, unit_y = face.cladding_rx_px / radius, face.cladding_ry_px / radius
    return Field(x0, y0, x1 - x0, y1 - y0, face.x_px - x0, face.y_px - y0, unit_x, unit_y, radius, reach * radius)


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
    n_angles = N_SECTORS * SAMPLES_PER_SECTOR
    radius = np.arange(int(np.ceil(field.reach)) + 2, dtype=np.float32)
    samples = []
    for k in range(SAMPLES_PER_SECTOR):
        first = (k - SAMPLES_PER_SECTOR // 2) * (2 * np.pi / n_angles)
        angle = first + np.arange(N_SECTORS) * (2 * np.pi / N_SECTORS)
        x = np.multiply.outer((np.cos(angle) * field.unit_x_px).astype(np.float32), radius)
        y = np.multiply.outer((np.sin(angle) * field.unit_y_px).astype(np.float32), radius)
        x += np.float32(field.centre_x_px)
        y += np.float32(field.centre_y_px)
        samples.append(cv2.remap(region, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE))
    return tuple(samples)  # type: ignore[arg-type]


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


def _circle(sectors: Grey) -> Plane:
    """(1, n) float32: median over the circle (of nine medians of five sectors)."""
    nine = median5(*(sectors[k : k + 41 : 5] for k in range(5)))
    return np.sort(nine, axis=0)[4:5].astype(np.float32)


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
    shade = np.clip(near.astype(np.float32) - wide, -SHADE_GREY, SHADE_GREY)
    flat = cv2.dilate(slope_profile(wide), np.ones((1, 5), np.uint8)) < FLAT_GREY
    profile = np.where(flat, cv2.add(wide, np.rint(cv2.blur(shade, (SHADE_UNITS, 1))), dtype=cv2.CV_8U), near)
    hub = min(hub, profile.shape[1])
    profile[:, :hub] = _around(near[:, :hub], 5)
    profile[:, : hub // 3] = np.uint8(np.median(profile[:, hub // 3 : hub // 3 * 2]))
    return profile


def bound_centre(profile: Grey, hub: int, beside: float) -> Grey:
    """The profile, nowhere within `hub` units darker than a multimode core makes it against what lies around.

    A blot that covers the whole centre would pass for a dark core otherwise. What lies around is taken from `hub`
    out to `beside` units.
    """
    around = float(np.median(profile[:, hub : max(hub + 1, round(beside))]))
    least = np.uint8(max(around - CENTRE_GREY, 0.0))
    bounded: Grey = profile.copy()
    np.maximum(bounded[:, :hub], least, out=bounded[:, :hub])
    return bounded


def noise_profile(samples: Samples, profile: Grey, hub: int) -> Plane:
    """(48, n) float32: one sigma of the background's noise by sector and radius, from the median deviation.

    Geometric mean of what the sector and what the whole circle say: a sector full of marks does not hide them
    behind its own spread, and a sector that is coarser than the others is not accused for it. Within `hub`
    units, where circles are too short to tell rings of light from marks, what the rings vary counts as noise.
    """
    away = median5(*(cv2.absdiff(sample, profile) for sample in samples))  # type: ignore[arg-type]
    circle = cv2.blur(_circle(away), (5, 1))
    sector = _around(away, 1)
    hub = min(hub, profile.shape[1])
    pin = hub // 3
    sector[:, :hub] = _around(sector[:, :hub], 5)
    sector[:, :pin] = np.uint8(np.median(sector[:, pin : 2 * pin]))
    circle[:, :pin] = np.median(circle[:, pin : 2 * pin])
    spread = np.sqrt((sector + np.float32(0.3)) * (circle + np.float32(0.3)))
    ring = np.concatenate([spread[-3:], spread, spread[:3]])
    noise = np.float32(MAD_TO_SIGMA) * cv2.blur(ring, (5, 7))[3:-3]
    window = np.ones((1, pin | 1), np.uint8)
    centre = profile[:, : 2 * hub]
    rings = cv2.subtract(cv2.dilate(centre, window), cv2.erode(centre, window))[:, :hub].astype(np.float32)
    rings[:, :pin] = np.maximum(rings[:, :pin], np.median(rings[:, pin : 2 * pin]))
    rings = np.minimum(np.float32(RING_NOISE) * rings, np.float32(MOST_RING_GREY))
    # not cv2.magnitude: where OpenCV has IPP, its last bit depends on where the arrays lie in memory
    noise[:, :hub] = np.sqrt(np.square(noise[:, :hub]) + rings * rings)
    most: Plane = np.minimum(noise, np.float32(MOST_NOISE_GREY))
    return most


def slope_profile(profile: Grey) -> Plane:
    """(48, n) float32: grey levels by which the background changes over one unit of radius, widened by one unit."""
    padded = cv2.copyMakeBorder(profile, 0, 0, 1, 1, cv2.BORDER_REPLICATE)
    step = cv2.dilate(cv2.absdiff(padded[:, 2:], padded[:, :-2]), np.ones((1, 3), np.uint8))
    slope = np.asarray(step, np.float32)
    slope *= 0.5
    return slope


def edge_blur_px(profile: Grey, field: Field, smooth_px: float) -> float:
    """One sigma of the picture's own blur, from the steepest edge near the cladding's rim; 0.3 to 2.5 px.

    The step of a blurred edge over its steepest slope is 2.5 sigma; what `smooth_px` and the sampling of the
    profile (a third of a pixel squared) add is taken off. A rim that is round by polishing reads a little high,
    a sharpened picture low.
    """
    low, high = int(0.85 * field.radius), min(int(1.15 * field.radius) + 1, profile.shape[1])
    rim = profile[::4, low:high].astype(np.float32)
    if rim.shape[1] < 16:
        return 0.3
    slope = np.abs(rim[:, 2:] - rim[:, :-2]) * np.float32(0.5)
    at = np.clip(slope.argmax(axis=1) - 5, 0, rim.shape[1] - 13)
    window = np.take_along_axis(rim, at[:, None] + np.arange(13), axis=1)
    steepest = slope.max(axis=1)
    width = (window.max(axis=1) - window.min(axis=1)) / np.maximum(steepest, 1.0) / np.sqrt(2 * np.pi)
    own = float(np.median(width)) ** 2 - smooth_px**2 - 1 / 3
    return float(np.sqrt(np.clip(own, 0.3**2, 2.5**2)))


def lay_out(profiles: tuple[Grey, ...], field: Field, sharp: float) -> tuple[Grey, ...]:
    """Polar profiles (48, n) laid back onto the region, each (h, w) uint8.

    Within `sharp` units of the centre pixel by pixel; beyond, where nothing changes fast, on a grid of 4 px.
    """
    rows, columns = -(-field.h_px // COARSE_PX) * COARSE_PX, -(-field.w_px // COARSE_PX) * COARSE_PX
    laid = []
    for coarse in lay_out_coarsely(profiles, field):
        full = cv2.resize(coarse, (columns, rows), interpolation=cv2.INTER_LINEAR)
        laid.append(np.ascontiguousarray(full[: field.h_px, : field.w_px]))
    rings = tuple(np.concatenate([p, p[:1]]) for p in profiles)
    top, bottom = _span(field.centre_y_px, sharp * field.unit_y_px, field.h_px)
    for y0 in range(top, bottom, STRIP_ROWS):
        y1 = min(y0 + STRIP_ROWS, bottom)
        nearest = max(y0 - field.centre_y_px, field.centre_y_px - y1, 0.0) / field.unit_y_px
        half = float(np.sqrt(max(sharp**2 - nearest**2, 0.0))) * field.unit_x_px
        x0, x1 = _span(field.centre_x_px, half, field.w_px)
        if x1 <= x0:
            continue
        radius, sector = _polar(field, np.arange(x0, x1, dtype=np.float32), np.arange(y0, y1, dtype=np.float32))
        for ring, plane in zip(rings, laid, strict=True):
            window = plane[y0:y1, x0:x1]
            cv2.remap(ring, radius, sector, cv2.INTER_LINEAR, dst=window, borderMode=cv2.BORDER_REPLICATE)
    return tuple(laid)  # type: ignore[arg-type]


def lay_out_coarsely(profiles: tuple[Grey, ...], field: Field) -> tuple[Grey, ...]:
    """Polar profiles (48, n) on blocks of 4x4 px of the region, each (ceil(h / 4), ceil(w / 4)) uint8."""
    half = (COARSE_PX - 1) / 2
    columns = np.arange(0, field.w_px, COARSE_PX, dtype=np.float32) + np.float32(half)
    rows = np.arange(0, field.h_px, COARSE_PX, dtype=np.float32) + np.float32(half)
    radius, sector = _polar(field, columns, rows)
    laid = []
    for profile in profiles:
        ring = np.concatenate([profile, profile[:1]])
        laid.append(cv2.remap(ring, radius, sector, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE))
    return tuple(laid)  # type: ignore[arg-type]


def _span(centre: float, half: float, size: int) -> tuple[int, int]:
    return max(0, int(np.floor(centre - half))), min(size, int(np.ceil(centre + half)) + 1)


def _polar(field: Field, columns: Plane, rows: Plane) -> tuple[Plane, Plane]:
    """Radius in units and sector number, both (rows, columns) float32, as remap wants them."""
    across = (columns - np.float32(field.centre_x_px)) / np.float32(field.unit_x_px)
    down = (rows - np.float32(field.centre_y_px)) / np.float32(field.unit_y_px)
    x = np.empty((rows.size, columns.size), np.float32)
    y = np.empty_like(x)
    x[:] = across
    y[:] = down[:, None]
    radius, angle = cv2.cartToPolar(x, y)
    angle *= np.float32(N_SECTORS / (2 * np.pi))
    return radius, angle  # type: ignore[return-value]
