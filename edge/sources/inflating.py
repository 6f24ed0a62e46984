"""A zlib stream looked through piece by piece, so that one that grows a thousandfold takes no memory."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator

_INPUT_BYTES = 1 << 16
_OUTPUT_BYTES = 1 << 20


def inflated(parts: Iterable[bytes | memoryview], n_most: int) -> Iterator[bytes]:
    """The content of the zlib stream that the parts make up, in pieces of at most a megabyte.

    Nothing is inflated beyond `n_most` bytes but the piece that passes them.

    Raises:
        ValueError: the stream is damaged, ends too early, or is longer than `n_most`. In a few plain words.
    """
    stream, n_bytes = zlib.decompressobj(), 0
    try:
        for part in parts:
            for begin in range(0, len(part), _INPUT_BYTES):
                rest: bytes | memoryview = part[begin : begin + _INPUT_BYTES]
                while rest and not stream.eof:
                    piece = stream.decompress(rest, _OUTPUT_BYTES)
                    n_bytes += len(piece)
                    if n_bytes > n_most:
                        raise ValueError(f"more than {n_most} bytes of pixels")
                    yield piece
                    rest = stream.unconsumed_tail
        while not stream.eof:
            piece = stream.decompress(b"", _OUTPUT_BYTES)
            if not piece:
                raise ValueError("its pixels end too early")
            n_bytes += len(piece)
            if n_bytes > n_most:
                raise ValueError(f"more than {n_most} bytes of pixels")
            yield piece
    except zlib.error as error:
        raise ValueError("its pixels cannot be inflated") from error
