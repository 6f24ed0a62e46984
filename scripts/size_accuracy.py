#!/usr/bin/env python3
"""Prints how far measured sizes are from the drawn ones, and how often the stated uncertainty covers the difference.

    scripts/size_accuracy.py [--marks 2000]

Round marks and straight lines of known size on a drawn fibre of 125 um, through several pixel sizes and sensors: soft,
sharpening by .6 and 1.2, JPEG, noisy. A row is a pixel size or a sensor: median error and its spread in pixels, and the
share of errors within twice the stated uncertainty, which should be .95.
"""

from __future__ import annotations

import argparse
import math
import sys
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

import cv2
import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))

from drawn_faces import Disc, Line, drawn_alone, found_at

from edge.arrays import U8
from edge.detect import detect

LEAST_MARKS = 10
"""Fewer say nothing."""
SHARE = 0.6
"""Of the cladding's radius: a line that is found in shorter pieces has no width to compare."""
RADII_PX = (52, 80, 105, 145, 210)
"""1.2 to .3 um a pixel."""


@dataclass(frozen=True)
class Sensor:
    """What the camera does after the optics."""

    name: str
    sharpen: float = 0.0
    jpeg: int = 0
    blur_px: float = 0.8
    noise: float = 1.2


SENSORS = (
    Sensor("soft"),
    Sensor("sharpened by .6", sharpen=0.6),
    Sensor("sharpened by 1.2", sharpen=1.2),
    Sensor("JPEG 85", sharpen=0.6, jpeg=85),
    Sensor("blurred", blur_px=1.5),
    Sensor("noisy", noise=4.0),
)


@dataclass(frozen=True)
class Measured:
    """One mark: which kind, where, and what became of it."""

    kind: str
    um_per_px: float
    sensor: str
    true_um: float
    error_um: float
    uncertainty_um: float


def seen_by(sensor: Sensor, pixels: U8) -> U8:
    """The picture after sharpening (unsharp mask of 1.3 px) and compression."""
    grey = pixels.astype(np.float32)
    if sensor.sharpen:
        grey = grey + sensor.sharpen * (grey - cv2.GaussianBlur(grey, (0, 0), 1.3))
    out: U8 = np.clip(np.rint(grey), 0, 255).astype(np.uint8)
    if sensor.jpeg:
        data = cv2.imencode(".jpg", out, [cv2.IMWRITE_JPEG_QUALITY, sensor.jpeg])[1]
        out = np.asarray(cv2.imdecode(data, cv2.IMREAD_GRAYSCALE), np.uint8)
    return out


def one_mark(seed: int) -> Measured | None:
    """A mark of random size and contrast through a random sensor; None where it is not found."""
    cv2.setNumThreads(1)
    rng = np.random.default_rng(seed)
    radius, sensor = int(rng.choice(RADII_PX)), SENSORS[int(rng.integers(len(SENSORS)))]
    um = 62.5 / radius
    is_disc = bool(rng.integers(2))
    size_um = float(rng.uniform(1.5, 12) if is_disc else rng.uniform(1, 8))
    contrast = float(rng.choice((25, 40, 60)) * rng.choice((-1, 1)))
    angle, away = rng.uniform(0, 2 * math.pi), rng.uniform(0.25, 0.75) * radius
    x, y = away * math.cos(angle), away * math.sin(angle)
    turn = rng.uniform(0, math.pi)
    mark = Disc(x, y, size_um / um, contrast) if is_disc else Line(x, y, size_um / um, contrast, 0.7 * radius, turn)
    side = int(2.6 * radius)
    pixels, face, at = drawn_alone(mark, radius, (side, side), sensor.blur_px, sensor.noise, seed)
    near = found_at(detect(seen_by(sensor, pixels), face), at, 1)
    if len(near) != 1 or near[0].w_px > 1.5 * radius:
        return None
    c = near[0]
    if not is_disc and c.length_um < SHARE * radius * um:
        return None
    measured = c.diameter_um if is_disc else c.width_um
    kind = "diameter of a round mark" if is_disc else "width of a line"
    return Measured(kind, um, sensor.name, size_um, measured - size_um, c.uncertainty_um)


def told_of(n_marks: int) -> list[Measured]:
    """So many marks drawn and measured, less those that were not found in one piece."""
    with ProcessPoolExecutor(mp_context=get_context("spawn")) as pool:
        return [m for m in pool.map(one_mark, range(n_marks), chunksize=50) if m is not None]


def parts_of(told: list[Measured]) -> list[tuple[str, str, list[Measured]]]:
    """The marks of each kind, altogether and by pixel size, sensor and size: kind, which part, marks."""
    parts = []
    for kind in sorted({m.kind for m in told}):
        of_kind = [m for m in told if m.kind == kind]
        parts.append((kind, "all", of_kind))
        for radius in RADII_PX:
            um = 62.5 / radius
            parts.append((kind, f"{um:.2f} um a pixel", [m for m in of_kind if m.um_per_px == um]))
        parts += [(kind, s.name, [m for m in of_kind if m.sensor == s.name]) for s in SENSORS]
        for low, high in ((1, 2), (2, 4), (4, 8), (8, 16), (16, 64)):
            sized = [m for m in of_kind if low <= m.true_um / m.um_per_px < high]
            parts.append((kind, f"{low} to {high} px", sized))
    return parts


def coverage(marks: list[Measured]) -> dict[str, float]:
    """Median error and its spread in px, and the share of errors within twice the stated uncertainty."""
    px = np.array([m.error_um / m.um_per_px for m in marks])
    return {
        "n": len(marks),
        "median_px": float(np.median(px)),
        "spread_px": float(np.percentile(px, 97.5) - np.percentile(px, 2.5)),
        "covered": float(np.mean([abs(m.error_um) <= 2 * m.uncertainty_um for m in marks])),
    }


def main() -> None:
    """Draws, detects, prints."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--marks", type=int, default=2000)
    args = parser.parse_args()
    told = told_of(args.marks)
    print(f"{args.marks - len(told)} of {args.marks} marks were not found in one piece and are left out")
    for kind, part, marks in parts_of(told):
        if part == "all":
            print(f"\n{kind:<24}{'marks':>6}{'median px':>12}{'95 % px':>12}{'in 2 sigma':>12}")
        if len(marks) < LEAST_MARKS:
            print(f"  {part:<22}{len(marks):>6}")
            continue
        c = coverage(marks)
        print(f"  {part:<22}{c['n']:>6}{c['median_px']:>12.2f}{c['spread_px']:>12.2f}{c['covered']:>12.3f}")


if __name__ == "__main__":
    main()
