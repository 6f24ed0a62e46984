#!/usr/bin/env python3
"""How much a user's own labelled pictures help: the shipped model adapted on some fibres, scored on the others.

    scripts/evaluate_adaptation.py [--endfaces ../shared/endfaces] [--folds 5] [--json out.json]

Each fold leaves out whole fibres, goes on from models/fibre-defects.keras with the labelled pictures of the other
fibres, and names what the detector finds on the fibres left out, and their patches. All folds are scored together
by the set's own score.py, as are the answers of the model as it ships.
"""

from __future__ import annotations

import argparse
import csv
import importlib.util
import json
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")
REPO = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(REPO))

import numpy as np  # noqa: E402

from edge.classify import crop, measure  # noqa: E402
from edge.classify.patches import measure_picture, prepare  # noqa: E402
from edge.detect import detect  # noqa: E402
from edge.locate import locate  # noqa: E402
from edge.sources import read_picture  # noqa: E402
from trainer.data import Dataset  # noqa: E402
from trainer.data.augmentation import AugmentSettings, augmented  # noqa: E402
from trainer.data.candidate_labels import LABELS  # noqa: E402
from trainer.data.coco import read_labelled  # noqa: E402
from trainer.data.examples import joined  # noqa: E402
from trainer.data.rendered import rendered_examples  # noqa: E402
from trainer.learning import (  # noqa: E402
    FitSettings,
    fit_dataset,
    model_file,
)
from trainer.learning.standardisation import probabilities  # noqa: E402
from trainer.shipped_models import SPEC  # noqa: E402

FACE_KEYS = ("x_px", "y_px", "cladding_rx_px", "cladding_ry_px", "core_r_px")


