"""Damaged and hostile pictures: a damaged one is UNREADABLE, or its pixels are those of the undamaged one."""

from __future__ import annotations

import json
import struct
import zlib
from collections.abc import Callable
from functools import partial
from pathlib import Path
from random import Random

import cv2
from attack_case import Case, Corpus, Kind, Ran, Wrong
from attack_encode import ENCODERS, NEVER_SEALED, ODD, encoded, odd_picture, png, set_tiff

Damage = Callable[[Random, bytes, bytes], bytes]

_SUFFIXES = {"PNG": "png", "JPEG": "jpg", "BMP": "bmp", "TIFF": "tif", "packed TIFF": "tif"}
_ENDS = {"PNG": b"\0\0\0\0IEND\xaeB`\x82", "JPEG": b"\xff\xd9"}
_TOO_LARGE = (65_535, 65_500, 100_000, 2**31 - 1, 2**31, 2**32 - 1, 30_000)


def kinds(found: Corpus) -> list[Kind]:
    """All kinds of this group."""
    damages: list[tuple[str, Damage, tuple[str, ...]]] = [
        ("cut", _cut, tuple(ENCODERS)),
        ("cut, end marker put back", _cut_and_ended, ("PNG", "JPEG")),
        ("bytes zeroed", _zeroed, tuple(ENCODERS)),
        ("bits flipped", _flipped, tuple(ENCODERS)),
        ("bytes inserted", _inserted, tuple(ENCODERS)),
        ("bytes taken out", _taken_out, tuple(ENCODERS)),
        # Of two pictures without checksums another picture can be made that nothing is wrong with.
        ("two files spliced", _spliced, ("PNG", "JPEG", "packed TIFF")),
    ]
    made = []
    for name, damage, formats in damages:
        for format_ in formats:
            # Only what carries checksums can tell every change of its bytes.
            open_ = format_ in NEVER_SEALED and damage not in (_cut, _cut_and_ended)
            forgiven: frozenset[Wrong] = frozenset({"other pixels"}) if open_ else frozenset()
            make = partial(_damaged, format_=format_, damage=damage, found=found)
            made.append(Kind("pictures", f"{format_}: {name}", make, 2, forgiven))
    others: dict[str, Callable[[Random, Path], Case]] = {
        "sizes that are not there": _promises,
        "bombs": _bomb,
        "another suffix": partial(_suffix, found=found),
        "bytes after the end": partial(_appended, found=found),
        "rare kinds": _odd,
        "no bytes, few bytes": _tiny,
        "hundreds of MB of nothing": _sparse,
    }
    return made + [Kind("pictures", name, make, 3) for name, make in others.items()]


def _damaged(rng: Random, folder: Path, format_: str, damage: Damage, found: Corpus) -> Case:
    """A dirty face, damaged: it must not pass, and what is read of it must be what was there."""
    face = rng.choice((*found.dirty, *found.real) if rng.random() < 0.3 else found.dirty)
    dirty = face in found.dirty
    whole, other = encoded(face, format_, rng), encoded(face, format_, rng)
    name = f"face.{_SUFFIXES[format_]}"
    (folder / name).write_bytes(damage(rng, whole, other))
    if dirty and rng.random() < 0.4:
        words = (rng.choice(("inspect", "inspect", "watch")), name, "--json", "--quiet")
        return Case(words, frozenset({1, 3}), never_pass=True, n_rows=1)
    (folder / "whole").mkdir()
    (folder / "whole" / name).write_bytes(whole)
    return Case(("read", name, f"whole/{name}"), frozenset({0}), call="compare", check=_same_or_refused)


def _same_or_refused(ran: Ran) -> tuple[Wrong, str] | None:
    """What `attack_calls.compare` found of a picture and the undamaged one."""
    told = json.loads(ran.out or b"{}") if not ran.code else {}
    if told.get("undamaged", "read") != "read":
        return "other answer", f"the undamaged picture was refused: {told['undamaged']}"
    return ("other pixels", told["damaged"]) if told.get("damaged", "same") not in ("same", "refused") else None


def _cut(rng: Random, whole: bytes, other: bytes) -> bytes:
    return whole[: rng.randrange(1, len(whole))]


