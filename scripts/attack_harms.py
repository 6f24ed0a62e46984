"""What `scripts/attack_verdict.py` does to pictures of end faces: harms that hide, that spoil, that change nothing.

A harm takes a grey picture, (h, w) uint8, the fibre in it, and a source of random numbers; it gives another picture.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.arrays import U8
from edge.records import EndFace
from edge.sources.pictures import decode_picture

Harm = Callable[[U8, EndFace, np.random.Generator], U8]


def clipped(grey: NDArray[np.floating]) -> U8:
    """Rounded to grey levels."""
    levels: U8 = np.clip(np.rint(grey), 0, 255).astype(np.uint8)
    return levels


def _radii(pixels: U8, face: EndFace) -> NDArray[np.float32]:
    """Distance of each pixel from the fibre's centre, in cladding radii."""
    ys, xs = np.mgrid[: pixels.shape[0], : pixels.shape[1]].astype(np.float32)
    radii: NDArray[np.float32] = np.hypot(
        (xs - face.x_px) / face.cladding_rx_px, (ys - face.y_px) / face.cladding_ry_px
    )
    return radii


def _where(harm: Harm, inside: Callable[[U8, EndFace], NDArray[np.bool_]]) -> Harm:
    def partly(pixels: U8, face: EndFace, rng: np.random.Generator) -> U8:
        return np.where(inside(pixels, face), harm(pixels, face, rng), pixels).astype(np.uint8)

    return partly


def _glass(pixels: U8, face: EndFace) -> NDArray[np.bool_]:
    return _radii(pixels, face) < 0.93


def _right_half(pixels: U8, face: EndFace) -> NDArray[np.bool_]:
    return np.broadcast_to(np.arange(pixels.shape[1]) > face.x_px, pixels.shape)


def blurred(sigma_px: float) -> Harm:
    """A Gaussian blur."""
    return lambda pixels, face, rng: np.asarray(cv2.GaussianBlur(pixels, (0, 0), sigma_px), np.uint8)


