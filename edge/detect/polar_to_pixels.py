"""From polar back to pixels: lays out a background that is known by sector and radius.

Where it changes slowly, on blocks of 4x4 px and between them; where it is steep, at the rim and at the core's edge,
pixel by pixel. So the cost is that of the edges' length, not of the picture's area. All of it is exact
arithmetic, the same on every machine: see `edge.detect.background`.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.detect.background import COARSE_PX, N_SECTORS, Field, Grey, Plane

Ints = NDArray[np.intp]
Maps = tuple[NDArray[np.int16], NDArray[np.uint16]]

STEEP_GREY = 3
"""Range of the background, within a block's reach along the radius, from which on it is laid out pixel by pixel."""
STEEP_UNITS = 11
"""A block's reach along the radius, with that of what it is interpolated from."""
MOST_AT_ONCE = 4096
"""Steep blocks that are laid out at once: their coordinates stay in the cache."""
TURN = 7.4
"""Sectors = 6 - TURN * t + (TURN - 6) * t**3 for t = (x - y) / (x + y) in the first quarter; right to a 20th of one."""


@dataclass(frozen=True, slots=True)
class Blocks:
    """Blocks of 4x4 px that cover a field, and where their middles lie from the cladding's centre.

    Attributes:
        across: (columns,) float32, in units of radius.
        down: (rows,) float32, in units of radius.
        radius: (rows, columns) float32, in units.
        sector: (rows, columns) float32, 0 to 48.
    """

    across: Plane
    down: Plane
    radius: Plane
    sector: Plane


def blocks(field: Field) -> Blocks:
    """The blocks of a field, from its first row and column on."""
    middle = (COARSE_PX - 1) / 2
    across = (np.arange(0, field.w_px, COARSE_PX) + (middle - field.centre_x_px)) / field.unit_x_px
    down = (np.arange(0, field.h_px, COARSE_PX) + (middle - field.centre_y_px)) / field.unit_y_px
    x, y = across.astype(np.float32), down.astype(np.float32)
    radius = np.sqrt(np.add.outer(y * y, x * x))
    return Blocks(x, y, radius, _sector(x, y))


def _sector(x: Plane, y: Plane) -> Plane:
    """(len(y), len(x)) float32: the direction in sectors, 0 to 48; x and y ascend."""
    side, up = np.abs(x), np.abs(y) + np.float32(1e-6)
    turn = np.add.outer(up, side)
    sector: Plane = np.subtract.outer(up, side)
    sector /= turn
    np.multiply(sector, sector, out=turn)
    turn *= np.float32(6 - TURN)
    turn += np.float32(TURN)
    sector *= turn
    quarter = np.float32(N_SECTORS / 4)
    sector += quarter / 2
    left, above = int(np.searchsorted(x, 0)), int(np.searchsorted(y, 0))
    np.subtract(2 * quarter, sector[:, :left], out=sector[:, :left])
    np.subtract(4 * quarter, sector[:above], out=sector[:above])
    return sector


@dataclass(frozen=True, slots=True)
class Laid:
    """Two profiles, laid out.

    Attributes:
        expected: (h, w) uint8, the background.
        limit: (h, w) uint8, the limit.
        spread: (rows, columns) uint8, one value for each block.
    """

    expected: Grey
    limit: Grey
    spread: Grey


def lay_out(profile: Grey, spread: Grey, limit_of: Grey, grid: Blocks, sharp: float) -> Laid:
    """Profiles (48, n) by sector and radius, laid back onto the pixels.

    Args:
        profile: the background; between blocks it is interpolated.
        spread: what the limit depends on; a block has that of the sample at its middle or next before it.
        limit_of: (256,) uint8, the limit for each value of `spread`.
        grid: the blocks of the field.
        sharp: radius, in units, up to which steep blocks are laid out pixel by pixel, `spread` too.
    """
    reach = np.ones((1, STEEP_UNITS), np.uint8)
    steep = cv2.subtract(cv2.dilate(profile, reach), cv2.erode(profile, reach))
    # whatever a block between these samples is interpolated from
    steep = cv2.dilate(_ring(steep), np.ones((2, 2), np.uint8), anchor=(0, 0))  # type: ignore[arg-type]
    maps = _maps(grid.radius, grid.sector + np.float32(1))
    expected, spread_ring = _ring(profile), _ring(spread)
    coarse = _remap(expected, maps)
    # both in one look: one in the high byte, one in the low
    both = _nearest((steep.astype(np.uint16) << np.uint16(8)) | spread_ring, maps)
    coarse_spread = both.astype(np.uint8)
    plane = magnified(coarse)
    limit = repeated(cv2.LUT(coarse_spread, limit_of))  # type: ignore[arg-type]
    blocks_at = np.flatnonzero((both > np.uint16(STEEP_GREY << 8 | 255)) & (grid.radius < np.float32(sharp)))
    row, column = np.divmod(blocks_at, coarse.shape[1])
    for first in range(0, row.size, MOST_AT_ONCE):
        at = row[first : first + MOST_AT_ONCE], column[first : first + MOST_AT_ONCE]
        maps = _steep_maps(grid, *at)
        # the four pixels of a block's row are put down as one word
        place = (COARSE_PX * at[0] + np.arange(COARSE_PX)[:, None]) * coarse.shape[1] + at[1]
        _put(plane, place, _remap(expected, maps))
        _put(limit, place, cv2.LUT(_remap(spread_ring, maps), limit_of))  # type: ignore[arg-type]
    return Laid(plane, limit, coarse_spread)


