"""Pictures in every format and of rare kinds, made with OpenCV, by hand, and with Pillow where it is there."""

from __future__ import annotations

import functools
import importlib.util
import io
import struct
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path
from random import Random
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.sources import read_picture

_Q, _PROGRESSIVE, _RESTART = cv2.IMWRITE_JPEG_QUALITY, cv2.IMWRITE_JPEG_PROGRESSIVE, cv2.IMWRITE_JPEG_RST_INTERVAL
_NONE, _LZW, _DEFLATE, _PACKBITS = 1, 5, 8, 32773  # compressions of TIFF 6.0 and its supplements

ENCODERS: dict[str, tuple[tuple[str, tuple[int, ...]], ...]] = {
    "PNG": ((".png", ()), (".png", (cv2.IMWRITE_PNG_COMPRESSION, 9))),
    "JPEG": (
        (".jpg", (_Q, 95)),
        (".jpg", (_Q, 80)),
        (".jpg", (_Q, 92, _PROGRESSIVE, 1)),
        (".jpg", (_Q, 95, _RESTART, 20)),
    ),
    "BMP": ((".bmp", ()),),
    "TIFF": ((".tif", (cv2.IMWRITE_TIFF_COMPRESSION, _NONE)),),
    "packed TIFF": (
        (".tif", (cv2.IMWRITE_TIFF_COMPRESSION, _LZW)),
        (".tif", (cv2.IMWRITE_TIFF_COMPRESSION, _DEFLATE)),
    ),
}
"""Ways of writing each format: what OpenCV is told."""

NEVER_SEALED = frozenset(ENCODERS) - {"PNG"}
"""Formats without a checksum of everything: where their bytes change, nobody can always tell."""

Grey = NDArray[np.integer[Any] | np.floating[Any]]
Odd = Callable[[Random], tuple[str, bytes, bytes]]


def encoded(face: Path, format_: str, rng: Random) -> bytes:
    """A face in a format, in one of the ways it is written."""
    return _encoded(face, rng.choice(ENCODERS[format_]))


@functools.lru_cache(maxsize=64)
def _encoded(face: Path, how: tuple[str, tuple[int, ...]]) -> bytes:
    return _written(read_picture(face), *how)


def _written(pixels: Grey, suffix: str, how: Sequence[int] = ()) -> bytes:
    return cv2.imencode(suffix, pixels, list(how))[1].tobytes()


def odd_picture(rng: Random, dtype: type[np.integer[Any] | np.floating[Any]] = np.uint8) -> Grey:
    """A ramp with noise, 90 x 120: sharp, bright, and no end face."""
    ramp = np.linspace(40, 200, 120)[None] + np.random.default_rng(rng.randrange(2**32)).normal(0, 8, (90, 120))
    grey = np.clip(ramp, 0, 255).astype(np.uint8)
    return grey if dtype is np.uint8 else (grey.astype(dtype) * 257 if dtype is np.uint16 else grey.astype(dtype))


def png(
    width: int, height: int, depth: int, colour: int, chunks: Sequence[tuple[bytes, bytes]], adam7: int = 0
) -> bytes:
    """A PNG of these chunks, whose checksums are right whatever they hold."""
    head = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, adam7)
    body = b"".join(
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
        for name, data in ((b"IHDR", head), *chunks, (b"IEND", b""))
    )
    return b"\x89PNG\r\n\x1a\n" + body


def _plain(grey: Grey) -> bytes:
    return _written(grey, ".png")


def _rows(grey: Grey) -> bytes:
    """Rows of a PNG that are not filtered."""
    return b"".join(b"\0" + row.tobytes() for row in grey)


def _interlaced(rng: Random) -> tuple[str, bytes, bytes]:
    grey = odd_picture(rng)
    # Where each of the seven passes begins and how far its pixels lie apart (PNG 1.2, section 8.2).
    passes = ((0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2), (1, 0, 2, 1))
    data = b"".join(_rows(np.ascontiguousarray(grey[y::dy, x::dx])) for y, x, dy, dx in passes)
    return "face.png", png(120, 90, 8, 0, [(b"IDAT", zlib.compress(data))], adam7=1), _plain(grey)


def _palette(rng: Random) -> tuple[str, bytes, bytes]:
    grey = odd_picture(rng)
    colours = bytes(value for k in range(256) for value in (255 - k,) * 3)
    chunks = [(b"PLTE", colours), (b"IDAT", zlib.compress(_rows(np.asarray(255 - grey.astype(int)).astype(np.uint8))))]
    return "face.png", png(120, 90, 8, 3, chunks), _plain(grey)


def _one_bit(rng: Random) -> tuple[str, bytes, bytes]:
    grey = np.where(odd_picture(rng).astype(int) > 120, 255, 0).astype(np.uint8)
    packed = np.packbits(grey > 0, axis=1)
    return "face.png", png(120, 90, 1, 0, [(b"IDAT", zlib.compress(_rows(packed)))]), _plain(grey)


