"""The one composition: what reaches which stage, and that nothing unreadable ever passes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from edge import inspection as composition
from edge.classify import PatchSpec
from edge.errors import ModelError, UsageError
from edge.inspection import NO_END_FACE, Inspector, inspect_frame, load_inspector
from edge.judge import connector_status, load_auto, load_criteria
from edge.records import Candidate, EndFace, Frame, Identity, Quality, Status, Unlocated

TINY = Path(__file__).parent.parent / "data" / "tiny-defects.tflite"
FACE = EndFace(100.0, 90.0, 60.0, 60.0, None, 125 / 120, 125 / 120)
GOOD = Quality(0.9, 0.5, 0.5)
STAGES = ["locate", "quality", "detect", "crop", "classify", "judge", "total"]


def candidate(x_px: int, nearest_um: float = 0.0, size_um: float = 6.0) -> Candidate:
    """A mark of this size, so far from the centre, as weak as what a detector proposes in vain."""
    farthest_um = nearest_um + size_um
    return Candidate(
        x_px, 10, 6, 6, 30, size_um, size_um, size_um, 25.0, nearest_um, nearest_um, farthest_um, -40.0, noise_grey=8.0
    )


class FakeClassifier:
    """Names candidates by the grey of their patch, and counts how often it is called."""

    labels = ("scratch", "dig", "contamination", "chip", "clean")
    spec = PatchSpec(size=8)
    threshold = 0.5
    identity = Identity("fake", "00", "by hand")

    def __init__(self, names: Sequence[str] = ()) -> None:
        self.names = list(names)
        self.calls: list[Any] = []

    def __call__(self, patches: np.ndarray, measures: np.ndarray | None = None) -> np.ndarray:
        """Scores that say the names in their order."""
        self.calls.append((patches.shape, None if measures is None else measures.shape))
        scores = np.full((len(patches), 5), 0.02, np.float32)
        for k, name in enumerate(self.names[: len(patches)]):
            scores[k, self.labels.index(name)] = 0.92
        return scores

    def name(self, scores: np.ndarray) -> list[tuple[str, float]]:
        """The best label of each row."""
        return [(self.labels[row.argmax()], float(row.max())) for row in scores]


@pytest.fixture
def stages(monkeypatch: pytest.MonkeyPatch) -> dict[str, object]:
    """Stand-ins for locate, assess and detect: what they return may be set."""
    told: dict[str, object] = {"faces": (FACE,), "quality": GOOD, "candidates": (), "detected": [], "settings": []}

    def detect(pixels: np.ndarray, face: EndFace, settings: object) -> object:
        told["detected"].append(face)  # type: ignore[attr-defined]
        told["settings"].append(settings)  # type: ignore[attr-defined]
        return told["candidates"]

    monkeypatch.setattr(composition, "locate_fibres", lambda pixels, settings: told["faces"])
    monkeypatch.setattr(composition, "assess", lambda pixels, face, rings=None, coloured=None: told["quality"])
    monkeypatch.setattr(composition, "detect", detect)
    return told


def make(names: Sequence[str] = ()) -> Inspector:
    """An Inspector whose model gives these names."""
    return Inspector(FakeClassifier(names), load_criteria())  # type: ignore[arg-type]


FRAME = Frame(np.full((180, 200), 120, np.uint8), "face.png", 3)


def test_a_clean_face_passes(stages: dict[str, object]) -> None:
    """No candidates, no findings, PASS; and the model is not even asked."""
    inspector = make()
    (told,) = inspector.inspect(FRAME)
    assert told.verdict.status is Status.PASS
    assert (told.findings, told.end_face, told.quality) == ((), FACE, GOOD)
    assert (told.source, told.index, told.time) == ("face.png", 3, FRAME.time)
    assert (told.model, told.criteria) == (FakeClassifier.identity, inspector.criteria.identity)
    assert inspector.classifier.calls == []  # type: ignore[attr-defined]
    assert list(told.timings_ms) == ["locate", "quality", "detect", "judge", "total"]


def test_findings_carry_label_score_and_zone(stages: dict[str, object]) -> None:
    """Each candidate becomes a finding in its order, `clean` ones too, which are not judged."""
    stages["candidates"] = (candidate(10), candidate(30, 40.0), candidate(50, 20.0))
    (told,) = make(["dig", "scratch", "clean"]).inspect(FRAME)
    assert [(f.label, f.zone, f.candidate.x_px) for f in told.findings] == [
        ("dig", "A", 10),
        ("scratch", "B", 30),
        ("clean", "", 50),
    ]
    assert told.findings[0].score == pytest.approx(0.92)
    assert list(told.findings[0].scores) == list(FakeClassifier.labels)
    assert told.verdict.status is Status.FAIL
    assert {r.label for r in told.verdict.reasons} == {"dig", "scratch"}
    assert list(told.timings_ms) == STAGES
    assert sum(told.timings_ms[s] for s in STAGES[:-1]) == pytest.approx(told.timings_ms["total"], rel=1e-6)


def test_without_an_end_face_nothing_passes(stages: dict[str, object]) -> None:
    """No fibre is UNREADABLE with that reason, exactly one Inspection, and no stage goes on."""
    stages["faces"] = ()
    (told,) = make().inspect(FRAME)
    assert told.verdict.status is Status.UNREADABLE
    assert [r.text for r in told.verdict.reasons] == [NO_END_FACE]
    assert told.verdict.advice
    assert told.end_face is None
    assert stages["detected"] == []
    assert told.as_dict()["end_face"] is None


@pytest.mark.parametrize("faces", [(FACE,), ()])
def test_a_picture_that_cannot_be_judged_never_passes(stages: dict[str, object], faces: tuple[EndFace, ...]) -> None:
    """Every problem is a reason, whether or not a face was found; what cannot be trusted is not even looked at."""
    bad = replace(GOOD, problems=("too dark", "out of focus"), is_trusted=False)
    stages.update(faces=faces, quality=bad, candidates=(candidate(5),))
    (told,) = make(["clean"]).inspect(FRAME)
    assert told.verdict.status is Status.UNREADABLE
    assert [r.text for r in told.verdict.reasons] == ["too dark", "out of focus"]
    assert told.findings == ()
    assert stages["detected"] == []


@pytest.mark.parametrize(
    ("label", "noise_grey", "size_um", "expected"),
    [
        ("dig", 1.0, 9.0, Status.FAIL),
        ("dig", 8.0, 9.0, Status.UNREADABLE),
        ("dig", 1.0, 4.0, Status.UNREADABLE),
        ("clean", 1.0, 9.0, Status.UNREADABLE),
        ("clean", 8.0, 9.0, Status.UNREADABLE),
    ],
    ids=["certain", "near the noise", "small enough", "unknown", "dismissed"],
)
def test_what_is_seen_badly_may_fail_and_never_passes(
    stages: dict[str, object], label: str, noise_grey: float, size_um: float, expected: Status
) -> None:
    """A blurred picture withholds PASS alone: a mark that is certain fails, with the picture's problem behind it."""
    mark = replace(candidate(5, 30.0, size_um), noise_grey=noise_grey)
    stages.update(quality=replace(GOOD, problems=("out of focus",)), candidates=(mark,))
    (told,) = make([label]).inspect(FRAME)
    assert told.verdict.status is expected
    assert len(told.findings) == 1
    assert told.verdict.reasons[-1].text == "out of focus"
    assert len(told.verdict.reasons) == (2 if expected is Status.FAIL else 1)


