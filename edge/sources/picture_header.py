"""The size of a picture, from its first bytes, before anything is decoded.

A decoder allocates what a header promises, so the promise is checked first. Four formats are what inspection
scopes write and what Ferrule reads: PNG, JPEG, BMP and TIFF.
"""

from __future__ import annotations

import struct

from edge.sources.bmp_structure import bmp_header
from edge.sources.jpeg_structure import jpeg_header
from edge.sources.picture_format import PictureFormat, PictureHeader, picture_format
from edge.sources.png_structure import png_header
from edge.sources.tiff_structure import tiff_header

__all__ = ["NO_PICTURE", "PictureFormat", "PictureHeader", "picture_format", "picture_header"]

NO_PICTURE = "not a picture: expected PNG, JPEG, BMP or TIFF"
MAX_SIDE_PX = 1_000_000
"""The longest row and column that libpng and OpenCV take."""

_HEADERS = {"PNG": png_header, "JPEG": jpeg_header, "BMP": bmp_header, "TIFF": tiff_header}


def picture_header(data: bytes) -> PictureHeader:
    """Format, size and depth of a picture file's bytes.

    Raises:
        ValueError: the bytes are no PNG, JPEG, BMP or TIFF, or end inside their header, or promise no pixels, or
            pixels of a kind that is not supported.
    """
    kind = picture_format(data)
    if kind is None:
        raise ValueError(NO_PICTURE)
    try:
        header = _HEADERS[kind](data)
    except (struct.error, IndexError) as error:
        raise ValueError(f"a {kind} that ends inside its header; copy or save it again") from error
    if header.width_px < 1 or header.height_px < 1:
        raise ValueError(f"a {kind} of {header.width_px} x {header.height_px} pixels; expected at least 1 x 1")
    if max(header.width_px, header.height_px) > MAX_SIDE_PX:
        raise ValueError(
            f"a {kind} of {header.width_px} x {header.height_px} pixels; expected sides of at most {MAX_SIDE_PX}"
        )
    return header
