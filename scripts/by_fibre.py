#!/usr/bin/env python3
"""Prints figures on the labelled real pictures with what qualifies them: intervals by fibre, and cross-validated ones.

    scripts/by_fibre.py [--endfaces DIR]

Several pictures are of one fibre, so what varies is the fibre: intervals are a bootstrap over fibres (B. Efron, Annals
of Statistics 7(1), 1979), 2,000 draws. Cross-validated: the fibres in five parts; the detector's main settings are
chosen on four of them, among those that stand below, and scored on the fifth. That is what choosing on such pictures
gives on others. Needs the labelled pictures; about two minutes.
"""

from __future__ import annotations

import argparse
import itertools
import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from multiprocessing import get_context
from pathlib import Path

import cv2
import numpy as np
from endface_set import DEFAULT_FOLDER, EndfaceSet, Row, folds_of

from edge.detect.settings import DetectSettings
from edge.inspection import load_inspector
from edge.validation.agreement import upper_bound

N_DRAWS = 2000
N_FOLDS = 5
FALSE_FOR_RECALL = 0.05
"""Recall that a false finding a face is worth when settings are chosen."""
SETTINGS = tuple(
    DetectSettings(limit_sigma=sigma, limit_grey=grey, share=share)
    for sigma, grey, share in itertools.product((4.5, 5.0, 5.5), (7.0, 8.0, 9.0), (0.2, 0.3))
)
"""The settings that were chosen on these pictures, and their neighbours."""

Counts = dict[str, float]


def inspected(job: tuple[Path, DetectSettings]) -> list[Row]:
    """The JSON contract for each labelled picture, by the first model that ships."""
    folder, settings = job
    cv2.setNumThreads(1)
    inspector = replace(load_inspector(), detect_settings=settings)
    return [one.as_dict() for frame in EndfaceSet.read(folder).frames() for one in inspector.inspect(frame)]


def counts_by_fibre(endfaces: EndfaceSet, rows: Sequence[Row]) -> dict[str, Counts]:
    """What `score.py` counts, of the pictures of each fibre."""
    return {fibre: _counts(endfaces, rows, fibre) for fibre in endfaces.fibres}


def _counts(endfaces: EndfaceSet, rows: Sequence[Row], fibre: str) -> Counts:
    images = [image for image in endfaces.images if image["fibre"] == fibre]
    names = {image["name"] for image in images}
    labels = {**endfaces.annotations, "images": images}
    with tempfile.TemporaryDirectory() as scratch:
        said, right = Path(scratch) / "rows.jsonl", Path(scratch) / "labels.json"
        own = [row for row in rows if Path(row["source"]).stem in names]
        said.write_text("".join(json.dumps(row) + "\n" for row in own), encoding="utf-8")
        right.write_text(json.dumps(labels), encoding="utf-8")
        command = [sys.executable, str(endfaces.folder / "score.py"), str(said), "--labels", str(right)]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
    told = json.loads(done.stdout.splitlines()[-1])
    n_named = sum(told["confusion"].values())
    return {
        "n_sure": told["n_sure"],
        "n_found": told["recall"] * told["n_sure"],
        "n_faces": told["n_faces_for_false"],
        "n_false": told["false_findings_per_face"] * told["n_faces_for_false"],
        "n_named": n_named,
        "n_named_right": told["class_agreement"] * n_named,
        "n_kind_right": told["scratch_or_defect_agreement"] * n_named,
    }


def figures_of(counts: Sequence[Counts]) -> Row:
    """The figures of several fibres together."""
    total = {key: sum(one[key] for one in counts) for key in counts[0]}
    return {
        "recall": total["n_found"] / max(total["n_sure"], 1),
        "false_findings_per_face": total["n_false"] / max(total["n_faces"], 1),
        "class_agreement": total["n_named_right"] / max(total["n_named"], 1),
        "scratch_or_defect_agreement": total["n_kind_right"] / max(total["n_named"], 1),
    }


