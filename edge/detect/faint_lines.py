"""Scratches that no single pixel shows: lines of a few hundredths of the picture's range, found by their sum.

A line is summed in two steps, across it and along it: means over blocks of 4x4 px, about as wide as a scratch and its
blur, then a chain of such blocks (`edge.detect.linking`). LEI (Mei et al., Sensors 2018, 18(5):1408) sums along
straight lines in 12 orientations at full resolution instead.
"""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np

from edge.arrays import U8, Index
from edge.detect import linking, measurement
from edge.detect.comparison import LEVEL, STEPS_PER_GREY, Comparison, Layer
from edge.detect.region import BLOCK_PX, InspectedRegion
from edge.records import Candidate, EndFace

MIN_BLOCKS = 2
"""A part of one block has no direction."""
BLOCK_MIDDLE_PX = (BLOCK_PX - 1) / 2
BLOCK_BLUR_PX2 = BLOCK_PX**2 / 12
"""Variance of a mean over a block."""


def faint_lines(compared: Comparison, taken: Index, face: EndFace, gap_px: float, min_px: float) -> list[Candidate]:
    """Faint lines, measured as well as blocks allow.

    Args:
        compared: where to look.
        taken: flat indices of the pixels that marks hold already; their blocks and those beside them are left out.
        face: centre and scale.
        gap_px: largest gap within a line.
        min_px: shortest line.
    """
    layer = _blocks(compared)
    parts = _parts(layer, _free(compared, taken))
    marks = linking.joined(parts, gap_px / BLOCK_PX, min_px / BLOCK_PX)
    if marks.n_marks == 0:
        return []
    found = measurement.measure(layer, _face_in_blocks(face, compared.region), marks)
    return [_in_pixels(candidate, compared.region) for candidate in found]


def _blocks(compared: Comparison) -> Layer:
    """The deviations as a picture of their own, with one pixel for each block."""
    # in two halvings, which OpenCV has at hand
    half = cv2.resize(compared.difference, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
    seen: U8 = cv2.resize(half, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)  # type: ignore[assignment]
    blur = float(np.sqrt(compared.pixels.blur_px**2 + BLOCK_BLUR_PX2)) / BLOCK_PX
    level = np.full_like(seen, LEVEL)
    return Layer(seen, level, compared.block_limit, compared.block_limit_per_sigma, blur, 0, 0)


def _free(compared: Comparison, taken: Index) -> U8:
    """(rows, columns) uint8: 1 for a block that is inspected and away from all marks, else 0."""
    held = np.zeros_like(compared.blocks_in_reach)
    y, x = np.divmod(taken, compared.difference.shape[1])
    held[y // BLOCK_PX, x // BLOCK_PX] = 1
    return cv2.subtract(compared.blocks_in_reach, cv2.dilate(held, np.ones((3, 3), np.uint8)))  # type: ignore[return-value]


def _parts(layer: Layer, free: U8) -> linking.Parts:
    """Connected free blocks that exceed their limit, without single ones."""
    off = cv2.bitwise_and(cv2.compare(cv2.absdiff(layer.seen, layer.expected), layer.limit, cv2.CMP_GT), free)
    n_parts, parts = cv2.connectedComponents(off)
    # 0 or 1, as a bool is
    pixel = np.flatnonzero(off.reshape(-1).view(np.bool_))
    part = parts.reshape(-1)[pixel].astype(np.intp)
    held = np.bincount(part, minlength=n_parts) >= MIN_BLOCKS
    held[0] = False
    inside = held[part]
    weak = np.zeros(np.count_nonzero(held), np.bool_)
    return linking.Parts(pixel[inside], (np.cumsum(held) - 1)[part[inside]], weak, layer.seen.shape[1])


def _face_in_blocks(face: EndFace, region: InspectedRegion) -> EndFace:
    """The end face in the picture of blocks, whose pixels are four times as large."""
    return replace(
        face,
        x_px=(face.x_px - region.x_px - BLOCK_MIDDLE_PX) / BLOCK_PX,
        y_px=(face.y_px - region.y_px - BLOCK_MIDDLE_PX) / BLOCK_PX,
        um_per_px_x=face.um_per_px_x * BLOCK_PX,
        um_per_px_y=face.um_per_px_y * BLOCK_PX,
    )


def _in_pixels(candidate: Candidate, region: InspectedRegion) -> Candidate:
    """A candidate of blocks as one of pixels."""
    height, width = region.pixels.shape
    x, y = candidate.x_px * BLOCK_PX, candidate.y_px * BLOCK_PX
    return replace(
        candidate,
        x_px=x + region.x_px,
        y_px=y + region.y_px,
        w_px=min(candidate.w_px * BLOCK_PX, width - x),
        h_px=min(candidate.h_px * BLOCK_PX, height - y),
        area_px=candidate.area_px * BLOCK_PX**2,
        contrast_grey=candidate.contrast_grey / STEPS_PER_GREY,
        mean_grey=candidate.mean_grey / STEPS_PER_GREY,
        noise_grey=candidate.noise_grey / STEPS_PER_GREY,
    )