def test_several_fibres_share_one_call_of_the_model(stages: dict[str, object]) -> None:
    """One Inspection per fibre in order, each with its own findings, all patches classified together."""
    faces = tuple(replace(FACE, x_px=x) for x in (40.0, 100.0, 160.0))
    stages.update(faces=faces, candidates=(candidate(10), candidate(30)))
    inspector = make(["clean", "clean", "dig", "clean", "clean", "clean"])
    told = inspector.inspect(FRAME)
    assert [(i.fibre, i.n_fibres, i.end_face) for i in told] == [(k, 3, face) for k, face in enumerate(faces)]
    assert [i.verdict.status.value for i in told] == ["PASS", "FAIL", "PASS"]
    assert inspector.classifier.calls == [((6, 8, 8), None)]  # type: ignore[attr-defined]
    assert stages["detected"] == list(faces)


def test_a_fibre_that_was_not_located_is_unreadable(stages: dict[str, object]) -> None:
    """In its turn among the others, with its place and its reason, and the connector does not pass."""
    gone = Unlocated("fibre at 100, 90 px not located: gone", 100.0, 90.0, 40.0, 40.0)
    stages["faces"] = (FACE, gone, replace(FACE, x_px=160.0))
    told = make().inspect(FRAME)
    assert [i.verdict.status.value for i in told] == ["PASS", "UNREADABLE", "PASS"]
    assert connector_status(i.verdict for i in told) is Status.UNREADABLE
    assert [i.unlocated for i in told] == [None, gone, None]
    assert [r.text for r in told[1].verdict.reasons] == [gone.why]
    assert told[1].as_dict()["unlocated"] == {"x_px": 100.0, "y_px": 90.0, "rx_px": 40.0, "ry_px": 40.0}
    assert told[1].end_face is None


