#!/usr/bin/env python3
"""Prints what the quality gate does to real pictures that are spoiled more and more.

For every kind and degree of harm: how many pictures are still located right, how many the gate lets through, how
many of those were located wrong, and which share of the surely labelled marks the detector still proposes, in all
pictures and in those let through. The gate is right where every untouched picture passes, and where the last column
stays near that of the untouched ones.

    scripts/calibrate_quality.py [FOLDER]        the labelled end faces; default ../shared/endfaces, $FERRULE_ENDFACES
"""

from __future__ import annotations

import collections
import json
import math
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.detect import detect
from edge.locate import locate
from edge.quality import assess
from edge.records import Candidate, EndFace
from edge.sources import read_picture

U8 = NDArray[np.uint8]
# a picture and its labelled cladding give another picture, and how far its origin moved
Harm = Callable[[U8, dict[str, float]], tuple[U8, int, int]]

REPO = Path(__file__).resolve().parent.parent
NEAR_PX = 4


def blurred(sigma_px: float) -> Harm:
    """Gaussian blur of this sigma."""
    return lambda picture, at: (np.asarray(cv2.GaussianBlur(picture, (0, 0), sigma_px), np.uint8), 0, 0)


def scaled_grey(gain: float, offset: float = 0.0) -> Harm:
    """Grey times `gain` plus `offset`, clipped."""
    return lambda picture, at: (np.asarray(cv2.convertScaleAbs(picture, alpha=gain, beta=offset), np.uint8), 0, 0)


def noisy(sigma_grey: float) -> Harm:
    """Gaussian noise of this sigma, the same for each picture."""

    def harm(picture: U8, at: dict[str, float]) -> tuple[U8, int, int]:
        noise = np.random.default_rng(0).normal(0, sigma_grey, picture.shape)
        return np.asarray(np.clip(np.rint(picture + noise), 0, 255), np.uint8), 0, 0

    return harm


def cropped(left: float, top: float) -> Harm:
    """The picture from `left` and `top` cladding radii before the centre; negative: behind it."""

    def harm(picture: U8, at: dict[str, float]) -> tuple[U8, int, int]:
        x = max(0, round(at["cx"] - left * at.get("rx", at["r"])))
        y = max(0, round(at["cy"] - top * at.get("ry", at["r"])))
        return np.ascontiguousarray(picture[y:, x:]), x, y

    return harm


HARMS: dict[str, Harm] = {
    "none": scaled_grey(1),
    **{f"blur {s} px": blurred(s) for s in (0.7, 1.0, 1.5, 2.0, 2.5, 3.0, 4.0, 6.0, 10.0)},
    **{f"darker x {g}": scaled_grey(g) for g in (0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2, 0.1)},
    **{f"brighter x {g}": scaled_grey(g) for g in (1.2, 1.4, 1.6, 2.0, 2.5, 3.0)},
    **{f"contrast x {g}": scaled_grey(g, 128 * (1 - g)) for g in (0.8, 0.6, 0.4, 0.3, 0.2, 0.1)},
    **{f"noise {s} grey": noisy(s) for s in (3, 5, 8, 10, 15, 20)},
    **{f"left edge {f} r": cropped(f, 99) for f in (2.0, 1.2, 1.1, 1.05, 1.0, 0.8, 0.5, 0.2, 0.0, -0.5)},
    **{f"corner {f} r": cropped(f, f) for f in (1.2, 1.05, 0.9, 0.6, 0.3, 0.0)},
}


def located(face: EndFace, geometry: dict[str, Any], dx: int, dy: int) -> bool:
    """Within 2 px and 2 % of the cladding, or of the glass where both edges are labelled."""
    return any(
        math.hypot(face.x_px + dx - e["cx"], face.y_px + dy - e["cy"]) <= 2
        and abs(face.cladding_rx_px / e.get("rx", e["r"]) - 1) <= 0.02
        and abs(face.cladding_ry_px / e.get("ry", e["r"]) - 1) <= 0.02
        for e in (geometry["cladding"], geometry.get("glass"))
        if e
    )


