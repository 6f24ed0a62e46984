"""Names for the regions that an existing pipeline already has, in one call.

A pipeline that finds regions with OpenCV keeps all it does, and adds one line::

    from edge.hooks import enrich

    enrich(regions, image)  # each region dict gains "ml_class" and "ml_confidence"
"""

from __future__ import annotations

import math
import os
from collections.abc import Mapping, MutableMapping, Sequence
from typing import Any, TypeVar

from numpy.typing import NDArray

from edge import load
from edge.arguments import check_each
from edge.classify import Classifier, crop
from edge.errors import UsageError
from edge.records import Candidate
from edge.sources import to_grey

Regions = TypeVar("Regions", bound=Sequence[MutableMapping[str, Any]])


def enrich(regions: Regions, image: NDArray[Any], model: Classifier | str | os.PathLike[str] | None = None) -> Regions:
    """Names every region and returns the same list, each of its dicts with two keys more.

    `ml_class` is the label, `unknown` below the model's threshold; `ml_confidence` its probability, a float
    0..1. The model is loaded once, and kept. It sees the marks alone, without an end face: whatever it knows
    about place and physical size is passed as not known, so `ferrule inspect` names better.

    Args:
        regions: dicts with a `bbox` of x, y, w, h in pixels of `image`, of any integer or finite float type. A
            box is clamped to the picture and is at least one pixel; other keys are left alone.
        image: (h, w), (h, w, 3) BGR or (h, w, 4) BGRA, uint8 or uint16; not changed.
        model: a shipped model's name, a file, or a Classifier; None: the shipped defect model.

    Raises:
        UsageError: a region without a usable `bbox`, or no picture; then no region was changed.
        ModelError: the model was refused.
    """
    grey = to_grey(image)
    check_each(regions, Mapping, "regions")
    candidates = [_candidate(region, number, grey.shape) for number, region in enumerate(regions)]
    if not candidates:
        return regions
    classifier = model if isinstance(model, Classifier) else load(model)
    scores = classifier(crop(grey, candidates, classifier.spec))
    for region, (label, score) in zip(regions, classifier.name(scores), strict=True):
        region["ml_class"] = label
        region["ml_confidence"] = float(score)
    return regions


def _candidate(region: Mapping[str, Any], number: int, shape: tuple[int, ...]) -> Candidate:
    """The region's box inside the picture, at least one pixel; its measures are zero, for not known."""
    box = region.get("bbox")
    try:
        x, y, w, h = (float(value) for value in box)  # type: ignore[union-attr]  # what cannot be unpacked is the error
    except (TypeError, ValueError, OverflowError) as error:
        raise UsageError(f"region {number}: bbox is {_shown(box)}; expected four numbers x, y, w, h") from error
    if not all(map(math.isfinite, (x, y, w, h))):
        raise UsageError(f"region {number}: bbox is {_shown(box)}; expected finite numbers x, y, w, h")
    height_px, width_px = shape
    x_px, w_px = _clamped(x, w, width_px)
    y_px, h_px = _clamped(y, h, height_px)
    return Candidate.at_box(x_px, y_px, w_px, h_px)


def _shown(box: object) -> str:
    return " ".join(repr(box).split())[:80]


def _clamped(start: float, length: float, limit: int) -> tuple[int, int]:
    """First pixel and number of pixels of an interval inside 0..limit; the nearest pixel for one outside."""
    first = min(max(math.floor(start), 0), limit - 1)
    last = min(max(math.ceil(start + length), first + 1), limit)
    return first, last - first
