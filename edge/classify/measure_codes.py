"""What a model is told of a mark beside its patch: the measures it asks for, a code of one byte each.

A patch leaves out how large the mark is, where it lies and how it stands out from what is beyond the patch. All that
is known of a mark by inspection; of a ready-made patch only its size tells anything.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from edge.arguments import check_each, check_kind
from edge.classify.measures import MEASURES, Marks
from edge.classify.patch_spec import PatchSpec
from edge.classify.patches import SURROUND, check_picture, side_px
from edge.records import Candidate, EndFace


def encode_measures(candidates: Sequence[Candidate], face: EndFace | None, spec: PatchSpec) -> NDArray[np.uint8]:
    """The candidates' measures that the model asks for, on the scales of `MEASURES`.

    Args:
        candidates: the marks, in the order of their patches.
        face: the end face they lie on; None where there is none: then what depends on it is not known.
        spec: which measures, in which order.

    Returns:
        (n, len(spec.measures)) uint8; 0 where the figure is not known.

    Raises:
        UsageError: an argument of another type.
    """
    check_each(candidates, Candidate, "candidates")
    check_kind(face, (EndFace, type(None)), "face")
    check_kind(spec, PatchSpec, "spec")
    marks, n = Marks.of(candidates), len(candidates)
    values = np.full((len(spec.measures), n), np.nan)
    with np.errstate(invalid="ignore", over="ignore"):
        for row, name in zip(values, spec.measures, strict=True):
            figures = MEASURES[name].of(marks, face)
            if figures is not None:
                row[:] = figures
    return np.ascontiguousarray(_codes(values, spec.measures).T)


def measure_picture(picture: NDArray[np.uint8], spec: PatchSpec) -> NDArray[np.uint8]:
    """What a ready-made patch tells of its mark by its size alone, on the scales of `MEASURES`.

    A patch that was cut as `crop` does it is larger than the model's size only where the mark's box is, and
    then `SURROUND` times its longer side: so `box_px` is known. A patch of the model's size or less tells nothing.

    Args:
        picture: (h, w) or (h, w, channels), before `prepare`.
        spec: which measures, in which order.

    Returns:
        (len(spec.measures),) uint8; 0 where the figure is not known.

    Raises:
        UsageError: no picture, or no spec.
    """
    check_picture(picture)
    check_kind(spec, PatchSpec, "spec")
    codes = np.zeros(len(spec.measures), np.uint8)
    longer = max(picture.shape[:2])
    if "box_px" in spec.measures and longer > spec.size:
        codes[spec.measures.index("box_px")] = _codes(np.array([[longer / SURROUND]]), ("box_px",))[0, 0]
    return codes


def measure_box(w_px: int, h_px: int, spec: PatchSpec) -> NDArray[np.uint8]:
    """What `measure_picture` says of the patch that `crop` would cut around a box."""
    side = side_px(w_px, h_px, spec.size)
    return measure_picture(np.empty((side, side), np.uint8), spec)


def _codes(values: NDArray[np.float64], names: tuple[str, ...]) -> NDArray[np.uint8]:
    """(k, n) codes of (k, n) values, a measure a row: 0 where not finite, else 1..255."""
    (low, high), (first, span), logarithmic = _scales(names)
    known = np.isfinite(values)
    place = np.minimum(np.maximum(np.where(known, values, low), low), high)
    place[logarithmic] = np.log(place[logarithmic])
    codes = 1 + np.rint(254 * (place - first) / span)
    return np.where(known, codes, 0).astype(np.uint8)


@lru_cache(maxsize=16)
def _scales(names: tuple[str, ...]) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.intp]]:
    """Of each measure, a row each: least and largest value; where the scale starts and how long it is, in logarithms
    where it counts those; which rows do.
    """
    scales = [MEASURES[name] for name in names]
    ends = np.array([(scale.low, scale.high) for scale in scales]).reshape(-1, 2)
    shown = np.array([(math.log(s.low), math.log(s.high)) if s.log else (s.low, s.high) for s in scales]).reshape(-1, 2)
    start_and_span = np.stack([shown[:, 0], shown[:, 1] - shown[:, 0]])
    return ends.T[:, :, None], start_and_span[:, :, None], np.flatnonzero([scale.log for scale in scales])
