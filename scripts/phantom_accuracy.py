"""Geometry, sizes and recall on drawn end faces, whose truth is known exactly. Used by scripts/make_accuracy.py."""

from __future__ import annotations

import itertools
import math
from dataclasses import replace
from typing import Any

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np

from edge.detect import detect
from edge.locate import locate
from edge.records import Candidate
from trainer.phantom import Defect, Fibre, Light, Mark, Phantom, Scene, Sensor, render

CONTRASTS = (0.02, 0.03, 0.05, 0.08, 0.12, 0.2, 0.4)
DIG_SIZES_UM = (1.0, 1.5, 2.0, 3.0, 5.0, 8.0, 12.0)
SCRATCH_WIDTHS_UM = (0.5, 1.0, 1.5, 2.0, 3.0, 5.0)
REPEATS = 4
"""Faces drawn for each pair of size and contrast, each with marks in the glass and on the ferrule."""


EDGES = {
    "a step": Light(rim_grey=0.0),
    "a step, light from the left": Light(rim_grey=0.0, slope_x=-0.2),
    "a step, light from the right": Light(rim_grey=0.0, slope_x=0.2),
    "a dark line of 1 um on the step": Light(rim_grey=30.0),
    "oblique light, one side dark, the other bright": Light(rim_grey=20.0, oblique=0.3),
}
"""What the rim looks like. The truth is the glass; where a line hides the step, what is found is the line's flank."""


def geometry() -> dict[str, Any]:
    """Errors of `locate` over contrast, blur, noise and pixel aspect, for each kind of rim."""
    figures = {}
    grid = list(itertools.product((60.0, 100.0, 150.0), (0.6, 1.5), (0.5, 3.0), (0.94, 1.0, 1.09)))
    for rim, light in EDGES.items():
        centre_px, radius_px = [], []
        for k, (cladding, blur, noise, aspect) in enumerate(grid):
            sensor = Sensor(
                aspect=aspect, blur_px=blur, sharpen=0.0, noise_grey=noise, fibre_x=0.45 + 0.013 * (k % 7), jpeg=95
            )
            fibre = Fibre(cladding_grey=cladding, core_grey=cladding + 15)
            phantom = render(Scene(fibre=fibre, light=light, sensor=sensor, seed=k))
            found, truth = locate(phantom.pixels), phantom.face
            if found is None:
                continue
            centre_px.append(math.hypot(found.x_px - truth.x_px, found.y_px - truth.y_px))
            off_x, off_y = found.cladding_rx_px - truth.cladding_rx_px, found.cladding_ry_px - truth.cladding_ry_px
            radius_px.append(max(abs(off_x), abs(off_y)))
        figures[rim] = {
            "n": len(grid),
            "found": len(centre_px),
            "centre_px": _spread(centre_px),
            "radius_px": _spread(radius_px),
            "within_0_2_px": float(np.mean([max(pair) <= 0.2 for pair in zip(centre_px, radius_px, strict=True)])),
        }
    return figures


def sizes() -> dict[str, Any]:
    """Errors of diameters (digs) and widths (scratches) that are found, in px, and the share within 0.5 px or 5 %."""
    figures = {}
    for what, values in (("dig", DIG_SIZES_UM[2:]), ("scratch", SCRATCH_WIDTHS_UM[1:])):
        errors_px, good, n = [], 0, 0
        for size_um, contrast, repeat in itertools.product(values, (0.2, 0.4), range(REPEATS)):
            phantom = _face(what, size_um, -contrast, repeat)
            pixel_um = phantom.face.um_per_px_x
            for mark, candidate in _matched(phantom):
                n += 1
                if candidate is None:
                    continue
                got, true = (
                    (candidate.diameter_um, mark.diameter_um) if what == "dig" else (candidate.width_um, mark.width_um)
                )
                error_um = got - true
                errors_px.append(error_um / pixel_um)
                good += abs(error_um) <= max(0.5 * pixel_um, 0.05 * true)
        figures[what] = {
            "n": n,
            "found": len(errors_px) / n,
            "bias_px": float(np.median(errors_px)),
            "abs_px": _spread(np.abs(errors_px)),
            "within": good / max(1, len(errors_px)),
        }
    return figures


