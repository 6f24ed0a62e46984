"""The grey levels of a JPEG, by a decoder that tells of damage for each picture.

`simplejpeg` (libjpeg-turbo, as in OpenCV, with the same grey levels) raises what libjpeg says of a file, where
OpenCV prints it to the process's stderr and decodes on.
"""

from __future__ import annotations

import re
from typing import NamedTuple

import numpy as np
import simplejpeg
from numpy.typing import NDArray

from edge.imaging.graphics import coloured, repeated
from edge.sources.jpeg_structure import SoundJpeg, sound_jpeg
from edge.sources.picture_format import damaged, unsupported

_CALL = re.compile(r"^tj\w+\(\): ")
"""What TurboJPEG puts before its own words: the name of a function."""

_MIDDLE = 128


class DecodedJpeg(NamedTuple):
    """A JPEG's pixels.

    Attributes:
        grey: (h, w) uint8, the luma; of a JPEG that holds red, green and blue computed by libjpeg's weights.
        coloured: (h, w) bool, where its colour is not the picture's own tint; None where that is nowhere.
        n_extraneous_bytes: how many bytes stood between the segments, which is harmless.
    """

    grey: NDArray[np.uint8]
    coloured: NDArray[np.bool_] | None
    n_extraneous_bytes: int


def decode_jpeg(data: bytes) -> DecodedJpeg:
    """The picture in the bytes of a JPEG.

    Raises:
        ValueError: truncated or damaged, as far as the bytes tell.
        MemoryError: there is no room to decode it.
    """
    sound = sound_jpeg(data)
    try:
        grey = simplejpeg.decode_jpeg(sound.data, "GRAY")
        _check_range(sound)
        by_colour = _coloured(sound.data, *grey.shape[:2])
    except ValueError as error:
        said = _CALL.sub("", str(error))
        if "subsampling" in said:
            raise unsupported("JPEG", "an unusual subsampling of its colours", "4:4:4, 4:2:2 or 4:2:0") from error
        raise damaged("JPEG", said) from error
    return DecodedJpeg(grey.reshape(grey.shape[:2]), by_colour, sound.n_extraneous_bytes)


def _coloured(data: bytes, height: int, width: int) -> NDArray[np.bool_] | None:
    """What stands out by its colour, looked at in half the size: most JPEGs hold colours in no more."""
    if simplejpeg.decode_jpeg_header(data)[2] == "Gray" or min(height, width) < 2:
        return None
    half = simplejpeg.decode_jpeg(data, "BGR", min_height=height // 2, min_width=width // 2, min_factor=2)
    found = coloured(half)
    if found is None:
        return None
    return repeated(found, -(-height // half.shape[0]), height, width)


def _check_range(sound: SoundJpeg) -> None:
    """Looks for blocks darker than black or brighter than white.

    A flipped bit often leaves all codes valid, and shifts every block behind it by more and more.
    """
    if sound.range_limit is None:
        return
    blocks = simplejpeg.decode_jpeg(sound.range_data, "GRAY", min_height=1, min_width=1, min_factor=8)
    if max(_MIDDLE - int(blocks.min()), int(blocks.max()) - _MIDDLE) > sound.range_limit:
        raise ValueError("Corrupt JPEG data: blocks beyond black or white")
