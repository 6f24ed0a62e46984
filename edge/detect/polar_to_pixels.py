"""From polar back to pixels: the background by sector and radius, worked out for each pixel of the region.

Where the background changes slowly, it is read at the middles of blocks of 4x4 px and interpolated between them. Where
it is steep, at the rim and at the core's edge, it is read pixel by pixel. So the cost grows with the length of the
edges, not with the picture's area. All arithmetic is exact, the same on every machine (docs/decisions/0016).
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.arrays import F32, U8, U16, Index
from edge.detect.region import BLOCK_PX, InspectedRegion
from edge.detect.sectors import N_SECTORS

Maps = tuple[NDArray[np.int16], U16]

STEEP_GREY = 3
"""A background that varies by more, along the radius within a block's reach, is read pixel by pixel. Chosen on real end
faces."""
STEEP_UNITS = 11
"""A block's reach along the radius: its own 4 px, and the neighbouring blocks that it is interpolated from."""
MAX_AT_ONCE = 4096
"""Steep blocks that are worked on at once, so that their coordinates stay in the processor's cache."""
TURN = 7.4
"""An angle without an arc tangent: sectors = 6 - TURN * t + (TURN - 6) * t**3 for t = (x - y) / (x + y) in the first
quarter. Fitted to the arc tangent: right to a 20th of a sector."""
AXIS_OFFSET = np.float32(1e-6)
"""Keeps x + y from being 0 at the very centre."""


@dataclass(frozen=True, slots=True)
class Blocks:
    """Blocks of 4x4 px that cover a region, and where their middles lie from the cladding's centre.

    Attributes:
        across: (columns,) float32, in units of radius.
        down: (rows,) float32, in units of radius.
        radius: (rows, columns) float32, in units.
        sector: (rows, columns) float32, 0 to 48.
    """

    across: F32
    down: F32
    radius: F32
    sector: F32


def blocks(region: InspectedRegion) -> Blocks:
    """The blocks of a region, from its first row and column on."""
    h, w = region.pixels.shape
    middle = (BLOCK_PX - 1) / 2
    across = (np.arange(0, w, BLOCK_PX) + (middle - region.centre_x_px)) / region.unit_x_px
    down = (np.arange(0, h, BLOCK_PX) + (middle - region.centre_y_px)) / region.unit_y_px
    x, y = across.astype(np.float32), down.astype(np.float32)
    radius = np.sqrt(np.add.outer(y * y, x * x))
    return Blocks(x, y, radius, _sector(x, y))


def _sector(x: F32, y: F32) -> F32:
    """(len(y), len(x)) float32: the direction in sectors, 0 to 48; x and y ascend."""
    side, up = np.abs(x), np.abs(y) + AXIS_OFFSET
    turn = np.add.outer(up, side)
    sector: F32 = np.subtract.outer(up, side)
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
    """Background and limit at each pixel.

    Attributes:
        expected: (h, w) uint8, the background.
        limit: (h, w) uint8, the limit.
        spread: (rows, columns) uint8, the spread at each block.
    """

    expected: U8
    limit: U8
    spread: U8


def lay_out(profile: U8, spread: U8, limit_of: U8, grid: Blocks, sharp: float) -> Laid:
    """Background and limit at each pixel of the region.

    Args:
        profile: (48, n) uint8, the background by sector and radius.
        spread: (48, n) uint8, what the limit depends on; a block has that of the sample at its middle or next before.
        limit_of: (256,) uint8, the limit for each value of `spread`.
        grid: the blocks of the region.
        sharp: radius, in units, up to which steep blocks are worked out pixel by pixel, limits too.
    """
    reach = np.ones((1, STEEP_UNITS), np.uint8)
    steep = cv2.subtract(cv2.dilate(profile, reach), cv2.erode(profile, reach))
    # steep if any of the four samples around a place is
    steep = cv2.dilate(_ring(steep), np.ones((2, 2), np.uint8), anchor=(0, 0))  # type: ignore[arg-type]
    maps = _maps(grid.radius, grid.sector + np.float32(1))
    expected, spread_ring = _ring(profile), _ring(spread)
    coarse = _remap(expected, maps)
    # both are read at once: one in the high byte, one in the low
    both = _nearest((steep.astype(np.uint16) << np.uint16(8)) | spread_ring, maps)
    coarse_spread = both.astype(np.uint8)
    plane = magnified(coarse)
    limit = repeated(cv2.LUT(coarse_spread, limit_of))  # type: ignore[arg-type]
    blocks_at = np.flatnonzero((both > np.uint16(STEEP_GREY << 8 | 255)) & (grid.radius < np.float32(sharp)))
    row, column = np.divmod(blocks_at, coarse.shape[1])
    for first in range(0, row.size, MAX_AT_ONCE):
        at = row[first : first + MAX_AT_ONCE], column[first : first + MAX_AT_ONCE]
        maps = _steep_maps(grid, *at)
        # the four pixels of a block's row are written as one 32-bit word
        place = (BLOCK_PX * at[0] + np.arange(BLOCK_PX)[:, None]) * coarse.shape[1] + at[1]
        _put(plane, place, _remap(expected, maps))
        _put(limit, place, cv2.LUT(_remap(spread_ring, maps), limit_of))  # type: ignore[arg-type]
    return Laid(plane, limit, coarse_spread)


