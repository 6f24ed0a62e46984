import hashlib
import io
import random
import zipfile
from pathlib import Path

import msgspec
import pytest

from edge.classify import PatchSpec, load_bundle
from edge.classify import bundle as bundles
from edge.classify.bundle import graph_of, list_models, pack, read_bundle, shipped_models_dir, write_bundle
from edge.errors import ModelError, UsageError

DATA = Path(__file__).parents[2] / "data"
TINY = DATA / "tiny.tflite"


def resealed(**changes: object) -> bytes:
    """The tiny model with other words in its description, sealed as if they were right."""
    whole = load_bundle(TINY)
    described = msgspec.to_builtins(whole.description, builtin_types=(bytes,)) | changes
    text = msgspec.json.encode({name: value for name, value in described.items() if value is not None})
    return sealed({"labels.txt": b"left\nright", "ferrule.json": text})


def sealed(members: dict[str, bytes]) -> bytes:
    """The tiny model's graph with this archive behind it, sealed."""
    buffer = io.BytesIO(graph_of(load_bundle(TINY)))
    with zipfile.ZipFile(buffer, "a") as archive:
        for name, data in members.items():
            archive.writestr(name, data)
        archive.comment = b" " * 71
    body = buffer.getvalue()[:-71]
    return body + b"sha256:" + hashlib.sha256(body).hexdigest().encode()


def test_what_travels_inside() -> None:
    """A bundle gives back what was packed, and the hash that sha256sum prints."""
    whole = load_bundle(TINY)
    assert whole.description.labels == ("left", "right")
    assert whole.description.patch == PatchSpec(4)
    assert whole.description.threshold == 0.5
    assert whole.sha256 == hashlib.sha256(TINY.read_bytes()).hexdigest()
    assert hashlib.sha256(graph_of(whole)).hexdigest() == whole.description.graph_sha256


def test_zip_readers_read_it() -> None:
    """To Python's zipfile a bundle is an archive with the labels in it."""
    with zipfile.ZipFile(TINY) as archive:
        assert archive.testzip() is None
        assert archive.read("labels.txt").decode().splitlines() == ["left", "right"]
        assert {member.compress_type for member in archive.infolist()} == {zipfile.ZIP_STORED}


def test_same_bytes() -> None:
    """Packing the same graph and description twice gives the same bytes: those of the committed file."""
    whole = load_bundle(TINY)
    assert pack(graph_of(whole), whole.description) == TINY.read_bytes()


@pytest.mark.parametrize("name", ["tiny", "tiny-measures", "tiny-defects"])
def test_any_flipped_bit_is_refused(name: str) -> None:
    """Of 200 random single flipped bits, and one in each of the last 200 bytes, none gets past the seal."""
    content = (DATA / f"{name}.tflite").read_bytes()
    rng = random.Random(0)
    places = [rng.randrange(len(content)) for _ in range(200)] + [len(content) - 1 - i for i in range(200)]
    for place in places:
        damaged = bytearray(content)
        damaged[place] ^= 1 << rng.randrange(8)
        with pytest.raises(ModelError):
            read_bundle(bytes(damaged))


def test_cut_or_lengthened_is_refused() -> None:
    """A file cut short anywhere, or with bytes added, is refused."""
    content = TINY.read_bytes()
    for length in [*range(0, len(content), 37), len(content) - 1]:
        with pytest.raises(ModelError):
            read_bundle(content[:length])
    for added in (content + b"\0", b"\0" + content, content + content[-71:]):
        with pytest.raises(ModelError):
            read_bundle(added)


