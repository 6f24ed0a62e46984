"""What a model's file can hold that its seal vouches for and nobody should believe."""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import os
import random
import socket
import struct
import zipfile
import zlib
from pathlib import Path
from typing import Any

import msgspec
import pytest

import edge
from edge.classify import load_bundle
from edge.classify.archive import archive_start, read_member
from edge.classify.bundle import MAX_MODEL_BYTES, graph_of, read_bundle
from edge.errors import FerruleError, ModelError, UsageError

TINY = Path(__file__).parents[2] / "data" / "tiny.tflite"
SEAL_BYTES = 71
GRAPH = graph_of(load_bundle(TINY))
DESCRIPTION: dict[str, Any] = json.loads(read_member(TINY.read_bytes(), "ferrule.json", SEAL_BYTES))


def seal(unsealed: bytes) -> bytes:
    """The file with the seal that makes it believed."""
    return unsealed + b"sha256:" + hashlib.sha256(unsealed).hexdigest().encode()


def model_of(text: bytes, method: int = zipfile.ZIP_STORED, extra: bytes = b"", comment: bytes = b"") -> bytes:
    """The tiny graph with this `ferrule.json`, sealed."""
    buffer = io.BytesIO(GRAPH)
    with zipfile.ZipFile(buffer, "a") as archive:
        archive.writestr("labels.txt", "left\nright")
        member = zipfile.ZipInfo("ferrule.json")
        member.compress_type, member.extra, member.comment = method, extra, comment
        archive.writestr(member, text)
        archive.comment = b" " * SEAL_BYTES
    return seal(buffer.getvalue()[:-SEAL_BYTES])


def described(**changes: object) -> bytes:
    """The tiny model with other words in its description."""
    return model_of(json.dumps(DESCRIPTION | changes).encode())


def patched(field: int, layout: str, value: int) -> bytes:
    """The tiny model whose directory says something else of `ferrule.json`, from byte `field` of its entry."""
    content = bytearray(TINY.read_bytes()[:-SEAL_BYTES])
    at = content.rindex(b"PK\1\2")
    struct.pack_into(layout, content, at + field, value)
    return seal(bytes(content))


def with_end(field: int, layout: str, value: int) -> bytes:
    """The tiny model whose archive's end says something else."""
    content = bytearray(TINY.read_bytes()[:-SEAL_BYTES])
    struct.pack_into(layout, content, len(content) - 22 + field, value)
    return seal(bytes(content))


RIGHT = json.dumps(DESCRIPTION).encode()
ZIP_TRICKS = {
    "encrypted": patched(8, "<H", 1), "strongly encrypted": patched(8, "<H", 0x41), "data behind": patched(8, "<H", 8),
    **{f"method {k}": patched(10, "<H", k) for k in (1, 6, 8, 9, 12, 14, 20, 93, 95, 98, 99, 65535)},
    **{f"version {k}": patched(6, "<H", k) for k in (46, 63, 255, 65535)},
    **{f"size {k}": patched(24, "<I", k) for k in (0, 10, 2**31, 2**32 - 1)},
    **{f"packed size {k}": patched(20, "<I", k) for k in (0, 10, 2**31, 2**32 - 1)},
    **{f"at {k}": patched(42, "<I", k) for k in (0, 1, 2**31, 2**32 - 1)},
    "checksum": patched(16, "<I", 7), "disk": patched(34, "<H", 3), "name length": patched(28, "<H", 65535),
    "extra length": patched(30, "<H", 65535), "comment length": patched(32, "<H", 65535),
    **{f"{k} members": with_end(10, "<H", k) for k in (0, 1, 3, 65535)},
    "directory at": with_end(16, "<I", 2**32 - 1), "directory size": with_end(12, "<I", 0),
    "end's disk": with_end(4, "<H", 1),
    "no archive": seal(GRAPH), "nothing": seal(b""), "too little": seal(b"x" * 30),
    "deflated": model_of(RIGHT, zipfile.ZIP_DEFLATED), "bzip2": model_of(RIGHT, zipfile.ZIP_BZIP2),
    "lzma": model_of(RIGHT, zipfile.ZIP_LZMA), "bomb": model_of(b" " * 50_000_000, zipfile.ZIP_DEFLATED),
    "long sizes": model_of(RIGHT, extra=struct.pack("<HHQQ", 1, 16, 9, 9)), "comment": model_of(RIGHT, comment=b"x"),
}  # fmt: skip


@pytest.mark.parametrize("trick", ZIP_TRICKS)
def test_zip_tricks_are_refused(trick: str) -> None:
    """Whatever else ZIP can do is refused with one line, without unpacking anything."""
    with pytest.raises(ModelError, match=r"ferrule\.json cannot be used") as caught:
        read_bundle(ZIP_TRICKS[trick])
    assert str(caught.value).isprintable()


TEXTS = {
    "empty": b"", "no UTF-8": b"\xff\xfe", "a BOM": b"\xef\xbb\xbf" + RIGHT, "half": RIGHT[:-20], "a list": b"[]",
    "null": b"null", "a figure of 5,000 digits": RIGHT.replace(b"1.0", b"9" * 5000),
    "a whole of 5,000 digits": b'{"data": {"n": ' + b"9" * 5000 + b"}}",
    "NaN": RIGHT.replace(b"1.0", b"NaN"), "deep lists": b"[" * 100_000, "deep objects": b'{"schema":' * 100_000,
    "deep metrics": b'{"metrics": ' + b"[" * 100_000,
    "deep and unknown": b'{"x":' * 100_000 + b"1" + b"}" * 100_000, "too long": RIGHT + b" " * 9_000_000,
    "escapes": b'{"\\u001b[2J\\n": 1}', "a long key": b'{"' + b"x" * 1_000_000 + b'": 1}',
}  # fmt: skip