def _ring(profile: U8) -> U8:
    """(51, n) uint8: the profile with the last sector before the first, and the first two after the last."""
    return np.concatenate([profile[-1:], profile, profile[:2]])


def _maps(x: F32, y: F32) -> Maps:
    return cv2.convertMaps(x, y, cv2.CV_16SC2)  # type: ignore[return-value]


def _remap(ring: U8, maps: Maps) -> U8:
    return cv2.remap(ring, *maps, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)  # type: ignore[return-value]


def _nearest(ring: U16, maps: Maps) -> U16:
    """The sample at or next before each place."""
    return cv2.remap(ring, maps[0], None, cv2.INTER_NEAREST, borderMode=cv2.BORDER_REPLICATE)  # type: ignore[call-overload, no-any-return]


def _put(plane: U8, place: Index, seen: U8) -> None:
    """Writes the pixels of n blocks, (16, n) uint8, into a plane; `place` is (4, n), the word of each block's row."""
    pixels = seen.reshape(BLOCK_PX, BLOCK_PX, -1)
    words = cv2.merge([pixels[:, k] for k in range(BLOCK_PX)])
    plane.reshape(-1).view(np.uint32)[place] = words.reshape(-1).view(np.uint32).reshape(place.shape)


def _steep_maps(grid: Blocks, row: Index, column: Index) -> Maps:
    """Where the pixels of n blocks lie by radius and sector, as maps (16, n): each block's first pixel, second, ...

    Within a block the direction is taken to change evenly.
    """
    off = np.arange(BLOCK_PX, dtype=np.float32)[:, None] - np.float32((BLOCK_PX - 1) / 2)
    off_x = off * (np.float32(grid.across[1] - grid.across[0]) / BLOCK_PX)
    off_y = off * (np.float32(grid.down[1] - grid.down[0]) / BLOCK_PX)
    x, y = grid.across[column], grid.down[row]
    away = grid.radius[row, column]
    per_unit = np.float32(N_SECTORS / (2 * np.pi)) / np.maximum(away * away, np.float32(1))
    sector = (x * per_unit * off_y + (grid.sector[row, column] + np.float32(1)))[:, None] - y * per_unit * off_x
    across, down = x + off_x, y + off_y
    radius = (down * down)[:, None] + across * across
    np.sqrt(radius, out=radius)
    shape = BLOCK_PX**2, row.size
    return _maps(radius.reshape(shape), sector.reshape(shape))


def magnified(coarse: U8) -> U8:
    """(4h, 4w) uint8: linear between the blocks' middles, in eighths, first along rows, then along columns."""
    h, w = coarse.shape
    padded: U8 = cv2.copyMakeBorder(coarse, 1, 1, 1, 1, cv2.BORDER_REPLICATE)  # type: ignore[assignment]
    before, here, behind = padded[:, :-2], padded[:, 1:-1], padded[:, 2:]
    quarters = (
        _between(before, here, 5),
        _between(before, here, 7),
        _between(behind, here, 7),
        _between(behind, here, 5),
    )
    wide: U8 = cv2.merge(quarters).reshape(h + 2, 4 * w)  # type: ignore[assignment]
    full = np.empty((h, BLOCK_PX, 4 * w), np.uint8)
    above, here, below = wide[:-2], wide[1:-1], wide[2:]
    for k, (other, eighths) in enumerate(((above, 5), (above, 7), (below, 7), (below, 5))):
        _between(other, here, eighths, full[:, k])
    return full.reshape(4 * h, 4 * w)


def _between(far: U8, near: U8, eighths: int, into: U8 | None = None) -> U8:
    return cv2.addWeighted(far, 1 - eighths / 8, near, eighths / 8, 0, dst=into)  # type: ignore[return-value]


def repeated(coarse: U8) -> U8:
    """(4h, 4w) uint8: each value four times along rows and columns."""
    h, w = coarse.shape
    # four equal bytes make a word
    words = coarse * np.uint32(0x01010101)
    full = np.empty((h, BLOCK_PX, w), np.uint32)
    full[:] = words[:, None]
    return full.reshape(BLOCK_PX * h, w).view(np.uint8)
