#!/usr/bin/env python3
"""How much captured patches help: capture, label, go on, and score on fibres that were not captured from.

    scripts/evaluate_learning_from_use.py [--endfaces DIR] [--folds 3] [--rate X] [--rehearsed N] [--everything]

All pictures are inspected with capturing on, as `ferrule inspect --capture` does it, and the patches are moved into
folders by the labels of the set: those that nobody labelled stay where they are. Each fold then takes the patches of
some fibres away, goes on from the shipped model as `ferrule-train train --from fibre-defects` does, and names what the
detector finds on those fibres, and their labelled patches. All folds are scored together by the set's own score.py.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import shutil
import sys
import tempfile
import time
from collections import Counter
from importlib.machinery import SourceFileLoader
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")
REPO = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(REPO))

from edge.capture import CaptureSettings, PatchCapture  # noqa: E402
from edge.capture.sidecar import read_records  # noqa: E402
from edge.cli.console import Console  # noqa: E402
from edge.inspection import load_inspector  # noqa: E402
from edge.records import Frame  # noqa: E402
from edge.sources import read_picture  # noqa: E402
from trainer.cli import training  # noqa: E402
from trainer.data import Source  # noqa: E402
from trainer.data.coco import LabelledBox, named_by_boxes  # noqa: E402
from trainer.learning import model_file  # noqa: E402

MODEL = "fibre-defects"


def main() -> None:
    """Captures, labels, goes on, scores, prints."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--endfaces", type=Path, default=REPO.parent / "shared" / "endfaces")
    parser.add_argument("--folds", type=int, default=3)
    parser.add_argument("--rate", type=float, help="else the default of --from")
    parser.add_argument("--rehearsed", type=int, default=training.REHEARSED_FACES, help="rendered faces; 0: none")
    parser.add_argument("--everything", action="store_true", help="capture every mark, not only what is worth it")
    args = parser.parse_args()
    annotations = json.loads((args.endfaces / "annotations.json").read_text())
    shared = _module("evaluate_adaptation.py", REPO / "scripts" / "evaluate_adaptation.py")
    score = _module("endfaces_score", args.endfaces / "score.py")
    fibre_of = {image["name"]: image["fibre"] for image in annotations["images"]}
    training.REHEARSED_FACES = args.rehearsed
    inspected: dict[str, list[dict[str, Any]]] = {"shipped": [], "learned": []}
    patches: dict[str, list[dict[str, Any]]] = {"shipped": [], "learned": []}
    with tempfile.TemporaryDirectory() as scratch:
        mine = Path(scratch) / "mine"
        _capture(mine, annotations, args.endfaces, args.everything)
        print(f"labelled: {dict(_label(mine, annotations).most_common())}")
        for number, held in enumerate(_folds(annotations, args.folds), start=1):
            folder, out = Path(scratch) / f"mine-{number}", Path(scratch) / f"mine-{number}.keras"
            shutil.copytree(mine, folder)
            for record in read_records(folder)[0].values():
                if fibre_of[Path(record.source).stem] in held:
                    for path in folder.rglob(Path(record.file).name):
                        path.unlink()
            settings = training.settings_of(10, 64, number, args.rate, "softened", going_on=True)
            began = time.perf_counter()
            training.train_model(training.Training(Source(folder), settings, "", MODEL, out), Console(quiet=True))
            elapsed_s = time.perf_counter() - began
            n_own = sum(1 for p in folder.glob("*/*.png"))
            print(f"fold {number}: {n_own} labelled patches, {elapsed_s:.0f} s; left out: {len(held)} fibres")
            for name, model in (("shipped", model_file.load(MODEL).model), ("learned", model_file.load(out).model)):
                inspected[name] += shared._inspections(model, annotations, args.endfaces, held)
                patches[name] += shared._patches(model, args.endfaces, held)
    for name in inspected:
        figures = shared._scored(score, annotations, args.endfaces, inspected[name], patches[name])
        print(name, json.dumps(figures))


def _module(name: str, path: Path) -> Any:
    loader = SourceFileLoader(name, str(path))
    spec = importlib.util.spec_from_loader(name, loader)
    if spec is None:
        raise SystemExit(f"{path} cannot be imported")
    module = importlib.util.module_from_spec(spec)
    loader.exec_module(module)
    return module


def _capture(folder: Path, annotations: dict[str, Any], endfaces: Path, everything: bool) -> None:
    inspector = load_inspector(MODEL)
    classifier = inspector.classifier
    settings = CaptureSettings(quota=100_000, random_share=1.0) if everything else CaptureSettings()
    capture = PatchCapture(folder, settings, classifier.spec.size, classifier.threshold)
    capture.folder.prepare(classifier.labels, MODEL)
    for image in annotations["images"]:
        frame = Frame(read_picture(endfaces / image["file_name"]), image["name"] + ".jpg")
        capture.keep(frame, inspector.inspect(frame))
    print(f"captured: {dict(capture.kept)}")


def _label(folder: Path, annotations: dict[str, Any]) -> Counter[str]:
    """Moves the patches as a person would who knows the set's labels."""
    images = {image["name"]: image for image in annotations["images"]}
    boxes: dict[str, list[LabelledBox]] = {name: [] for name in images}
    for kind in ("defects", "clean", "ignore"):
        for mark in annotations[kind]:
            label = {"clean": "clean", "ignore": ""}.get(kind, mark.get("label", ""))
            line = tuple(v for point in mark.get("polyline") or () for v in point)
            boxes[mark["image"]].append(LabelledBox("" if mark.get("iscrowd") else label, *mark["bbox"], line=line))
    moved: Counter[str] = Counter()
    for record in read_records(folder)[0].values():
        image = images[Path(record.source).stem]
        named = named_by_boxes([record.candidate], boxes[image["name"]], complete=not image.get("dense"))
        if image["defects_labelled"] and named:
            label = named[0][1]
            (folder / record.file).rename(folder / label / Path(record.file).name)
            moved[label] += 1
    return moved


def _folds(annotations: dict[str, Any], n: int) -> list[set[str]]:
    """Fibres, those with most labelled pictures first, each to the fold that has the fewest so far."""
    n_pictures = Counter(image["fibre"] for image in annotations["images"] if image["defects_labelled"])
    folds: list[set[str]] = [set() for _ in range(n)]
    for fibre in sorted({image["fibre"] for image in annotations["images"]}, key=lambda f: (-n_pictures[f], f)):
        min(folds, key=lambda fold: sum(n_pictures[f] for f in fold)).add(fibre)
    return folds


if __name__ == "__main__":
    main()
