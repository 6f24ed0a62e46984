from __future__ import annotations

import json
import logging
import struct
import zipfile
from pathlib import Path

import numpy as np
import pytest

keras = pytest.importorskip("keras", reason="the train extra (TensorFlow) is not installed")

from edge.classify import PatchSpec
from edge.classify.description import check_labels
from edge.errors import ModelError, OutputError, UsageError
from trainer.learning import model_file
from trainer.learning.model_file import Facts, TrainedModel, load, save, weights_sha256
from trainer.learning.network import build_model, build_network

pytestmark = pytest.mark.train
LABELS = ("dig", "chip", "scratch")


@pytest.fixture(scope="module")
def trained() -> TrainedModel:
    """A model with measures and a record."""
    spec = PatchSpec(8, "median", ("snr", "fill"))
    data: Facts = {"name": "mine", "pictures": 7, "test_share": 0.2}
    return TrainedModel(
        build_network("mlp", spec, 3), LABELS, spec, data, {"seed": 3}, {"loss": (0.5, 0.25), "accuracy": (0.5, 1.0)}
    )


@pytest.fixture
def saved(trained: TrainedModel, tmp_path: Path) -> Path:
    """The same on disk."""
    save(trained, tmp_path / "m.keras")
    return tmp_path / "m.keras"


def test_what_is_saved_is_loaded(trained: TrainedModel, saved: Path) -> None:
    """Weights bit for bit, labels, what it wants to see, its record and its history."""
    again = load(saved)
    assert weights_sha256(again.model) == weights_sha256(trained.model)
    for name in ("labels", "spec", "data", "code", "history"):
        assert getattr(again, name) == getattr(trained, name)


def test_keras_itself_still_reads_the_file(saved: Path) -> None:
    """The description is one more member of the archive, which Keras passes over."""
    assert keras.models.load_model(saved).output_shape == (None, 3)
    with zipfile.ZipFile(saved) as archive:
        assert json.loads(archive.read("ferrule.json"))["labels"] == list(LABELS)


def test_saving_leaves_nothing_else_behind_and_replaces_the_old(trained: TrainedModel, saved: Path) -> None:
    """Written aside, then renamed."""
    save(trained, saved)
    assert [p.name for p in saved.parent.iterdir()] == ["m.keras"]


def test_a_failed_save_leaves_the_old_file(trained: TrainedModel, saved: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A full disk half way costs the new model, not the old one."""
    before = saved.read_bytes()

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(zipfile.ZipFile, "writestr", full)
    with pytest.raises(OutputError, match="No space left"):
        save(trained, saved)
    monkeypatch.undo()
    assert saved.read_bytes() == before
    assert [p.name for p in saved.parent.iterdir()] == ["m.keras"]


def test_places_that_cannot_be_written_to_are_refused(trained: TrainedModel, tmp_path: Path) -> None:
    """Another suffix, a missing folder, a folder in the way."""
    (tmp_path / "dir.keras").mkdir()
    for name, expected in (("m.h5", "ends in .keras"), ("no/m.keras", "there is no folder"), ("dir.keras", "a folder")):
        with pytest.raises(UsageError, match=expected):
            save(trained, tmp_path / name)


@pytest.mark.parametrize("suffix", [".h5", ".keras"])
def test_models_that_keras_wrote_need_their_labels_beside(
    suffix: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Without labels it is refused, not given made-up names; with them it is a model like any other."""
    model = build_model((8, 8), 3)
    path = tmp_path / f"old{suffix}"
    with caplog.at_level(logging.CRITICAL):  # Keras logs that .h5 is old
        model.save(path)
    with pytest.raises(UsageError, match=r"does not say its labels: put .* into .*old\.json"):
        load(path)
    (tmp_path / "old.json").write_text(json.dumps({"labels": LABELS}))
    loaded = load(path)
    assert (loaded.labels, loaded.spec) == (LABELS, PatchSpec(8))
    assert weights_sha256(loaded.model) == weights_sha256(model)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("no JSON", "malformed"),
        ('{"labels": ["a"]}', "length >= 2"),
        ('{"labels": ["a", "b", "c"], "colour": 1}', "unknown field `colour`"),
        ('{"labels": ["a", "b"]}', "2 labels .* gives .*3"),
        ('{"labels": ["a", "b", "b"]}', "each may be named once"),
        ('{"labels": ["a", "b", "c"], "patch": {"size": 9}}', "patch size"),
        ('{"labels": ["a", "b", "c"], "patch": {"size": 2}}', "patch size 2"),
    ],
)
def test_a_description_that_cannot_be_used_is_refused(text: str, expected: str, tmp_path: Path) -> None:
    """Unknown keys, wrong counts and contradictions are said, never passed over."""
    build_model((8, 8), 3).save(tmp_path / "m.keras")
    (tmp_path / "m.json").write_text(text)
    with pytest.raises(ModelError, match=expected):
        load(tmp_path / "m.keras")


