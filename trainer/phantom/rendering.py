"""Whole end faces drawn with known truth: the pictures that the tests, the demo and the shipped model are made of.

A `Scene` says everything in um and grey; `render` turns it into pixels the way a microscope does: geometry, light,
texture and defects first, then blur, electronic sharpening, noise and JPEG. Every random part has its seed in the
scene, so that equal scenes give equal bytes on one machine and OpenCV version. `random_scenes` draws scenes at random.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.records import EndFace
from trainer.phantom.scene import Canvas, Defect, Fibre, Light, Scene
from trainer.phantom.sensor import recorded, through_optics
from trainer.phantom.stamps import Stamp, draw
from trainer.phantom.surface import surface_of

_COVERED = 0.4  # a pixel belongs to a mark from this share of coverage on


@dataclass(frozen=True, slots=True)
class Mark:
    """The truth about one drawn defect.

    Attributes:
        label: `scratch`, `dig`, `contamination` or `chip`.
        defect: what was drawn.
        x_px: left column of the box.
        y_px: top row of the box.
        w_px: columns of the box.
        h_px: rows of the box.
        area_px: pixels it covers.
        diameter_um: smallest circle that holds the drawn shape, before any blur.
        length_um: as drawn, along its axis.
        width_um: as drawn, across.
        contrast_grey: strongest change of the picture that it causes, after blur and sharpening, before the noise.
    """

    label: str
    defect: Defect
    x_px: int
    y_px: int
    w_px: int
    h_px: int
    area_px: int
    diameter_um: float
    length_um: float
    width_um: float
    contrast_grey: float


@dataclass(frozen=True, eq=False)
class Phantom:
    """A picture and the truth about it.

    Attributes:
        pixels: (h, w) uint8.
        face: the glass; um from its known diameter.
        bore: the ferrule's bore, where a second edge is drawn, else None.
        marks: the drawn defects that lie in the picture.
        owner: (h, w) uint16, 0 where nothing was drawn, else 1 + the index in `marks` of the last one drawn there.
        change: (h, w) uint8, grey levels by which the marks change the picture, before the noise: with their flanks,
            bright twins and echoes, which reach beyond what they own.
        scene: what was drawn.
    """

    pixels: NDArray[np.uint8]
    face: EndFace
    bore: EndFace | None
    marks: tuple[Mark, ...]
    owner: NDArray[np.uint16]
    change: NDArray[np.uint8]
    scene: Scene


def render(scene: Scene) -> Phantom:
    """Draws a scene.

    Args:
        scene: what to draw.

    Returns:
        The picture with its truth: circles to the precision of floats, marks in the order of `scene.defects` less
        those outside the picture.
    """
    sensor, fibre = scene.sensor, scene.fibre
    rng = np.random.default_rng(scene.seed)
    canvas = _canvas(scene)
    surface = surface_of(scene, canvas, rng)
    dirty, stamps = _soil(scene, canvas, surface)
    seen = through_optics(dirty, sensor)
    change = np.abs(seen - through_optics(surface, sensor)) if stamps else np.zeros_like(seen)
    pixels = recorded(seen, sensor, rng)
    owner = np.zeros(pixels.shape, np.uint16)
    marks: list[Mark] = []
    for defect, stamp in stamps:
        mark = _mark(defect, stamp, change)
        if mark is not None:
            marks.append(mark)
            h, w = stamp.cover.shape
            window = owner[stamp.top_px : stamp.top_px + h, stamp.left_px : stamp.left_px + w]
            window[_covered(stamp)] = len(marks)
    bore = None
    if fibre.bore_gap_um > 0:
        x, y = canvas.to_px(np.array([[fibre.bore_off_x_um, fibre.bore_off_y_um]]))[0]
        bore = _face(canvas, fibre, fibre.cladding_um / 2 + fibre.bore_gap_um, float(x), float(y))
    face = _face(canvas, fibre, fibre.cladding_um / 2, canvas.x_px, canvas.y_px)
    changed: NDArray[np.uint8] = np.minimum(np.rint(change), 255).astype(np.uint8)
    return Phantom(pixels, face, bore, tuple(marks), owner, changed, scene)


def _canvas(scene: Scene) -> Canvas:
    s = scene.sensor
    return Canvas(
        s.width_px,
        s.height_px,
        s.fibre_x * (s.width_px - 1),
        s.fibre_y * (s.height_px - 1),
        s.um_per_px,
        s.um_per_px / s.aspect,
        scene.fibre.cladding_um / 2,
    )


def _face(canvas: Canvas, fibre: Fibre, radius_um: float, x_px: float, y_px: float) -> EndFace:
    core = fibre.core_um / 2 / np.sqrt(canvas.um_per_px_x * canvas.um_per_px_y) if fibre.core_um > 0 else None
    return EndFace(
        x_px=x_px,
        y_px=y_px,
        cladding_rx_px=radius_um / canvas.um_per_px_x,
        cladding_ry_px=radius_um / canvas.um_per_px_y,
        core_r_px=None if core is None else float(core),
        um_per_px_x=canvas.um_per_px_x,
        um_per_px_y=canvas.um_per_px_y,
        core_confidence=0.0 if core is None else 1.0,
    )


def _soil(
    scene: Scene, canvas: Canvas, surface: NDArray[np.float32]
) -> tuple[NDArray[np.float32], list[tuple[Defect, Stamp]]]:
    """Lays every defect on a copy of the surface."""
    light = scene.light
    dirty = surface.copy()
    stamps: list[tuple[Defect, Stamp]] = []
    for defect in scene.defects:
        stamp = draw(defect, canvas)
        if stamp is None:
            continue
        stamps.append((defect, stamp))
        h, w = stamp.tone.shape
        view = dirty[stamp.top_px : stamp.top_px + h, stamp.left_px : stamp.left_px + w]
        tone = stamp.tone
        # Dark marks take away light that is there; bright ones scatter what falls on them, whatever lies below.
        view += np.where(tone < 0, tone * view, tone * light.ferrule_grey)
        if light.oblique > 0 and defect.relief > 0:
            view += _flanks(stamp, defect, canvas, light)
    return dirty, stamps


def _flanks(stamp: Stamp, defect: Defect, canvas: Canvas, light: Light) -> NDArray[np.float32]:
    """The dark flank of a pit and its bright twin: the slope of its depth along the light."""
    across_um = min(defect.size_um, defect.width_um if defect.kind in ("scratch", "hair", "droplets", "chip") else 99.0)
    reach = float(np.clip(light.twin * across_um / canvas.um_per_px_x, 0.8, 5.0))
    a = np.deg2rad(light.from_deg)
    dx, dy = reach * np.cos(a), reach * np.sin(a)
    depth = cv2.GaussianBlur(stamp.cover, (0, 0), max(0.35 * reach, defect.soft_um / canvas.um_per_px_x))
    size = (depth.shape[1], depth.shape[0])
    away = cv2.warpAffine(depth, np.array([[1, 0, dx], [0, 1, dy]], np.float32), size)
    near = cv2.warpAffine(depth, np.array([[1, 0, -dx], [0, 1, -dy]], np.float32), size)
    strength = light.oblique * defect.relief * abs(defect.contrast) * light.ferrule_grey
    return np.asarray(np.float32(strength) * (away - near), np.float32)


def _covered(stamp: Stamp) -> NDArray[np.bool_]:
    """Which pixels belong to the mark; of one smaller than a pixel, those it covers most."""
    return np.asarray(stamp.cover >= min(_COVERED, 0.8 * float(stamp.cover.max())), np.bool_)


def _mark(defect: Defect, stamp: Stamp, change: NDArray[np.float32]) -> Mark | None:
    covered = _covered(stamp)
    if not covered.any() or stamp.cover.max() <= 0:
        return None
    rows, cols = np.flatnonzero(covered.any(axis=1)), np.flatnonzero(covered.any(axis=0))
    h, w = stamp.cover.shape
    peak = change[stamp.top_px : stamp.top_px + h, stamp.left_px : stamp.left_px + w][covered].max()
    long_um, wide_um = defect.size_um, defect.width_um
    if defect.kind in ("dig", "particle", "film"):
        wide_um = defect.size_um / defect.elongation
    return Mark(
        label=defect.label,
        defect=defect,
        x_px=stamp.left_px + int(cols[0]),
        y_px=stamp.top_px + int(rows[0]),
        w_px=int(cols[-1] - cols[0]) + 1,
        h_px=int(rows[-1] - rows[0]) + 1,
        area_px=int(covered.sum()),
        diameter_um=2.0 * float(cv2.minEnclosingCircle(stamp.points_um.astype(np.float32))[1]),
        length_um=long_um,
        width_um=wide_um,
        contrast_grey=float(peak),
    )