def test_with_a_wrong_scale_nothing_is_judged(stages: dict[str, object]) -> None:
    """Neither PASS nor FAIL: no size means anything."""
    stages["faces"] = (replace(FACE, um_per_px_x=0.3, um_per_px_y=0.3, scale_from="calibration"),)
    stages["candidates"] = (candidate(10),)
    (told,) = make(["dig"]).inspect(FRAME)
    assert told.verdict.status is Status.UNREADABLE
    assert told.verdict.reasons[0].text.startswith("wrong scale: with 0.3 x 0.3 um a pixel the cladding measures")
    assert told.findings == ()


def auto() -> Inspector:
    """An Inspector that picks the profile, whose model calls everything a dig."""
    return Inspector(FakeClassifier(["dig"]), load_auto())  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("core_um", "diameter_um", "status", "name"),
    [
        (9.0, 4.0, Status.FAIL, "iec-61300-3-35-2015-sm-upc"),
        (50.0, 4.0, Status.PASS, "iec-61300-3-35-2015-mm"),
        (None, 4.0, Status.UNREADABLE, "auto"),
        (None, 12.0, Status.FAIL, "auto"),
        (9.0, None, Status.PASS, "iec-61300-3-35-2015-sm-upc"),
        (None, None, Status.UNREADABLE, "auto"),
    ],
)
def test_auto_judges_by_what_the_core_tells(
    stages: dict[str, object], core_um: float | None, diameter_um: float | None, status: Status, name: str
) -> None:
    """A mark in zone A: by the profile of the kind; where the core tells none, what fails under both kinds fails."""
    core_r_px = None if core_um is None else core_um / 2 / FACE.um_per_px
    stages["faces"] = (replace(FACE, core_r_px=core_r_px, core_confidence=1.0 if core_um else 0.0),)
    if diameter_um is not None:
        mark = replace(
            candidate(10), diameter_um=diameter_um, length_um=diameter_um, width_um=diameter_um, nearest_um=1
        )
        stages["candidates"] = (mark,)
    (told,) = auto().inspect(FRAME)
    assert (told.verdict.status, told.criteria.name) == (status, name)
    assert len(told.findings) == (diameter_um is not None)
    if status is Status.UNREADABLE:
        assert "say which with --criteria" in told.verdict.reasons[-1].text


def test_a_profile_for_another_fibre_withholds_both_verdicts(stages: dict[str, object]) -> None:
    """What was found is shown all the same."""
    stages["faces"] = (replace(FACE, core_r_px=25 / FACE.um_per_px, core_confidence=1.0),)
    stages["candidates"] = (candidate(10),)
    (told,) = make(["dig"]).inspect(FRAME)
    assert told.verdict.status is Status.UNREADABLE
    assert "this looks like multimode (core 50 um across)" in told.verdict.reasons[0].text
    assert told.verdict.advice == "judge it by the profile of its fibre"
    assert len(told.findings) == 1


def test_measures_reach_a_model_that_asks_for_them(stages: dict[str, object]) -> None:
    """The second input holds a row per candidate and a column per measure."""
    stages["candidates"] = (candidate(10), candidate(30))
    inspector = make(["dig", "dig"])
    inspector.classifier.spec = PatchSpec(size=8, measures=("diameter_um", "distance_radii"))
    inspect_frame(FRAME, inspector)
    assert inspector.classifier.calls == [((2, 8, 8), (2, 2))]  # type: ignore[attr-defined]


def test_the_composition_is_pure(stages: dict[str, object]) -> None:
    """The same frame gives the same Inspection but for the times, and its pixels stay."""
    stages["candidates"] = (candidate(10),)
    inspector = make(["dig"])
    before = FRAME.pixels.copy()
    first, second = inspector.inspect(FRAME), inspector.inspect(FRAME)
    assert [replace(i, timings_ms={}) for i in first] == [replace(i, timings_ms={}) for i in second]
    assert np.array_equal(FRAME.pixels, before)


def test_a_lost_frame_is_unreadable() -> None:
    """A frame that never came keeps its place in the record, and says what happened."""
    when = datetime(2026, 11, 22, 14, 0, tzinfo=timezone.utc)
    told = make().unread("cam", 17, when, "a frame was lost").as_dict()
    assert told["status"] == "UNREADABLE"
    assert (told["source"], told["index"], told["time"]) == ("cam", 17, "2026-11-22T14:00:00.000Z")
    assert [r["text"] for r in told["reasons"]] == ["a frame was lost"]
    assert told["end_face"] is None
    assert told["quality"] is None


