#!/usr/bin/env python3
"""How much captured patches help: capture, label, go on, and score on fibres that were not captured from.

    scripts/evaluate_learning_from_use.py [--endfaces DIR] [--folds 3] [--rate X] [--rehearsed N] [--everything]

All pictures are inspected with capturing on, as `ferrule inspect --capture` does it, and the patches are moved into
folders by the labels of the set: those that nobody labelled stay where they are. Each fold then takes the patches of
some fibres away, goes on from the shipped model as `ferrule-train train --from fibre-defects` does, inspects the
pictures of those fibres, and names their labelled patches. All folds are scored together by the set's own score.py.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import tempfile
import time
from collections import Counter
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")

from endface_set import DEFAULT_FOLDER, EndfaceSet, Row, folds_of, headline
from float_inspection import inspections_by, patches_named_by

from edge.capture import CaptureSettings, PatchCapture
from edge.capture.sidecar import read_records
from edge.cli.console import Console
from edge.inspection import load_inspector
from trainer.cli.training import REHEARSED_FACES, Training, settings_of, train_model
from trainer.data import Source
from trainer.data.coco import named_by_boxes
from trainer.learning import TrainedModel, load

MODEL = "fibre-defects"


def main() -> None:
    """Captures, labels, goes on, scores, prints."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--endfaces", type=Path, default=DEFAULT_FOLDER)
    parser.add_argument("--folds", type=int, default=3)
    parser.add_argument("--only", type=int, metavar="N", help="the first N folds, to try it")
    parser.add_argument("--rate", type=float, help="else the default of --from")
    parser.add_argument("--rehearsed", type=int, default=REHEARSED_FACES, help="rendered faces; 0: none")
    parser.add_argument("--everything", action="store_true", help="capture every mark, not only what is worth it")
    args = parser.parse_args()
    endfaces = EndfaceSet.read(args.endfaces)
    n_labelled = Counter(image["fibre"] for image in endfaces.images if image["defects_labelled"])
    folds = folds_of({fibre: n_labelled[fibre] for fibre in endfaces.fibres}, args.folds)
    shipped = load(MODEL)
    inspections: dict[str, list[Row]] = {"shipped": [], "learned": []}
    patches: dict[str, list[Row]] = {"shipped": [], "learned": []}
    with tempfile.TemporaryDirectory() as scratch:
        captured = Path(scratch) / "captured"
        capture(captured, endfaces, args.everything)
        print(f"labelled: {dict(label(captured, endfaces).most_common())}")
        for number, held in enumerate(folds[: args.only], start=1):
            learned = gone_on(captured, endfaces, held, number, args.rate, args.rehearsed)
            for name, model in (("shipped", shipped), ("learned", learned)):
                inspections[name] += inspections_by(model, endfaces, held)
                patches[name] += patches_named_by(model, endfaces, held)
    for name in inspections:
        print(name, json.dumps(headline(endfaces, inspections[name], patches[name])))


def capture(folder: Path, endfaces: EndfaceSet, everything: bool) -> None:
    """Inspects every picture, and captures patches into the folder."""
    inspector = load_inspector(MODEL)
    classifier = inspector.classifier
    settings = CaptureSettings(quota=100_000, random_share=1.0) if everything else CaptureSettings()
    patch_capture = PatchCapture(folder, settings, classifier.spec.size, classifier.threshold)
    patch_capture.folder.prepare(classifier.labels, MODEL)
    for frame in endfaces.frames():
        patch_capture.keep(frame, inspector.inspect(frame))
    print(f"captured: {dict(patch_capture.kept)}")


def label(folder: Path, endfaces: EndfaceSet) -> Counter[str]:
    """Moves the patches as a person would who knows the set's labels; how many of each label."""
    images = {image["name"]: image for image in endfaces.images}
    boxes = endfaces.boxes()
    moved: Counter[str] = Counter()
    for record in read_records(folder)[0].values():
        image = images[Path(record.source).stem]
        named = named_by_boxes([record.candidate], boxes[image["name"]], complete=not image.get("dense"))
        if image["defects_labelled"] and named:
            name = named[0][1]
            (folder / record.file).rename(folder / name / Path(record.file).name)
            moved[name] += 1
    return moved


def gone_on(
    captured: Path, endfaces: EndfaceSet, held: set[str], number: int, rate: float | None, n_rehearsed: int
) -> TrainedModel:
    """The model after going on with the labelled patches of all fibres but those held out; files lie beside them."""
    folder, out = captured.with_name(f"captured-{number}"), captured.with_name(f"learned-{number}.keras")
    shutil.copytree(captured, folder)
    fibre_of = {image["name"]: image["fibre"] for image in endfaces.images}
    for record in read_records(folder)[0].values():
        if fibre_of[Path(record.source).stem] in held:
            for path in folder.rglob(Path(record.file).name):
                path.unlink()
    settings = settings_of(10, 64, number, rate, "softened", going_on=True)
    wanted = Training(Source(folder), settings, "", MODEL, out, rehearsed_faces=n_rehearsed)
    began = time.perf_counter()
    train_model(wanted, Console(quiet=True))
    elapsed_s = time.perf_counter() - began
    n_own = sum(1 for _ in folder.glob("*/*.png"))
    print(f"fold {number}: {n_own} labelled patches, {elapsed_s:.0f} s; left out: {len(held)} fibres")
    return load(out)


if __name__ == "__main__":
    main()
