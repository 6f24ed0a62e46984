"""The field around a fibre, sampled along rays: what of it is in view, how noisy it is, and whether it shows anything.

The samples are pixels as they are, not interpolated: interpolating takes a third off the noise.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.arrays import F32, F64, U8
from edge.imaging.black_frame import last_lit
from edge.imaging.ellipse import Ellipse
from edge.imaging.exact import median_upper
from edge.imaging.polar import directions
from edge.records import JudgedRing

N_SECTORS = 8
"""A ring is looked at by eighths."""
# From here on: chosen on drawn and real end faces; not derived.
_N_RAYS = 64
_SLACK_PX = 1.0
"""A border that cuts the field by no more is no cut: the circle itself is not known better."""
_FRAME = 0.12
"""Black from here outwards, in radii of the field, is a frame and no dirt."""
_BEYOND = 1.25
"""A frame is looked for out to here, in radii of the field."""
_DARK_FERRULE = 0.6
"""Where so large a share of the rays end in black, it is the ferrule that is dark, and no frame."""
_EDGE = 0.94, 1.1
"""Radii, in cladding radii, between which the rim and the bore are."""
_SMALL_RING = 0.4
"""A ring within so many cladding radii has too few pixels for eighths."""
_BEND_GREY = 2
_MIN_SAMPLES = 40
_MIN_SIDE_PX = 16
_STRIDE = 2
_SAME = 10
"""Rows that differ in less than a tenth of the pixels that others differ in are the same row."""
_MIN_BLOCKS = 4.0
"""JPEG makes blocks of its own, which read as enlarged by 3.5 at most."""


@dataclass(frozen=True, slots=True)
class Field:
    """Pixels along rays from the centre of a fibre, as far as they are in view.

    Attributes:
        grey: (n, m) uint8.
        radius: (m,) float32, in cladding radii, about a pixel apart.
        in_view: (n,) float64, how far out each ray is in view, in cladding radii.
    """

    grey: U8
    radius: F32
    in_view: F64


@dataclass(frozen=True, slots=True)
class Cell:
    """A ring, or an eighth of one.

    Attributes:
        sector: its number, counted from the x axis towards the y axis; None for a whole ring.
        noise_grey: one sigma of a pixel's noise.
        texture: share of the pixels that bend by two grey levels or more against those two pixels in and out.
        flat: share of the pixels that have the most common grey level.
        grey: that grey level.
    """

    sector: int | None
    noise_grey: float
    texture: float
    flat: float
    grey: int


def field_of(pixels: U8, at: Ellipse, reach: float) -> Field:
    """The field out to `reach` cladding radii, and a quarter more of it to tell a black frame."""
    h, w = pixels.shape
    c, s = directions(_N_RAYS)
    # the centre itself is a single pixel for all rays
    radius = (np.arange(1, math.ceil(_BEYOND * reach * at.mean_px) + 1) / np.float32(at.mean_px)).astype(np.float32)
    columns = np.rint(np.multiply.outer(np.float32(at.rx_px) * c, radius) + np.float32(at.x_px)).astype(np.int32)
    rows = np.rint(np.multiply.outer(np.float32(at.ry_px) * s, radius) + np.float32(at.y_px)).astype(np.int32)
    slack = int(_SLACK_PX)
    inside = (columns >= -slack) & (columns < w + slack) & (rows >= -slack) & (rows < h + slack)
    np.minimum(np.maximum(columns, 0, out=columns), w - 1, out=columns)
    np.minimum(np.maximum(rows, 0, out=rows), h - 1, out=rows)
    rows *= w
    rows += columns
    grey = pixels.ravel().take(rows) if pixels.flags.c_contiguous else pixels[rows // w, columns]
    n_inside = inside.sum(axis=1)  # the picture is convex, so that what is inside comes first
    n_lit = last_lit(grey, inside)
    framed = n_inside - n_lit >= np.float64(_FRAME * reach * at.mean_px)
    if int(np.count_nonzero(framed)) >= _DARK_FERRULE * max(1, int(np.count_nonzero(n_inside))):
        framed[:] = False
    n_seen = np.where(framed, n_lit, n_inside)
    whole = n_seen == radius.size
    in_view = np.where(whole, np.inf, n_seen / at.mean_px)
    return Field(grey.astype(np.uint8, copy=False), radius, in_view.astype(np.float64))


def unseen(field: Field, ring: JudgedRing, cladding_r_um: float) -> float:
    """Share of a ring's area that is not in view, 0..1."""
    inner, outer = ring.inner_um / cladding_r_um, ring.outer_um / cladding_r_um
    # a ring's edge between two pixels is in view with the inner one
    step = float(field.radius[0])
    reached = np.where(field.in_view + step > outer, outer, np.maximum(field.in_view, inner))
    return float(np.mean((outer * outer - reached * reached) / (outer * outer - inner * inner)))


