"""Every public function of the edge, called with what it does not take."""

from __future__ import annotations

import copy
import dataclasses
import math
import pickle
from collections.abc import Callable
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ferrule_runs import TINY

import edge
from edge import hooks
from edge.capture import CaptureSettings
from edge.classify import Classifier, PatchSpec, crop, encode_measures, load_bundle, prepare_all
from edge.classify.measure_codes import measure_picture
from edge.classify.patches import cut, prepare
from edge.detect import DetectSettings, detect
from edge.errors import FerruleError
from edge.inspection import Inspector, inspect_frame, load_inspector
from edge.judge import connector_status, judge, load_criteria, unreadable, zone_of
from edge.judge.breaches import breaches, zones_crossed
from edge.judge.verdict import tightest
from edge.locate import LocateSettings, locate, locate_all
from edge.overlay import draw, draw_svg
from edge.quality import QualitySettings, assess
from edge.records import Candidate, EndFace, Finding, Frame
from edge.sources import LiveSettings, events, frames, list_folder, list_pictures, read_picture
from edge.sources.pictures import decode_picture

GREY = np.full((64, 64), 128, np.uint8)
SPEC = PatchSpec(4)
FACE = EndFace(32, 32, 20, 20, None, 1.0, 1.0)
MARK = Candidate(10, 10, 4, 4, 12, 5.0, 5.0, 3.0, 12.0, 20.0, 18.0, 22.0, -30.0)
FINDING = Finding(MARK, "dig", 0.9, {"dig": 0.9, "clean": 0.1})
CRITERIA = load_criteria()
CLASSIFIER = Classifier(load_bundle(TINY))
PATCHES = np.zeros((2, 4, 4), np.uint8)
NOW = datetime(2026, 1, 1, tzinfo=timezone.utc)
INSPECTOR = Inspector(CLASSIFIER, CRITERIA)
FRAME = Frame(GREY, "grey", 0, NOW)
LOOK = inspect_frame(FRAME, INSPECTOR)[0]


class Odd:
    """Of no type that anything takes."""


ODD: dict[str, Any] = {
    "None": None, "3": 3, "nan": math.nan, "text": "text", "bytes": b"bytes", "a list": [1, 2], "nested": [[1], [2, 3]],
    "a tuple": (None,), "a dict": {"a": 1}, "a set": {1}, "a path": Path("nowhere"), "a function": len,
    "an object": Odd(),
    "a type": int, "complex": 1j, "huge": 10**400, "0-d": np.array(3, np.uint8), "empty": np.empty((0, 4, 4), np.uint8),
    "objects": np.array([None, "a"], object), "float picture": np.zeros((8, 8)),
    "nan picture": np.full((8, 8), math.nan),
    "int8 picture": np.zeros((8, 8), np.int8), "bool picture": np.zeros((8, 8), np.bool_),
    "texts": np.array(["a"]), "4 axes": np.zeros((1, 8, 8, 5), np.uint8), "2 channels": np.zeros((8, 8, 2), np.uint8),
    "empty grey": np.zeros((0, 8), np.uint8),
}  # fmt: skip
"""What may be given by mistake; each function takes some of these, for what they are."""

