"""The page docs/accuracy.md from the figures that scripts/make_accuracy.py measured."""

from __future__ import annotations

from pathlib import Path
from typing import Any

DOCS = Path(__file__).resolve().parent.parent / "docs"
MODELS = ("fibre-defects", "fibre-defects-mlp")
CLASSES = ("scratch", "dig", "contamination", "chip")


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
        real_part(figures["real"], figures.get("by_fibre")) if "real" in figures else "",
        attack_part(figures["attack"]) if "attack" in figures else "",
        adapted_part(figures["adapted"]) if "adapted" in figures else "",
        models_part(figures),
        phantom_part(figures["phantoms"]) if "phantoms" in figures else "",
        uncertainty_part(figures["uncertainty"]) if "uncertainty" in figures else "",
    ]
    extra = DOCS / "accuracy-notes.md"
    if extra.is_file():
        parts.append(extra.read_text(encoding="utf-8").strip())
    return "\n\n".join(part for part in parts if part) + "\n"


def real_part(figures: dict[str, Any], by_fibre: dict[str, Any] | None) -> str:
    """Tables of what was measured on real pictures."""
    d = figures["detector"]
    of_fibres = "" if by_fibre is None else f" of {by_fibre['n_fibres']} fibres"
    parts = [
        f"## Real pictures\n\n{d['n_images']} pictures{of_fibres} from two microscopes, labelled by eye, "
        f"{d['n_sure']} sure defects within twice the cladding's radius on those whose defects are labelled. "
        "The labels are one person's; asked again they agree with themselves on 94 % of the patches. "
        "Circles are found, not given. Nothing here was trained on; "
        "detector settings were chosen while looking at these pictures, so their figures are a little kind.",
        locating_part(d, figures["unreadable"]),
        whole_pictures_part(d, figures["models"]),
        "" if by_fibre is None else by_fibre_part(by_fibre),
        single_patches_part(figures["models"]),
    ]
    return "\n\n".join(part for part in parts if part)


def locating_part(d: dict[str, Any], n_unreadable: int) -> str:
    """How well end faces are located."""
    n = d["n_images"]
    rows: list[list[Any]] = [
        ["within 2 px and 2 %", f"{round(d['located_within_2px_and_2pct'] * n)} of {n}"],
        ["centre error, median and p95, px", f"{d['centre_error_px_median']:.2f}, {d['centre_error_px_p95']:.2f}"],
        ["radius error, median and p95", f"{d['radius_error_median']:.4f}, {d['radius_error_p95']:.4f}"],
        ["visible cores found", float(d["core_found"])],
        ["core radius error, median", f"{d['core_radius_error_median']:.4f}"],
        ["pictures refused as UNREADABLE", f"{n_unreadable} of {n}"],
    ]
    return (
        "### Locating\n\n"
        + table(["", ""], rows)
        + "\n\nThe labels' own circles are good to about .1 px, and up to .5 px by what one calls the edge; under a "
        "film 3 px. A smaller error says that two fits agree, not that it is so small."
    )


def whole_pictures_part(d: dict[str, Any], models: dict[str, Any]) -> str:
    """What the detector finds, and what each model makes of it."""
    whole = [("detector alone", d)] + [(name, m["pictures"]) for name, m in models.items()]
    keys = [
        ("recall of sure defects", "recall"),
        ("false findings a face", "false_findings_per_face"),
        ("core verdicts, kappa", "core_kappa"),
        ("glass verdicts, kappa", "glass_kappa"),
        ("names right", "class_agreement"),
        ("scratch or defect right", "scratch_or_defect_agreement"),
    ]
    rows = [[f"{what}{_n(d, key)}", *(r[key] for _, r in whole)] for what, key in keys]
    rows[1:1] = [
        [f"recall, {c} ({d['n_sure_by_class'][c]})", *(r["recall_by_class"][c] for _, r in whole)] for c in CLASSES
    ]
    for region in ("core", "glass"):
        n, n_bad = d[f"{region}_n"], d[f"{region}_n_with_defect"]
        rows.append([f"{region}: defective faces missed", *(f"{r[f'{region}_missed']} of {n_bad}" for _, r in whole)])
        good = [f"{r[f'{region}_false_alarms']} of {n - n_bad}" for _, r in whole]
        rows.append([f"{region}: clean faces called defective", *good])
    return (
        "### Finding and naming, whole pictures\n\n"
        + table(["", *(name for name, _ in whole)], rows)
        + "\n\nThe names of the detector alone are the classifier's best label other than `clean`. Core and glass: of "
        "the faces where it is certain whether there is a defect at all."
    )