@pytest.mark.parametrize("shape", [(1, 1), (1, 500), (500, 1), (2, 3), (40, 40), (300, 300)])
@pytest.mark.parametrize("level", [0, 130, 255])
def test_pictures_of_nothing_are_unreadable(shape: tuple[int, int], level: int) -> None:
    """The real stages, given a flat picture of any size, find no face and pass nothing."""
    inspector = load_inspector(TINY)
    (told,) = inspector.inspect(Frame(np.full(shape, level, np.uint8), "flat.png"))
    assert told.verdict.status is Status.UNREADABLE
    assert told.verdict.reasons[0].text


def test_noise_never_passes() -> None:
    """A picture of noise alone is UNREADABLE or FAIL."""
    inspector = load_inspector(TINY)
    for seed in range(3):
        pixels = np.random.default_rng(seed).integers(0, 256, (240, 320), np.uint8)
        assert all(i.verdict.status is not Status.PASS for i in inspector.inspect(Frame(pixels, "noise.png")))


class TestLoadInspector:
    """Inspectors from names and files."""

    def test_names_and_files(self) -> None:
        """Model and criteria may be files; the cladding is the criteria's unless settings say otherwise."""
        inspector = load_inspector(TINY, "iec-61300-3-35-2015-mm")
        assert inspector.criteria.identity.name == "iec-61300-3-35-2015-mm"
        assert inspector.locate_settings.cladding_um == inspector.criteria.cladding_um

    def test_what_is_unknown_is_refused(self, tmp_path: Path) -> None:
        """Unknown names and negative counts are usage errors, a damaged model is refused."""
        damaged = tmp_path / "damaged.tflite"
        damaged.write_bytes(TINY.read_bytes()[:-100])
        for arguments in (
            {"model": "no-such-model"},
            {"criteria": "no-such-criteria"},
            {"runtime": "no-such-runtime"},
            {"n_cleanings": -1},
        ):
            with pytest.raises(UsageError):
                load_inspector(**{"model": TINY, **arguments})  # type: ignore[arg-type]
        with pytest.raises(ModelError):
            load_inspector(damaged)


def _plain_face(width_px: int) -> np.ndarray:
    """A clean glass of 125 um at 0.5 um a pixel, in the middle of a picture of this width."""
    y, x = np.mgrid[0:600, 0:width_px].astype(np.float32)
    r_px = np.hypot(x - (width_px - 1) / 2, y - 299.5)
    grey = 90 + 90 * np.clip(r_px - 125 + 0.5, 0, 1) + np.random.default_rng(0).normal(0, 1.5, r_px.shape)
    return cv2.GaussianBlur(grey, (0, 0), 0.8).astype(np.uint8)


@pytest.mark.parametrize(
    ("criteria", "width_px", "expected"),
    [
        ("iec-61300-3-35-2015-sm-upc", 600, Status.PASS),
        ("iec-61300-3-35-2015-sm-upc", 440, Status.UNREADABLE),
        ("iec-61300-3-35-2015-mpo-sm", 440, Status.PASS),
    ],
)
def test_a_zone_that_is_not_in_the_picture_never_passes(criteria: str, width_px: int, expected: Status) -> None:
    """A picture that shows 220 um is enough for zones A and B, and not for zone D, which reaches to 250 um."""
    inspector = Inspector(FakeClassifier(()), load_criteria(criteria))  # type: ignore[arg-type]
    (told,) = inspector.inspect(Frame(_plain_face(width_px), "face.png"))
    assert told.verdict.status is expected, told.verdict.reasons


def test_marks_are_looked_for_wherever_the_criteria_judge(stages: dict[str, Any], tmp_path: Path) -> None:
    """A profile whose zones reach beyond the detector's own reach widens it: nothing judged goes unseen."""
    shipped = load_criteria().path.read_text(encoding="utf-8")
    wide = tmp_path / "wide.toml"
    wide.write_text(shipped.replace("outer_um = 250.0", "outer_um = 500.0"), encoding="utf-8")
    Inspector(FakeClassifier(()), load_criteria(str(wide))).inspect(FRAME)  # type: ignore[arg-type]
    (settings,) = stages["settings"]
    radius_um = math.sqrt(FACE.cladding_rx_px * FACE.um_per_px_x * FACE.cladding_ry_px * FACE.um_per_px_y)
    assert settings.reach == pytest.approx(250 / radius_um)
