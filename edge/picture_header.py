"""The size of a picture, from its first bytes, before anything is decoded.

A decoder allocates what a header promises, so the promise is checked first. Four formats are what inspection
scopes write and what Ferrule reads: PNG, JPEG, BMP and TIFF.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Literal

PictureFormat = Literal["PNG", "JPEG", "BMP", "TIFF"]

_JPEG_SOI = b"\xff\xd8\xff"
_JPEG_WITHOUT_LENGTH = frozenset({0x01, *range(0xD0, 0xD8)})
# Start-of-frame markers (ITU-T T.81, table B.1): C0 to CF, less DHT, JPG and DAC.
_JPEG_SIZE_MARKERS = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_JPEG_END_OF_HEADER = frozenset({0xD9, 0xDA})
# Tags of TIFF 6.0, section 8; where the strips or tiles begin, and how long each is.
_TIFF_WIDTH, _TIFF_HEIGHT = 256, 257
_TIFF_DATA = ((273, 279), (324, 325))
# Bytes of a value by its type, section 2.
_TIFF_BYTES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8}
_TIFF_CODES = {1: "B", 3: "H", 4: "I"}


@dataclass(frozen=True, slots=True)
class PictureHeader:
    """What the first bytes of a picture promise: its format, columns and rows."""

    format: PictureFormat
    width_px: int
    height_px: int


def picture_format(data: bytes) -> PictureFormat | None:
    """The format that the first bytes name, or None when they name none of the four."""
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return "PNG"
    if data.startswith(_JPEG_SOI):
        return "JPEG"
    if data.startswith(b"BM"):
        return "BMP"
    if data.startswith((b"II*\0", b"MM\0*")):
        return "TIFF"
    return None


def picture_header(data: bytes) -> PictureHeader:
    """Format and size of a picture file's bytes.

    Raises:
        ValueError: the bytes are no PNG, JPEG, BMP or TIFF, or end inside their header, or promise no pixels.
    """
    kind = picture_format(data)
    if kind is None:
        raise ValueError("not a picture: expected PNG, JPEG, BMP or TIFF")
    readers = {"PNG": _png_size, "JPEG": _jpeg_size, "BMP": _bmp_size, "TIFF": _tiff_size}
    try:
        width_px, height_px = readers[kind](data)
    except (struct.error, IndexError) as error:
        raise ValueError(f"a {kind} that ends inside its header; copy or save it again") from error
    if width_px < 1 or height_px < 1:
        raise ValueError(f"a {kind} of {width_px} x {height_px} pixels; expected at least 1 x 1")
    return PictureHeader(kind, width_px, height_px)


def _png_size(data: bytes) -> tuple[int, int]:
    width, height = struct.unpack_from(">II", data, 16)
    return width, height


def _bmp_size(data: bytes) -> tuple[int, int]:
    (header_bytes,) = struct.unpack_from("<I", data, 14)
    width, height = struct.unpack_from("<HH" if header_bytes == 12 else "<ii", data, 18)
    return width, abs(height)  # a negative height means that the rows run from top to bottom


def _jpeg_size(data: bytes) -> tuple[int, int]:
    at = 2
    while True:
        at = data.find(b"\xff", at)
        if at < 0:
            raise IndexError("no further marker")
        while data[at] == 0xFF:  # a marker may be padded with any number of 0xFF
            at += 1
        marker = data[at]
        at += 1
        if marker in _JPEG_SIZE_MARKERS:
            height, width = struct.unpack_from(">HH", data, at + 3)
            return width, height
        if marker in _JPEG_END_OF_HEADER:
            raise ValueError("a JPEG without a frame header; copy or save it again")
        if marker and marker not in _JPEG_WITHOUT_LENGTH:
            (length,) = struct.unpack_from(">H", data, at)
            at += max(2, length)


def _tiff_size(data: bytes) -> tuple[int, int]:
    # Some decoders fill in what a truncated file lacks, and say so nowhere; so every promised byte is looked for.
    order = "<" if data[:1] == b"I" else ">"
    (directory,) = struct.unpack_from(order + "I", data, 4)
    (n_entries,) = struct.unpack_from(order + "H", data, directory)
    struct.unpack_from(order + "I", data, directory + 2 + 12 * n_entries)  # where the next page's directory begins
    values: dict[int, tuple[int, ...]] = {}
    for k in range(n_entries):
        entry = directory + 2 + 12 * k
        tag, kind, n_values, at = struct.unpack_from(order + "HHII", data, entry)
        n_bytes = _TIFF_BYTES.get(kind, 0) * n_values
        if n_bytes <= 4:
            at = entry + 8
        if at + n_bytes > len(data):
            raise IndexError("a value beyond the end")
        if kind in _TIFF_CODES and n_values:
            values[tag] = struct.unpack_from(f"{order}{n_values}{_TIFF_CODES[kind]}", data, at)
    for begin, length in _TIFF_DATA:
        if any(b + n > len(data) for b, n in zip(values.get(begin, ()), values.get(length, ()), strict=False)):
            raise ValueError("a truncated TIFF: its pixels end beyond the file; copy or save it again")
    return values.get(_TIFF_WIDTH, (0,))[0], values.get(_TIFF_HEIGHT, (0,))[0]
