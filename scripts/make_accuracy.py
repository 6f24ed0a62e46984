"""Writes docs/accuracy.md: how well Ferrule locates, detects, measures and names.

    python scripts/make_accuracy.py [--pictures FOLDER] [--no-phantoms] [--no-adapted] [--no-attack]

The real, labelled pictures have no licence that would let them into this repository; where they are not beside the
checkout (or in $FERRULE_ENDFACES), their part of the page stays as it was. Figures go into docs/accuracy.json, too.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import by_fibre
import cv2
import model_accuracy
import phantom_accuracy
import size_accuracy
from accuracy_page import DOCS, MODELS, page
from endface_set import DEFAULT_FOLDER, EndfaceSet, Row

from edge.inspection import load_inspector

REPO = Path(__file__).resolve().parent.parent


def inspections(endfaces: EndfaceSet, model: str) -> list[Row]:
    """The JSON contract for each labelled picture."""
    inspector = load_inspector(model)
    return [one.as_dict() for frame in endfaces.frames() for one in inspector.inspect(frame)]


def without_classifier(rows: list[Row]) -> list[Row]:
    """The same, with nothing called clean: what the detector alone proposes."""
    changed = []
    for row in rows:
        findings = []
        for finding in row["findings"]:
            scores = {k: v for k, v in finding["scores"].items() if k != "clean"}
            findings.append({**finding, "label": max(scores, key=lambda k: scores[k])})
        changed.append({**row, "findings": findings})
    return changed


def patches(endfaces: EndfaceSet, model: str) -> list[Row]:
    """What `ferrule classify` prints of each labelled patch."""
    command = [
        sys.executable,
        "-m",
        "edge.cli.app",
        "classify",
        str(endfaces.folder / "patches"),
        "--model",
        model,
        "--json",
        "--quiet",
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=REPO)
    return [json.loads(line) for line in done.stdout.splitlines()]


def real(endfaces: EndfaceSet) -> Row:
    """Every figure on real pictures: geometry and detection once, names for each model that ships."""
    figures: Row = {"models": {}}
    for model in MODELS:
        rows = inspections(endfaces, model)
        if model == MODELS[0]:
            figures["detector"] = endfaces.score_inspections(without_classifier(rows))
            figures["unreadable"] = sum(row["status"] == "UNREADABLE" for row in rows)
        figures["models"][model] = {
            "pictures": endfaces.score_inspections(rows),
            "patches": endfaces.score_patches(patches(endfaces, model)),
            "quantised": model_accuracy.float_and_int8(endfaces, model),
        }
    return figures


def told_by(script: str, *options: str) -> Row:
    """What another script writes by its `--json`; in a process of its own, whose threads TensorFlow then has."""
    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch) / "told.json"
        command = [sys.executable, str(REPO / "scripts" / script), *options, "--json", str(path)]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        return dict(json.loads(path.read_text()))


def uncertainty() -> Row:
    """What scripts/size_accuracy.py measures: the parts of each kind of mark with their coverage."""
    told = size_accuracy.told_of(3000)
    parts = size_accuracy.parts_of(told)
    n = size_accuracy.LEAST_MARKS
    kept = [[kind, part, size_accuracy.coverage(marks)] for kind, part, marks in parts if len(marks) >= n]
    return {"n_left_out": 3000 - len(told), "parts": kept}


def main() -> None:
    """Measures, and writes the page, its picture and its figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pictures", type=Path, default=DEFAULT_FOLDER)
    parser.add_argument("--phantoms", action=argparse.BooleanOptionalAction, default=True)
    parser.add_argument("--adapted", action=argparse.BooleanOptionalAction, default=True, help="takes minutes")
    parser.add_argument("--attack", action=argparse.BooleanOptionalAction, default=True, help="takes minutes")
    args = parser.parse_args()
    cv2.setNumThreads(1)
    kept = DOCS / "accuracy.json"
    figures: Row = json.loads(kept.read_text(encoding="utf-8")) if kept.is_file() else {}
    if EndfaceSet.is_in(args.pictures):
        print("real pictures ...", file=sys.stderr)
        figures["real"] = real(EndfaceSet.read(args.pictures))
        print("by fibre ...", file=sys.stderr)
        figures["by_fibre"] = by_fibre.measured(args.pictures)
        if args.adapted:
            print("adapted, five times ...", file=sys.stderr)
            figures["adapted"] = told_by("evaluate_adaptation.py", "--endfaces", str(args.pictures))
    else:
        print(f"no labelled pictures in {args.pictures}: their part stays as it was", file=sys.stderr)
    (DOCS / "pictures").mkdir(exist_ok=True)
    print("models ...", file=sys.stderr)
    figures["cost"] = model_accuracy.cost(MODELS)
    sheet, n_wrong, n = model_accuracy.worst_mistakes(MODELS[0])
    figures["mistakes"] = {"n": n, "wrong": n_wrong}
    cv2.imwrite(str(DOCS / "pictures" / "mistakes.png"), sheet, [cv2.IMWRITE_PNG_COMPRESSION, 9])
    if args.phantoms:
        print("drawn faces ...", file=sys.stderr)
        figures["phantoms"] = {
            "geometry": phantom_accuracy.geometry(),
            "sizes": phantom_accuracy.sizes(),
            "recall": phantom_accuracy.recall(),
        }
        phantom_accuracy.plot_recall(figures["phantoms"]["recall"], str(DOCS / "pictures" / "recall.png"))
    if args.attack:
        print("pictures made worse ...", file=sys.stderr)
        figures["attack"] = told_by("attack_verdict.py", "--faces", "30", "--endfaces", str(args.pictures))
    if args.phantoms:
        print("sizes through sensors ...", file=sys.stderr)
        figures["uncertainty"] = uncertainty()
    kept.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
    (DOCS / "accuracy.md").write_text(page(figures), encoding="utf-8")
    print(page(figures))


if __name__ == "__main__":
    main()
