"""Damaged and hostile models: bytes, ZIP archives, descriptions and graphs, sealed again and not."""

from __future__ import annotations

import bz2
import dataclasses
import functools
import io
import shutil
import struct
import zipfile
import zlib
from collections.abc import Callable
from functools import partial
from pathlib import Path
from random import Random

import attack_descriptions
from attack_bundle import MB, NAME, SEAL_BYTES, cut, described, flipped, graph_bytes, rezipped, seal
from attack_case import Case, Corpus, Kind

_END = b"PK\5\6"
_SPACES = b" " * MB

# Where a field stands in the header of a member, in the directory and before the data (APPNOTE 6.3, 4.3.7 and 4.3.12).
_FIELDS = {"version": (6, 4, "H"), "flags": (8, 6, "H"), "method": (10, 8, "H"), "checksum": (16, 14, "I")}
_SIZES = {"packed": (20, 18, "I"), "unpacked": (24, 22, "I"), "name length": (28, 26, "H"), "extra": (30, 28, "H")}

Maker = Callable[[Random, bytes], bytes]


def kinds(found: Corpus) -> list[Kind]:
    """All kinds of this group."""
    unsealed: list[tuple[str, Maker]] = [
        ("cut", cut),
        ("bits flipped", flipped),
        ("bytes inserted", _inserted),
        ("bytes zeroed", _zeroed),
        ("two files spliced", lambda rng, data: _spliced(rng, data, found)),
    ]
    sealed: list[tuple[str, Maker]] = [
        ("archive cut, sealed", lambda rng, data: seal(cut(rng, data) + b" " * SEAL_BYTES)),
        ("archive flipped, sealed", _archive_flipped),
        ("zip: encrypted", partial(_field, name="flags", values=(1, 0x41, 0x2001, 0xFFFF, 8, 0x800))),
        ("zip: method", partial(_field, name="method", values=tuple(range(1, 100)))),
        ("zip: version", partial(_field, name="version", values=(255, 64, 100, 0xFFFF, 0))),
        ("zip: checksum", partial(_field, name="checksum", values=(0, 1, 0xFFFFFFFF))),
        ("zip: sizes", _sizes),
        ("zip: damaged deflate", _damaged_member),
        ("zip: bomb", _bomb),
        ("zip: names twice", _twice),
        ("zip: zip64", _zip64),
        ("zip: comment", _comment),
        ("zip: directory", _directory),
        ("description: a field", attack_descriptions.field),
        ("description: a deep one", attack_descriptions.deep),
        ("description: a huge one", attack_descriptions.huge),
        ("description: text", attack_descriptions.text),
    ]
    graphs: list[tuple[str, Maker]] = [
        ("graph flipped, sealed", partial(_graph, damage=flipped)),
        ("graph zeroed, sealed", partial(_graph, damage=_zeroed)),
        ("graph numbers, sealed", partial(_graph, damage=_numbers)),
    ]
    refused, either = frozenset({4}), frozenset({0, 4})
    made = [
        Kind("models", name, partial(_case, maker=maker, codes=refused, found=found), 2) for name, maker in unsealed
    ]
    made.append(Kind("models", "hundreds of MB of nothing", partial(_sparse, found=found), 2))
    made += [Kind("models", name, partial(_case, maker=maker, codes=either, found=found), 2) for name, maker in sealed]
    # The seal shows damage, not malice: a graph that was sealed anew reaches the runtime, which trusts it.
    crash = Kind("models", "", partial(_case), 8, frozenset({"signal", "hang", "memory"}))
    made += [
        dataclasses.replace(crash, name=name, make=partial(_case, maker=maker, codes=either, found=found))
        for name, maker in graphs
    ]
    return made


def _case(rng: Random, folder: Path, maker: Maker, codes: frozenset[int], found: Corpus) -> Case:
    data = maker(rng, rng.choice(found.models).read_bytes())
    (folder / "model.tflite").write_bytes(data)
    command = rng.choice(("verify", "verify", "verify", "show", "classify", "inspect"))
    if command in ("verify", "show"):
        return Case(("models", command, "model.tflite", "--json"), codes)
    shutil.copy(found.dirty[0], folder / "face.png")
    answers = codes | ({1, 3} if 0 in codes else set())
    return Case((command, "face.png", "--model", "model.tflite", "--json", "--quiet"), answers)