def cells(field: Field, ring: JudgedRing, cladding_r_um: float) -> list[Cell]:
    """The ring by eighths, as far as they are in view; a small ring as a whole. Without the rim."""
    inner, outer = ring.inner_um / cladding_r_um, ring.outer_um / cladding_r_um
    if inner < _EDGE[1] and outer > _EDGE[0]:
        inner, outer = (inner, _EDGE[0]) if inner < _EDGE[0] else (_EDGE[1], outer)
    first, last = np.searchsorted(field.radius, (inner, outer))
    every = 2 if inner > _EDGE[0] else 1  # on the ferrule half of the rays are as close as all of them in the glass
    n_view = np.searchsorted(field.radius, field.in_view, side="right")[::every]
    part = field.grey[::every, max(0, first - 2) : last + 2].astype(np.int16)
    if part.shape[1] < 5:
        return []
    # every second pixel has its share
    middle = part[:, 2:-2:_STRIDE]
    twice = 2 * middle
    near = np.abs(part[:, 3:-1:_STRIDE] + part[:, 1:-3:_STRIDE] - twice)
    far = np.abs(part[:, 4::_STRIDE] + part[:, :-4:_STRIDE] - twice)
    seen = _STRIDE * np.arange(near.shape[1]) + max(2, first) + 2 <= n_view[:, None]
    n = part.shape[0] // N_SECTORS
    sectors = [None] if outer < _SMALL_RING else list(range(N_SECTORS))
    found = []
    for k in sectors:
        rays = slice(None) if k is None else slice(k * n, (k + 1) * n)
        of_sector = seen[rays]
        a, b = near[rays][of_sector], far[rays][of_sector]
        if a.size >= _MIN_SAMPLES:
            counts = np.bincount(middle[rays][of_sector], minlength=256)
            grey = int(counts.argmax())
            found.append(
                Cell(k, _noise(a), np.count_nonzero(b >= _BEND_GREY) / b.size, int(counts[grey]) / a.size, grey)
            )
    return found


def _noise(bend: NDArray[np.int16]) -> float:
    """One sigma of a pixel's noise from second differences, as `edge.imaging.noise.noise_of`."""
    clipped = np.minimum(bend, np.int16(3 * median_upper(bend) + 1))
    return float(clipped.sum(dtype=np.int64)) / bend.size * math.sqrt(math.pi / 12)


def enlarged(pixels: U8, at: Ellipse) -> float:
    """How many pixels stand for one: 1 for a picture as the sensor gave it, 6 where it was enlarged in blocks of 6.

    In a picture enlarged to the nearest pixel, most columns and rows are like their neighbour.
    """
    h, w = pixels.shape
    left, right = max(0, int(at.x_px - at.rx_px)), min(w, int(at.x_px + at.rx_px) + 1)
    top, bottom = max(0, int(at.y_px - at.ry_px)), min(h, int(at.y_px + at.ry_px) + 1)
    if min(bottom - top, right - left) < _MIN_SIDE_PX:
        return 1.0
    # every so many columns tell of the rows, and the reverse
    columns = np.ascontiguousarray(pixels[top:bottom, left:right:_STRIDE])
    rows = pixels[top:bottom:_STRIDE, left:right]
    found = []
    for axis, steps in ((1, cv2.absdiff(columns[1:], columns[:-1])), (0, cv2.absdiff(rows[:, 1:], rows[:, :-1]))):
        found.append(
            max(_repeated(_row_sums(np.minimum(steps, 1), axis)), _blocks(_row_sums(np.minimum(steps, 8), axis)))
        )
    return max(found)


def _row_sums(steps: U8, axis: int) -> NDArray[np.int32]:
    return cv2.reduce(np.ascontiguousarray(steps), axis, cv2.REDUCE_SUM, dtype=cv2.CV_32S).ravel()  # type: ignore[return-value]


def _repeated(changed: NDArray[np.int32]) -> float:
    """From how many pixels change from one row to the next: rows that are the same are none."""
    most = int(np.sort(changed)[int(0.9 * changed.size)])
    return changed.size / max(1, int(np.count_nonzero(_SAME * changed >= most)))


def _blocks(change: NDArray[np.int32]) -> float:
    """From how much changes from one row to the next, beside the rows around; for blocks that a JPEG has softened."""
    around = cv2.dilate(change.astype(np.float32)[None, :], np.ones((1, 7), np.uint8))[0]
    found = change.size / max(1, int(np.count_nonzero(change >= 0.6 * around)))
    return found if found >= _MIN_BLOCKS else 1.0
