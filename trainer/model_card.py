"""The card of a model that ships: what it is, what it was made from, and how well it names rendered marks."""

from __future__ import annotations

from collections.abc import Iterable

from edge.classify.bundle import read_bundle
from edge.classify.description import Description
from trainer.shipped_models import DefectModel

_LIMITS = (
    "Rendered faces hold many marks near the noise and fragments that nobody could name for certain, so the "
    "figures above are lower than on the sure marks of real faces; see docs/accuracy.md for those.",
    "Contamination against dig is the weakest pair: a small particle and a pit look alike.",
    "Patches alone, without measures, are named less surely; the patch's own size is used where it tells.",
)


def card_text(model: DefectModel, network: str) -> str:
    """The model's card, as Markdown."""
    description = read_bundle(model.conversion.content).description
    parts = [
        _title(description, network, len(model.conversion.content)),
        _list("Data and seeds", [f"{key}: {value}" for key, value in description.data.items()]),
        _list("Training and conversion", [f"{key}: {value}" for key, value in description.code.items()]),
        _figures(model),
        _risk_and_coverage(model),
        _list("Limits", _LIMITS),
    ]
    return "\n".join(line for part in parts for line in part)


def _title(description: Description, network: str, n_bytes: int) -> list[str]:
    return [
        f"# {description.name}",
        "",
        description.notes,
        "",
        f"- Network: {network}, {description.patch.size}x{description.patch.size} grey patch with its surround's "
        "median taken off, and the candidate's measures: " + ", ".join(description.patch.measures) + ".",
        f"- Labels: {', '.join(description.labels)}; `unknown` below {description.threshold}.",
        f"- Recipe: {description.recipe}; temperature {description.temperature:.3f}; licence {description.licence}; "
        f"{n_bytes} bytes.",
        "- Made by `scripts/make_defect_models.py`; same code, versions and machine: same bytes.",
        "",
    ]


def _list(heading: str, lines: Iterable[str]) -> list[str]:
    return [f"## {heading}", "", *[f"- {line}" for line in lines], ""]


def _figures(model: DefectModel) -> list[str]:
    return [
        *_list(
            "Figures on rendered faces that were not trained on",
            [f"{key}: {value:.4g}" for key, value in model.conversion.metrics.items()],
        ),
        "| label | precision | recall | n |",
        "|---|---|---|---|",
        *[f"| {label} | {p:.3f} | {r:.3f} | {n} |" for label, (p, r, n) in model.by_label.items()],
        "",
    ]


def _risk_and_coverage(model: DefectModel) -> list[str]:
    return [
        "## Risk and coverage",
        "",
        "| threshold | coverage | wrong among the named |",
        "|---|---|---|",
        *[f"| {t:.2f} | {c:.3f} | {w:.3f} |" for t, c, w in model.curve],
        "",
    ]