def intervals(counts: dict[str, Counts], seed: int = 0) -> dict[str, tuple[float, float]]:
    """95 % of each figure, by a bootstrap over the fibres."""
    rng = np.random.default_rng(seed)
    every = list(counts.values())
    draws = [figures_of([every[k] for k in rng.integers(0, len(every), len(every))]) for _ in range(N_DRAWS)]
    return {
        key: (float(np.percentile([d[key] for d in draws], 2.5)), float(np.percentile([d[key] for d in draws], 97.5)))
        for key in draws[0]
    }


def cross_validated(endfaces: EndfaceSet, counts: Sequence[dict[str, Counts]]) -> Row:
    """The figures of each fifth by the settings that are best on the other four, all fifths together."""
    folds = folds_of({fibre: int(of["n_sure"]) for fibre, of in counts[0].items()}, N_FOLDS)
    held_out: list[Counts] = []
    chosen = []
    for fold in folds:
        seen = [[of for fibre, of in by_fibre.items() if fibre not in fold] for by_fibre in counts]
        best = max(range(len(counts)), key=lambda k: (_worth(figures_of(seen[k])), SETTINGS[k] == DetectSettings()))
        chosen.append(best)
        held_out += [of for fibre, of in counts[best].items() if fibre in fold]
    told = [f"{s.limit_sigma:g} sigma, {s.limit_grey:g} grey, {s.share:g}" for s in (SETTINGS[k] for k in chosen)]
    return {**figures_of(held_out), "chosen": told}


def _worth(figures: Row) -> float:
    return float(figures["recall"] - FALSE_FOR_RECALL * figures["false_findings_per_face"])


def verdicts(score: Row) -> Row:
    """Misses and false alarms in the core and in the glass, with what they may be at most."""
    told = {}
    for region in ("core", "glass"):
        n_bad, n = score[f"{region}_n_with_defect"], score[f"{region}_n"]
        missed, false = score[f"{region}_missed"], score[f"{region}_false_alarms"]
        told[region] = {
            "faces": n,
            "with_defect": n_bad,
            "missed": missed,
            "missed_at_most": upper_bound(missed, n_bad),
            "false_alarms": false,
            "false_alarms_at_most": upper_bound(false, n - n_bad),
        }
    return told


def measured(folder: Path) -> Row:
    """All of it."""
    endfaces = EndfaceSet.read(folder)
    with ProcessPoolExecutor(mp_context=get_context("spawn")) as pool:
        rows = list(pool.map(inspected, [(folder, settings) for settings in SETTINGS]))
    counts = [counts_by_fibre(endfaces, one) for one in rows]
    shipped = SETTINGS.index(DetectSettings())
    whole = endfaces.score_inspections(rows[shipped])
    return {
        "n_pictures": len(endfaces.images),
        "n_fibres": len(endfaces.fibres),
        "n_labelled_fibres": sum(of["n_sure"] > 0 or of["n_faces"] > 0 for of in counts[shipped].values()),
        "shipped": figures_of(list(counts[shipped].values())),
        "intervals": intervals(counts[shipped]),
        "cross_validated": cross_validated(endfaces, counts),
        "verdicts": verdicts(whole),
    }


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--endfaces", type=Path, default=DEFAULT_FOLDER)
    told = measured(parser.parse_args().endfaces)
    print(f"{told['n_pictures']} pictures of {told['n_fibres']} fibres")
    print(f"{'':<30}{'shipped':>9}{'95 % by fibre':>18}{'cross-validated':>17}")
    for key, value in told["shipped"].items():
        low, high = told["intervals"][key]
        print(f"{key:<30}{value:>9.3f}{f'{low:.3f} to {high:.3f}':>18}{told['cross_validated'][key]:>17.3f}")
    print("chosen in the five parts:", "; ".join(told["cross_validated"]["chosen"]))
    for region, of in told["verdicts"].items():
        n_good = of["faces"] - of["with_defect"]
        missed = (
            f"{of['missed']} of {of['with_defect']} faces with a defect missed (at most {of['missed_at_most']:.2f})"
        )
        false = (
            f"{of['false_alarms']} of {n_good} without one called defective (at most {of['false_alarms_at_most']:.2f})"
        )
        print(f"{region}: {missed}, {false}")


if __name__ == "__main__":
    main()