def _ring(profile: Grey) -> Grey:
    """The profile with the sectors on either side of its seam repeated: row 0 is the last sector."""
    return np.concatenate([profile[-1:], profile, profile[:2]])


def _maps(x: Plane, y: Plane) -> Maps:
    return cv2.convertMaps(x, y, cv2.CV_16SC2)  # type: ignore[return-value]


def _remap(ring: Grey, maps: Maps) -> Grey:
    return cv2.remap(ring, *maps, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)  # type: ignore[return-value]


def _nearest(ring: NDArray[np.uint16], maps: Maps) -> NDArray[np.uint16]:
    """The sample at or next before each place."""
    return cv2.remap(ring, maps[0], None, cv2.INTER_NEAREST, borderMode=cv2.BORDER_REPLICATE)  # type: ignore[call-overload, no-any-return]


def _put(plane: Grey, place: Ints, seen: Grey) -> None:
    """Puts (16, n) uint8, the pixels of n blocks, into a plane at (4, n) words."""
    pixels = seen.reshape(COARSE_PX, COARSE_PX, -1)
    words = cv2.merge([pixels[:, k] for k in range(COARSE_PX)])
    plane.reshape(-1).view(np.uint32)[place] = words.reshape(-1).view(np.uint32).reshape(place.shape)


def _steep_maps(grid: Blocks, row: Ints, column: Ints) -> Maps:
    """Where the pixels of n blocks lie in a ring, as maps (16, n): the first pixel of each, the second of each...

    Within a block the direction is taken to change evenly.
    """
    off = np.arange(COARSE_PX, dtype=np.float32)[:, None] - np.float32((COARSE_PX - 1) / 2)
    off_x = off * (np.float32(grid.across[1] - grid.across[0]) / COARSE_PX)
    off_y = off * (np.float32(grid.down[1] - grid.down[0]) / COARSE_PX)
    x, y = grid.across[column], grid.down[row]
    away = grid.radius[row, column]
    per_unit = np.float32(N_SECTORS / (2 * np.pi)) / np.maximum(away * away, np.float32(1))
    sector = (x * per_unit * off_y + (grid.sector[row, column] + np.float32(1)))[:, None] - y * per_unit * off_x
    across, down = x + off_x, y + off_y
    radius = (down * down)[:, None] + across * across
    np.sqrt(radius, out=radius)
    shape = COARSE_PX**2, row.size
    return _maps(radius.reshape(shape), sector.reshape(shape))


def magnified(coarse: Grey) -> Grey:
    """(4h, 4w) uint8: linear between the blocks' middles, in eighths, first along rows, then along columns."""
    h, w = coarse.shape
    padded: Grey = cv2.copyMakeBorder(coarse, 1, 1, 1, 1, cv2.BORDER_REPLICATE)  # type: ignore[assignment]
    before, here, behind = padded[:, :-2], padded[:, 1:-1], padded[:, 2:]
    quarters = (
        _between(before, here, 5),
        _between(before, here, 7),
        _between(behind, here, 7),
        _between(behind, here, 5),
    )
    wide: Grey = cv2.merge(quarters).reshape(h + 2, 4 * w)  # type: ignore[assignment]
    full = np.empty((h, COARSE_PX, 4 * w), np.uint8)
    above, here, below = wide[:-2], wide[1:-1], wide[2:]
    for k, (other, eighths) in enumerate(((above, 5), (above, 7), (below, 7), (below, 5))):
        _between(other, here, eighths, full[:, k])
    return full.reshape(4 * h, 4 * w)


def _between(far: Grey, near: Grey, eighths: int, into: Grey | None = None) -> Grey:
    return cv2.addWeighted(far, 1 - eighths / 8, near, eighths / 8, 0, dst=into)  # type: ignore[return-value]


def repeated(coarse: Grey) -> Grey:
    """(4h, 4w) uint8: each value four times along rows and columns."""
    h, w = coarse.shape
    # four equal bytes make a word
    words = coarse * np.uint32(0x01010101)
    full = np.empty((h, COARSE_PX, w), np.uint32)
    full[:] = words[:, None]
    return full.reshape(COARSE_PX * h, w).view(np.uint8)