def _cut_and_ended(rng: Random, whole: bytes, other: bytes) -> bytes:
    end = _ENDS["PNG" if whole.startswith(b"\x89PNG") else "JPEG"]
    return whole[: rng.randrange(len(whole) // 10, len(whole) - len(end))] + end


def _zeroed(rng: Random, whole: bytes, other: bytes) -> bytes:
    at, n = rng.randrange(len(whole) - 1), rng.choice((16, 200, 4096))
    return whole[:at] + bytes(len(whole[at : at + n])) + whole[at + n :]


def _flipped(rng: Random, whole: bytes, other: bytes) -> bytes:
    changed = bytearray(whole)
    for at in rng.sample(range(len(whole)), 8):
        changed[at] ^= 1 << rng.randrange(8)
    return bytes(changed)


def _inserted(rng: Random, whole: bytes, other: bytes) -> bytes:
    at = rng.randrange(1, len(whole))
    return whole[:at] + rng.randbytes(rng.choice((1, 7, 300))) + whole[at:]


def _taken_out(rng: Random, whole: bytes, other: bytes) -> bytes:
    at = rng.randrange(1, len(whole) - 1)
    return whole[:at] + whole[at + rng.choice((1, 7, 300, 4096)) :]


def _spliced(rng: Random, whole: bytes, other: bytes) -> bytes:
    """The beginning of a file and the end of another of the same face, so that no part without dirt takes its place."""
    share = rng.uniform(0.05, 0.95)
    return whole[: int(share * len(whole))] + other[int(share * len(other)) :]


def _inspected(name: str, codes: set[int]) -> Case:
    return Case(("inspect", name, "--json", "--quiet"), frozenset(codes), never_pass=True, n_rows=1)


def _promises(rng: Random, folder: Path) -> Case:
    """A small file whose header says it were large, or a size of no sense."""
    width, height = rng.choice(_TOO_LARGE), rng.choice((*_TOO_LARGE, 0, 1))
    kind = rng.choice(tuple(_SUFFIXES.values()))
    odd = bytearray(cv2.imencode(f".{kind}", odd_picture(rng))[1].tobytes())
    if kind == "png":
        depth, colour = rng.choice((1, 2, 4, 8, 16, 255)), rng.choice((0, 2, 3, 4, 6, 255))
        odd = bytearray(png(width % 2**32, height % 2**32, depth, colour, [(b"IDAT", zlib.compress(bytes(1000)))]))
    elif kind == "jpg":
        struct.pack_into(">HH", odd, odd.find(b"\xff\xc0") + 5, height % 65_536, width % 65_536)
    elif kind == "bmp":
        struct.pack_into("<IIH", odd, 18, width % 2**32, height % 2**32, 1)
    else:
        set_tiff(odd, rng.choice((256, 257, 258, 277, 278, 279, 273, 322)), width % 2**32)
    (folder / f"face.{kind}").write_bytes(odd)
    return _inspected(f"face.{kind}", {3})


def _bomb(rng: Random, folder: Path) -> Case:
    """A small PNG that truly holds hundreds of MB of pixels, or a text that inflates to as much."""
    kind = rng.choice(("pixels", "pixels", "text", "profile"))
    if kind == "pixels":
        depth, colour, n = rng.choice(((16, 6, 8), (8, 6, 4), (16, 0, 2), (8, 2, 3), (1, 0, 1), (8, 3, 1)))
        width = rng.choice((5_000, 9_900, 9_999, 12_000))
        row = bytes(1 + width * (n if depth != 1 else 1) // (1 if depth != 1 else 8))
        data = png(width, width, depth, colour, [*_palette(colour), (b"IDAT", _squeezed(row, width))])
    else:
        name = b"zTXt" if kind == "text" else b"iCCP"
        chunk = (name, b"x\0\0" + _squeezed(bytes(1 << 20), 500))
        data = png(64, 64, 8, 0, [chunk, (b"IDAT", zlib.compress(bytes(65 * 64)))])
    (folder / "face.png").write_bytes(data)
    return _inspected("face.png", {3})


def _palette(colour: int) -> list[tuple[bytes, bytes]]:
    return [(b"PLTE", bytes(768))] if colour == 3 else []


def _squeezed(block: bytes, n: int) -> bytes:
    packer = zlib.compressobj(1)
    return b"".join(packer.compress(block) for _ in range(n)) + packer.flush()


def _suffix(rng: Random, folder: Path, found: Corpus) -> Case:
    """A good picture under the suffix of another format is read by what it is."""
    data = encoded(found.dirty[0], rng.choice(tuple(ENCODERS)), rng)
    name = f"face.{rng.choice(('png', 'JPG', 'bmp', 'tiff', 'jpeg', 'txt', 'PNG.'))}"
    (folder / name).write_bytes(data)
    return _inspected(name, {1})


def _appended(rng: Random, folder: Path, found: Corpus) -> Case:
    """Bytes after the end of a picture are not its pixels."""
    format_ = rng.choice(tuple(ENCODERS))
    whole = encoded(found.dirty[0], format_, rng)
    extra = rng.choice((b"\0" * 1000, b"PK\3\4" + bytes(100), whole, b"<script>", rng.randbytes(5_000)))
    name = f"face.{_SUFFIXES[format_]}"
    (folder / "whole").mkdir()
    (folder / "whole" / name).write_bytes(whole)
    (folder / name).write_bytes(whole + extra)
    return Case(("read", name, f"whole/{name}"), frozenset({0}), call="compare", check=_same_or_refused)


def _odd(rng: Random, folder: Path) -> Case:
    """A good picture of a rare kind: refused in one line, or read as what it shows."""
    name, data, plain = rng.choice(ODD)(rng)
    (folder / "whole").mkdir()
    (folder / "whole" / "plain.png").write_bytes(plain)
    (folder / name).write_bytes(data)
    if rng.random() < 0.5:
        return _inspected(name, {3})  # what it shows is no end face
    return Case(("near", name, "whole/plain.png"), frozenset({0}), call="compare", check=_same_or_refused)


def _tiny(rng: Random, folder: Path) -> Case:
    starts = (
        b"",
        b"\x89PNG\r\n\x1a\n",
        b"\xff\xd8\xff",
        b"\xff\xd8\xff\xd9",
        b"BM",
        b"II*\0",
        b"MM\0*",
        b"GIF89a",
        b"%PDF",
    )
    data = rng.choice(starts) + rng.randbytes(rng.choice((0, 0, 1, 20, 3_000)))
    name = f"face.{rng.choice(tuple(_SUFFIXES.values()))}"
    (folder / name).write_bytes(data)
    return _inspected(name, {3})


def _sparse(rng: Random, folder: Path) -> Case:
    """A file that takes no room on the disk and is hundreds of MB long."""
    path = folder / "face.png"
    path.write_bytes(rng.choice((b"", b"\x89PNG\r\n\x1a\n", b"II*\0\x08\0\0\0", b"BM", b"\xff\xd8\xff\xe0")))
    with path.open("r+b") as file:
        file.truncate(rng.choice((300, 799, 2_000, 40_000)) * 10**6)
    return _inspected("face.png", {3})
