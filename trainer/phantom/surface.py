"""An undamaged end face as it lies under the optics: ferrule, bore, glass, core, and the light on them."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from trainer.phantom.scene import Canvas, Scene


def surface_of(scene: Scene, canvas: Canvas, rng: np.random.Generator) -> NDArray[np.float32]:
    """The end face without defects, in grey, before the optics."""
    fibre, light = scene.fibre, scene.light
    w, h = canvas.width_px, canvas.height_px
    x = ((np.arange(w) - canvas.x_px) * canvas.um_per_px_x).astype(np.float32)
    y = ((np.arange(h) - canvas.y_px) * canvas.um_per_px_y).astype(np.float32)
    pixel_um = float(np.sqrt(canvas.um_per_px_x * canvas.um_per_px_y))
    glass = _disc(x, y, 0.0, 0.0, fibre.cladding_um / 2, pixel_um)
    grey = np.full((h, w), light.ferrule_grey, np.float32)
    radius_um = fibre.cladding_um / 2
    if fibre.bore_gap_um > 0:
        bore = _disc(x, y, fibre.bore_off_x_um, fibre.bore_off_y_um, radius_um + fibre.bore_gap_um, pixel_um)
        filling = _speckle(grey.shape, 30.0 / pixel_um, rng) * np.float32(fibre.gap_uneven * fibre.gap_grey)
        grey += bore * (np.float32(fibre.gap_grey) + filling - grey)
    grey += _texture(scene, canvas, rng)
    _blend(grey, glass, fibre.cladding_grey)
    _rim(grey, x, y, scene, rng)
    if fibre.core_um > 0:
        _core(grey, x, y, scene, pixel_um)
    u, v = np.linspace(-0.5, 0.5, w, dtype=np.float32), np.linspace(-0.5, 0.5, h, dtype=np.float32)
    corner = (u * u)[None, :] + (v * v)[:, None]
    grey *= 1.0 + light.slope_x * u[None, :] + light.slope_y * v[:, None] - 2.0 * light.vignette * corner
    if light.shadow > 0:
        a = np.deg2rad(light.from_deg)
        side = np.float32(np.cos(a)) * u[None, :] + np.float32(np.sin(a)) * v[:, None]
        grey *= 1.0 - light.shadow / (1.0 + np.exp(20.0 * (side + 0.3)))
    return grey


def _radius(x: NDArray[np.float32], y: NDArray[np.float32], off_x: float, off_y: float) -> NDArray[np.float32]:
    # Not cv2.magnitude: where OpenCV has IPP, its last bit depends on where the arrays lie in memory.
    across, down = x - np.float32(off_x), y - np.float32(off_y)
    return np.asarray(np.sqrt((across * across)[None, :] + (down * down)[:, None]), np.float32)


def _disc(
    x: NDArray[np.float32], y: NDArray[np.float32], off_x: float, off_y: float, radius_um: float, pixel_um: float
) -> NDArray[np.float32]:
    cover: NDArray[np.float32] = np.clip((radius_um - _radius(x, y, off_x, off_y)) / pixel_um + 0.5, 0.0, 1.0)
    return cover


def _blend(grey: NDArray[np.float32], cover: NDArray[np.float32], value: float) -> None:
    grey += cover * (np.float32(value) - grey)


def _rim(
    grey: NDArray[np.float32], x: NDArray[np.float32], y: NDArray[np.float32], scene: Scene, rng: np.random.Generator
) -> None:
    """The line along each edge: dark where the adhesive sits, and lit on one side only by oblique light."""
    fibre, light = scene.fibre, scene.light
    edges = [(0.0, 0.0, fibre.cladding_um / 2, 1.0)]
    if fibre.bore_gap_um > 0:
        edges.append((fibre.bore_off_x_um, fibre.bore_off_y_um, fibre.cladding_um / 2 + fibre.bore_gap_um, 0.7))
    reach = fibre.cladding_um / 2 + fibre.bore_gap_um + 12 * light.rim_um + 6
    cols, rows = _window(x, reach), _window(y, reach)
    view = grey[rows, cols]
    for off_x, off_y, radius_um, share in edges:
        r = _radius(x[cols], y[rows], off_x, off_y)
        angle = np.arctan2((y[rows] - off_y)[:, None], (x[cols] - off_x)[None, :])
        line = np.exp(-(((r - radius_um) / light.rim_um) ** 2))
        strength = np.ones_like(line)
        for k in (1, 2, 3, 5, 8, 13, 21):
            strength += light.rim_uneven * rng.normal() / np.sqrt(k) * 0.6 * np.cos(k * angle + rng.uniform(0, 6.28))
        lit = light.oblique * np.cos(angle - np.deg2rad(light.from_deg))
        wide = np.exp(-(((r - radius_um - light.rim_um) / (2.2 * light.rim_um)) ** 2))
        view += (share * light.ferrule_grey * 0.45 * lit) * wide - (share * light.rim_grey) * strength * line
    if fibre.preform_ring:
        r = _radius(x[cols], y[rows], 0.0, 0.0)
        ring_um = fibre.core_um / 2 + 0.45 * (fibre.cladding_um - fibre.core_um) / 2
        view += np.float32(fibre.preform_ring) * np.exp(-(((r - ring_um) / 1.2) ** 2))


def _window(axis: NDArray[np.float32], reach: float) -> slice:
    inside = np.flatnonzero(np.abs(axis) <= reach)
    return slice(int(inside[0]), int(inside[-1]) + 1) if inside.size else slice(0, 0)


def _core(
    grey: NDArray[np.float32], x: NDArray[np.float32], y: NDArray[np.float32], scene: Scene, pixel_um: float
) -> None:
    fibre = scene.fibre
    reach = fibre.core_um / 2 + 10 + max(abs(fibre.core_off_x_um), abs(fibre.core_off_y_um))
    cols, rows = _window(x, reach), _window(y, reach)
    r = _radius(x[cols], y[rows], fibre.core_off_x_um, fibre.core_off_y_um)
    cover = np.clip((fibre.core_um / 2 - r) / pixel_um + 0.5, 0.0, 1.0)
    u = r / (fibre.core_um / 2)
    # A graded-index core lit from behind: bright rim, a dip from the drawing of the preform in its centre.
    rings = 0.6 * np.cos(u * 14.0) * np.exp(-2.0 * u) + 0.8 * np.exp(-(((u - 0.93) / 0.08) ** 2)) + 0.5 * (1 - u * u)
    view = grey[rows, cols]
    view += cover * (np.float32(fibre.core_grey) + np.float32(fibre.core_rings) * rings - view)


def _texture(scene: Scene, canvas: Canvas, rng: np.random.Generator) -> NDArray[np.float32]:
    t = scene.texture
    shape = (canvas.height_px, canvas.width_px)
    grain: NDArray[np.float32] = _speckle(shape, t.grain_um / canvas.um_per_px_x, rng) * np.float32(t.grain_grey)
    grain += _speckle(shape, 25.0 / canvas.um_per_px_x, rng) * np.float32(t.mottle_grey)
    if t.lines_grey > 0:
        length = max(8, int(40 / canvas.um_per_px_x))
        side = 256
        noise = rng.standard_normal((side, side), dtype=np.float32)
        a = np.deg2rad(t.lines_deg)
        kernel = np.zeros((41, 41), np.float32)
        tip = (round(20 + 19 * float(np.cos(a))), round(20 + 19 * float(np.sin(a))))
        cv2.line(kernel, (40 - tip[0], 40 - tip[1]), tip, 1.0)
        lines = cv2.filter2D(noise, -1, kernel / np.sqrt(kernel.sum()), borderType=cv2.BORDER_WRAP)
        lines = np.tile(lines, (shape[0] // side + 1, shape[1] // side + 1))[: shape[0], : shape[1]]
        strength = 0.5 + np.abs(_speckle(shape, float(length), rng))
        grain += np.float32(t.lines_grey) * lines * strength
    return grain


def _speckle(shape: tuple[int, int], size_px: float, rng: np.random.Generator) -> NDArray[np.float32]:
    """Smooth noise of unit variance whose blobs are about `size_px` wide."""
    step = max(1.0, size_px)
    h, w = int(shape[0] / step) + 3, int(shape[1] / step) + 3
    small = rng.standard_normal((h, w), dtype=np.float32)
    if step == 1.0:
        return np.asarray(small[: shape[0], : shape[1]])
    big = cv2.resize(small, (shape[1], shape[0]), interpolation=cv2.INTER_CUBIC)
    return np.asarray(big / max(float(big[::4, ::4].std()), 1e-6), np.float32)