def _sparse(rng: Random, folder: Path, found: Corpus) -> Case:
    """A model with hundreds of MB of zeros after it, or nothing else: refused before all of it is read."""
    case = _case(rng, folder, lambda rng, data: data if rng.random() < 0.5 else b"", frozenset({2, 4}), found)
    with (folder / "model.tflite").open("r+b") as file:
        file.truncate(rng.choice((700, 3_000, 50_000)) * 10**6)
    return case


def _inserted(rng: Random, data: bytes) -> bytes:
    at = rng.randint(0, len(data))
    return data[:at] + rng.randbytes(rng.choice((1, 3, 64, 4096))) + data[at:]


def _zeroed(rng: Random, data: bytes) -> bytes:
    at, n = rng.randrange(len(data)), rng.choice((4, 16, 256))
    changed = bytearray(data)
    changed[at : at + n] = bytes(len(changed[at : at + n]))
    return bytes(changed) if bytes(changed) != data else flipped(rng, data)


def _spliced(rng: Random, data: bytes, found: Corpus) -> bytes:
    other = rng.choice([path for path in found.models if path.stat().st_size != len(data)]).read_bytes()
    at = rng.randrange(1, min(len(data), len(other)) - SEAL_BYTES)
    return data[:at] + other[at:]


def _graph(rng: Random, data: bytes, damage: Maker) -> bytes:
    n = graph_bytes(data)
    return seal(damage(rng, data[:n]) + data[n:])


def _numbers(rng: Random, graph: bytes) -> bytes:
    """Writes odd numbers over some of a flatbuffer's: its offsets, sizes and shapes are all of 32 bits."""
    changed = bytearray(graph)
    # What describes a graph stands in its first and last parts, what it has learned between them.
    n_words = len(graph) // 4
    for _ in range(rng.randint(1, 4)):
        at = 4 * rng.choice((rng.randrange(min(256, n_words)), n_words - 1 - rng.randrange(min(2048, n_words))))
        value = rng.choice((-1, 0, 1, 2**31 - 1, -(2**31), rng.randrange(2**31), rng.randrange(256), 0x10000))
        struct.pack_into("<i", changed, at, value)
    return bytes(changed)


def _archive_flipped(rng: Random, data: bytes) -> bytes:
    n = graph_bytes(data)
    return seal(data[:n] + flipped(rng, data[n:]))


def _field(rng: Random, data: bytes, name: str, values: tuple[int, ...], where: str = "both") -> bytes:
    """Sets a field of the description's member, in the directory, before the data, or in both places."""
    in_directory, before_data, code = (_FIELDS | _SIZES)[name]
    changed, value = bytearray(data), rng.choice(values)
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        local = archive.getinfo(NAME).header_offset
    entry = data.rfind(b"PK\1\2", 0, data.rfind(NAME.encode(), 0, data.rfind(_END)))
    if where == "both":
        where = rng.choice(("both", "directory", "data"))
    if where != "data":
        struct.pack_into("<" + code, changed, entry + in_directory, value)
    if where != "directory":
        struct.pack_into("<" + code, changed, local + before_data, value)
    return seal(bytes(changed))


def _sizes(rng: Random, data: bytes) -> bytes:
    name = rng.choice(tuple(_SIZES))
    values = (0, 1, 0xFFFF) if _SIZES[name][2] == "H" else (0, 1, 0xFFFF, 2**31, 0xFFFFFFFE, 0xFFFFFFFF)
    return _field(rng, data, name, values)


def _damaged_member(rng: Random, data: bytes) -> bytes:
    """A packed description whose bytes are damaged, and whose headers are not."""
    packed = rezipped(data, [(NAME, described(data), rng.choice((8, 8, 12, 14)))])
    begin = graph_bytes(packed) + 30 + len(NAME)
    end = packed.rfind(b"PK\1\2")
    return seal(packed[:begin] + flipped(rng, packed[begin:end], 32) + packed[end:])