@pytest.mark.parametrize("name", TEXTS)
def test_texts_that_are_no_description(name: str) -> None:
    """A text of any kind in the description's place is refused with one short line that a terminal can show."""
    with pytest.raises(ModelError, match=r"ferrule\.json cannot be used") as caught:
        read_bundle(model_of(TEXTS[name]))
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 600


def golden(**changes: object) -> dict[str, object]:
    """The tiny model's golden patches, changed."""
    return {"golden": DESCRIPTION["golden"] | changes}


FIGURES: dict[str, dict[str, object]] = {
    **{f"temperature {t}": {"temperature": t} for t in (0, -1, 1e-300, 1e300, 1e999, 10**400, "1", None, True)},
    **{f"threshold {t}": {"threshold": t} for t in (-0.1, 1.1, 1e999, -1e999, 10**400)},
    **{f"size {s}": {"patch": {"size": s}} for s in (0, -4, 3, 1025, 2**31, 2**63, 2**64, 10**400, 4.5, "4")},
    **{f"n_patches {n}": golden(n_patches=n) for n in (0, -1, 2, 1001, 2**31, 2**62, 2**63, 2**64, 10**400)},
    **{f"logit {x}": golden(logits=[[x, 0], [0, 0], [0, 0]]) for x in (1e300, -1e300, 1e999, 10**400, "1", None)},
    "too few logits": golden(logits=[]), "ragged logits": golden(logits=[[0], [0, 0], [0, 0, 0]]),
    "no base64": golden(patches="!!"), "no deflate": golden(patches="AAAA"), "measures": golden(measures="AAAA"),
    **{f"name {n!r}": {"name": n} for n in ("", "a\n", "\x1b[2J", "A", "a" * 65, "../x")},
    **{
        f"label {n!r}": {"labels": ["left", n]}
        for n in ("", "a\n", "\x1b[2J", "left", "unknown", "a" * 65, "\u202e", " a", None)
    },
    "many labels": {"labels": [str(k) for k in range(20_000)]},
    "a long measure": {"patch": {"size": 4, "measures": ["x" * 10**6]}},
    **{f"hash {h!r}": {"graph_sha256": h} for h in ("", "0" * 63, "0" * 64 + "\n", "G" * 64)},
    "metric": {"metrics": {"a": "b"}}, "data": {"data": {"a": []}},
}  # fmt: skip


@pytest.mark.parametrize("name", FIGURES)
def test_figures_out_of_bounds(name: str) -> None:
    """A figure or a word that no model can have is refused, before anything is made as large as it says."""
    with pytest.raises(ModelError, match=r"ferrule\.json cannot be used") as caught:
        read_bundle(described(**FIGURES[name]))
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 600


def test_golden_patches_that_inflate_without_end() -> None:
    """Golden patches are inflated as far as they are said to reach."""
    bomb = msgspec.json.decode(msgspec.json.encode(zlib.compress(b"\0" * 300_000_000)))
    with pytest.raises(ModelError, match="golden patches are not 3 of 4x4"):
        read_bundle(described(**golden(patches=bomb)))


def test_any_bytes_behind_the_graph() -> None:
    """Of 3,000 archives with bytes changed and the seal put right, each is read or refused, and nothing else comes."""
    content, rng = TINY.read_bytes()[:-SEAL_BYTES], random.Random(0)
    first, n_read = archive_start(TINY.read_bytes(), SEAL_BYTES), 0
    for _ in range(3000):
        changed = bytearray(content)
        for _ in range(rng.randint(1, 3)):
            changed[rng.randrange(first, len(content))] = rng.choice([0, 1, 8, 255, rng.randrange(256)])
        with contextlib.suppress(ModelError):
            graph_of(read_bundle(seal(bytes(changed))))
            n_read += 1
    assert 0 < n_read < 3000


@pytest.mark.parametrize("load", [load_bundle, edge.load])
@pytest.mark.parametrize(
    "kind",
    ["long", "nul", "fifo", "socket", "folder", "device", "kernel", "large", "loop", "below a file", "locked", "bytes"],
)
def test_files_of_every_kind(kind: str, load: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is no model by its place or kind is refused at once, whatever reading it would take."""
    path: Any = tmp_path / "model.tflite"
    if kind == "long":
        path = tmp_path / ("x" * 300)
    elif kind == "nul":
        path = f"{path}\0"
    elif kind == "fifo":
        os.mkfifo(path)
    elif kind == "socket":
        path = "s.tflite"
        monkeypatch.chdir(tmp_path)
        with socket.socket(socket.AF_UNIX) as listening:
            listening.bind(path)
    elif kind == "folder":
        path.mkdir()
    elif kind == "device":
        path = "/dev/zero"
    elif kind == "kernel":
        path = "/proc/kmsg"
        if not Path(path).exists():
            pytest.skip("no /proc/kmsg here")
        kind = "nothing to read"
    elif kind == "large":
        with path.open("wb") as file:
            file.truncate(10 * 2**30)
        assert path.stat().st_size > MAX_MODEL_BYTES
    elif kind == "loop":
        path.symlink_to(path)
    elif kind == "below a file":
        path = TINY / "model.tflite"
    elif kind == "locked":
        path.write_bytes(TINY.read_bytes())
        path.chmod(0)
        if os.access(path, os.R_OK):
            pytest.skip("root may read everything")
    else:
        path = b"model"
    with pytest.raises(FerruleError) as caught:
        load(path)
    assert "\n" not in str(caught.value)
    assert isinstance(caught.value, ModelError if kind in ("large", "kernel") else (UsageError, ModelError))