def recall() -> dict[str, Any]:
    """Share of the drawn marks that are found, over contrast and size; and false findings on clean faces."""
    figures: dict[str, Any] = {"contrasts": CONTRASTS}
    for what, values in (("dig", DIG_SIZES_UM), ("scratch", SCRATCH_WIDTHS_UM)):
        table = []
        for size_um in values:
            row = []
            for contrast in CONTRASTS:
                pairs = [p for repeat in range(REPEATS) for p in _matched(_face(what, size_um, -contrast, repeat))]
                row.append(sum(candidate is not None for _, candidate in pairs) / len(pairs))
            table.append(row)
        figures[what] = {"sizes_um": values, "recall": table}
    clean = [render(Scene(seed=1000 + k)) for k in range(20)]
    figures["false_on_clean"] = sum(len(detect(p.pixels, p.face)) for p in clean) / len(clean)
    return figures


def plot_recall(figures: dict[str, Any], path: str) -> None:
    """Curves of recall against contrast, one for each size."""
    fig, axes = plt.subplots(1, 2, figsize=(10, 4), sharey=True, layout="constrained")
    for axis, what, title in ((axes[0], "dig", "digs, by diameter"), (axes[1], "scratch", "scratches, by width")):
        table = figures[what]
        colours = plt.get_cmap("viridis")(np.linspace(0, 0.9, len(table["sizes_um"])))
        for size_um, row, colour in zip(table["sizes_um"], table["recall"], colours, strict=True):
            axis.plot([100 * c for c in figures["contrasts"]], row, "o-", ms=4, color=colour, label=f"{size_um:g} um")
        axis.set_xscale("log")
        axis.set_xticks([100 * c for c in figures["contrasts"]], [f"{100 * c:g}" for c in figures["contrasts"]])
        axis.minorticks_off()
        axis.set_xlabel("contrast, % of the ferrule's grey")
        axis.set_title(title)
        axis.grid(alpha=0.3)
        axis.legend(fontsize=8)
    axes[0].set_ylabel("recall")
    fig.savefig(path, dpi=110, metadata={"Software": None})
    plt.close(fig)


def _face(what: str, size_um: float, contrast: float, repeat: int) -> Phantom:
    """A face with three marks of one kind: in the core, in the cladding and on the ferrule."""
    rng = np.random.default_rng([repeat, round(size_um * 100), round(abs(contrast) * 1000)])
    defects = []
    for radius_um in (10.0, 44.0, 95.0):
        turn = rng.uniform(0, 2 * math.pi)
        defect = Defect(
            kind=what,  # type: ignore[arg-type]
            x_um=radius_um * math.cos(turn),
            y_um=radius_um * math.sin(turn),
            size_um=size_um,
            contrast=contrast,
            seed=int(rng.integers(1 << 30)),
        )
        if what == "scratch":
            # Along the tangent, so that it stays within its zone; shorter in the core.
            length_um = 12.0 if radius_um < 20 else 25.0
            defect = replace(defect, size_um=length_um, width_um=size_um, angle_deg=math.degrees(turn) + 90)
        defects.append(defect)
    return render(Scene(defects=tuple(defects), seed=repeat))


def _matched(phantom: Phantom) -> list[tuple[Mark, Candidate | None]]:
    """Each drawn mark with the largest candidate whose box's centre lies in its box, or the other way round."""
    candidates = detect(phantom.pixels, phantom.face)
    pairs = []
    for mark in phantom.marks:
        on = [c for c in candidates if _inside(c, mark) or _inside(mark, c)]
        pairs.append((mark, max(on, key=lambda c: c.area_px) if on else None))
    return pairs


def _inside(a: Candidate | Mark, b: Candidate | Mark) -> bool:
    x, y = a.x_px + a.w_px / 2, a.y_px + a.h_px / 2
    return b.x_px - 2 <= x <= b.x_px + b.w_px + 2 and b.y_px - 2 <= y <= b.y_px + b.h_px + 2


def _spread(values: Any) -> dict[str, float]:
    median, p95, most = np.percentile(values, (50, 95, 100))
    return {"median": float(median), "p95": float(p95), "max": float(most)}
