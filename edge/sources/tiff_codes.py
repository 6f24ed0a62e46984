"""How many bytes a compressed strip or tile of a TIFF holds, without keeping them.

OpenCV takes an 8 bit TIFF whose strips do not decode for a picture with black in it, so they are counted before.
Sections are those of TIFF 6.0.
"""

from __future__ import annotations

import itertools

import numpy as np
from numpy.typing import NDArray

from edge.sources.inflating import inflated

_NONE, _LZW, _DEFLATE, _OLD_DEFLATE, _PACK_BITS = 1, 5, 8, 32946, 32773

SCHEMES = frozenset({_NONE, _LZW, _DEFLATE, _OLD_DEFLATE, _PACK_BITS})
"""The compressions that are read, by their numbers."""

# Section 13: codes of 9 to 12 bits, the first of each row after a clear code has 9.
_CLEAR, _END = 256, 257
# A code is one bit longer from the 255th, 767th and 1791st on: a table of 511, 1023 and 2047 entries is full then.
_LONGER_FROM = (255, 767, 1791)
_MAX_ROW = 4096
_WIDTHS = np.array([9 + sum(k >= begin for begin in _LONGER_FROM) for k in range(1, _MAX_ROW + 1)], np.int64)
_PLACES = np.concatenate([[0], np.cumsum(_WIDTHS)])
"""Where each code of a row begins, in bits."""
# An encoder clears its table when it is full, or when it stops fitting; more often only to keep a reader busy.
_ROWS_AT_LEAST, _BITS_OF_A_ROW = 16, 512


def n_decoded(compression: int, piece: memoryview, n_most: int) -> int:
    """The bytes that a piece decodes to; counting ends soon after `n_most`.

    Raises:
        ValueError: the piece is damaged. In a few plain words.
    """
    if compression == _NONE:
        return len(piece)
    if compression == _PACK_BITS:
        return _n_unpacked(piece, n_most)
    if compression == _LZW:
        return _n_expanded(piece, n_most)
    return sum(map(len, inflated([piece], n_most)))


def _n_unpacked(piece: memoryview, n_most: int) -> int:
    """Section 9: a count and so many bytes, or a negative count and a byte to repeat."""
    at = n_bytes = 0
    while at < len(piece) and n_bytes < n_most:
        count = piece[at]
        if count < 128:
            at, n_bytes = at + 2 + count, n_bytes + 1 + count
        elif count > 128:
            at, n_bytes = at + 2, n_bytes + 257 - count
        else:
            at += 1
    if at > len(piece):
        raise ValueError("a run of pixels ends too early")
    return n_bytes


def _n_expanded(piece: memoryview, n_most: int) -> int:
    """Section 13: codes stand for strings, each one byte longer than one before; their lengths are added up."""
    if bytes(piece[:1]) == b"\0" and len(piece) > 1 and piece[1] & 1:
        raise ValueError("LZW in the order of bits that came before TIFF 6.0")
    stream = np.concatenate([np.frombuffer(piece, np.uint8), np.zeros(3, np.uint8)]).astype(np.uint32)
    n_bits, at, n_bytes = 8 * len(piece), 0, 0
    for n_rows in itertools.count():
        if n_bytes >= n_most:
            break
        if n_rows > _ROWS_AT_LEAST + n_bits // _BITS_OF_A_ROW:
            raise ValueError("too many clear codes")
        codes = _row(stream, at, n_bits)
        ends = np.flatnonzero((codes == _CLEAR) | (codes == _END))
        row = codes[: ends[0]] if ends.size else codes
        n_bytes += _n_in_row(row.tolist(), n_most - n_bytes)
        if not ends.size:
            if n_bytes < n_most:
                raise ValueError("its pixels end too early")
            break
        if codes[ends[0]] == _END:
            break
        at += int(_PLACES[ends[0] + 1])
    return n_bytes


def _row(stream: NDArray[np.uint32], at: int, n_bits: int) -> NDArray[np.uint32]:
    """The codes that follow a clear code, as far as there are bits and a row can go."""
    n_codes = int(np.searchsorted(_PLACES, n_bits - at, side="right")) - 1
    begin = at + _PLACES[:n_codes]
    first, shift = begin >> 3, 24 - (begin & 7) - _WIDTHS[:n_codes]
    windows = stream[first] << 16 | stream[first + 1] << 8 | stream[first + 2]
    return np.asarray(windows >> shift.astype(np.uint32) & ((1 << _WIDTHS[:n_codes]) - 1).astype(np.uint32))


def _n_in_row(codes: list[int], n_most: int) -> int:
    lengths = [1] * 256 + [0, 0]
    n_bytes = before = 0
    try:
        for code in codes:
            if before:
                lengths.append(before + 1)
            before = lengths[code]
            n_bytes += before
            if n_bytes >= n_most:
                break
    except IndexError as error:
        raise ValueError("a code that stands for nothing yet") from error
    return n_bytes