def defocused(radius_px: float) -> Harm:
    """Each point a disc."""
    n = 2 * math.ceil(radius_px) + 1
    disc = np.zeros((n, n), np.float32)
    cv2.circle(disc, (n // 2, n // 2), round(radius_px), 1.0, -1)
    return lambda pixels, face, rng: np.asarray(cv2.filter2D(pixels, -1, disc / disc.sum()), np.uint8)


def moved(length_px: int) -> Harm:
    """Motion along a row."""
    return lambda pixels, face, rng: np.asarray(cv2.blur(pixels, (length_px, 1)), np.uint8)


def noisy(sigma_grey: float) -> Harm:
    """Gaussian noise."""
    return lambda pixels, face, rng: clipped(pixels + rng.normal(0, sigma_grey, pixels.shape))


def scaled_grey(gain: float, offset: float = 0.0) -> Harm:
    """Another exposure or contrast."""
    return lambda pixels, face, rng: clipped(pixels * gain + offset)


def painted(grey: int) -> Harm:
    """One grey level."""
    return lambda pixels, face, rng: np.full_like(pixels, grey)


def _glass_grey(pixels: U8, face: EndFace, rng: np.random.Generator) -> U8:
    radii = _radii(pixels, face)
    grey = int(np.median(pixels[(radii > 0.5) & (radii < 0.9)]))
    return np.full(pixels.shape, grey, np.uint8)


def enlarged(factor: int) -> Harm:
    """Digital zoom: what `factor` x `factor` pixels were is one block."""

    def zoom(pixels: U8, face: EndFace, rng: np.random.Generator) -> U8:
        h, w = pixels.shape
        small = cv2.resize(pixels, (w // factor, h // factor), interpolation=cv2.INTER_AREA)
        return np.asarray(cv2.resize(small, (w, h), interpolation=cv2.INTER_NEAREST), np.uint8)

    return zoom


def resized(factor: float) -> Harm:
    """Fewer or more pixels."""

    def resize(pixels: U8, face: EndFace, rng: np.random.Generator) -> U8:
        way = cv2.INTER_AREA if factor < 1 else cv2.INTER_CUBIC
        return np.asarray(cv2.resize(pixels, None, fx=factor, fy=factor, interpolation=way), np.uint8)

    return resize


def cropped(top: float, right: float) -> Harm:
    """The picture from `top` of its height down, and up to `right` of its width."""
    return lambda pixels, face, rng: np.ascontiguousarray(
        pixels[int(pixels.shape[0] * top) :, : int(pixels.shape[1] * right)]
    )


def as_jpeg(quality: int) -> Harm:
    """Saved and read."""

    def coded(pixels: U8, face: EndFace, rng: np.random.Generator) -> U8:
        data = cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
        return np.asarray(cv2.imdecode(data, cv2.IMREAD_GRAYSCALE), np.uint8)

    return coded


def _bar(pixels: U8, face: EndFace, rng: np.random.Generator) -> U8:
    out: U8 = pixels.copy()
    across = slice(int(face.y_px - 0.15 * face.cladding_ry_px), int(face.y_px + 0.15 * face.cladding_ry_px))
    out[across] = 120
    return out


def _blot(pixels: U8, face: EndFace, rng: np.random.Generator) -> U8:
    angle, r = rng.uniform(0, 2 * math.pi), 0.5 * face.cladding_rx_px
    out: U8 = pixels.copy()
    at = int(face.x_px + r * math.cos(angle)), int(face.y_px + r * math.sin(angle))
    cv2.circle(out, at, int(0.4 * face.cladding_rx_px), int(rng.integers(20, 230)), -1, cv2.LINE_AA)
    return out


def _film(pixels: U8, face: EndFace, rng: np.random.Generator) -> U8:
    ys, xs = np.mgrid[: pixels.shape[0], : pixels.shape[1]].astype(np.float32)
    fringes = 14 * np.sin(2 * math.pi * (xs + 0.6 * ys + 20 * np.sin(ys / 60)) / (0.5 * face.cladding_rx_px))
    return clipped(0.9 * pixels + 10 + fringes)


def _haze(pixels: U8, face: EndFace, rng: np.random.Generator) -> U8:
    veil = cv2.GaussianBlur(pixels, (0, 0), 0.3 * face.cladding_rx_px)
    return clipped(0.45 * pixels + 0.35 * veil + 50.0)


def _condensation(pixels: U8, face: EndFace, rng: np.random.Generator) -> U8:
    out: U8 = pixels.copy()
    for _ in range(150):
        x, y = rng.uniform(0, pixels.shape[1]), rng.uniform(0, pixels.shape[0])
        r = rng.uniform(0.01, 0.06) * face.cladding_rx_px
        cv2.circle(out, (int(x), int(y)), max(1, int(r)), int(rng.integers(60, 220)), 1, cv2.LINE_AA)
    return out


def _vignetted(pixels: U8, face: EndFace, rng: np.random.Generator) -> U8:
    return clipped(pixels * np.clip(1 - 0.12 * _radii(pixels, face) ** 2, 0.2, 1))


def _banded(pixels: U8, face: EndFace, rng: np.random.Generator) -> U8:
    rows = 12 * np.sin(np.arange(pixels.shape[0]) * 2 * math.pi / 17)[:, None]
    return clipped(pixels + rows)


def _lines_dropped(pixels: U8, face: EndFace, rng: np.random.Generator) -> U8:
    out: U8 = pixels.copy()
    out[rng.integers(0, pixels.shape[0], 12)] = 0
    return out


def _shifted(pixels: U8, face: EndFace, rng: np.random.Generator) -> U8:
    by = np.array([[1, 0, 0.4], [0, 1, 0.3]], np.float32)
    size = pixels.shape[1], pixels.shape[0]
    return np.asarray(cv2.warpAffine(pixels, by, size, borderMode=cv2.BORDER_REPLICATE), np.uint8)


def _through_16_bit(pixels: U8, face: EndFace, rng: np.random.Generator) -> U8:
    data = cv2.imencode(".png", pixels.astype(np.uint16) * 257)[1]
    return np.asarray(decode_picture(data.tobytes(), "16 bit"), np.uint8)


def _in_colour(pixels: U8, face: EndFace, rng: np.random.Generator) -> U8:
    grey = pixels.astype(np.float32)
    data = cv2.imencode(".png", np.dstack([clipped(grey * gain) for gain in (0.85, 1.0, 1.05)]))[1]
    return np.asarray(decode_picture(data.tobytes(), "colour"), np.uint8)


HIDING: dict[str, Harm] = {
    "glass painted its own grey": _where(_glass_grey, _glass),
    "glass painted black": _where(painted(0), _glass),
    "glass painted white": _where(painted(255), _glass),
    "glass blurred, 12 px": _where(blurred(12), _glass),
    "glass blurred, 4 px": _where(blurred(4), _glass),
    "right half blurred, 6 px": _where(blurred(6), _right_half),
    "right half painted": _where(_glass_grey, _right_half),
    "blur, 4 px": blurred(4.0),
    "defocus, 5 px": defocused(5),
    "enlarged in blocks of 6": enlarged(6),
    "a quarter of the size": resized(0.25),
    "dark, x 0.3": scaled_grey(0.3),
    "black, x 0.05": scaled_grey(0.05),
    "pale, x 0.15 + 120": scaled_grey(0.15, 120.0),
    "overexposed, x 2": scaled_grey(2.0),
    "noise, 20 grey": noisy(20.0),
    "cropped, a third": cropped(0.33, 0.66),
    "a bar over the middle": _bar,
}
"""Much of the face does not show: nothing passes, however clean it was."""

SPOILING: dict[str, Harm] = {
    "blur, 1 px": blurred(1.0),
    "blur, 2 px": blurred(2.0),
    "defocus, 3 px": defocused(3),
    "motion, 5 px": moved(5),
    "noise, 4 grey": noisy(4.0),
    "noise, 8 grey": noisy(8.0),
    "dark, x 0.6": scaled_grey(0.6),
    "contrast, x 0.7": scaled_grey(0.7, 38.0),
    "contrast, x 0.5": scaled_grey(0.5, 64.0),
    "overexposed, x 1.4": scaled_grey(1.4),
    "half the size": resized(0.5),
    "enlarged in blocks of 2": enlarged(2),
    "a blot": _blot,
    "film": _film,
    "haze": _haze,
    "condensation": _condensation,
    "vignette": _vignetted,
    "banding": _banded,
    "dropped lines": _lines_dropped,
    "JPEG, quality 50": as_jpeg(50),
    "JPEG, quality 30": as_jpeg(30),
}
"""It is worse seen: what fails must not pass for it."""

HARMLESS: dict[str, Harm] = {
    "mirrored": lambda pixels, face, rng: np.ascontiguousarray(pixels[:, ::-1]),
    "upside down": lambda pixels, face, rng: np.ascontiguousarray(pixels[::-1]),
    "a quarter turn": lambda pixels, face, rng: np.ascontiguousarray(np.rot90(pixels)),
    "shifted by half a pixel": _shifted,
    "1.3 times the size": resized(1.3),
    "JPEG, quality 90": as_jpeg(90),
    "exposure, x 1.1": scaled_grey(1.1),
    "exposure, x 0.9": scaled_grey(0.9),
    "a colour cast": _in_colour,
    "16 bit": _through_16_bit,
}
"""The same face is seen as well: the verdict stays."""