def main() -> None:
    """Adapts, scores, prints."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--endfaces", type=Path, default=REPO.parent / "shared" / "endfaces")
    parser.add_argument("--folds", type=int, default=5)
    parser.add_argument("--json", type=Path, help="also write the figures here")
    args = parser.parse_args()
    annotations = json.loads((args.endfaces / "annotations.json").read_text())
    score = _module(args.endfaces / "score.py")
    with tempfile.TemporaryDirectory() as folder:
        _as_coco(annotations, args.endfaces, Path(folder))
        examples = read_labelled(Path(folder), SPEC).examples
    shipped = model_file.load("fibre-defects")
    replay = rendered_examples((120, 1, 1), 900_000, SPEC)
    fibres = sorted({image["fibre"] for image in annotations["images"]})
    # The fibre seen most often first, each to the fold that has the fewest examples so far.
    weight = {fibre: int((examples.groups == fibre).sum()) for fibre in fibres}
    folds: list[set[str]] = [set() for _ in range(args.folds)]
    for fibre in sorted(fibres, key=lambda f: -weight[f]):
        min(folds, key=lambda fold: sum(weight[f] for f in fold)).add(fibre)
    told: dict[str, Any] = {}
    longest_s = 0.0
    answers: dict[str, list[dict[str, Any]]] = {"shipped": [], "adapted": []}
    patches: dict[str, list[dict[str, Any]]] = {"shipped": [], "adapted": []}
    for number, held in enumerate(folds, start=1):
        began = time.perf_counter()
        own = examples.take(~np.isin(examples.groups, list(held)))
        varied = joined([augmented(own, SPEC, AugmentSettings(copies=4, seed=number)), replay.train])
        dataset = Dataset(LABELS, SPEC, varied, replay.validation.take(np.arange(0)), replay.check)
        settings = FitSettings(epochs=5, batch=64, learning_rate=4e-4, class_weights="none", seed=number)
        adapted = fit_dataset(dataset, settings, start=shipped)
        elapsed_s = time.perf_counter() - began
        longest_s = max(longest_s, elapsed_s)
        print(f"fold {number}: {len(own)} own examples, fitted in {elapsed_s:.0f} s; left out: {len(held)} fibres")
        for name, model in (("shipped", shipped.model), ("adapted", adapted.model)):
            answers[name] += _inspections(model, annotations, args.endfaces, held)
            patches[name] += _patches(model, args.endfaces, held)
    for name in answers:
        told[name] = _scored(score, annotations, args.endfaces, answers[name], patches[name])
        print(name, json.dumps(told[name]))
    told["longest_fit_s"] = round(longest_s, 1)
    if args.json:
        args.json.write_text(json.dumps(told, indent=1) + "\n")


def _module(path: Path) -> Any:
    spec = importlib.util.spec_from_file_location("endfaces_score", path)
    if spec is None or spec.loader is None:
        raise SystemExit(f"{path} cannot be imported")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _as_coco(annotations: dict[str, Any], endfaces: Path, folder: Path) -> None:
    """The set's labels in the form that users' pictures have."""
    labelled = [image for image in annotations["images"] if image["defects_labelled"]]
    marks = [{**d, "ignore": 0} for d in annotations["defects"]]
    marks += [{**d, "label": "clean"} for d in annotations["clean"]]
    marks += [{**d, "label": "clean", "ignore": 1} for d in annotations["ignore"]]
    names = {image["name"] for image in labelled}
    coco = {
        "images": [
            {
                "id": image["name"],
                "file_name": str((endfaces / image["file_name"]).resolve()),
                "group": image["fibre"],
                "complete": not image.get("dense"),
            }
            for image in labelled
        ],
        "categories": [{"id": name, "name": name} for name in LABELS],
        "annotations": [
            {
                "image_id": mark["image"],
                "category_id": mark["label"],
                "bbox": mark["bbox"],
                "iscrowd": mark.get("iscrowd", 0),
                "ignore": mark.get("ignore", 0),
                "segmentation": [[v for p in mark["polyline"] for v in p]] if mark.get("polyline") else None,
            }
            for mark in marks
            if mark["image"] in names
        ],
    }
    (folder / "annotations.json").write_text(json.dumps(coco))


def _inspections(model: Any, annotations: dict[str, Any], endfaces: Path, held: set[str]) -> list[dict[str, Any]]:
    rows = []
    for image in annotations["images"]:
        if image["fibre"] not in held:
            continue
        pixels = read_picture(endfaces / image["file_name"])
        face = locate(pixels)
        if face is None:
            continue
        candidates = detect(pixels, face)
        scores = probabilities(model, crop(pixels, candidates, SPEC), measure(candidates, face, SPEC))
        rows.append(
            {
                "source": image["name"] + ".jpg",
                "end_face": {key: getattr(face, key) for key in FACE_KEYS},
                "findings": [
                    {
                        "label": LABELS[int(row.argmax())],
                        "score": float(row.max()),
                        **{k: getattr(c, k) for k in ("x_px", "y_px", "w_px", "h_px")},
                    }
                    for c, row in zip(candidates, scores, strict=True)
                ],
            }
        )
    return rows


def _patches(model: Any, endfaces: Path, held: set[str]) -> list[dict[str, Any]]:
    with (endfaces / "patches.csv").open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["fibre"] in held]
    if not rows:
        return []
    pictures = [read_picture(endfaces / row["file"]) for row in rows]
    scores = probabilities(
        model, np.stack([prepare(p, SPEC) for p in pictures]), np.stack([measure_picture(p, SPEC) for p in pictures])
    )
    return [{"source": row["file"], "label": LABELS[int(s.argmax())]} for row, s in zip(rows, scores, strict=True)]


def _scored(
    score: Any,
    annotations: dict[str, Any],
    endfaces: Path,
    answers: list[dict[str, Any]],
    patches: list[dict[str, Any]],
) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        inspected, classified = Path(folder) / "inspected.jsonl", Path(folder) / "classified.jsonl"
        inspected.write_text("\n".join(json.dumps(row) for row in answers))
        classified.write_text("\n".join(json.dumps(row) for row in patches))
        whole = score.score_inspections(inspected, annotations)
        alone = score.score_patches(classified, endfaces / "patches.csv")
    keys = ("recall", "false_findings_per_face", "class_agreement", "scratch_or_defect_agreement")
    figures = {key: round(whole[key], 4) for key in keys}
    keys = ("accuracy_sure", "macro_f1_sure", "defect_or_clean_sure")
    return figures | {f"patches_{key}": round(alone[key], 4) for key in keys}


if __name__ == "__main__":
    main()
