"""From inspecting to learning: what a person moved into folders is read as the model saw it."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner, Result

from edge.capture import CaptureSettings, PatchCapture
from edge.capture.sidecar import RECORDS, UNLABELLED, read_records
from edge.classify import PatchSpec, crop, encode_measures
from edge.errors import SourceError, UsageError
from edge.labels import DEFECT_LABELS
from edge.records import Candidate, EndFace, Finding, Frame, Identity, Inspection, Status, Verdict
from trainer.data import Source, open_dataset
from trainer.data.captured_patches import is_folder, labels_in, read_captured
from trainer.data.dataset import reopen, unseen
from trainer.data.label_folders import Grouping
from trainer.data.split import SplitSettings

SPEC = PatchSpec(28, "median", ("length_um", "diameter_um", "contrast_grey", "rim_gap_um", "box_px"))
FACE = EndFace(200.3, 150.7, 110.1, 109.9, 41.0, 0.5678901234567, 0.56)
N_PICTURES = 8


def candidates(number: int) -> list[Candidate]:
    """Some marks of a picture, large and small, over the border too."""
    rng = np.random.default_rng([number, 1])
    boxes = rng.integers((-5, -5, 2, 2), (400, 300, 90, 60), (6, 4)).tolist()
    figures = [[*box, 9, *rng.uniform(1, 60, 7).tolist(), float(rng.uniform(-50, 50))] for box in boxes]
    return [Candidate(*of_mark) for of_mark in figures]


def pixels_of(number: int) -> np.ndarray:
    """A picture unlike the others."""
    return np.random.default_rng([number, 2]).integers(0, 256, (300, 400), np.uint8)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Patches captured from eight pictures of four fibres, none labelled yet."""
    capture = PatchCapture(tmp_path / "mine", CaptureSettings(random_share=1.0), SPEC.size, 0.4)
    capture.folder.prepare(DEFECT_LABELS, "fibre-defects")
    for number in range(N_PICTURES):
        frame = Frame(pixels_of(number), f"scope/J{number // 2}-{number}.png")
        findings = tuple(
            Finding(c, "dig", 0.8, {"dig": 0.8, **dict.fromkeys(("scratch", "contamination", "chip", "clean"), 0.05)})
            for c in candidates(number)
        )
        looked = Inspection(
            frame.source, 0, frame.time, Verdict(Status.FAIL), Identity("p", "c" * 64), Identity("m", "a" * 64), FACE,
            None, findings, {},
        )  # fmt: skip
        capture.keep(frame, [looked])
    return tmp_path / "mine"


def move(folder: Path, label: str, chosen: slice, name: str = "{}") -> list[str]:
    """What a person does in a file manager; the hashes of the patches moved."""
    moved = []
    (folder / label).mkdir(exist_ok=True)
    for path in sorted((folder / UNLABELLED).rglob("*.png"))[chosen]:
        shutil.move(path, folder / label / name.format(path.name))
        moved.append(path.stem)
    return moved


def test_codes_and_patches_are_those_that_the_model_saw(folder: Path) -> None:
    """Captured, moved and renamed: bytes and codes are the edge's own, and what is not labelled is counted."""
    digs = move(folder, "dig", slice(0, 15))
    scratches = move(folder, "scratch", slice(0, 10), "looks like one, {}")
    read = read_captured(folder, SPEC, DEFECT_LABELS)
    assert read.labels == DEFECT_LABELS
    assert [DEFECT_LABELS[code] for code in read.examples.labels] == ["scratch"] * 10 + ["dig"] * 15
    seen: dict[str, Any] = {}
    for number in range(N_PICTURES):
        marks = candidates(number)
        patches, codes = crop(pixels_of(number), marks, SPEC), encode_measures(marks, FACE, SPEC)
        seen |= {patches[k].tobytes() + codes[k].tobytes(): number for k in range(len(marks))}
    got = [p.tobytes() + m.tobytes() for p, m in zip(read.examples.patches, read.examples.measures, strict=True)]
    assert set(got) <= set(seen)
    assert len(set(got)) == len(digs + scratches) == 25
    assert read.notices == ("23 not labelled yet",)
    group_of = dict(zip(got, read.examples.groups.tolist(), strict=True))
    for one in got:
        for other in got:
            assert (group_of[one] == group_of[other]) == (seen[one] == seen[other])


