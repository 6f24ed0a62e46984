"""End faces drawn with known marks, and blots on an even background, for whoever needs one."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.detect.comparison import Layer
from edge.detect.linking import Marks
from edge.detect.region import InspectedRegion, inspected_region
from edge.records import Candidate, EndFace

Grey = NDArray[np.uint8]
FINE = 4
"""Drawn at four times the resolution, then averaged."""


@dataclass(frozen=True)
class Disc:
    """A round mark, in px from the cladding's centre."""

    x: float
    y: float
    diameter: float
    contrast: float


@dataclass(frozen=True)
class Line:
    """A straight mark, in px from the cladding's centre, its angle in radians."""

    x: float
    y: float
    width: float
    contrast: float
    length: float
    angle: float


@dataclass(frozen=True)
class Drawing:
    """An end face to draw: grey levels of ferrule, glass and core, and how it is seen."""

    marks: tuple[Disc | Line, ...] = ()
    radius: float = 100.0
    aspect: float = 1.0
    blur: float = 0.9
    noise: float = 1.5
    light: float = 0.0
    core: float = 25.0
    seed: int = 0
    centre: tuple[float, float] = field(default=(209.3, 205.6))
    shape: tuple[int, int] = (416, 420)


def draw(drawing: Drawing) -> tuple[Grey, EndFace]:
    """The picture and where its cladding is; one um per px across, so that sizes compare directly."""
    h, w = drawing.shape
    rows, columns = np.mgrid[: h * FINE, : w * FINE].astype(np.float32)
    x = (columns - (FINE - 1) / 2) / FINE - drawing.centre[0]
    y = (rows - (FINE - 1) / 2) / FINE - drawing.centre[1]
    away = np.hypot(x, y / drawing.aspect)
    grey = np.where(away < drawing.radius, 80, 160).astype(np.float32)
    grey[away < 0.4 * drawing.radius] += drawing.core
    for mark in drawing.marks:
        if isinstance(mark, Disc):
            grey[np.hypot(x - mark.x, y - mark.y) < mark.diameter / 2] += mark.contrast
        else:
            along = (x - mark.x) * math.cos(mark.angle) + (y - mark.y) * math.sin(mark.angle)
            across = (y - mark.y) * math.cos(mark.angle) - (x - mark.x) * math.sin(mark.angle)
            grey[(np.abs(along) < mark.length / 2) & (np.abs(across) < mark.width / 2)] += mark.contrast
    grey = cv2.GaussianBlur(cv2.resize(grey, (w, h), interpolation=cv2.INTER_AREA), (0, 0), drawing.blur)  # type: ignore[assignment]  # OpenCV names no dtype
    grey = grey + drawing.light * (np.arange(w) - w / 2)
    grey = grey + np.random.default_rng(drawing.seed).normal(0, drawing.noise, grey.shape)  # type: ignore[assignment]  # OpenCV names no dtype
    face = EndFace(*drawing.centre, drawing.radius, drawing.radius * drawing.aspect, None, 1.0, 1.0)
    return np.clip(np.rint(grey), 0, 255).astype(np.uint8), face


def drawn_alone(
    mark: Disc | Line, radius: int, shape: tuple[int, int], blur: float, noise: float, seed: int
) -> tuple[Grey, EndFace, tuple[float, float]]:
    """A fibre of 125 um with one mark in it, in um by its cladding, and where the mark's middle is in the picture."""
    centre = shape[0] / 2 + 0.3, shape[0] / 2 - 0.2
    drawing = Drawing((mark,), float(radius), 1.0, blur, noise, core=0.0, seed=seed, centre=centre, shape=shape)
    um = 62.5 / radius
    pixels, _ = draw(drawing)
    return pixels, EndFace(*centre, radius, radius, None, um, um), (centre[0] + mark.x, centre[1] + mark.y)


def found_at(found: Sequence[Candidate], at: tuple[float, float], slack_px: float) -> list[Candidate]:
    """Those whose box holds a place, or nearly."""
    return [
        c
        for c in found
        if c.x_px - slack_px <= at[0] <= c.x_px + c.w_px + slack_px
        and c.y_px - slack_px <= at[1] <= c.y_px + c.h_px + slack_px
    ]


def spot(angle: float, away: float, diameter: float, contrast: float) -> Disc:
    """A disc at polar coordinates."""
    return Disc(away * math.cos(angle), away * math.sin(angle), diameter, contrast)


def small_face(seed: int = 0, radius: float = 30.0, aspect: float = 1.0) -> tuple[Grey, InspectedRegion]:
    """A small noisy end face, brighter outside, and its region."""
    size = round(4.3 * radius)
    x, y = size / 2 + 0.3, size / 2 - 0.2
    rows, columns = np.mgrid[:size, :size]
    grey = np.where(np.hypot(columns - x, (rows - y) / aspect) < radius, 80.0, 160.0)
    grey += np.random.default_rng(seed).normal(0, 4, grey.shape)
    pixels = np.clip(np.rint(grey), 0, 255).astype(np.uint8)
    region = inspected_region(pixels, EndFace(x, y, radius, radius * aspect, None, 1, 1), 2.0)
    assert region is not None
    return pixels, region


def blots(seed: int) -> Layer:
    """A small picture with blots on an even background."""
    random = np.random.default_rng(seed)
    grey = np.full((40, 44), 120.0, np.float32)
    for _ in range(8):
        x, y, size = random.integers(0, 44), random.integers(0, 40), random.integers(1, 4)
        cv2.circle(grey, (int(x), int(y)), int(size), float(random.choice([50, 70, 190])), cv2.FILLED)
    grey = cv2.GaussianBlur(grey, (0, 0), 1.0) + random.normal(0, 2, grey.shape)  # type: ignore[assignment]  # OpenCV names no dtype
    seen = np.clip(np.rint(grey), 0, 255).astype(np.uint8)
    limit = random.integers(16, 22, seen.shape, dtype=np.uint8)
    return Layer(seen, np.full_like(seen, 120), limit, limit_per_sigma=10.0, blur_px=0.9, x_px=7, y_px=5)


def marks_of(layer: Layer) -> Marks:
    """Connected pixels that are off by more than 8 grey levels."""
    off = (cv2.absdiff(layer.seen, layer.expected) > 8).astype(np.uint8)
    n, parts = cv2.connectedComponents(off)
    pixel = np.flatnonzero(off)
    return Marks(pixel, parts.reshape(-1)[pixel].astype(np.intp) - 1, n - 1)