def test_a_damaged_file_is_refused(saved: Path) -> None:
    """Truncated anywhere, or with a bit flipped in the weights, the description or the config: no model comes out."""
    whole = saved.read_bytes()
    for length in (0, 10, 1000, len(whole) // 2, len(whole) - 1):
        saved.write_bytes(whole[:length])
        with pytest.raises(ModelError, match="damaged"):
            load(saved)
    for at in np.linspace(100, len(whole) - 400, 12).astype(int):
        flipped = bytearray(whole)
        flipped[at] ^= 1
        saved.write_bytes(bytes(flipped))
        with pytest.raises(ModelError):
            load(saved)


@pytest.mark.parametrize(
    ("field", "layout", "value"),
    [
        *((8, "<H", flags) for flags in (1, 0x41)),
        *((10, "<H", method) for method in (1, 8, 9, 12, 14, 93, 99, 65535)),
        *((6, "<H", version) for version in (64, 255)),
        *((24, "<I", size) for size in (0, 10, 2**31, 2**32 - 1)),
        *((20, "<I", size) for size in (0, 10, 2**31)),
        *((42, "<I", at) for at in (1, 2**31, 2**32 - 1)),
    ],
)
def test_zip_tricks_are_refused(saved: Path, field: int, layout: str, value: int) -> None:
    """An archive whose directory says something else of its last member, the description, gives ModelError alone."""
    content = bytearray(saved.read_bytes())
    struct.pack_into(layout, content, content.rindex(b"PK\1\2") + field, value)
    saved.write_bytes(bytes(content))
    with pytest.raises(ModelError):
        load(saved)


def test_a_member_that_unpacks_without_end_is_refused(saved: Path) -> None:
    """What a member says to hold is looked at before it is unpacked."""
    with zipfile.ZipFile(saved) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(saved, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in (members | {"ferrule.json": b" " * 50_000_000}).items():
            archive.writestr(name, data)
    with pytest.raises(ModelError, match="expected a description"):
        load(saved)


@pytest.mark.parametrize("name", ["x" * 300 + ".keras", "a\0.keras"])
def test_names_that_no_file_can_have(name: str, tmp_path: Path) -> None:
    """Too long, or with a zero byte: told as a model that is not there."""
    with pytest.raises(UsageError):
        load(tmp_path / name)


def test_files_that_are_no_models_are_refused(tmp_path: Path) -> None:
    """Missing, of another kind, an archive of something else, no HDF5, a model that is no classifier."""
    (tmp_path / "a.txt").touch()
    (tmp_path / "b.h5").write_bytes(b"no HDF5")
    (tmp_path / "b.json").write_text('{"labels": ["a", "b"]}')
    with zipfile.ZipFile(tmp_path / "c.keras", "w") as archive:
        archive.writestr("ferrule.json", '{"labels": ["a", "b"]}')
    inputs = keras.Input((8, 8))
    keras.Model(inputs, keras.layers.Reshape((8, 8, 1))(inputs)).save(tmp_path / "d.keras")
    (tmp_path / "d.json").write_text('{"labels": ["a", "b"]}')
    build_model((8, 8, 3), 2).save(tmp_path / "e.keras")
    (tmp_path / "e.json").write_text('{"labels": ["a", "b"]}')
    cases = [
        ("gone.keras", UsageError, "no model .*gone"),
        ("a.txt", UsageError, "ends in .keras, .h5"),
        ("b.h5", ModelError, "cannot be loaded"),
        ("c.keras", ModelError, "cannot be loaded"),
        ("d.keras", ModelError, "no classifier"),
        ("e.keras", ModelError, "expected one square grey picture"),
    ]
    for name, error, expected in cases:
        with pytest.raises(error, match=expected):
            load(tmp_path / name)


def test_a_shipped_trainable_model_goes_by_its_name(
    saved: Path, monkeypatch: pytest.MonkeyPatch, trained: TrainedModel
) -> None:
    """As `--from fibre-defects` asks for it."""
    monkeypatch.setattr(model_file, "shipped_models_dir", lambda: saved.parent)
    assert load("m").labels == trained.labels
    with pytest.raises(UsageError, match=r"a trainable model that ships \(m\)"):
        load("n")


@pytest.mark.parametrize(
    "labels", [(), ("a",), ("a", "a"), ("a", ""), ("a", " b"), ("a", "b\nc"), ("a", "unknown"), ("a", "x" * 65)]
)
def test_labels_that_no_bundle_could_carry_are_refused(labels: tuple[str, ...]) -> None:
    """Before the training, not after it."""
    with pytest.raises(UsageError):
        check_labels(labels)


def test_the_hash_of_weights_is_of_their_values_alone() -> None:
    """The same values in another object hash alike; one changed bit does not."""
    model = build_model((4, 4), 2)
    twin = keras.models.clone_model(model)
    twin.set_weights(model.get_weights())
    assert weights_sha256(twin) == weights_sha256(model)
    weights = model.get_weights()
    weights[0].view(np.uint32)[0, 0] ^= 1
    twin.set_weights(weights)
    assert weights_sha256(twin) != weights_sha256(model)