def test_a_pattern_groups_by_the_pictures_name(folder: Path) -> None:
    """Several pictures of one fibre stay together."""
    move(folder, "dig", slice(0, 20))
    move(folder, "clean", slice(0, 20))
    groups = read_captured(folder, SPEC, DEFECT_LABELS, Grouping(pattern=r"J\d+")).examples.groups
    assert set(groups.tolist()) == {"J0", "J1", "J2", "J3"}
    with pytest.raises(UsageError, match=r"groups come from a pattern .*, not a table"):
        read_captured(folder, SPEC, DEFECT_LABELS, Grouping(column="fibre"))


def test_other_pictures_may_lie_there_too(folder: Path) -> None:
    """Of them only the pixels are known, and it is said; folders of other names are labels that come after."""
    move(folder, "dig", slice(0, 3))
    (folder / "crack").mkdir()
    cv2.imwrite(str(folder / "crack" / "mine.jpg"), pixels_of(99)[:50, :40])
    (folder / "empty").mkdir()
    (folder / "crack" / "bad.png").write_bytes(b"no picture")
    labels = labels_in(folder, DEFECT_LABELS)
    assert labels == (*DEFECT_LABELS, "crack")
    read = read_captured(folder, SPEC, labels)
    assert read.examples.measures[-1].tolist()[:4] == [0, 0, 0, 0]
    assert read.examples.groups[-1] == "crack/mine.jpg"
    assert any("1 pictures are in no line of capture.jsonl" in notice for notice in read.notices)
    assert len(read.unreadable) == 1
    with pytest.raises(UsageError, match="crack is not among the labels"):
        read_captured(folder, SPEC, DEFECT_LABELS)


def test_what_is_damaged_costs_itself(folder: Path) -> None:
    """A patch under two labels is not used, one twice is used once, one whose line is damaged keeps its pixels."""
    (first, *_) = move(folder, "dig", slice(0, 10))
    shutil.copy(folder / "dig" / f"{first}.png", folder / "scratch" / "other.png")
    shutil.copy(folder / "dig" / f"{first}.png", folder / "dig" / "copy.png")
    lines = (folder / RECORDS).read_text().splitlines()
    known = sorted((folder / "dig").glob("*.png"))[1].stem
    damaged = [line[:-9] if known in line else line for line in lines]
    (folder / RECORDS).write_text("\n".join(damaged))
    assert len(read_records(folder)[0]) == len(lines) - 1
    read = read_captured(folder, SPEC, DEFECT_LABELS)
    assert len(read.examples) == 9
    assert (read.examples.measures[:, 0] == 0).sum() == 1
    told = " ".join(read.notices)
    for words in ("copies of others", "lie under several labels", "1 pictures are in no line", "1 lines of capture"):
        assert words in told


def test_nothing_labelled_yet_is_said_with_what_to_do(folder: Path) -> None:
    """And so is a single label where none are known from a model; patches that cannot be read are an error."""
    assert is_folder(folder)
    with pytest.raises(UsageError, match=r"48 not labelled yet, .* move patches from unlabelled/"):
        read_captured(folder, SPEC, DEFECT_LABELS)
    move(folder, "dig", slice(0, 2))
    with pytest.raises(UsageError, match="1 labels with pictures: expected at least 2"):
        read_captured(folder, SPEC)
    for path in (folder / "dig").iterdir():
        path.write_bytes(b"")
    with pytest.raises(SourceError, match="none of its 2 patches"):
        read_captured(folder, SPEC, DEFECT_LABELS)