def proposed(mark: dict[str, Any], candidates: tuple[Candidate, ...]) -> bool:
    """Whether a candidate's box comes within four pixels of the label's."""
    x, y, w, h = mark["bbox"]
    return any(
        c.x_px <= x + w + NEAR_PX
        and x <= c.x_px + c.w_px + NEAR_PX
        and c.y_px <= y + h + NEAR_PX
        and y <= c.y_px + c.h_px + NEAR_PX
        for c in candidates
    )


def row(name: str, harm: Harm, images: list[tuple[dict[str, Any], U8]], marks: dict[str, list[dict[str, Any]]]) -> str:
    """One line of the table."""
    n_located = n_read = n_read_wrong = 0
    proposals: collections.Counter[tuple[bool, bool]] = collections.Counter()
    problems: collections.Counter[str] = collections.Counter()
    for image, original in images:
        picture, dx, dy = harm(original, image["geometry"]["cladding"])
        face = locate(picture)
        quality = assess(picture, face)
        read = not quality.problems
        right = face is not None and located(face, image["geometry"], dx, dy)
        n_located, n_read, n_read_wrong = n_located + right, n_read + read, n_read_wrong + (read and not right)
        problems.update(problem.split(":")[0] for problem in quality.problems)
        if face is not None and right and marks[image["name"]]:
            h, w = picture.shape
            candidates = detect(picture, face)
            for mark in marks[image["name"]]:
                x, y, mark_w, mark_h = mark["bbox"]
                if x >= dx and y >= dy and x + mark_w <= dx + w and y + mark_h <= dy + h:
                    moved = {"bbox": (x - dx, y - dy, mark_w, mark_h)}
                    proposals[read, proposed(moved, candidates)] += 1
    everything = sum(proposals.values())
    n_seen = proposals[True, True] + proposals[False, True]
    n_read_marks = proposals[True, True] + proposals[True, False]
    recall = f"{n_seen / everything:.2f}" if everything else "-"
    read_recall = f"{proposals[True, True] / n_read_marks:.2f}" if n_read_marks else "-"
    said = ", ".join(f"{problem} {n}" for problem, n in problems.most_common())
    return f"{name:16s} {n_located:7d} {n_read:8d} {n_read_wrong:10d} {recall:>8s} {read_recall:>13s}  {said}"


def main() -> None:
    """The table."""
    default = os.environ.get("FERRULE_ENDFACES", str(REPO.parent / "shared" / "endfaces"))
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else default)
    if not (folder / "annotations.json").is_file():
        sys.exit(f"no annotations.json in {folder}; name the folder of labelled end faces")
    cv2.setNumThreads(1)
    labels = json.loads((folder / "annotations.json").read_text(encoding="utf-8"))
    images = [(image, read_picture(folder / image["file_name"])) for image in labels["images"]]
    marks: dict[str, list[dict[str, Any]]] = collections.defaultdict(list)
    at = {image["name"]: image["geometry"]["cladding"] for image, _ in images}
    for mark in labels["defects"]:
        x, y, w, h = mark["bbox"]
        e = at[mark["image"]]
        away = math.hypot((x + w / 2 - e["cx"]) / e.get("rx", e["r"]), (y + h / 2 - e["cy"]) / e.get("ry", e["r"]))
        if mark["confidence"] == "sure" and not mark.get("iscrowd") and away <= 2:
            marks[mark["image"]].append(mark)
    print(f"{len(images)} pictures, {sum(map(len, marks.values()))} sure marks within two cladding radii")
    print(f"{'harm':16s} {'located':>7s} {'readable':>8s} {'but wrong':>10s} {'recall':>8s} {'when readable':>13s}")
    for name, harm in HARMS.items():
        print(row(name, harm, images, marks), flush=True)


if __name__ == "__main__":
    main()
