"""The shapes that defects are made of, as polygons in um around the cladding's centre."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from trainer.phantom.scene import Canvas, Defect

Polygon = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Part:
    """One polygon of a defect, and how strongly it is toned."""

    polygon_um: Polygon
    tone: float  # of the defect's contrast, may be negative: a bright speck in a dark chip
    hollow: float = 0.0


def arc_um(defect: Defect, n: int) -> Polygon:
    """(n, 2) points along the defect's axis, bent into an arc of `bend` times its length."""
    t = np.linspace(-0.5, 0.5, n)
    across = defect.bend * (0.25 - t * t) * 4.0
    along = np.stack([t, across - defect.bend * 2.0 / 3.0], axis=1) * defect.size_um
    return np.asarray(_turned(along, defect.angle_deg) + np.array([defect.x_um, defect.y_um]), np.float64)


def _turned(points: Polygon, angle_deg: float) -> Polygon:
    a = np.deg2rad(angle_deg)
    return np.asarray(points @ np.array([[np.cos(a), np.sin(a)], [-np.sin(a), np.cos(a)]]), np.float64)


def _outline(size_um: float, elongation: float, roughness: float, rng: np.random.Generator) -> Polygon:
    """A closed curve around 0 whose diameter along x is `size_um`, ragged by a few random waves."""
    n = 48
    t = np.linspace(0.0, 2.0 * np.pi, n, endpoint=False)
    r = np.ones(n)
    if roughness > 0:
        for k in range(2, 9):
            r += roughness * 0.45 / k * rng.normal() * np.cos(k * t + rng.uniform(0, 2 * np.pi))
        r = np.clip(r, 0.35, 1.8)
    return np.stack([r * np.cos(t), r * np.sin(t) / elongation], axis=1) * (size_um / 2.0)


def _band(path: Polygon, widths_um: NDArray[np.float64]) -> Polygon:
    """The polygon that lies within half of `widths_um` on both sides of a path."""
    step = np.gradient(path, axis=0)
    normal = np.stack([-step[:, 1], step[:, 0]], axis=1) / np.maximum(np.hypot(step[:, 0], step[:, 1]), 1e-9)[:, None]
    half = normal * widths_um[:, None] / 2.0
    return np.concatenate([path + half, (path - half)[::-1]])


def _scratch(defect: Defect, canvas: Canvas, rng: np.random.Generator) -> list[Part]:
    n = max(8, int(defect.size_um / 4))
    path = arc_um(defect, n)
    if defect.dotted <= 0:
        ends = np.minimum(1.0, 12.0 * (0.5 - np.abs(np.linspace(-0.5, 0.5, n))) + 0.35)
        wobble = 1.0 + 0.25 * defect.roughness * _smooth(rng, n)
        return [Part(_band(path, defect.width_um * ends * wobble), 1.0)]
    parts = []
    at = 0.0
    while at < 1.0:
        i = at * (n - 1)
        k = min(int(i), n - 2)
        here = path[k] + (path[k + 1] - path[k]) * (i - k)
        tangent = path[k + 1] - path[k]
        dot = defect.width_um * rng.uniform(0.6, 1.25)
        long = rng.uniform(1.0, 3.0)
        shape = _outline(dot * long, long, 0.3, rng)
        jitter = rng.normal(0.0, 0.25 * defect.width_um, 2)
        angle = np.degrees(np.arctan2(tangent[1], tangent[0]))
        parts.append(Part(_turned(shape, float(angle)) + here + jitter, round(float(rng.uniform(0.4, 1.0)), 1)))
        at += (dot * long + defect.width_um * rng.exponential(0.3 + 5.0 * defect.dotted)) / defect.size_um
    return parts


