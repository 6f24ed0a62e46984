"""What a TIFF file promises, and whether its bytes keep it: the first page's tags, and all of its strips or tiles.

Sections and tags are those of TIFF 6.0. Decoders fill in what a damaged file lacks, and say so nowhere but on the
process's stderr; so every promised byte is looked for, and what is compressed is counted.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edge.sources.picture_format import PictureHeader, damaged, unsupported
from edge.sources.tiff_codes import SCHEMES, n_decoded

_WIDTH, _HEIGHT, _BITS, _COMPRESSION, _PHOTOMETRIC, _FILL_ORDER = 256, 257, 258, 259, 262, 266
_SAMPLES, _ROWS_PER_STRIP, _PLANAR, _PREDICTOR, _SAMPLE_FORMAT = 277, 278, 284, 317, 339
_STRIPS, _TILES = (273, 279), (324, 325)
_TILE_WIDTH, _TILE_HEIGHT, _EXTRA_SAMPLES = 322, 323, 338
# Besides those: the palette. What else there is tells a decoder nothing of the pixels, but for the orientation, which
# is left out: pixels are given as they are stored, and a calibration's axes stay the file's own.
_KEPT = frozenset({*range(256, 260), 262, 266, 273, 277, 278, 279, 284, 317, 320, *range(322, 326), 338, 339})
_WHITE_IS_ZERO, _BLACK_IS_ZERO = 0, 1

# Bytes of a value by its type, section 2, and the integer types as NumPy has them.
_BYTES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8}
_INTEGERS = {1: "u1", 3: "u2", 4: "u4"}

# How many samples are colour, by the photometric interpretation: white is zero, black is zero, RGB, palette.
_N_COLOURS = {0: 1, 1: 1, 2: 3, 3: 1}
_SAMPLE_FORMATS = {1: "uint", 2: "int", 3: "float"}
_MANY = 2**32 - 1  # rows per strip where all are in one, section 8


@dataclass(frozen=True, slots=True)
class _Tag:
    kind: int
    n_values: int
    at: int
    entry: bytes


class _Page:
    """The first page's tags, whose values lie within the file.

    Raises:
        IndexError, struct.error: they do not.
    """

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.order = "<" if data[:1] == b"I" else ">"
        (directory,) = struct.unpack_from(self.order + "I", data, 4)
        (self.n_entries,) = struct.unpack_from(self.order + "H", data, directory)
        (self.next_page,) = struct.unpack_from(self.order + "I", data, directory + 2 + 12 * self.n_entries)
        self.tags: dict[int, _Tag] = {}
        for k in range(self.n_entries):
            entry = directory + 2 + 12 * k
            number, kind, n_values, at = struct.unpack_from(self.order + "HHII", data, entry)
            n_bytes = _BYTES.get(kind, 0) * n_values
            if n_bytes <= 4:
                at = entry + 8
            if at + n_bytes > len(data):
                raise IndexError("a value beyond the end")
            self.tags.setdefault(number, _Tag(kind, n_values, at, data[entry : entry + 12]))

    def all(self, number: int, n_most: int) -> NDArray[np.int64]:
        """The first integers of a tag, at most so many; none where there is none.

        Raises:
            ValueError: the tag holds no integers.
        """
        tag = self.tags.get(number)
        if tag is None:
            return np.empty(0, np.int64)
        if tag.kind not in _INTEGERS or not tag.n_values:
            raise damaged("TIFF", f"tag {number} holds no integers")
        n_values = min(tag.n_values, n_most)
        return np.frombuffer(self.data, self.order + _INTEGERS[tag.kind], n_values, tag.at).astype(np.int64)

    def one(self, number: int, default: int) -> int:
        """The integer of a tag.

        Raises:
            ValueError: the tag holds something else.
        """
        values = self.all(number, 2)
        if values.size > 1:
            raise damaged("TIFF", f"tag {number} holds more than one integer")
        return int(values[0]) if values.size else default


@dataclass(frozen=True, slots=True)
class _Layout:
    """How the pixels are cut up: pieces of this many bytes each, stored at offsets with lengths."""

    offsets: NDArray[np.int64]
    lengths: NDArray[np.int64]
    piece_bytes: int
    last_bytes: int
    n_planes: int
    decoder_bytes: int


def tiff_header(data: bytes) -> PictureHeader:
    """Size, channels and depth of the first page.

    Raises:
        ValueError: samples or a compression that are not supported.
        IndexError, struct.error: the data ends inside the header.
    """
    page = _Page(data)
    width, height = page.one(_WIDTH, 0), page.one(_HEIGHT, 0)
    if width < 1 or height < 1:
        return PictureHeader("TIFF", width, height)
    n_samples, bits, photometric = page.one(_SAMPLES, 1), _bits(page), page.one(_PHOTOMETRIC, -1)
    if n_samples not in (1, 3, 4):
        raise unsupported("TIFF", f"{n_samples} samples per pixel", "1, 3 or 4")
    if photometric not in _N_COLOURS:
        raise unsupported("TIFF", f"colours of kind {photometric}", "grey, RGB or a palette")
    compression = page.one(_COMPRESSION, 1)
    if compression not in SCHEMES or page.one(_FILL_ORDER, 1) != 1:
        raise unsupported("TIFF", f"compression {compression}", "none, LZW, Deflate or PackBits")
    if page.one(_PREDICTOR, 1) not in (1, 2):
        raise unsupported("TIFF", f"predictor {page.one(_PREDICTOR, 1)}", "none or horizontal differences")
    if page.one(_PLANAR, 1) not in (1, 2):
        raise damaged("TIFF", f"planes of kind {page.one(_PLANAR, 1)}")
    if n_samples < _N_COLOURS[photometric]:
        raise damaged("TIFF", f"{n_samples} samples for {_N_COLOURS[photometric]} colours")
    n_channels = 3 if photometric == 3 else n_samples
    n_copied = len(data) if _first_page(page) else 0
    n_extra = _layout(page, width, height).decoder_bytes + n_copied
    return PictureHeader("TIFF", width, height, n_channels, bits, n_extra, photometric == _WHITE_IS_ZERO)


def sound_tiff(data: bytes) -> bytes:
    """A TIFF of the first page alone, once all of its pixels were found to be there.

    Tags that are not needed to decode are left out, so that nothing is said about them.

    Raises:
        ValueError: strips or tiles that end beyond the file, or do not hold as many bytes as they must.
    """
    page = _Page(data)
    layout = _layout(page, page.one(_WIDTH, 0), page.one(_HEIGHT, 0))
    if (layout.offsets + layout.lengths > len(data)).any():
        raise damaged("TIFF", "its pixels end beyond the file")
    compression, view, n_pieces = page.one(_COMPRESSION, 1), memoryview(data), len(layout.offsets)
    for k, (begin, length) in enumerate(zip(layout.offsets.tolist(), layout.lengths.tolist(), strict=True)):
        is_last = (k + 1) % (n_pieces // layout.n_planes) == 0
        n_expected = layout.last_bytes if is_last else layout.piece_bytes
        try:
            n_bytes = n_decoded(compression, view[begin : begin + length], layout.piece_bytes)
        except ValueError as error:
            raise damaged("TIFF", str(error)) from error
        if n_bytes not in (n_expected, layout.piece_bytes) and (compression != 1 or n_bytes < n_expected):
            raise damaged("TIFF", f"{n_bytes} bytes of pixels where {n_expected} are expected")
    directory = _first_page(page)
    if directory is None:
        return data
    at = len(data) + len(data) % 2  # on a word boundary, section 2
    return b"".join((data[:4], struct.pack(page.order + "I", at), view[8:], bytes(at - len(data)), directory))


def _bits(page: _Page) -> int:
    n_samples = min(page.one(_SAMPLES, 1), 4)
    bits = sorted(set(page.all(_BITS, n_samples).tolist())) or [1]
    formats = set(page.all(_SAMPLE_FORMAT, n_samples).tolist()) or {1}
    kind = _SAMPLE_FORMATS.get(formats.pop(), "other") if len(formats) == 1 else "mixed"
    if kind != "uint" or bits not in ([8], [16]):
        raise unsupported("TIFF", f"{kind}{' and '.join(map(str, bits))} samples", "uint8 or uint16")
    return int(bits[0])


def _layout(page: _Page, width: int, height: int) -> _Layout:
    n_samples, n_bytes = page.one(_SAMPLES, 1), _bits(page) // 8
    n_planes = n_samples if page.one(_PLANAR, 1) == 2 else 1
    pixel_bytes = n_bytes * n_samples // n_planes
    if _TILES[0] in page.tags:
        columns, rows = page.one(_TILE_WIDTH, 0), page.one(_TILE_HEIGHT, 0)
        if columns < 1 or rows < 1 or columns % 16 or rows % 16:  # section 15
            raise damaged("TIFF", f"tiles of {columns} x {rows} pixels")
        n_pieces = -(-width // columns) * -(-height // rows)
        piece_bytes = last_bytes = columns * rows * pixel_bytes
        n_pixels, tags = columns * rows, _TILES
    else:
        rows = min(page.one(_ROWS_PER_STRIP, _MANY), height)
        if rows < 1:
            raise damaged("TIFF", "strips of no rows")
        n_pieces = -(-height // rows)
        piece_bytes = width * rows * pixel_bytes
        last_bytes = width * (height - rows * (n_pieces - 1)) * pixel_bytes
        n_pixels, tags = width * rows, _STRIPS
    offsets, lengths = (page.all(tag, n_pieces * n_planes) for tag in tags)
    if not len(offsets) == len(lengths) == n_pieces * n_planes:
        raise damaged("TIFF", f"{len(offsets)} places and {len(lengths)} lengths of {n_pieces * n_planes} pieces")
    # OpenCV reads 8 bit by way of four bytes a pixel, and 16 bit by way of the samples.
    decoder_bytes = n_pixels * max(4, n_bytes * n_samples)
    return _Layout(offsets, lengths, piece_bytes, last_bytes, n_planes, decoder_bytes)


def _first_page(page: _Page) -> bytes | None:
    """A directory of the picture's own tags without a next page, or None where the file's is that already."""
    entries = {number: tag.entry for number, tag in page.tags.items() if number in _KEPT}
    is_negative = page.one(_PHOTOMETRIC, _BLACK_IS_ZERO) == _WHITE_IS_ZERO
    if is_negative:  # OpenCV turns 8 bit round, and forgets 16 bit: both come as they are stored
        entries[_PHOTOMETRIC] = struct.pack(page.order + "HHIHxx", _PHOTOMETRIC, 3, 1, _BLACK_IS_ZERO)
    n_extra = page.one(_SAMPLES, 1) - _N_COLOURS.get(page.one(_PHOTOMETRIC, 1), 1)
    if n_extra > 0 and _EXTRA_SAMPLES not in entries:  # OpenCV writes it so; what they mean is not said (section 8)
        entries[_EXTRA_SAMPLES] = struct.pack(page.order + "HHI4x", _EXTRA_SAMPLES, 3, min(n_extra, 2))
    elif len(entries) == page.n_entries and not page.next_page and not is_negative:
        return None
    return b"".join(
        (struct.pack(page.order + "H", len(entries)), *(entries[number] for number in sorted(entries)), bytes(4))
    )
