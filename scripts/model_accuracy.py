"""What a model loses by quantising and between runtimes, what it costs, and what it gets wrong.

Used by scripts/make_accuracy.py. Run by itself it prints a model's scores for an array of patches, which is how the
other runtime's answers are had from an environment that holds it:

    python scripts/model_accuracy.py MODEL PATCHES.npz SCORES.npy
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from endface_set import EndfaceSet, prepared
from numpy.typing import NDArray

from edge.bench.benchmark import bare_runtime
from edge.bench.latency import measure_interleaved
from edge.classify import Classifier, PatchSpec, crop, load_bundle
from edge.classify.runtime import choose_runtime
from edge.inspection import load_inspector
from edge.locate import LocateSettings
from edge.records import Frame

REPO = Path(__file__).resolve().parent.parent
OLD_PYTHON = REPO / ".venv-tflite" / "bin" / "python"
"""The environment with tflite-runtime that scripts/test makes."""
CHECK_SEED = 800_000
"""Of the first rendered face that is scored here; none of them is trained on."""
NEAR_THE_CORE = "iec-61300-3-35-2015-mpo-sm"
"""Criteria that judge little but the core: few rendered faces are refused because a zone reaches out of the picture."""
TILE_PX, COLUMNS, GAP_PX = 96, 12, 26


def labelled_patches(
    endfaces: EndfaceSet, model: str
) -> tuple[NDArray[np.uint8], NDArray[np.uint8], NDArray[np.int64]]:
    """Patches, measures and labels of the sure ones among the labelled patches, as the model sees them."""
    bundle = load_bundle(model)
    spec, labels = bundle.description.patch, bundle.description.labels
    rows = [row for row in endfaces.patch_rows() if row["confidence"] == "sure"]
    patches, measures = prepared(endfaces, [row["file"] for row in rows], spec)
    return patches, measures, np.array([labels.index(row["class"]) for row in rows])


def float_and_int8(endfaces: EndfaceSet, model: str) -> dict[str, Any]:
    """Accuracy of the float network and of the .tflite on sure patches, and how far their answers lie apart."""
    from trainer.learning import load, probabilities
    from trainer.learning.calibration import calibration_error

    patches, measures, labels = labelled_patches(endfaces, model)
    scores = Classifier(load_bundle(model))(patches, measures)
    wanted = probabilities(load(model).model, patches, measures)
    figures: dict[str, Any] = {
        "n": len(labels),
        "accuracy_float": float((wanted.argmax(1) == labels).mean()),
        "accuracy_int8": float((scores.argmax(1) == labels).mean()),
        "agreement": float((scores.argmax(1) == wanted.argmax(1)).mean()),
        "calibration_error": calibration_error(scores, labels),
    }
    metrics = load_bundle(model).description.metrics
    figures["rendered"] = {key: metrics[key] for key in ("n_check", "agreement", "calibration_error")}
    other = other_runtime(model, patches, measures)
    if other is not None:
        figures["other_runtime"] = {
            "agreement": float((scores.argmax(1) == other.argmax(1)).mean()),
            "largest_difference": float(np.abs(scores - other).max()),
        }
    return figures


def other_runtime(model: str, patches: NDArray[np.uint8], measures: NDArray[np.uint8]) -> NDArray[np.float32] | None:
    """The scores by tflite-runtime in its own environment; None where that is not there."""
    if not OLD_PYTHON.is_file():
        print(f"no {OLD_PYTHON.relative_to(REPO)} (scripts/test makes it): one runtime only", file=sys.stderr)
        return None
    with tempfile.TemporaryDirectory() as scratch:
        given, told = Path(scratch) / "patches.npz", Path(scratch) / "scores.npy"
        np.savez(given, patches=patches, measures=measures)
        subprocess.run([OLD_PYTHON, __file__, model, given, told], check=True)
        scores: NDArray[np.float32] = np.load(told)
    return scores


def cost(models: tuple[str, ...], seconds: float = 1.0) -> dict[str, dict[str, float]]:
    """Bytes of each model, and the latency of one patch through `classify` and through the bare runtime, in turns."""
    figures: dict[str, dict[str, float]] = {}
    calls: dict[str, Callable[[], object]] = {}
    for model in models:
        bundle = load_bundle(model)
        spec, classifier = bundle.description.patch, Classifier(bundle)
        rng = np.random.default_rng(0)
        patches = rng.integers(0, 256, (32, spec.size, spec.size), np.uint8)
        measures = rng.integers(0, 256, (32, len(spec.measures)), np.uint8)
        calls[f"{model} classify"] = partial(classifier, patches[:1], measures[:1])
        calls[f"{model} bare"] = bare_runtime(bundle, choose_runtime().name, patches[:1], measures[:1])["bare"]
        calls[f"{model} 32"] = partial(classifier, patches, measures)
        figures[model] = {"bytes": float(len(bundle.content))}
    for name, latency in measure_interleaved(calls, seconds).items():
        model, what = name.split()
        figures[model][what] = latency.p50_us / (32 if what == "32" else 1)
    return figures


def worst_mistakes(model: str, n_faces: int = 120) -> tuple[NDArray[np.uint8], int, int]:
    """The surest wrong answers on rendered faces that can be read, as a sheet of enlarged patches.

    Beside the sheet: how many answers were wrong, and of how many. Real pictures would be better to look at, and may
    not be shown here.
    """
    from trainer.data.candidate_labels import named_by_truth
    from trainer.phantom import random_scene, render

    inspector = load_inspector(model, NEAR_THE_CORE)
    wrong: list[tuple[float, str, str, NDArray[np.uint8]]] = []
    n = 0
    for seed in range(CHECK_SEED, CHECK_SEED + n_faces):
        phantom = render(random_scene(seed))
        settings = LocateSettings(cladding_um=phantom.scene.fibre.cladding_um)
        inspections = replace(inspector, locate_settings=settings).inspect(Frame(phantom.pixels, str(seed)))
        found = {finding.candidate: finding for one in inspections for finding in one.findings}
        named = named_by_truth(found, phantom)
        shown = crop(phantom.pixels, [candidate for candidate, _ in named], PatchSpec(size=48))
        n += len(named)
        for (candidate, truth), patch in zip(named, shown, strict=True):
            finding = found[candidate]
            if finding.label != truth:
                wrong.append((finding.score, truth, finding.label, patch))
    wrong.sort(key=lambda item: -item[0])
    return sheet([(f"{t} > {said}", p) for _, t, said, p in wrong[: 4 * COLUMNS]]), len(wrong), n


def sheet(tiles: list[tuple[str, NDArray[np.uint8]]]) -> NDArray[np.uint8]:
    """Patches side by side, enlarged, each with its words below."""
    rows = -(-len(tiles) // COLUMNS)
    picture = np.full((rows * (TILE_PX + GAP_PX), COLUMNS * (TILE_PX + 6), 3), 255, np.uint8)
    for k, (words, patch) in enumerate(tiles):
        y, x = k // COLUMNS * (TILE_PX + GAP_PX), k % COLUMNS * (TILE_PX + 6)
        tile = cv2.resize(patch, (TILE_PX, TILE_PX), interpolation=cv2.INTER_NEAREST)
        picture[y : y + TILE_PX, x : x + TILE_PX] = tile[:, :, None]
        short = words.replace("contamination", "contam.")
        cv2.putText(picture, short, (x, y + TILE_PX + 14), cv2.FONT_HERSHEY_SIMPLEX, 0.32, (0, 0, 0), 1, cv2.LINE_AA)
    return picture


def main() -> None:
    """Scores of a file of patches into another file, on whatever runtime is here."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("patches", type=Path, help=".npz with `patches` and `measures`")
    parser.add_argument("scores", type=Path, help=".npy to write")
    args = parser.parse_args()
    arrays = np.load(args.patches)
    np.save(args.scores, Classifier(load_bundle(args.model))(arrays["patches"], arrays["measures"]))


if __name__ == "__main__":
    main()