CALLS: dict[str, Callable[[Any], Any]] = {
    "edge.load": edge.load,
    "edge.load runtime": lambda x: edge.load(TINY, x),
    "edge.predict": lambda x: edge.predict(x, CLASSIFIER),
    "edge.predict model": lambda x: edge.predict(GREY, x),
    "edge.predict one of": lambda x: edge.predict([GREY, x], CLASSIFIER),
    "enrich regions": lambda x: hooks.enrich(x, GREY, CLASSIFIER),
    "enrich region": lambda x: hooks.enrich([x], GREY, CLASSIFIER),
    "enrich box": lambda x: hooks.enrich([{"bbox": x}], GREY, CLASSIFIER),
    "enrich image": lambda x: hooks.enrich([{"bbox": (1, 1, 2, 2)}], x, CLASSIFIER),
    "enrich model": lambda x: hooks.enrich([{"bbox": (1, 1, 2, 2)}], GREY, x),
    "load_bundle": load_bundle,
    "Classifier": Classifier,
    "Classifier runtime": lambda x: Classifier(load_bundle(TINY), x),
    "classifier": CLASSIFIER,
    "classifier measures": lambda x: CLASSIFIER(PATCHES, x),
    "logits": CLASSIFIER.logits,
    "name": CLASSIFIER.name,
    "PatchSpec": PatchSpec,
    "PatchSpec background": lambda x: PatchSpec(4, x),
    "PatchSpec measures": lambda x: PatchSpec(4, "keep", x),
    "crop": lambda x: crop(x, [MARK], SPEC),
    "crop candidates": lambda x: crop(GREY, x, SPEC),
    "crop candidate": lambda x: crop(GREY, [x], SPEC),
    "crop spec": lambda x: crop(GREY, [MARK], x),
    "cut": lambda x: cut(x, MARK, 4),
    "cut candidate": lambda x: cut(GREY, x, 4),
    "prepare": lambda x: prepare(x, SPEC),
    "prepare spec": lambda x: prepare(GREY, x),
    "prepare_all": lambda x: prepare_all(x, SPEC),
    "measure_picture": lambda x: measure_picture(x, SPEC),
    "encode_measures": lambda x: encode_measures(x, FACE, PatchSpec(4, measures=("snr",))),
    "encode_measures face": lambda x: encode_measures([MARK], x, PatchSpec(4, measures=("rim_um",))),
    "encode_measures spec": lambda x: encode_measures([MARK], FACE, x),
    "locate": locate,
    "locate settings": lambda x: locate(GREY, x),
    "locate_all": locate_all,
    "locate_all settings": lambda x: locate_all(GREY, x),
    "assess": lambda x: assess(x, FACE),
    "assess without a face": lambda x: assess(x, None),
    "assess face": lambda x: assess(GREY, x),
    "assess settings": lambda x: assess(GREY, FACE, x),
    "detect": lambda x: detect(x, FACE),
    "detect face": lambda x: detect(GREY, x),
    "detect settings": lambda x: detect(GREY, FACE, x),
    "judge": lambda x: judge(x, CRITERIA),
    "judge finding": lambda x: judge([x], CRITERIA),
    "judge criteria": lambda x: judge([FINDING], x),
    "judge n_cleanings": lambda x: judge([FINDING], CRITERIA, x),
    "judge width": lambda x: judge(
        [dataclasses.replace(FINDING, candidate=dataclasses.replace(MARK, width_um=x))], CRITERIA
    ),
    "judge label": lambda x: judge([dataclasses.replace(FINDING, label=x)], CRITERIA),
    "breaches": lambda x: breaches(x, CRITERIA),
    "tightest": lambda x: tightest(x, CRITERIA),
    "tightest criteria": lambda x: tightest([FINDING], x),
    "zones_crossed": lambda x: zones_crossed(x, CRITERIA),
    "zone_of criteria": lambda x: zone_of(MARK, "dig", x),
    "unreadable": unreadable,
    "connector_status": connector_status,
    "read_picture": read_picture,
    "read_picture max_megapixels": lambda x: read_picture("none.png", x),
    "decode_picture": lambda x: decode_picture(x, "bytes"),
    "list_folder": list_folder,
    "list_pictures": list_pictures,
    "list_pictures path": lambda x: list_pictures([x]),
    "load_criteria": load_criteria,
    "LocateSettings": lambda x: LocateSettings(um_per_px_x=x),
    "load_inspector model": load_inspector,
    "load_inspector criteria": lambda x: load_inspector(TINY, x),
    "load_inspector runtime": lambda x: load_inspector(TINY, runtime=x),
    "load_inspector settings": lambda x: load_inspector(TINY, locate_settings=x),
    "load_inspector n_cleanings": lambda x: load_inspector(TINY, n_cleanings=x),
    "inspect": INSPECTOR.inspect,
    "inspect_frame": lambda x: inspect_frame(x, INSPECTOR),
    "inspect_frame inspector": lambda x: inspect_frame(FRAME, x),
    "draw": lambda x: draw(x, LOOK, CRITERIA),
    "draw inspection": lambda x: draw(GREY, x, CRITERIA),
    "draw criteria": lambda x: draw(GREY, LOOK, x),
    "draw_svg": lambda x: draw_svg(x, LOOK, CRITERIA),
    "draw_svg embed": lambda x: draw_svg(GREY, LOOK, CRITERIA, x),
    "frames": lambda x: next(frames(x)),
    "events": lambda x: next(events(x)),
    "events settings": lambda x: next(events(TINY, x)),
    "Frame": lambda x: Frame(x, "a", 0, NOW),
    "Frame source": lambda x: Frame(GREY, x, 0, NOW),
    "Frame index": lambda x: Frame(GREY, "a", x, NOW),
    "Frame time": lambda x: Frame(GREY, "a", 0, x),
    **{
        f"EndFace {name}": lambda x, name=name: dataclasses.replace(FACE, **{name: x})  # type: ignore[misc]  # calls of many kinds
        for name in ("x_px", "um_per_px_y")
    },
    **{f"Candidate {name}": lambda x, name=name: dataclasses.replace(MARK, **{name: x}) for name in ("x_px", "w_px")},  # type: ignore[misc]  # calls of many kinds
    **{
        f"{kind.__name__} {item.name}": lambda x, kind=kind, name=item.name: kind(**{name: x})  # type: ignore[misc]  # calls of many kinds
        for kind in (DetectSettings, QualitySettings, LiveSettings, CaptureSettings)
        for item in dataclasses.fields(kind)
    },
}