def _smooth(rng: np.random.Generator, n: int) -> NDArray[np.float64]:
    knots = rng.normal(size=max(3, n // 6))
    return np.interp(np.linspace(0, len(knots) - 1, n), np.arange(len(knots)), knots)


def _dig(defect: Defect, canvas: Canvas, rng: np.random.Generator) -> list[Part]:
    shape = _outline(defect.size_um, defect.elongation, defect.roughness, rng)
    centre = np.array([defect.x_um, defect.y_um])
    return [Part(_turned(shape, defect.angle_deg) + centre, 1.0, defect.hollow)]


def _particle(defect: Defect, canvas: Canvas, rng: np.random.Generator) -> list[Part]:
    centre = np.array([defect.x_um, defect.y_um])
    parts = [Part(p.polygon_um, 1.0, defect.hollow) for p in _dig(defect, canvas, rng)]
    for _ in range(int(rng.integers(0, 4))):
        off = rng.normal(0, 0.3, 2) * defect.size_um
        shape = _outline(defect.size_um * rng.uniform(0.2, 0.6), 1.0, defect.roughness, rng)
        parts.append(Part(shape + centre + off, 1.0 if rng.random() < 0.6 else -0.4, defect.hollow))
    return parts


def _hair(defect: Defect, canvas: Canvas, rng: np.random.Generator) -> list[Part]:
    n = max(12, int(defect.size_um / 4))
    path = arc_um(defect, n)
    path = path + np.stack([_smooth(rng, n), _smooth(rng, n)], axis=1) * defect.roughness * 0.06 * defect.size_um
    return [Part(_band(path, np.full(n, defect.width_um)), 1.0, defect.hollow)]


def _droplets(defect: Defect, canvas: Canvas, rng: np.random.Generator) -> list[Part]:
    """Drops along a row, or over a cloud where `elongation` is small; neighbours touch now and then."""
    n = int(np.clip(defect.size_um / defect.width_um * rng.uniform(0.7, 1.8), 3, 60))
    path = arc_um(defect, 32)
    spread = defect.size_um / max(1.0, defect.elongation) / 2.0
    parts = []
    for _ in range(n):
        here = path[int(rng.integers(0, 32))] + np.clip(rng.normal(0, 0.5, 2), -1, 1) * spread
        size = defect.width_um * float(np.exp(rng.normal(0, 0.35)))
        shape = _outline(size, rng.uniform(1.0, 1.2), 0.4 * defect.roughness, rng)
        parts.append(Part(shape + here, round(float(rng.uniform(0.7, 1.0)), 1), defect.hollow))
    return parts


def _film(defect: Defect, canvas: Canvas, rng: np.random.Generator) -> list[Part]:
    shape = _outline(defect.size_um, defect.elongation, max(0.4, defect.roughness), rng)
    return [Part(_turned(shape, defect.angle_deg) + np.array([defect.x_um, defect.y_um]), 1.0)]


def _chip(defect: Defect, canvas: Canvas, rng: np.random.Generator) -> list[Part]:
    """Bites out of the rim: ragged polygons along an arc, some of them bright splinters.

    A hollow one is crumbled: a bright scar on one side of the rim, splinters all over it.
    """
    radius = canvas.cladding_r_um
    arc = defect.size_um / radius
    if defect.hollow > 0:
        return _crumbs(defect, radius, rng)
    bites = max(1, round(defect.size_um / (1.6 * defect.width_um)))
    parts = []
    for i in range(bites):
        angle = np.deg2rad(defect.angle_deg) + ((i + 0.5) / bites - 0.5) * arc
        along = defect.size_um / bites * (1.0 if bites == 1 else float(np.exp(rng.normal(-0.1, 0.45))))
        deep = defect.width_um * (1.0 if bites == 1 else float(np.exp(rng.normal(-0.5, 0.5))))
        shape = _outline(along, max(along / deep, 0.3), defect.roughness, rng)
        at = radius + deep * rng.uniform(-0.6, 0.5) if bites > 1 else radius - 0.1 * deep
        turned = _turned(shape, float(np.degrees(angle)) + 90.0)
        centre = np.array([np.cos(angle), np.sin(angle)]) * at
        bright = defect.roughness > 0.5 and rng.random() < 0.35
        parts.append(Part(turned + centre, round(float(rng.uniform(0.3, 1.0)), 1) * (-0.8 if bright else 1.0)))
    return parts


def _crumbs(defect: Defect, radius: float, rng: np.random.Generator) -> list[Part]:
    middle = np.deg2rad(defect.angle_deg)
    side = 1.0 if rng.random() < 0.7 else -1.0  # mostly the ferrule's side

    def at(along_um: float, deep_um: float) -> Polygon:
        angle, r = middle + along_um / radius, radius + side * deep_um
        return np.array([np.cos(angle), np.sin(angle)]) * r

    t = np.linspace(-0.5, 0.5, 24)
    bulge = defect.width_um * np.clip(1 - 4 * t * t, 0, 1) * (1 + 0.3 * defect.roughness * _smooth(rng, 24))
    scar = np.array([at(x * defect.size_um, d) for x, d in zip(t, bulge, strict=True)])
    base = np.array([at(x * defect.size_um, 0.0) for x in t[::-1]])
    parts = [Part(np.concatenate([scar, base]), round(-0.9 * defect.hollow, 2))]
    for _ in range(int(rng.integers(3, 4 + int(defect.size_um / 2)))):
        x = rng.uniform(-0.5, 0.5)
        deep = defect.width_um * max(0.0, 1 - 4 * x * x) * rng.uniform(-0.15, 1.0)
        shape = _outline(float(np.exp(rng.normal(0.4, 0.5))), rng.uniform(1, 2.5), 0.6, rng)
        speck = _turned(shape, rng.uniform(0, 180)) + at(x * defect.size_um, deep)
        # Dark on the scar: laid on top of it, so stronger than it.
        parts.append(Part(speck, round(float(rng.uniform(0.92, 1.0)), 2)))
    return parts


def parts_of(defect: Defect, canvas: Canvas) -> list[Part]:
    """The polygons that a defect is made of, at least one; the same for equal defects."""
    return _PARTS[defect.kind](defect, canvas, np.random.default_rng(defect.seed))


_PARTS: dict[str, Callable[[Defect, Canvas, np.random.Generator], list[Part]]] = {
    "scratch": _scratch,
    "dig": _dig,
    "chip": _chip,
    "particle": _particle,
    "hair": _hair,
    "droplets": _droplets,
    "film": _film,
}
