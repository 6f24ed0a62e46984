#!/usr/bin/env python3
"""Prints what the quality gate does to real pictures that are spoiled more and more.

For every kind and degree of harm: how many pictures are still located right, how many the gate lets through, how
many of those were located wrong, and which share of the surely labelled marks the detector still proposes, in all
pictures and in those let through. The gate is right where every untouched picture passes, and where the last column
stays near that of the untouched ones.

    scripts/calibrate_quality.py [FOLDER] [--only TEXT]
"""

from __future__ import annotations

import argparse
import collections
import math
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
from endface_set import DEFAULT_FOLDER, EndfaceSet, Row

from edge.arrays import U8
from edge.detect import detect
from edge.inspection import Inspector, load_inspector
from edge.records import Candidate, EndFace, Frame

# a picture and its labelled cladding give another picture, and how far its origin moved
Harm = Callable[[U8, dict[str, float]], tuple[U8, int, int]]

NEAR_PX = 4
Said = tuple[EndFace | None, tuple[str, ...], tuple[Candidate, ...]]


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


def located(face: EndFace, geometry: Row, dx: int, dy: int) -> bool:
    """Within 2 px and 2 % of the cladding, or of the glass where both edges are labelled."""
    return any(
        math.hypot(face.x_px + dx - e["cx"], face.y_px + dy - e["cy"]) <= 2
        and abs(face.cladding_rx_px / e.get("rx", e["r"]) - 1) <= 0.02
        and abs(face.cladding_ry_px / e.get("ry", e["r"]) - 1) <= 0.02
        for e in (geometry["cladding"], geometry.get("glass"))
        if e
    )


def proposed(mark: Row, candidates: tuple[Candidate, ...]) -> bool:
    """Whether a candidate's box comes within four pixels of the label's."""
    x, y, w, h = mark["bbox"]
    return any(
        c.x_px <= x + w + NEAR_PX
        and x <= c.x_px + c.w_px + NEAR_PX
        and c.y_px <= y + h + NEAR_PX
        and y <= c.y_px + c.h_px + NEAR_PX
        for c in candidates
    )


def looked_at(picture: U8, inspector: Inspector) -> Said:
    """The end face, why the picture is refused if it is, and what the detector proposes all the same."""
    inspection = inspector.inspect(Frame(picture, "harmed"))[0]
    face, problems = inspection.end_face, inspection.quality.problems if inspection.quality else ()
    if face is None or not problems:
        return face, problems, tuple(finding.candidate for finding in inspection.findings)
    return face, problems, detect(picture, face, inspector.detect_settings)


class Tally:
    """What one harm did to all pictures."""

    def __init__(self) -> None:
        self.n_located = self.n_read = self.n_read_wrong = 0
        self.proposals: collections.Counter[tuple[bool, bool]] = collections.Counter()
        self.problems: collections.Counter[str] = collections.Counter()

    def add(self, picture: U8, moved: tuple[int, int], labels: Row, marks: list[Row], said: Said) -> None:
        """Counts one picture.

        Args:
            picture: as it was inspected.
            moved: how far its origin lies to the right of and below that of the labels.
            labels: its geometry.
            marks: its labelled marks.
            said: of `looked_at`.
        """
        face, problems, candidates = said
        read, right = not problems, face is not None and located(face, labels, *moved)
        self.n_located += right
        self.n_read += read
        self.n_read_wrong += read and not right
        self.problems.update(problem.split(":")[0] for problem in problems)
        (height, width), (dx, dy) = picture.shape, moved
        for mark in marks if right else ():
            x, y, w, h = mark["bbox"]
            if x >= dx and y >= dy and x + w <= dx + width and y + h <= dy + height:
                self.proposals[read, proposed({"bbox": (x - dx, y - dy, w, h)}, candidates)] += 1

    def line(self, name: str) -> str:
        """One line of the table."""
        found = self.proposals
        n_seen, n_read = found[True, True] + found[False, True], found[True, True] + found[True, False]
        recall = f"{n_seen / found.total():.2f}" if found.total() else "-"
        read_recall = f"{found[True, True] / n_read:.2f}" if n_read else "-"
        said = ", ".join(f"{problem} {n}" for problem, n in self.problems.most_common())
        counts = f"{self.n_located:7d} {self.n_read:8d} {self.n_read_wrong:10d}"
        return f"{name:16s} {counts} {recall:>8s} {read_recall:>13s}  {said}"


def sure_marks(endfaces: EndfaceSet) -> dict[str, list[Row]]:
    """The surely labelled marks within two cladding radii, by the picture's name."""
    marks: dict[str, list[Row]] = collections.defaultdict(list)
    at = {image["name"]: image["geometry"]["cladding"] for image in endfaces.images}
    for mark in endfaces.annotations["defects"]:
        x, y, w, h = mark["bbox"]
        e = at[mark["image"]]
        away = math.hypot((x + w / 2 - e["cx"]) / e.get("rx", e["r"]), (y + h / 2 - e["cy"]) / e.get("ry", e["r"]))
        if mark["confidence"] == "sure" and not mark.get("iscrowd") and away <= 2:
            marks[mark["image"]].append(mark)
    return marks


def main() -> None:
    """The table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", nargs="?", type=Path, default=DEFAULT_FOLDER, help="the labelled end faces")
    parser.add_argument("--only", metavar="TEXT", default="", help="harms whose name begins so")
    args = parser.parse_args()
    endfaces, inspector = EndfaceSet.read(args.folder), load_inspector()
    cv2.setNumThreads(1)
    marks = sure_marks(endfaces)
    pictures = [(image, frame.pixels) for image, frame in zip(endfaces.images, endfaces.frames(), strict=True)]
    print(f"{len(pictures)} pictures, {sum(map(len, marks.values()))} sure marks within two cladding radii")
    print(f"{'harm':16s} {'located':>7s} {'readable':>8s} {'but wrong':>10s} {'recall':>8s} {'when readable':>13s}")
    for name, harm in HARMS.items():
        if name.startswith(args.only):
            tally = Tally()
            for image, original in pictures:
                picture, *moved = harm(original, image["geometry"]["cladding"])
                said = looked_at(picture, inspector)
                tally.add(picture, (moved[0], moved[1]), image["geometry"], marks[image["name"]], said)
            print(tally.line(name), flush=True)


if __name__ == "__main__":
    main()