@pytest.mark.parametrize("call", CALLS)
def test_a_wrong_argument_is_a_ferrule_error(call: str) -> None:
    """Whatever is given, a public function takes it or raises a FerruleError of one line, never what lies below it."""
    n_refused = 0
    for given in ODD.values():
        try:
            CALLS[call](given)
        except FerruleError as error:  # noqa: PERF203 - each is tried
            n_refused += 1
            message = str(error)
            assert message, given
            assert "\n" not in message, message
            assert len(message) < 500, message
    assert n_refused > len(ODD) // 3


def test_arguments_are_left_alone() -> None:
    """What was refused is as it was: no region gains a key, no array changes."""
    regions = [{"bbox": (1, 1, 2, 2)}, {"bbox": None}]
    with pytest.raises(FerruleError):
        hooks.enrich(regions, GREY, CLASSIFIER)  # type: ignore[type-var]  # what is wrong on purpose
    assert regions == [{"bbox": (1, 1, 2, 2)}, {"bbox": None}]
    assert (GREY == 128).all()


@pytest.mark.parametrize(
    "again",
    [
        *(lambda frame, k=k: pickle.loads(pickle.dumps(frame, k)) for k in range(pickle.HIGHEST_PROTOCOL + 1)),
        copy.copy, copy.deepcopy, lambda frame: dataclasses.replace(frame, source="b"),
        lambda frame: copy.deepcopy([frame])[0], lambda frame: pickle.loads(pickle.dumps(copy.deepcopy(frame))),
    ],
)  # fmt: skip
def test_a_frame_stays_read_only(again: Callable[[Frame], Frame]) -> None:
    """However a frame is made of a frame, its pixels are the same and cannot be written to."""
    frame = Frame(np.arange(12, dtype=np.uint8).reshape(3, 4), "a", 7, NOW)
    other = again(frame)
    assert np.array_equal(other.pixels, frame.pixels)
    assert (other.index, other.time) == (7, NOW)
    assert not other.pixels.flags.writeable
    with pytest.raises(ValueError, match="read-only"):
        other.pixels[0, 0] = 1


def test_a_frame_needs_a_time_with_a_zone() -> None:
    """A time without a zone would be told as another time elsewhere."""
    with pytest.raises(FerruleError, match="time zone"):
        Frame(GREY, "a", 0, datetime(2026, 1, 1))
