"""An evaluation as pictures, each one PNG that stands for itself."""

from __future__ import annotations

import io
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, PercentFormatter

from trainer.evaluation.scoring import Evaluation
from trainer.learning.best_epoch import kept_epoch

_INK, _MUTED, _GRID = "#1b2530", "#5f6b76", "#d9dee3"
_BLUE, _ORANGE = "#1f6fb2", "#d9772b"
_STYLE: Any = {
    "font.family": "DejaVu Sans",
    "font.size": 10,
    "text.color": _INK,
    "axes.edgecolor": _MUTED,
    "axes.labelcolor": _INK,
    "axes.titlesize": 11,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "xtick.color": _MUTED,
    "ytick.color": _MUTED,
    "grid.color": _GRID,
    "legend.frameon": False,
}


def confusion(evaluation: Evaluation) -> bytes:
    """True labels against answers: the share of each true label as colour, the pictures as numbers; PNG."""
    labels, counts = evaluation.labels, np.array(evaluation.confusion)
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    side = 2.2 + 0.62 * len(labels)
    figure = _figure(side + 1.6, side)
    axes = figure.add_subplot()
    image = axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    for (row, column), n in np.ndenumerate(counts):
        if n:
            colour = "white" if shares[row, column] > 0.55 else _INK
            weight = "bold" if row == column else "normal"
            axes.text(column, row, f"{n}", ha="center", va="center", color=colour, fontsize=9, fontweight=weight)
    places = range(len(labels))
    recalls = [f"{label}  {evaluation.per_label[label].recall:.0%}" for label in labels]
    axes.set_xticks(places, labels, rotation=45, ha="right", rotation_mode="anchor", color=_INK)
    axes.set_yticks(places, recalls, color=_INK)
    axes.set_xlabel("answer")
    axes.set_ylabel("truth, with the share that was told")
    axes.spines[:].set_visible(False)
    axes.set_xticks(np.arange(len(labels) + 1) - 0.5, minor=True)
    axes.set_yticks(np.arange(len(labels) + 1) - 0.5, minor=True)
    axes.grid(which="minor", color="white", linewidth=2)
    axes.tick_params(which="both", length=0)
    bar = figure.colorbar(image, ax=axes, fraction=0.046, pad=0.03, format=PercentFormatter(1.0))
    bar.outline.set_visible(False)
    bar.set_label("share of the true label")
    title = f"accuracy {evaluation.accuracy:.2%}, macro F1 {evaluation.macro_f1:.3f}"
    return _png(figure, f"{evaluation.model}: {title}", _scored_on(evaluation))


def reliability(evaluation: Evaluation) -> bytes:
    """How often the model is right against how sure it says it is, and how often it says so; PNG."""
    bins = [b for b in evaluation.reliability if b.pictures]
    figure = _figure(6.4, 5.8)
    above, below = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
    middles, width = [(b.low + b.high) / 2 for b in bins], evaluation.reliability[0].high * 0.92
    above.plot([0, 1], [0, 1], color=_MUTED, linewidth=1, linestyle=(0, (4, 3)), label="as sure as right")
    above.bar(middles, [b.accuracy for b in bins], width, color=_BLUE, label="share of right answers")
    gaps = [b.confidence - b.accuracy for b in bins]
    above.bar(
        middles,
        gaps,
        width,
        bottom=[b.accuracy for b in bins],
        color="none",
        edgecolor=_ORANGE,
        hatch="////",
        linewidth=0.8,
        label="gap to the confidence",
    )
    above.set_ylim(0, 1)
    above.set_ylabel("accuracy")
    above.yaxis.set_major_formatter(PercentFormatter(1.0))
    above.legend(loc="lower left", bbox_to_anchor=(-0.02, 1.0), ncols=3, fontsize=8.5, columnspacing=1.2)
    shares = [b.pictures / evaluation.pictures for b in bins]
    below.bar(middles, shares, width, color=_MUTED)
    below.set_ylabel("pictures")
    below.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
    below.set_xlabel("confidence: probability of the likeliest label")
    below.set_xlim(0, 1)
    below.xaxis.set_major_formatter(PercentFormatter(1.0))
    if evaluation.threshold > 0:
        for axes in (above, below):
            axes.axvline(evaluation.threshold, color=_INK, linewidth=1, linestyle=":")
        below.text(evaluation.threshold, below.get_ylim()[1], "unknown  ", ha="right", va="top", fontsize=8.5)
    for axes in (above, below):
        axes.grid(axis="y", linewidth=0.6)
        axes.set_axisbelow(True)
    title = f"{evaluation.model}: expected calibration error {evaluation.calibration_error:.3f}"
    return _png(figure, title, _scored_on(evaluation))


def learning(evaluation: Evaluation) -> bytes:
    """Loss and accuracy by epoch, in training and in validation, and the epoch that was kept; PNG."""
    history = evaluation.history
    epochs = range(1, len(next(iter(history.values()))) + 1)
    kept = kept_epoch(history)
    figure = _figure(8.4, 3.9)
    for axes, name in zip(figure.subplots(1, 2), ("loss", "accuracy"), strict=True):
        for key, colour, label in ((name, _BLUE, "training"), (f"val_{name}", _ORANGE, "validation")):
            if key in history:
                axes.plot(epochs, history[key], color=colour, linewidth=1.8, marker="o", markersize=3.5, label=label)
        if kept is not None:
            axes.axvline(kept, color=_MUTED, linewidth=1, linestyle=":", label=f"epoch {kept} kept")
        axes.set_title(name)
        axes.set_xlabel("epoch")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.grid(linewidth=0.6)
        axes.set_axisbelow(True)
        axes.legend()
        if name == "accuracy":
            axes.yaxis.set_major_formatter(PercentFormatter(1.0))
    return _png(figure, f"{evaluation.model}: learning curves", "the float network, on the data it was trained on")


_HEADER_INCH = 0.62


def _figure(width: float, height: float) -> Any:
    """A figure of this size in inches, with room for a header above it."""
    # Not pyplot: its state is global, and it would want a display.
    mpl.rcParams.update(_STYLE)
    whole = height + _HEADER_INCH
    figure = Figure(figsize=(width, whole), dpi=150, layout="constrained")
    layout: Any = figure.get_layout_engine()
    layout.set(rect=(0, 0, 1, height / whole))
    FigureCanvasAgg(figure)
    return figure


def _scored_on(evaluation: Evaluation) -> str:
    return f"{evaluation.data}, {evaluation.pictures} pictures; {evaluation.runtime}"


def _png(figure: Any, title: str, below: str) -> bytes:
    """The figure's bytes, with what it shows in bold above it and on what below that."""
    inch = 1 / figure.get_figheight()
    figure.text(0.01, 1 - 0.06 * inch, title, va="top", fontsize=12, fontweight="bold")
    figure.text(0.01, 1 - 0.32 * inch, below, va="top", color=_MUTED)
    buffer = io.BytesIO()
    figure.savefig(buffer, bbox_inches="tight", pad_inches=0.15, metadata={"Software": None})
    return buffer.getvalue()
