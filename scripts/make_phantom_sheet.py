#!/usr/bin/env python3
"""Renders docs/phantoms.png: whole end faces from every kind of scope, and below them marks of each label, enlarged.

scripts/make_phantom_sheet.py [--out docs/phantoms.png]
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.classify import PatchSpec, crop
from trainer.data.candidate_labels import box_candidate
from trainer.phantom import Phantom, random_scene, render
from trainer.phantom.random_scenes import SCOPES

REPO = Path(__file__).resolve().parent.parent
COLUMNS, TILE_PX, MARK_PX, MARKS_A_ROW = 4, 420, 84, 20
LABELS = ("scratch", "dig", "contamination", "chip")
FIRST_SEED = 40


def main() -> None:
    """Renders and writes the sheet."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=REPO / "docs" / "phantoms.png")
    args = parser.parse_args()
    faces = [render(random_scene(FIRST_SEED + i, SCOPES[i % len(SCOPES)])) for i in range(2 * COLUMNS)]
    more = [*faces, *(render(random_scene(FIRST_SEED + len(faces) + i)) for i in range(24))]
    rows = [sheet([face.pixels for face in faces], COLUMNS, TILE_PX)]
    rows += [_marks(more, label) for label in LABELS]
    width = max(row.shape[1] for row in rows)
    padded = [cv2.copyMakeBorder(r, 0, 6, 0, width - r.shape[1], cv2.BORDER_CONSTANT, value=255) for r in rows]
    if not cv2.imwrite(str(args.out), np.vstack(padded), [cv2.IMWRITE_PNG_COMPRESSION, 9]):
        raise SystemExit(f"{args.out} could not be written")
    print(args.out)


def sheet(pictures: Sequence[NDArray[np.uint8]], columns: int, tile_px: int) -> NDArray[np.uint8]:
    """Pictures side by side, each brought to `tile_px` columns, for looking at."""
    tiles = []
    for picture in pictures:
        height = round(picture.shape[0] * tile_px / picture.shape[1])
        tiles.append(cv2.resize(picture, (tile_px, height), interpolation=cv2.INTER_AREA))
    tallest = max(t.shape[0] for t in tiles)
    padded = [cv2.copyMakeBorder(t, 0, tallest - t.shape[0], 0, 0, cv2.BORDER_CONSTANT, value=0) for t in tiles]
    while len(padded) % columns:
        padded.append(np.zeros_like(padded[0]))
    return np.vstack([np.hstack(padded[i : i + columns]) for i in range(0, len(padded), columns)]).astype(np.uint8)


def _marks(faces: list[Phantom], label: str) -> NDArray[np.uint8]:
    """Marks that show, cut as the model gets them, but larger."""
    tiles: list[NDArray[np.uint8]] = []
    for face in faces:
        shown = [m for m in face.marks if m.label == label and m.contrast_grey > 20][:2]
        boxes = [box_candidate(mark.x_px, mark.y_px, mark.w_px, mark.h_px) for mark in shown]
        tiles.extend(crop(face.pixels, boxes, PatchSpec(size=42)))
    chosen = [cv2.resize(t, (MARK_PX, MARK_PX), interpolation=cv2.INTER_CUBIC) for t in tiles[:MARKS_A_ROW]]
    return np.asarray(np.hstack(chosen), np.uint8)


if __name__ == "__main__":
    main()