def _n(d: dict[str, Any], key: str) -> str:
    n = {"recall": d["n_sure"], "false_findings_per_face": d["n_faces_for_false"]}.get(key)
    return "" if n is None else f" ({n})"


def by_fibre_part(figures: dict[str, Any]) -> str:
    """What qualifies the figures of whole pictures."""
    names = {
        "recall": "recall of sure defects",
        "false_findings_per_face": "false findings a face",
        "class_agreement": "names right",
        "scratch_or_defect_agreement": "scratch or defect right",
    }
    rows = []
    for key, what in names.items():
        low, high = figures["intervals"][key]
        shown = float(figures["shipped"][key]), f"{low:.3f} to {high:.3f}", float(figures["cross_validated"][key])
        rows.append([what, *shown])
    bounds = []
    for region, of in figures["verdicts"].items():
        n_good = of["faces"] - of["with_defect"]
        bounds.append(
            [
                region,
                f"{of['missed']} of {of['with_defect']}, at most {of['missed_at_most']:.2f}",
                f"{of['false_alarms']} of {n_good}, at most {of['false_alarms_at_most']:.2f}",
            ]
        )
    return (
        "### What qualifies these figures\n\n`scripts/by_fibre.py`, with `fibre-defects`: 95 % intervals by a "
        f"bootstrap over the {figures['n_fibres']} fibres, since several pictures are of one; and the figures with "
        "the detector's main settings chosen on four fifths of the fibres and scored on the fifth.\n\n"
        + table(["", "as shipped", "95 % by fibre", "cross-validated"], rows)
        + "\n\nBounds are one-sided, 95 %, by Clopper and Pearson: what so few faces allow.\n\n"
        + table(["", "defective faces missed", "clean faces called defective"], bounds)
    )


def attack_part(counts: dict[str, dict[str, int]]) -> str:
    """What pictures that were made worse or other did to their verdicts."""
    parts = [
        "## Pictures made worse or other\n\n`scripts/attack_verdict.py --faces 30`: drawn faces and the real ones. "
        "Where much is hidden nothing may pass. What failed must not pass when it is seen worse. What changes nothing "
        "must not change the verdict. Each cell: so many of so many that were FAIL, or PASS, before."
    ]
    groups: dict[str, dict[str, dict[str, int]]] = {}
    for key, verdicts in counts.items():
        group, way, _ = key.split(" / ")
        total = groups.setdefault(group, {}).setdefault(way, {})
        for change, n in verdicts.items():
            total[change] = total.get(change, 0) + n
    changes = (("FAIL", "PASS"), ("PASS", "PASS"), ("PASS", "FAIL"))
    for group, ways in groups.items():
        every: dict[str, int] = {}
        for verdicts in ways.values():
            for change, n in verdicts.items():
                every[change] = every.get(change, 0) + n
        rows = [
            [way, *(_changed(verdicts, *change) for change in changes)]
            for way, verdicts in [*ways.items(), ("all", every)]
        ]
        parts.append(f"### {group.capitalize()}\n\n" + table(["", *(" to ".join(c) for c in changes)], rows))
    return "\n\n".join(parts)


def _changed(verdicts: dict[str, int], before: str, after: str) -> str:
    n = sum(count for told, count in verdicts.items() if told.startswith(f"{before} "))
    return f"{verdicts.get(f'{before} {after}', 0)} of {n}"


def uncertainty_part(figures: dict[str, Any]) -> str:
    """How far sizes are off through sensors, and how often their uncertainty holds."""
    rows = [
        [
            f"**{kind}**" if part == "all" else part,
            c["n"],
            f"{c['median_px']:.2f}",
            f"{c['spread_px']:.2f}",
            c["covered"],
        ]
        for kind, part, c in figures["parts"]
    ]
    return (
        "### Uncertainty of sizes\n\n`scripts/size_accuracy.py --marks 3000`: round marks of 1.5 to 12 um and straight "
        "lines of 1 to 8 um through pixel sizes and sensors; sharpened is an unsharp mask. Marks that are not found in "
        f"one piece are left out, {figures['n_left_out']} of 3000. Within two sigma .95 should be.\n\n"
        + table(["", "marks", "median error, px", "95 % of errors span, px", "within 2 sigma"], rows)
    )