def test_nothing_damaged_reaches_an_interpreter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The seal is checked before the bytes are parsed or run by anybody."""
    monkeypatch.setattr("edge.classify.bundle.read_member", None)
    monkeypatch.setattr("edge.classify.bundle.msgspec.json.decode", None)
    with pytest.raises(ModelError):
        read_bundle(TINY.read_bytes()[:-1])


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "the file is empty"),
        (b"hello world", "no TFLite model"),
        (b"\x1c\0\0\0TFL3" + bytes(400), "without Ferrule's bundle"),
        (TINY.read_bytes()[:-40], "the file is damaged"),
    ],
)
def test_messages_tell_what_to_do(content: bytes, message: str) -> None:
    """An empty, a foreign, an unbundled and a damaged file are told apart, in one line with a next step."""
    with pytest.raises(ModelError, match=message) as caught:
        read_bundle(content, "some.tflite")
    assert str(caught.value).startswith("some.tflite: ")
    assert "\n" not in str(caught.value)
    assert caught.value.exit_code == 4


@pytest.mark.parametrize(
    "changes",
    [
        {"schema": "ferrule/bundle/2"}, {"labels": []}, {"labels": ["left"]}, {"labels": ["left", "left"]},
        {"labels": ["left", "unknown"]}, {"labels": ["left", "ri\nght"]}, {"labels": ["left", "right", "up"]},
        {"temperature": 0.0}, {"threshold": 1.5}, {"threshold": "high"}, {"name": "Not a name"}, {"name": None},
        {"patch": {"size": 28}}, {"patch": {"size": 4, "measures": ["weight"]}},
        {"patch": {"size": 4, "measures": ["snr"]}}, {"colour": "red"}, {"golden": None},
    ],
)  # fmt: skip
def test_descriptions_are_strict(changes: dict[str, object]) -> None:
    """A sealed file whose description is of another contract is refused: nothing is guessed or ignored."""
    with pytest.raises(ModelError, match=r"ferrule\.json cannot be used"):
        read_bundle(resealed(**changes))


def test_archive_without_description() -> None:
    """A sealed archive without the description is refused."""
    with pytest.raises(ModelError, match=r"ferrule\.json cannot be used"):
        read_bundle(sealed({"labels.txt": b"left\nright"}))
    with pytest.raises(ModelError, match=r"ferrule\.json cannot be used"):
        read_bundle(sealed({"ferrule.json": b"not json"}))


def test_pack_refuses() -> None:
    """What could not be read back is not packed."""
    whole = load_bundle(TINY)
    with pytest.raises(UsageError, match="no TFLite model"):
        pack(b"nothing", whole.description)
    with pytest.raises(UsageError, match="does not hold together"):
        pack(graph_of(whole), msgspec.structs.replace(whole.description, threshold=1.5))


def test_write_is_whole_or_not_at_all(tmp_path: Path) -> None:
    """A bundle is written aside and renamed; content that is no bundle leaves what was there as it was."""
    path = tmp_path / "model.tflite"
    write_bundle(path, TINY.read_bytes())
    with pytest.raises(ModelError):
        write_bundle(path, b"half")
    assert [p.name for p in tmp_path.iterdir()] == ["model.tflite"]
    assert path.read_bytes() == TINY.read_bytes()
    with pytest.raises(UsageError, match="cannot be written"):
        write_bundle(tmp_path / "missing" / "model.tflite", TINY.read_bytes())


def test_read_once(tmp_path: Path) -> None:
    """A bundle holds its bytes: replacing or deleting the file later changes nothing."""
    path = tmp_path / "model.tflite"
    path.write_bytes(TINY.read_bytes())
    whole = load_bundle(path)
    path.write_bytes(b"something else")
    assert whole.content == TINY.read_bytes()


def test_names(monkeypatch: pytest.MonkeyPatch) -> None:
    """Models that ship are listed by name and loaded by it; what is neither file nor name says what there is."""
    monkeypatch.setattr(bundles, "shipped_models_dir", lambda: DATA)
    assert list(list_models()) == ["tiny", "tiny-defects", "tiny-measures", "tiny-moving", "tiny-scores"]
    assert load_bundle("tiny").sha256 == load_bundle(TINY).sha256
    with pytest.raises(UsageError, match="neither a file nor one that ships"):
        load_bundle("huge")
    with pytest.raises(UsageError):
        load_bundle(DATA)


def test_shipped_models_are_valid() -> None:
    """Every model in the folder that ships is a bundle whose name is its file's."""
    assert shipped_models_dir().is_dir()
    for name, path in list_models().items():
        assert load_bundle(path).description.name == name
