#!/usr/bin/env python3
"""How much a user's own labelled pictures help: the shipped model adapted on some fibres, scored on the others.

    scripts/evaluate_adaptation.py [--endfaces ../shared/endfaces] [--folds 5] [--json out.json]

Each fold leaves out whole fibres, goes on from models/fibre-defects.keras with the labelled pictures of the other
fibres, and inspects the pictures of the fibres left out, and names their patches. All folds are scored together by the
set's own score.py, as are the answers of the model as it ships.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import time
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")

import numpy as np
from endface_set import DEFAULT_FOLDER, EndfaceSet, Row, folds_of, headline
from float_inspection import inspections_by, patches_named_by

from edge.labels import DEFECT_LABELS
from trainer.data import Dataset, Examples
from trainer.data.augmentation import AugmentSettings, augmented
from trainer.data.coco import read_labelled
from trainer.data.examples import joined
from trainer.data.rendered import RenderedExamples, rendered_examples
from trainer.learning import FitSettings, TrainedModel, fit_dataset, load
from trainer.shipped_models import SPEC

REPLAY_SEED = 900_000
"""Of the first rendered face that is learned from besides, so that the rest is not forgotten."""


def main() -> None:
    """Adapts, scores, prints."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--endfaces", type=Path, default=DEFAULT_FOLDER)
    parser.add_argument("--folds", type=int, default=5)
    parser.add_argument("--only", type=int, metavar="N", help="the first N folds, to try it")
    parser.add_argument("--json", type=Path, help="also write the figures here")
    args = parser.parse_args()
    endfaces = EndfaceSet.read(args.endfaces)
    figures = adapted_figures(endfaces, args.folds, args.only)
    if args.json:
        args.json.write_text(json.dumps(figures, indent=1) + "\n")


def adapted_figures(endfaces: EndfaceSet, n_folds: int, n_tried: int | None = None) -> Row:
    """The headline of the shipped model and of the adapted ones, and how long the longest fit took."""
    with tempfile.TemporaryDirectory() as scratch:
        endfaces.write_coco(Path(scratch), DEFECT_LABELS)
        examples = read_labelled(Path(scratch), SPEC).examples
    shipped = load("fibre-defects")
    replay = rendered_examples((120, 1, 1), REPLAY_SEED, SPEC)
    folds = folds_of({fibre: int((examples.groups == fibre).sum()) for fibre in endfaces.fibres}, n_folds)
    longest_s = 0.0
    inspections: dict[str, list[Row]] = {"shipped": [], "adapted": []}
    patches: dict[str, list[Row]] = {"shipped": [], "adapted": []}
    for number, held in enumerate(folds[:n_tried], start=1):
        own = examples.take(~np.isin(examples.groups, list(held)))
        began = time.perf_counter()
        adapted = adapted_to(own, replay, shipped, number)
        elapsed_s = time.perf_counter() - began
        longest_s = max(longest_s, elapsed_s)
        print(f"fold {number}: {len(own)} own examples, fitted in {elapsed_s:.0f} s; left out: {len(held)} fibres")
        for name, model in (("shipped", shipped), ("adapted", adapted)):
            inspections[name] += inspections_by(model, endfaces, held)
            patches[name] += patches_named_by(model, endfaces, held)
    figures: Row = {}
    for name in inspections:
        figures[name] = headline(endfaces, inspections[name], patches[name])
        print(name, json.dumps(figures[name]))
    return figures | {"longest_fit_s": round(longest_s, 1)}


def adapted_to(own: Examples, replay: RenderedExamples, start: TrainedModel, seed: int) -> TrainedModel:
    """The model after going on with a user's own examples and with rendered ones beside them."""
    varied = joined([augmented(own, SPEC, AugmentSettings(copies=4, seed=seed)), replay.train])
    dataset = Dataset(DEFECT_LABELS, SPEC, varied, replay.validation.take(np.arange(0)), replay.check)
    settings = FitSettings(epochs=5, batch=64, learning_rate=4e-4, class_weights="none", seed=seed)
    return fit_dataset(dataset, settings, start=start)


if __name__ == "__main__":
    main()
