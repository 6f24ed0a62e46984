"""Draws one defect at a time, as polishing and dirt make them, on a small supersampled field.

Shapes are polygons in um around the fibre's centre and become pixels only when they are filled, so a round
pit stays round in um where pixels are not square, and its size is known exactly.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from trainer.phantom.scene import Canvas, Defect
from trainer.phantom.shapes import Polygon, parts_of

_SUPERSAMPLED_PX = 1_500_000  # a stamp's field is refined by 4, or less where it would grow beyond this
_MARGIN_PX = 6
_SHIFT = 4  # fractional bits of cv2's polygon corners


@dataclass(frozen=True, eq=False)
class Stamp:
    """A drawn defect, ready to be laid on a picture.

    Attributes:
        left_px: column of the field's first pixel.
        top_px: row of the field's first pixel.
        cover: (h, w) float32 0..1, share of the pixel that the shape covers, whatever its tone.
        tone: (h, w) float32, change of grey in units of the ferrule's grey.
        points_um: (n, 2) corners of everything that was drawn, for measuring.
    """

    left_px: int
    top_px: int
    cover: NDArray[np.float32]
    tone: NDArray[np.float32]
    points_um: Polygon


def draw(defect: Defect, canvas: Canvas) -> Stamp | None:
    """The defect as a stamp, or None where it lies wholly outside the picture.

    Two calls with equal arguments give equal pixels.
    """
    parts = parts_of(defect, canvas)
    points_um = np.concatenate([p.polygon_um for p in parts])
    corners = canvas.to_px(points_um)
    margin = _MARGIN_PX + int(2.5 * defect.soft_um / canvas.um_per_px_x)
    left, top = np.floor(corners.min(axis=0)).astype(int) - margin
    right, bottom = np.ceil(corners.max(axis=0)).astype(int) + margin + 1
    left, top = max(int(left), 0), max(int(top), 0)
    right, bottom = min(int(right), canvas.width_px), min(int(bottom), canvas.height_px)
    if right <= left or bottom <= top:
        return None
    w, h = right - left, bottom - top
    fine = next((s for s in (4, 3, 2) if w * h * s * s <= _SUPERSAMPLED_PX), 1)
    field = _Field(canvas, left, top, fine, np.zeros((h * fine, w * fine), np.uint8))
    cover_fine = np.zeros((h * fine, w * fine), np.uint8)
    tone = np.zeros((h, w), np.float32)
    for value in sorted({p.tone for p in parts}):
        group = [p for p in parts if p.tone == value]
        mask = field.fill([p.polygon_um for p in group])
        hollow = group[0].hollow
        np.maximum(cover_fine, mask, out=cover_fine)
        coverage = cv2.resize(mask, (w, h), interpolation=cv2.INTER_AREA).astype(np.float32) / 255.0
        if hollow > 0:
            thick_px = max(1.0, 0.12 * defect.width_um / canvas.um_per_px_x)
            inner = cv2.GaussianBlur(coverage, (0, 0), thick_px)
            coverage = coverage * (1.0 - hollow * np.clip(2.0 * inner - 1.0, 0.0, 1.0))
        one = np.float32(defect.contrast * value) * coverage
        np.copyto(tone, one, where=np.abs(one) > np.abs(tone))
    cover = cv2.resize(cover_fine, (w, h), interpolation=cv2.INTER_AREA).astype(np.float32) / 255.0
    if defect.kind == "film":
        tone *= _fringes(defect, tone.shape)
    if defect.soft_um > 0:
        tone = np.asarray(cv2.GaussianBlur(tone, (0, 0), defect.soft_um / canvas.um_per_px_x), np.float32)
    return Stamp(left, top, cover, tone, points_um)


@dataclass(frozen=True, slots=True)
class _Field:
    canvas: Canvas
    left_px: int
    top_px: int
    fine: int
    buffer: NDArray[np.uint8]

    def fill(self, polygons_um: Sequence[Polygon]) -> NDArray[np.uint8]:
        self.buffer[:] = 0
        for polygon in polygons_um:
            # The centre of pixel 0 lies at 0: its left edge, where the fine grid begins, at -0.5.
            px = (self.canvas.to_px(polygon) - np.array([self.left_px, self.top_px]) + 0.5) * self.fine - 0.5
            cv2.fillPoly(self.buffer, [np.round(px * (1 << _SHIFT)).astype(np.int32)], 255, cv2.LINE_8, _SHIFT)
        return self.buffer


def _fringes(defect: Defect, shape: tuple[int, ...]) -> NDArray[np.float32]:
    """Interference: the tone goes round with a thickness that varies slowly."""
    rng = np.random.default_rng(defect.seed + 1)
    knots = rng.normal(0.0, 2.0, (4, 4)).astype(np.float32)
    thickness = cv2.resize(knots, (shape[1], shape[0]), interpolation=cv2.INTER_CUBIC)
    return np.asarray(0.35 + 0.65 * np.cos(thickness * 2.0 * np.pi / rng.uniform(1.2, 4.0)), np.float32)