def single_patches_part(models: dict[str, Any]) -> str:
    """How patches are named of which nothing else is known."""
    named = [
        ("sure patches named right", "accuracy_sure"),
        ("macro F1", "macro_f1_sure"),
        ("kappa", "kappa_sure"),
        ("defect or clean right", "defect_or_clean_sure"),
    ]
    rows = [[what, *(m["patches"][key] for m in models.values())] for what, key in named]
    n_sure = int(next(iter(models.values()))["patches"]["n_sure"])
    return f"### Single patches without context (`ferrule classify`), {n_sure} sure ones\n\n" + table(
        ["", *models], rows
    )


def adapted_part(figures: dict[str, Any]) -> str:
    """The table of what a user's own pictures add."""
    keys = [
        ("recall of sure defects", "recall"),
        ("false findings a face", "false_findings_per_face"),
        ("names right", "class_agreement"),
        ("scratch or defect right", "scratch_or_defect_agreement"),
        ("sure patches named right", "patches_accuracy_sure"),
        ("macro F1", "patches_macro_f1_sure"),
        ("defect or clean right", "patches_defect_or_clean_sure"),
    ]
    rows = [[what, *(float(figures[name][key]) for name in ("shipped", "adapted"))] for what, key in keys]
    return (
        "## Adapted with a user's own pictures\n\n"
        "`scripts/evaluate_adaptation.py`: the real pictures in five parts that share "
        "no fibre; the shipped network goes on learning from four of them and is scored on the fifth. Float networks, "
        "best label, no threshold. The longest of the five fits took "
        f"{figures['longest_fit_s']:.0f} s.\n\n" + table(["", "as shipped", "adapted"], rows)
    )


def models_part(figures: dict[str, Any]) -> str:
    """Tables of what quantising loses and what the models cost, and the sheet of mistakes."""
    cost, wrong = figures["cost"], figures["mistakes"]
    rows = [
        ["bytes", *(f"{c['bytes']:,.0f}" for c in cost.values())],
        ["one patch, `classify`, us", *(f"{c['classify']:.2f}" for c in cost.values())],
        ["one patch, bare runtime, us", *(f"{c['bare']:.2f}" for c in cost.values())],
        ["32 patches, us each", *(f"{c['32']:.2f}" for c in cost.values())],
    ]
    parts = [
        quantised_part({name: m["quantised"] for name, m in figures["real"]["models"].items()})
        if "real" in figures
        else "",
        "## What the models cost\n\nMedians in turns within one run, one thread, LiteRT; docs/performance.md has the "
        "rest.\n\n" + table(["", *cost], rows),
        f"## The worst mistakes\n\nOf {wrong['n']} marks and false alarms on rendered faces that nothing was "
        f"trained on, `{MODELS[0]}` names {wrong['wrong']} wrongly; these are the ones it is surest of (what is true > "
        "what it said).\n\n"
        "![The worst mistakes](pictures/mistakes.png)",
    ]
    return "\n\n".join(part for part in parts if part)


def quantised_part(quantised: dict[str, Any]) -> str:
    """What int8 and the other runtime change."""
    n = next(iter(quantised.values()))["n"]
    rows: list[list[Any]] = [
        [what, *(float(q[key]) for q in quantised.values())]
        for what, key in (
            ("accuracy, float", "accuracy_float"),
            ("accuracy, int8", "accuracy_int8"),
            ("same answer", "agreement"),
            ("calibration error", "calibration_error"),
        )
    ]
    for what, key in (("same answer", "agreement"), ("calibration error", "calibration_error")):
        rows.append([f"{what}, rendered faces", *(float(q["rendered"][key]) for q in quantised.values())])
    others = [q["other_runtime"] for q in quantised.values() if q.get("other_runtime")]
    if len(others) == len(quantised):
        rows.append(["same answer, tflite-runtime against LiteRT", *(float(o["agreement"]) for o in others)])
        rows.append(["largest difference of a score", *(float(o["largest_difference"]) for o in others)])
    return f"## Float and int8\n\nOn the {n} sure patches of real pictures, best label, no threshold.\n\n" + table(
        ["", *quantised], rows
    )


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
