"""An Inspection as JSON: the contract `ferrule/inspection/1`, with the figures rounded to what they can tell."""

from __future__ import annotations

import math
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # the records offer this as a method
    from edge.records import EndFace, Finding, Inspection, Quality, Unlocated

SCHEMA = "ferrule/inspection/1"


def iso_time(time: datetime) -> str:
    """`2026-11-22T14:00:00.000Z`: UTC to the millisecond (ISO 8601), of a time that knows its zone."""
    return time.astimezone(timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def as_dict(inspection: Inspection) -> dict[str, Any]:
    """The inspection as plain values that `json.dumps` takes. Keys may be added to it, none is ever taken away."""
    return {
        "schema": SCHEMA,
        "source": inspection.source,
        "index": inspection.index,
        "time": iso_time(inspection.time),
        "fibre": inspection.fibre,
        "n_fibres": inspection.n_fibres,
        "status": inspection.verdict.status.value,
        "reasons": [
            {
                "zone": r.zone,
                "label": r.label,
                "size_um": _rounded(r.size_um, 2),
                "limit": r.limit,
                "margin_um": _rounded(r.margin_um, 2),
                "close_call": r.close_call,
                "text": r.text,
            }
            for r in inspection.verdict.reasons
        ],
        "advice": inspection.verdict.advice,
        "criteria": {"name": inspection.criteria.name, "sha256": inspection.criteria.sha256},
        "model": {
            "name": inspection.model.name,
            "sha256": inspection.model.sha256,
            "runtime": inspection.model.runtime,
        },
        "end_face": _face(inspection.end_face),
        "unlocated": _unlocated(inspection.unlocated),
        "quality": _quality(inspection.quality),
        "findings": [_finding(f) for f in inspection.findings],
        "timings_ms": {k: round(v, 3) for k, v in inspection.timings_ms.items()},
    }


def _rounded(value: float | None, digits: int) -> float | None:
    return None if value is None else round(float(value), digits)


def _face(face: EndFace | None) -> dict[str, Any] | None:
    if face is None:
        return None
    return {
        "x_px": round(face.x_px, 2),
        "y_px": round(face.y_px, 2),
        "cladding_rx_px": round(face.cladding_rx_px, 2),
        "cladding_ry_px": round(face.cladding_ry_px, 2),
        "core_r_px": _rounded(face.core_r_px, 2),
        "core_confidence": round(face.core_confidence, 3),
        "um_per_px_x": round(face.um_per_px_x, 5),
        "um_per_px_y": round(face.um_per_px_y, 5),
        "scale_from": face.scale_from,
    }


def _unlocated(fibre: Unlocated | None) -> dict[str, Any] | None:
    if fibre is None:
        return None
    return {
        "x_px": _rounded(fibre.x_px, 2),
        "y_px": _rounded(fibre.y_px, 2),
        "rx_px": _rounded(fibre.rx_px, 2),
        "ry_px": _rounded(fibre.ry_px, 2),
    }


def _quality(quality: Quality | None) -> dict[str, Any] | None:
    if quality is None:
        return None
    return {
        "focus": round(quality.focus, 3),
        "brightness": round(quality.brightness, 3),
        "contrast": round(quality.contrast, 3),
        "saturation": round(quality.saturation, 4),
        "unseen": {zone: round(share, 4) for zone, share in quality.unseen.items()},
        "smallest_um": {
            zone: {"defect": _finite(defect), "scratch": _finite(scratch)}
            for zone, (defect, scratch) in quality.smallest_um.items()
        },
    }


def _finite(size_um: float) -> float | None:
    """To a hundredth; None where no size is enough."""
    return round(size_um, 2) if math.isfinite(size_um) else None


def _finding(finding: Finding) -> dict[str, Any]:
    c = finding.candidate
    return {
        "label": finding.label,
        "score": round(finding.score, 4),
        "scores": {k: round(v, 4) for k, v in finding.scores.items()},
        "zone": finding.zone,
        "x_px": c.x_px,
        "y_px": c.y_px,
        "w_px": c.w_px,
        "h_px": c.h_px,
        "area_px": c.area_px,
        "diameter_um": round(c.diameter_um, 2),
        "length_um": round(c.length_um, 2),
        "width_um": round(c.width_um, 2),
        "distance_um": round(c.distance_um, 2),
        "contrast_grey": round(c.contrast_grey, 1),
        "uncertainty_um": round(c.uncertainty_um, 2),
    }