def test_a_dataset_keeps_pictures_together_and_is_opened_again_alike(folder: Path) -> None:
    """Three parts that share no picture, copies to learn from, and the same parts for conversion and scoring."""
    move(folder, "dig", slice(0, 20))
    move(folder, "scratch", slice(0, 20))
    dataset = open_dataset(Source(folder, DEFECT_LABELS), SPEC, SplitSettings(seed=2))
    parts = [set(part.groups.tolist()) for part in (dataset.train, dataset.validation, dataset.test)]
    assert all(parts)
    assert not (parts[0] & parts[1] | parts[0] & parts[2] | parts[1] & parts[2])
    assert len(dataset.train) == 4 * (40 - len(dataset.validation) - len(dataset.test))
    assert "no picture of contamination, chip, clean" in dataset.notices
    assert dataset.data["pictures dig"] == 20
    again = reopen(dataset.data, DEFECT_LABELS, SPEC, Source(folder))
    assert again.data == dataset.data
    assert np.array_equal(again.test.patches, dataset.test.patches)
    own = unseen(dataset.data, DEFECT_LABELS, SPEC, Source(folder))
    assert (len(own.examples), own.words) == (len(dataset.test), "the test part of mine")
    other = unseen({"name": "other"}, DEFECT_LABELS, SPEC, Source(folder))
    assert (len(other.examples), other.words) == (40, "all of mine")


def test_rehearsing_adds_rendered_faces_but_not_to_the_test(folder: Path) -> None:
    """They are learned from, fit the temperature and measure a conversion; other labels than theirs stay."""
    move(folder, "dig", slice(0, 20))
    move(folder, "crack", slice(0, 20))
    labels = labels_in(folder, DEFECT_LABELS)
    plain = open_dataset(Source(folder, labels), SPEC)
    rehearsed = open_dataset(replace(Source(folder, labels), rehearsed_faces=2), SPEC)
    assert np.array_equal(rehearsed.test.patches, plain.test.patches)
    assert len(rehearsed.train) > len(plain.train)
    assert len(rehearsed.validation) > len(plain.validation)
    assert rehearsed.check is not None
    assert rehearsed.train.measures.shape[1] == len(SPEC.measures)
    shares = [set(part.groups.tolist()) for part in (rehearsed.train, rehearsed.validation, rehearsed.check)]
    assert not (shares[0] & shares[1] | shares[0] & shares[2] | shares[1] & shares[2])
    again = reopen(rehearsed.data, labels, SPEC, Source(folder))
    assert np.array_equal(again.validation.patches, rehearsed.validation.patches)
    assert again.data == rehearsed.data


@pytest.mark.train
@pytest.mark.slow
def test_the_shipped_model_goes_on_with_captured_patches(folder: Path, tmp_path: Path) -> None:
    """Captured, labelled, trained, converted, evaluated, used: all labels stay, and so does the threshold."""
    pytest.importorskip("keras", reason="the train extra (TensorFlow) is not installed")
    from edge.classify import load_bundle
    from trainer.cli.app import app
    from trainer.tensorflow_import import import_tensorflow

    import_tensorflow()

    def run(*arguments: object) -> Result:
        return CliRunner().invoke(app, [str(a) for a in arguments])

    train = ("train", "--data", folder, "--from", "fibre-defects", "--out", tmp_path / "mine.keras")
    nothing = run(*train)
    assert (nothing.exit_code, "not labelled yet" in nothing.stderr) == (2, True)
    move(folder, "dig", slice(0, 20))
    move(folder, "scratch", slice(0, 18))
    shown = run(*train, "--epochs", 2)
    assert shown.exit_code == 0, shown.stderr
    for words in ("10 not labelled yet", "rendered faces are learned along", "; 0.", " before"):
        assert words in shown.stdout
    converted = run("convert", tmp_path / "mine.keras", "--data", folder)
    assert converted.exit_code == 0, converted.stderr
    mine, shipped = load_bundle(tmp_path / "mine.tflite").description, load_bundle("fibre-defects").description
    assert (mine.labels, mine.threshold, mine.patch) == (shipped.labels, shipped.threshold, shipped.patch)
    scored = run("evaluate", tmp_path / "mine.tflite", "--data", folder, "--out", tmp_path / "figures")
    assert "the test part of mine" in scored.stdout
    again = run(*train[:4], tmp_path / "mine.keras", "--out", tmp_path / "more.keras", "--epochs", 1)
    assert again.exit_code == 0, again.stderr
    assert "rendered faces are learned along" in again.stdout
