#!/usr/bin/env python3
"""Makes the models that ship from rendered faces: models/fibre-defects.tflite, its sibling, and their cards.

    scripts/make_defect_models.py [--out models] [--faces 2000]

The same code, package versions and machine give the same .tflite, byte for byte.
"""

from __future__ import annotations

import argparse
import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from trainer.data.rendered import RenderedExamples
    from trainer.learning import Progress
    from trainer.shipped_models import MakeSettings

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
REPO = Path(__file__).resolve().parent.parent


class Making(NamedTuple):
    """How one model is made.

    Attributes:
        network: one of `trainer.learning.network.NETWORKS`.
        teachers: networks whose mean answers it learns; 0: it learns the labels.
        epochs: times that every variation is seen.
        copies: variations of each example.
    """

    network: str
    teachers: int
    epochs: int
    copies: int


MODELS = {
    "fibre-defects": Making("deep-cnn", teachers=0, epochs=5, copies=8),
    # With twice the steps the mlp's weights round worse than its gate allows.
    "fibre-defects-mlp": Making("mlp", teachers=2, epochs=5, copies=2),
}


def main() -> None:
    """Renders, trains, converts, and writes each model with its card."""
    # Imported here: the processes that render import this file, and have no use for TensorFlow.
    from trainer import shipped_models

    defaults = shipped_models.MakeSettings()
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=REPO / "models")
    parser.add_argument("--faces", type=int, default=defaults.n_train, help="faces to learn from")
    parser.add_argument("--seed", type=int, default=0, help="of everything random but the faces")
    parser.add_argument("--only", choices=MODELS, help="make one of them")
    args = parser.parse_args()
    settings = replace(
        defaults,
        n_train=args.faces,
        fit=replace(defaults.fit, seed=args.seed),
        augment=replace(defaults.augment, seed=args.seed),
    )
    args.out.mkdir(parents=True, exist_ok=True)
    print(f"rendering {settings.n_train + settings.n_validation + settings.n_check} faces", flush=True)
    examples = shipped_models.examples_for(settings)
    print(f"{len(examples.train)} examples to learn from", flush=True)
    for name, making in MODELS.items():
        if args.only in (None, name):
            make(name, making, examples, settings, args.out)


def make(name: str, making: Making, examples: RenderedExamples, settings: MakeSettings, out: Path) -> None:
    """Makes one model: its `.tflite`, its `.keras` and its card."""
    from edge.classify.bundle import write_bundle
    from trainer import shipped_models
    from trainer.learning import save
    from trainer.model_card import card_text

    settings = replace(
        settings,
        teachers=making.teachers,
        fit=replace(settings.fit, epochs=making.epochs),
        augment=replace(settings.augment, copies=making.copies),
    )
    learned_from = shipped_models.distillation_set(examples, settings, say)
    made = shipped_models.make(name, making.network, learned_from, settings, say)
    write_bundle(out / f"{name}.tflite", made.conversion.content)
    save(made.trained, out / f"{name}.keras")
    (out / f"{name}.md").write_text(card_text(made, making.network), encoding="utf-8")
    print(f"{name}: threshold {made.threshold}, {len(made.conversion.content)} bytes")
    for key, value in made.conversion.metrics.items():
        print(f"  {key} {value:.4g}")


def say(progress: Progress) -> None:
    """A line at the end of each epoch."""
    if progress.figures:
        figures = " ".join(f"{name} {value:.3f}" for name, value in progress.figures.items())
        print(f"epoch {progress.epoch}/{progress.epochs} {figures}", flush=True)


if __name__ == "__main__":
    main()