def _bomb(rng: Random, data: bytes) -> bytes:
    """A small member that inflates to hundreds of MB; some headers say so, others promise little."""
    graph, text = data[: graph_bytes(data)], described(data)
    method = rng.choice((zipfile.ZIP_DEFLATED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2))
    n_mb = rng.choice((300, 900)) if method == zipfile.ZIP_DEFLATED else 300
    packed, unpacked = (_deflated(text, n_mb), text) if method == zipfile.ZIP_DEFLATED else (_bzipped(n_mb), b"")
    size, checksum = len(unpacked) + n_mb * MB, zlib.crc32(unpacked)
    for _ in range(n_mb):
        checksum = zlib.crc32(_SPACES, checksum)
    if rng.random() < 0.4:
        size = rng.choice((len(text), 1))
    fields = (20, 0, method, 0, 33, checksum, len(packed), size, len(NAME), 0)
    local = struct.pack("<4s5H3I2H", b"PK\3\4", *fields) + NAME.encode() + packed
    entry = struct.pack("<4sH5H3I5H2I", b"PK\1\2", 20, *fields, 0, 0, 0, 0, len(graph)) + NAME.encode()
    end = struct.pack("<4s4H2IH", _END, 0, 0, 1, 1, len(entry), len(graph) + len(local), SEAL_BYTES)
    return seal(graph + local + entry + end + b" " * SEAL_BYTES)


def _deflated(text: bytes, n_mb: int) -> bytes:
    """The text and then so many MB of spaces, packed: a block that is flushed whole may be repeated."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    begin = packer.compress(text) + packer.flush(zlib.Z_FULL_FLUSH)
    block = packer.compress(_SPACES) + packer.flush(zlib.Z_FULL_FLUSH)
    return begin + block * n_mb + packer.flush()


@functools.cache
def _bzipped(n_mb: int) -> bytes:
    return bz2.compress(_SPACES * n_mb)


def _twice(rng: Random, data: bytes) -> bytes:
    text = described(data)
    others = [b"{}", text[: len(text) // 2], text, b""]
    names = [rng.choice((NAME, "labels.txt", "../" + NAME, "/" + NAME, NAME + "\0x", "")) for _ in range(3)]
    return rezipped(data, [(name, rng.choice(others), 0) for name in names] + [(NAME, rng.choice(others), 0)])


def _zip64(rng: Random, data: bytes) -> bytes:
    """An end of the directory that points at a 64-bit one, which holds nonsense."""
    end = data.rfind(_END)
    numbers = [rng.choice((0, 1, 2**32, 2**63, 2**64 - 1, rng.randrange(2**40))) for _ in range(5)]
    record = struct.pack("<4sQHHII4Q", b"PK\6\6", numbers[0], 45, 45, 0, 0, *numbers[1:])
    locator = struct.pack("<4sIQI", b"PK\6\7", 0, rng.choice((end, 0, 2**63, 2**32)), 1)
    tail = bytearray(data[end:])
    struct.pack_into("<HHII", tail, 8, 0xFFFF, 0xFFFF, 0xFFFFFFFF, 0xFFFFFFFF)
    return seal(data[:end] + record + locator + bytes(tail))


def _comment(rng: Random, data: bytes) -> bytes:
    """Another end of a directory within the comment, or a comment whose length is wrong."""
    end = data.rfind(_END)
    fake = data[end : end + 20] + struct.pack("<H", rng.choice((0, 71, 0xFFFF)))
    if rng.random() < 0.5:
        tail = bytearray(data[end:])
        struct.pack_into("<H", tail, 20, rng.choice((0, 1, 70, 72, 0xFFFF)))
        return seal(data[:end] + bytes(tail))
    return rezipped(data, [(NAME, described(data), 0)], rng.choice((fake, _END, fake * 3)))


def _directory(rng: Random, data: bytes) -> bytes:
    """Odd numbers in the end of the directory and in its entries."""
    begin = data.rfind(b"PK\1\2")
    changed = bytearray(data)
    for _ in range(rng.randint(1, 3)):
        at = rng.randrange(begin + 4, len(data) - SEAL_BYTES - 4)
        struct.pack_into("<I", changed, at, rng.choice((0, 1, 2**31, 0xFFFFFFFF, rng.randrange(2**32))))
    return seal(bytes(changed))
