"""Writes docs/accuracy.md: how well Ferrule locates, detects, measures and names.

    python scripts/make_accuracy.py [--pictures FOLDER] [--phantoms/--no-phantoms]

The real, labelled pictures have no licence that would let them into this repository; where they are not beside the
checkout (or in $FERRULE_ENDFACES), their part of the page stays as it was. Figures go into docs/accuracy.json, too.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import cv2

sys.path.insert(0, str(Path(__file__).resolve().parent))
import phantom_accuracy

from edge.bundle import load_bundle
from edge.classifier import Classifier
from edge.inspection import load_inspector
from edge.patches import prepare
from edge.records import Frame
from edge.sources import read_picture

REPO = Path(__file__).resolve().parent.parent
DOCS = REPO / "docs"
MODELS = ("fibre-defects", "fibre-defects-mlp")
CLASSES = ("scratch", "dig", "contamination", "chip")


def score(folder: Path, *arguments: str) -> dict[str, Any]:
    """What the labels' own scoring program says; the last line it prints is JSON."""
    command = [sys.executable, str(folder / "score.py"), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return dict(json.loads(done.stdout.splitlines()[-1]))


def inspections(folder: Path, model: str) -> list[dict[str, Any]]:
    """The JSON contract for each labelled picture."""
    inspector = load_inspector(model)
    rows = []
    for path in sorted((folder / "images").iterdir()):
        rows += [look.as_dict() for look in inspector.inspect(Frame(read_picture(path), str(path)))]
    return rows


def without_classifier(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The same, with nothing called clean: what the detector alone proposes."""
    changed = []
    for row in rows:
        findings = []
        for finding in row["findings"]:
            scores = {k: v for k, v in finding["scores"].items() if k != "clean"}
            findings.append({**finding, "label": max(scores, key=lambda k: scores[k])})
        changed.append({**row, "findings": findings})
    return changed


def scored(folder: Path, rows: list[dict[str, Any]], *arguments: str) -> dict[str, Any]:
    """Rows written to a file and scored."""
    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch) / "rows.jsonl"
        path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
        return score(folder, str(path), *arguments)


def patches(folder: Path, model: str) -> list[dict[str, Any]]:
    """What `ferrule classify` says of each labelled patch."""
    classifier = Classifier(load_bundle(model))
    rows = []
    for path in sorted((folder / "patches").rglob("*.png")):
        (name,) = classifier.name(classifier(prepare(read_picture(path), classifier.spec)[None]))
        rows.append({"source": str(path), "label": name[0], "score": name[1]})
    return rows


def real(folder: Path) -> dict[str, Any]:
    """Every figure on real pictures: geometry and detection once, names for each model that ships."""
    figures: dict[str, Any] = {"models": {}}
    for model in MODELS:
        rows = inspections(folder, model)
        if model == MODELS[0]:
            figures["detector"] = scored(folder, without_classifier(rows))
            figures["unreadable"] = sum(row["status"] == "UNREADABLE" for row in rows)
        figures["models"][model] = {
            "pictures": scored(folder, rows),
            "patches": scored(folder, patches(folder, model), "--patches"),
        }
    return figures


def table(head: list[str], rows: list[list[Any]]) -> str:
    """A Markdown table; floats with three digits."""
    shown = [[f"{cell:.3f}" if isinstance(cell, float) else str(cell) for cell in row] for row in rows]
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    return "\n".join([*lines, *("| " + " | ".join(row) + " |" for row in shown)])


def page(figures: dict[str, Any]) -> str:
    """docs/accuracy.md."""
    parts = [
        "# How well\n\nMade by `python scripts/make_accuracy.py`; do not edit. "
        "The figures are in `accuracy.json`, too.",
        real_part(figures["real"]) if "real" in figures else "",
        phantom_part(figures["phantoms"]) if "phantoms" in figures else "",
    ]
    extra = DOCS / "accuracy-notes.md"
    if extra.is_file():
        parts.append(extra.read_text(encoding="utf-8").strip())
    return "\n\n".join(part for part in parts if part) + "\n"


def real_part(figures: dict[str, Any]) -> str:
    """Tables of what was measured on real pictures."""
    d = figures["detector"]
    parts = [
        f"## Real pictures\n\n{d['n_images']} pictures of real end faces from two microscopes, labelled by eye, "
        f"{d['n_sure']} sure defects within twice the cladding's radius on those whose defects are labelled. "
        "The labels are one person's; asked again they agree with themselves on 94 % of the patches. "
        "Circles are found, not given. Nothing here was trained on; "
        "detector settings were chosen while looking at these pictures.",
        "### Locating\n\n"
        + table(
            ["", ""],
            [
                ["within 2 px and 2 %", float(d["located_within_2px_and_2pct"])],
                [
                    "centre error, median and p95, px",
                    f"{d['centre_error_px_median']:.3f}, {d['centre_error_px_p95']:.3f}",
                ],
                ["radius error, median and p95", f"{d['radius_error_median']:.4f}, {d['radius_error_p95']:.4f}"],
                ["visible cores found", float(d["core_found"])],
                ["core radius error, median", f"{d['core_radius_error_median']:.4f}"],
                ["pictures refused as UNREADABLE", figures["unreadable"]],
            ],
        ),
    ]
    whole = [("detector alone", d)] + [(name, m["pictures"]) for name, m in figures["models"].items()]
    keys = [
        ("recall of sure defects", "recall"),
        ("false findings a face", "false_findings_per_face"),
        ("core verdicts right", "core_accuracy"),
        ("core verdicts, kappa", "core_kappa"),
        ("core defects missed", "core_missed"),
        ("glass verdicts right", "glass_accuracy"),
        ("glass verdicts, kappa", "glass_kappa"),
        ("names right", "class_agreement"),
        ("scratch or defect right", "scratch_or_defect_agreement"),
    ]
    rows = [[what, *(r[key] for _, r in whole)] for what, key in keys]
    rows[1:1] = [
        [f"recall, {c} ({d['n_sure_by_class'][c]})", *(r["recall_by_class"][c] for _, r in whole)] for c in CLASSES
    ]
    parts.append(
        "### Finding and naming, whole pictures\n\n"
        + table(["", *(name for name, _ in whole)], rows)
        + "\n\nThe names of the detector alone are the classifier's best label other than `clean`."
    )
    named = [
        ("sure patches named right", "accuracy_sure"),
        ("macro F1", "macro_f1_sure"),
        ("kappa", "kappa_sure"),
        ("defect or clean right", "defect_or_clean_sure"),
    ]
    rows = [[what, *(m["patches"][key] for m in figures["models"].values())] for what, key in named]
    parts.append(
        f"### Single patches without context (`ferrule classify`), {d_n(figures)} sure ones\n\n"
        + table(["", *figures["models"]], rows)
    )
    return "\n\n".join(parts)


def d_n(figures: dict[str, Any]) -> int:
    """How many sure patches there are."""
    return int(next(iter(figures["models"].values()))["patches"]["n_sure"])


def phantom_part(figures: dict[str, Any]) -> str:
    """Tables of what was measured on drawn faces."""
    rows = [
        [
            rim,
            g["n"],
            f"{g['centre_px']['median']:.3f}, {g['centre_px']['p95']:.3f}",
            f"{g['radius_px']['median']:.3f}, {g['radius_px']['p95']:.3f}",
            float(g["within_0_2_px"]),
        ]
        for rim, g in figures["geometry"].items()
    ]
    parts = [
        "## Drawn end faces, whose truth is known\n\n### Circles\n\nOver three contrasts, two blurs, two noises and "
        "three pixel aspects, for each kind of rim; median and p95 in px. Where a line lies on the step, what is found "
        "is the line's flank, and the glass's own edge cannot be told from it.\n\n"
        + table(["rim", "faces", "centre", "radius", "both within 0.2 px"], rows)
    ]
    rows = [
        [
            {"dig": "diameter of digs", "scratch": "width of scratches"}[what],
            s["n"],
            float(s["found"]),
            float(s["bias_px"]),
            f"{s['abs_px']['median']:.2f}, {s['abs_px']['p95']:.2f}",
            float(s["within"]),
        ]
        for what, s in figures["sizes"].items()
    ]
    parts.append(
        "### Sizes\n\nAt 20 and 40 % contrast, 1 to 12 um, in the core, in the cladding and on the ferrule.\n\n"
        + table(["", "marks", "found", "bias, px", "error, median and p95, px", "within 0.5 px or 5 %"], rows)
    )
    parts.append(
        "### What can be seen\n\nShare of the marks that are found, over their contrast against the ferrule and their "
        f"size; {figures['recall']['false_on_clean']:.2f} false findings a face on clean ones.\n\n"
        "![Recall against contrast](pictures/recall.png)"
    )
    return "\n\n".join(parts)


def main() -> None:
    """Measures, and writes the page, its picture and its figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    beside = Path(os.environ.get("FERRULE_ENDFACES", REPO.parent / "shared" / "endfaces"))
    parser.add_argument("--pictures", type=Path, default=beside)
    parser.add_argument("--phantoms", action=argparse.BooleanOptionalAction, default=True)
    args = parser.parse_args()
    cv2.setNumThreads(1)
    kept = DOCS / "accuracy.json"
    figures: dict[str, Any] = json.loads(kept.read_text(encoding="utf-8")) if kept.is_file() else {}
    if (args.pictures / "annotations.json").is_file():
        print("real pictures ...", file=sys.stderr)
        figures["real"] = real(args.pictures)
    else:
        print(f"no labelled pictures in {args.pictures}: their part stays as it was", file=sys.stderr)
    if args.phantoms:
        print("drawn faces ...", file=sys.stderr)
        figures["phantoms"] = {
            "geometry": phantom_accuracy.geometry(),
            "sizes": phantom_accuracy.sizes(),
            "recall": phantom_accuracy.recall(),
        }
        (DOCS / "pictures").mkdir(exist_ok=True)
        phantom_accuracy.plot_recall(figures["phantoms"]["recall"], str(DOCS / "pictures" / "recall.png"))
    kept.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
    (DOCS / "accuracy.md").write_text(page(figures), encoding="utf-8")
    print(page(figures))


if __name__ == "__main__":
    main()
