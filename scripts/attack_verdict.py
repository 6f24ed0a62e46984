#!/usr/bin/env python3
"""Makes pictures worse in ways that must not help, and counts the verdicts that change.

    scripts/attack_verdict.py [--faces 100] [--first-seed 31000] [--endfaces DIR] [--json FILE]

Three kinds of faces: drawn clean ones (none may FAIL for what the harm did), drawn dirty ones and, where they are, the
labelled real pictures that FAIL (none may become PASS). Each is harmed in every way; one row a way.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np
from endface_set import DEFAULT_FOLDER
from numpy.typing import NDArray

from edge.arrays import U8
from edge.inspection import load_inspector
from edge.judge import connector_status
from edge.records import Frame, Status
from edge.sources import list_folder, read_picture
from trainer.phantom import random_scene, render

Harm = Callable[[U8, np.random.Generator], U8]


def _clipped(grey: NDArray[np.floating]) -> U8:
    clipped: U8 = np.clip(np.rint(grey), 0, 255).astype(np.uint8)
    return clipped


def _blurred(sigma_px: float) -> Harm:
    return lambda pixels, rng: np.asarray(cv2.GaussianBlur(pixels, (0, 0), sigma_px), np.uint8)


def _noisy(sigma_grey: float) -> Harm:
    return lambda pixels, rng: _clipped(pixels + rng.normal(0, sigma_grey, pixels.shape))


def _scaled(gain: float, offset: float = 0.0) -> Harm:
    return lambda pixels, rng: _clipped(pixels * gain + offset)


def _cropped(top: float, right: float) -> Harm:
    def crop(pixels: U8, rng: np.random.Generator) -> U8:
        h, w = pixels.shape
        return np.ascontiguousarray(pixels[int(h * top) :, : int(w * right)])

    return crop


def _as_jpeg(quality: int) -> Harm:
    def coded(pixels: U8, rng: np.random.Generator) -> U8:
        data = cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
        return np.asarray(cv2.imdecode(data, cv2.IMREAD_GRAYSCALE), np.uint8)

    return coded


HARMS: dict[str, Harm] = {
    "blur, 2 px": _blurred(2.0),
    "blur, 4 px": _blurred(4.0),
    "noise, 8 grey": _noisy(8.0),
    "noise, 16 grey": _noisy(16.0),
    "dark, x 0.3": _scaled(0.3),
    "pale, x 0.3 + 120": _scaled(0.3, 120.0),
    "overexposed, x 1.7": _scaled(1.7),
    "cropped, a third": _cropped(0.3, 0.75),
    "JPEG, quality 50": _as_jpeg(50),
}


def main() -> None:
    """Harms, inspects, counts, prints."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--faces", type=int, default=100, help="drawn faces of each kind")
    parser.add_argument("--first-seed", type=int, default=31_000)
    parser.add_argument("--endfaces", type=Path, default=DEFAULT_FOLDER, help="the labelled real pictures")
    parser.add_argument("--json", type=Path, help="write the counts there, too")
    args = parser.parse_args()
    inspector = load_inspector()

    def status(pixels: U8) -> Status:
        return connector_status(i.verdict for i in inspector.inspect(Frame(pixels, "harmed")))

    counts: dict[str, Counter[str]] = {}
    for kind, seed, pixels in _faces(args.faces, args.first_seed, args.endfaces):
        before = status(pixels)
        if before is not (Status.PASS if kind == "clean" else Status.FAIL):
            continue
        for name, harm in HARMS.items():
            after = status(harm(pixels, np.random.default_rng(seed)))
            counts.setdefault(f"{kind}, {name}", Counter())[after.value] += 1
    print(f"{'face, harm':<34}{'PASS':>6}{'FAIL':>6}{'UNREADABLE':>12}")
    for row, told in counts.items():
        print(f"{row:<34}{told['PASS']:>6}{told['FAIL']:>6}{told['UNREADABLE']:>12}")
    for kind, wrong in (("clean", "FAIL"), ("dirty", "PASS"), ("real", "PASS")):
        of_kind = [told for row, told in counts.items() if row.startswith(kind)]
        n = sum(told.total() for told in of_kind)
        print(f"{kind}: {sum(told[wrong] for told in of_kind)} of {n} became {wrong}")
    if args.json:
        args.json.write_text(json.dumps(counts, indent=1), encoding="utf-8")


def _faces(n: int, first_seed: int, endfaces: Path) -> Iterator[tuple[str, int, U8]]:
    for seed in range(first_seed, first_seed + n):
        yield "clean", seed, render(random_scene(seed, clean=True)).pixels
        yield "dirty", seed, render(random_scene(seed)).pixels
    if (endfaces / "images").is_dir():
        for number, path in enumerate(list_folder(endfaces / "images")):
            yield "real", number, read_picture(path)


if __name__ == "__main__":
    main()
