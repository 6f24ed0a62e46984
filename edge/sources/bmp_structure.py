"""What a BMP file promises, and whether its rows are all there."""

from __future__ import annotations

import struct

from edge.sources.picture_format import PictureHeader, damaged, unsupported

# Depths and compressions of Microsoft's BITMAPINFOHEADER: 0 is none, 3 and 6 are none with masks for the colours.
_BITS = (1, 4, 8, 16, 24, 32)
_UNCOMPRESSED = (0, 3, 6)
_OLD_HEADER_BYTES = 12
_MAX_COLOURS = 256


def bmp_header(data: bytes) -> PictureHeader:
    """Size and channels; a negative height, which means rows from top to bottom, is given as its amount.

    Raises:
        ValueError: a depth or a compression that is not supported.
        struct.error: the data ends inside the header.
    """
    (header_bytes,) = struct.unpack_from("<I", data, 14)
    compression = n_colours = 0
    if header_bytes == _OLD_HEADER_BYTES:
        width, height, _, bits = struct.unpack_from("<4H", data, 18)
    else:
        width, height, _, bits, compression = struct.unpack_from("<iiHHI", data, 18)
        (n_colours,) = struct.unpack_from("<I", data, 46)
    if bits not in _BITS:
        raise unsupported("BMP", f"{bits} bits per pixel", "8, 24 or 32")
    if compression not in _UNCOMPRESSED:
        raise unsupported("BMP", f"compression {compression}", "none")
    if bits <= 8 and n_colours > _MAX_COLOURS:
        raise damaged("BMP", f"a palette of {n_colours} colours")
    return PictureHeader("BMP", width, abs(height), 4 if bits == 32 else 3)


def sound_bmp(data: bytes) -> bytes:
    """The data, once every row was found to be there.

    Raises:
        ValueError: the file ends before its last row.
    """
    header = bmp_header(data)
    begin, header_bytes = struct.unpack_from("<II", data, 10)
    (bits,) = struct.unpack_from("<H", data, 24 if header_bytes == _OLD_HEADER_BYTES else 28)
    row_bytes = (header.width_px * bits + 31) // 32 * 4
    missing = begin + row_bytes * header.height_px - len(data)
    if missing > 0:
        raise damaged("BMP", f"{missing} bytes of its pixels are missing")
    if begin < 14 + header_bytes:
        raise damaged("BMP", "its pixels begin inside its header")
    return data