def _wide(suffix: str, channels: int) -> Odd:
    def make(rng: Random) -> tuple[str, bytes, bytes]:
        wide = odd_picture(rng, np.uint16)
        stacked = wide if channels == 1 else np.dstack([wide] * channels)
        return f"face{suffix}", _written(stacked, suffix), _plain((wide.astype(np.uint32) // 257).astype(np.uint8))

    return make


def _jpeg(*how: int) -> Odd:
    def make(rng: Random) -> tuple[str, bytes, bytes]:
        data = _written(odd_picture(rng), ".jpg", how)
        return "face.jpg", data, _decoded(data)

    return make


def _decoded(data: bytes) -> bytes:
    shown = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_GRAYSCALE)
    assert shown is not None
    return _plain(np.asarray(shown, np.uint8))


def _patched(marker: bytes, at: int, value: int) -> Odd:
    """A JPEG that claims to be coded in another way: arithmetic, lossless, of 12 bits, of other components."""

    def make(rng: Random) -> tuple[str, bytes, bytes]:
        whole = _written(odd_picture(rng), ".jpg")
        data = bytearray(whole)
        data[data.find(marker) + at] = value
        return "face.jpg", bytes(data), _decoded(whole)

    return make


def _tiff(*how: int) -> Odd:
    def make(rng: Random) -> tuple[str, bytes, bytes]:
        grey = odd_picture(rng)
        return "face.tif", _written(grey, ".tif", how), _plain(grey)

    return make


def _pages(rng: Random) -> tuple[str, bytes, bytes]:
    pages = [odd_picture(rng) for _ in range(3)]
    return "face.tiff", bytes(cv2.imencodemulti(".tiff", pages)[1]), _plain(pages[0])


def _numbers(dtype: type[np.integer[Any] | np.floating[Any]]) -> Odd:
    def make(rng: Random) -> tuple[str, bytes, bytes]:
        grey = odd_picture(rng)
        return "face.tif", _written(odd_picture(rng, dtype), ".tif"), _plain(grey)

    return make


def _unsigned(rng: Random) -> tuple[str, bytes, bytes]:
    """A TIFF of unsigned numbers of 32 bits, which OpenCV reads and does not write."""
    name, data, plain = _numbers(np.int32)(rng)
    changed = bytearray(data)
    set_tiff(changed, 339, 1)  # SampleFormat: 2 is signed, 1 unsigned
    return name, bytes(changed), plain


def set_tiff(data: bytearray, wanted: int, value: int) -> None:
    """Sets a tag's value in the first directory of a TIFF that OpenCV wrote."""
    (at,) = struct.unpack_from("<I", data, 4)
    (n,) = struct.unpack_from("<H", data, at)
    for entry in range(at + 2, at + 2 + 12 * n, 12):
        if struct.unpack_from("<H", data, entry)[0] == wanted:
            struct.pack_into("<HII", data, entry + 2, 4, 1, value)


def _cmyk(rng: Random) -> tuple[str, bytes, bytes]:
    from PIL import Image  # here, because only some installations have it

    buffer = io.BytesIO()
    Image.fromarray(odd_picture(rng)).convert("CMYK").save(buffer, "JPEG")
    return "face.jpg", buffer.getvalue(), _decoded(buffer.getvalue())


def _no_size(rng: Random) -> tuple[str, bytes, bytes]:
    grey = odd_picture(rng)
    width, height = rng.choice(((0, 0), (0, 90), (120, 0)))
    return "face.png", png(width, height, 8, 0, [(b"IDAT", zlib.compress(_rows(grey)))]), _plain(grey)


ODD: tuple[Odd, ...] = (
    *(_interlaced, _palette, _one_bit, _pages, _no_size, _unsigned),
    *(_wide(".png", 1), _wide(".png", 3), _wide(".png", 4), _wide(".tif", 1), _wide(".tif", 3)),
    *(_jpeg(_PROGRESSIVE, 1), _jpeg(_RESTART, 1), _jpeg(_Q, 1), _jpeg(_Q, 100)),
    *(_patched(b"\xff\xc0", 1, 0xC9), _patched(b"\xff\xc0", 1, 0xC3), _patched(b"\xff\xc0", 4, 12)),
    *(_patched(b"\xff\xc0", 9, 4), _patched(b"\xff\xc0", 9, 0), _patched(b"\xff\xdb", 4, 15)),
    *(_tiff(cv2.IMWRITE_TIFF_COMPRESSION, how) for how in (_NONE, _LZW, _DEFLATE, _PACKBITS)),
    *(_numbers(dtype) for dtype in (np.float32, np.float64, np.int32, np.int16, np.int8)),
    *((_cmyk,) if importlib.util.find_spec("PIL") else ()),
)
"""Rare kinds of good pictures, and some that claim to be: name, bytes, and the plain picture that they show."""
