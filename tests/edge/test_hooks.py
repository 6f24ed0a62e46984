"""Regions of an existing pipeline get names, and keep everything else."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import edge
from edge.classify import Classifier
from edge.errors import UsageError
from edge.hooks import enrich

TINY = Path(__file__).parent.parent / "data" / "tiny-defects.tflite"
LABELS = {"scratch", "dig", "contamination", "chip", "clean", "unknown"}
IMAGE = np.random.default_rng(5).integers(0, 256, (60, 80), np.uint8)


def region(*box: Any) -> dict[str, Any]:
    """A region as a pipeline has it."""
    return {"bbox": box, "id": 7}


def test_every_region_is_named_and_the_same_list_returned() -> None:
    """Two keys are added to the dicts in place; order and other keys stay."""
    regions = [region(5, 6, 20, 10), region(40, 30, 8, 8)]
    boxes = [r["bbox"] for r in regions]
    assert enrich(regions, IMAGE, TINY) is regions
    for r, box in zip(regions, boxes, strict=True):
        assert set(r) == {"bbox", "id", "ml_class", "ml_confidence"}
        assert r["bbox"] is box
        assert r["ml_class"] in LABELS
        assert type(r["ml_confidence"]) is float
        assert 0 <= r["ml_confidence"] <= 1


@pytest.mark.parametrize(
    ("odd", "same_as"),
    [
        (np.array([5, 6, 20, 10], np.int16), (5, 6, 20, 10)),
        ([np.uint8(5), np.int64(6), np.float32(20), 10.0], (5, 6, 20, 10)),
        ((5.4, 6.9, 19.2, 9.0), (5, 6, 20, 10)),
        ((-5, -6, 15, 16), (0, 0, 10, 10)),
        ((70, 50, 1000, 1000), (70, 50, 10, 10)),
        ((5, 6, 0, 0), (5, 6, 1, 1)),
        ((5, 6, -3, -4), (5, 6, 1, 1)),
        ((-50, -50, 10, 10), (0, 0, 1, 1)),
        ((500, 500, 10, 10), (79, 59, 1, 1)),
        ((-1e12, -1e12, 3e12, 3e12), (0, 0, 80, 60)),
    ],
)
def test_boxes_are_clamped(odd: Any, same_as: tuple[int, ...]) -> None:
    """NumPy numbers, fractions, empty, negative and outlying boxes count as the nearest box inside."""
    (got,), (expected,) = enrich([region(*odd)], IMAGE, TINY), enrich([region(*same_as)], IMAGE, TINY)
    assert (got["ml_class"], got["ml_confidence"]) == (expected["ml_class"], expected["ml_confidence"])


@given(st.lists(st.tuples(*[st.integers(-(10**6), 10**6)] * 4), max_size=5), st.sampled_from([(1, 1), (3, 200)]))
@settings(deadline=None, max_examples=30)
def test_no_box_and_no_picture_is_too_odd(boxes: list[tuple[int, ...]], shape: tuple[int, int]) -> None:
    """Whatever four integers a pipeline holds, every region gets a name."""
    regions = enrich([region(*box) for box in boxes], np.zeros(shape, np.uint8), TINY)
    assert all(r["ml_class"] in LABELS for r in regions)


def test_colour_and_16_bit_are_taken() -> None:
    """The picture may be what cv2.imread gave, of any kind that Ferrule reads."""
    (grey,) = enrich([region(5, 6, 20, 10)], IMAGE, TINY)
    for image in (np.dstack([IMAGE] * 3), np.dstack([IMAGE] * 4), IMAGE.astype(np.uint16) * 257):
        (other,) = enrich([region(5, 6, 20, 10)], image, TINY)
        assert other["ml_confidence"] == grey["ml_confidence"]


def test_all_regions_go_in_one_call(monkeypatch: pytest.MonkeyPatch) -> None:
    """A frame with many regions costs one call of the model."""
    classifier = edge.load(TINY)
    sizes = []
    call = Classifier.__call__
    monkeypatch.setattr(Classifier, "__call__", lambda self, p, m=None: (sizes.append(len(p)), call(self, p, m))[1])
    enrich([region(k, k, 5, 5) for k in range(40)], IMAGE, classifier)
    assert sizes == [40]


def test_the_model_is_loaded_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Frame after frame uses the interpreter that was made for the first."""
    enrich([region(1, 1, 5, 5)], IMAGE, TINY)
    monkeypatch.setattr("edge.classify.bundle.load_bundle", lambda _: pytest.fail("loaded again"))
    enrich([region(1, 1, 5, 5)], IMAGE, TINY)


def test_no_regions_need_no_model() -> None:
    """An empty list comes back before a model is looked for."""
    regions: list[dict[str, Any]] = []
    assert enrich(regions, IMAGE, "no such model") is regions


@pytest.mark.parametrize(
    "bad", [{}, {"bbox": None}, {"bbox": (1, 2, 3)}, {"bbox": (1, 2, 3, float("nan"))}, {"bbox": "abcd"}]
)
def test_a_bad_region_changes_nothing(bad: dict[str, Any]) -> None:
    """An unusable box is an error that counts the region, and no region is half-done."""
    regions = [region(1, 1, 5, 5), bad]
    with pytest.raises(UsageError, match="region 1: bbox is"):
        enrich(regions, IMAGE, TINY)
    assert "ml_class" not in regions[0]


def test_a_missing_picture_is_refused() -> None:
    """What cv2.imread returns for a missing file is told apart."""
    with pytest.raises(UsageError, match=r"cv2\.imread gives None"):
        enrich([region(1, 1, 5, 5)], None, TINY)  # type: ignore[arg-type]
