#!/usr/bin/env python3
"""Prints how many drawn marks are found, by how far they exceed the size from which on they should be.

    scripts/visibility.py [--marks 8000]

A fibre of 125 um is drawn with one mark: round or a line, paler or darker, of half the contrast of the cladding's edge,
through several pixel sizes, blurs and noises. What `edge.detect.visibility` says is the smallest mark is held against
what `detect` finds. From that size on nine of ten should be found.
"""

from __future__ import annotations

import argparse
import math
import sys
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))

import itertools

from drawn_faces import Disc, Line, drawn_alone, found_at

from edge.detect import DetectSettings, detect
from edge.detect.visibility import STRENGTH, smallest_mark_um
from edge.records import Seeing

STEP_GREY = 80.0
"""Of the drawn cladding's edge."""
RADII_PX = (80, 105, 145, 210)
"""0.78 to 0.3 um a pixel."""
NOISES_GREY = (0.5, 1.5, 3.0, 6.0, 10.0)
BANDS = (0.0, 0.6, 0.8, 0.9, 1.0, 1.1, 1.25, 1.5, 2.0, math.inf)


def one_mark(seed: int) -> tuple[str, float, float, bool]:
    """(kind, noise, size over the smallest that should be found, whether it was found)."""
    rng = np.random.default_rng(seed)
    radius, noise, blur = int(rng.choice(RADII_PX)), float(rng.choice(NOISES_GREY)), float(rng.uniform(0.4, 1.4))
    um = 62.5 / radius
    is_disc = bool(rng.integers(2))
    seeing = Seeing("B", math.sqrt(blur * blur + 1 / 12), noise, STEP_GREY)
    smallest = smallest_mark_um(seeing, um, DetectSettings())[0 if is_disc else 1]
    over = float(rng.uniform(0.4, 2.4))
    size = over * min(smallest, 6.0) / um
    contrast = STRENGTH * STEP_GREY * float(rng.choice((-1, 1)))
    angle, away = rng.uniform(0, 2 * math.pi), rng.uniform(0.2, 0.8) * radius
    x, y = away * math.cos(angle), away * math.sin(angle)
    mark = Disc(x, y, size, contrast) if is_disc else Line(x, y, size, contrast, 0.5 * radius, rng.uniform(0, math.pi))
    side = int(3.2 * radius)
    pixels, face, at = drawn_alone(mark, radius, (side, side + 4), blur, noise, seed)
    found = any(c.w_px < 1.5 * radius for c in found_at(detect(pixels, face), at, 2))
    return "defect" if is_disc else "scratch", noise, over if math.isfinite(smallest) else 0.0, found


def main() -> None:
    """Draws, detects, prints."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--marks", type=int, default=8000)
    args = parser.parse_args()
    with ProcessPoolExecutor(mp_context=get_context("spawn")) as pool:
        told = list(pool.map(one_mark, range(args.marks), chunksize=100))
    for kind in ("defect", "scratch"):
        print(
            f"{kind + ', size over the smallest':34}"
            + "".join(f"{noise:>9.1f}" for noise in NOISES_GREY)
            + "      all   marks"
        )
        for low, high in itertools.pairwise(BANDS):
            row = [(noise, found) for k, noise, over, found in told if k == kind and low <= over < high]
            cells = [[found for noise, found in row if noise == n] for n in NOISES_GREY] + [[found for _, found in row]]
            shares = "".join(f"{np.mean(cell):>9.3f}" if cell else f"{'-':>9}" for cell in cells)
            print(f"{low:>20.2f} to {high:<10.2f}{shares}{len(row):>8}")
    beyond = {kind: [found for k, _, over, found in told if k == kind and over >= 1] for kind in ("defect", "scratch")}
    print(
        "found from that size on: "
        + ", ".join(f"{kind} {np.mean(found):.3f} of {len(found)}" for kind, found in beyond.items())
    )


if __name__ == "__main__":
    main()
