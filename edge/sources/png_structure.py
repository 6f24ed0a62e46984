"""What a PNG file promises, and whether its bytes keep it: chunks, checksums, and the whole stream of pixels.

Sections are those of the PNG specification, third edition.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator

import numpy as np

from edge.sources.inflating import inflated
from edge.sources.picture_format import PictureHeader, damaged, unsupported

# Section 11.2.1, table 12: the depths of each colour type, and the channels that a decoder makes of it.
_DEPTHS = {0: (1, 2, 4, 8, 16), 2: (8, 16), 3: (1, 2, 4, 8), 4: (8, 16), 6: (8, 16)}
_DECODED_CHANNELS = {0: 1, 2: 3, 3: 3, 4: 4, 6: 4}
_STORED_CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
_CRITICAL = (b"IHDR", b"PLTE", b"IDAT", b"IEND")
# Section 8.2: where each pass of an interlaced picture begins, and its steps, as x, y, dx, dy.
_WHOLE = ((0, 0, 1, 1),)
_ADAM7 = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))
_MAX_FILTER = 4  # section 9.2


def png_header(data: bytes) -> PictureHeader:
    """Size, channels and depth as decoded.

    Raises:
        ValueError: no header where it must be, or one that no PNG has.
        struct.error: the data ends inside the header.
    """
    length, name, width, height, bits, colour, compression, filtering, interlace = struct.unpack_from(
        ">I4sII5B", data, 8
    )
    if name != b"IHDR" or length != 13:
        raise damaged("PNG", "its header is not its first chunk")
    if bits not in _DEPTHS.get(colour, ()) or compression or filtering or interlace > 1:
        raise damaged("PNG", f"colour type {colour} of {bits} bits")
    # The file is copied where it holds chunks that are none of the picture's.
    n_copied = len(data) if any(name not in _CRITICAL for name in _names(data)) else 0
    return PictureHeader("PNG", width, height, _DECODED_CHANNELS[colour], max(8, bits), n_copied)


def sound_png(data: bytes) -> bytes:
    """The picture's own chunks, once all of the file was found to be whole.

    Chunks that are not needed to decode (profiles, texts, transparency, animations) are left out, so that nothing
    is said about them. What follows the end chunk is not looked at.

    Raises:
        ValueError: a chunk that is cut off or whose checksum does not fit, no end, or pixels that are not exactly
            as many as the header promises.
    """
    view = memoryview(data)
    kept: list[memoryview] = []
    pixels: list[memoryview] = []
    at = 8
    while True:
        if at + 12 > len(data):
            raise damaged("PNG", "it ends before its end chunk")
        length, name = struct.unpack_from(">I4s", data, at)
        end = at + 12 + length
        if end > len(data):
            raise damaged("PNG", "it ends inside a chunk")
        if zlib.crc32(view[at + 4 : end - 4]) != int.from_bytes(view[end - 4 : end], "big"):
            raise damaged("PNG", "the checksum of a chunk does not fit")
        if name in _CRITICAL:
            kept.append(view[at:end])
            if name == b"IDAT":
                pixels.append(view[at + 8 : end - 4])
        elif not name[0] & 0x20:  # section 5.4: a capital letter means that the picture cannot be shown without it
            raise unsupported("PNG", f"a chunk {name.decode('latin-1')!r} that is in no standard", "a plain PNG")
        at = end
        if name == b"IEND":
            break
    try:
        _check_pixels(data, pixels)
    except ValueError as error:
        raise damaged("PNG", str(error)) from error
    # Eight bytes of signature.
    return data if sum(map(len, kept)) + 8 == len(data) else b"".join((data[:8], *kept))


def _names(data: bytes) -> Iterator[bytes]:
    """The names of the chunks, as far as there are any."""
    at = 8
    while at + 8 <= len(data):
        length, name = struct.unpack_from(">I4s", data, at)
        yield name
        at += 12 + length


def _check_pixels(data: bytes, parts: list[memoryview]) -> None:
    """Inflates the pixels, counts them, and looks at the filter that begins each row."""
    passes = list(_passes(data))
    n_expected = passes[-1][1] if passes else 0
    n_seen = 0
    for piece in inflated(parts, n_expected):
        levels = np.frombuffer(piece, np.uint8)
        for begin, end, row_bytes in passes:
            first = begin + max(0, -((begin - n_seen) // row_bytes)) * row_bytes  # the first row that begins here
            filters = levels[first - n_seen : max(0, end - n_seen) : row_bytes]
            if filters.size and filters.max() > _MAX_FILTER:
                raise ValueError("a row of an unknown filter")
        n_seen += len(piece)
    if n_seen < n_expected:
        raise ValueError(f"{n_expected - n_seen} bytes of its pixels are missing")


def _passes(data: bytes) -> Iterator[tuple[int, int, int]]:
    """Where in the inflated stream each pass begins and ends, and the bytes of its rows with their filter."""
    width, height, bits, colour, _, _, interlace = struct.unpack_from(">II5B", data, 16)
    at = 0
    for x, y, dx, dy in _ADAM7 if interlace else _WHOLE:
        columns, rows = -((x - width) // dx), -((y - height) // dy)
        if columns > 0 and rows > 0:
            row_bytes = 1 + (columns * bits * _STORED_CHANNELS[colour] + 7) // 8
            yield at, at + rows * row_bytes, row_bytes
            at += rows * row_bytes
