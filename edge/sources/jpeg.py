"""The grey levels of a JPEG, by a decoder that tells of damage for each picture.

`simplejpeg` (libjpeg-turbo, as in OpenCV, with the same grey levels) raises what libjpeg says of a file, where
OpenCV prints it to the process's stderr and decodes on.
"""

from __future__ import annotations

import re

import numpy as np
import simplejpeg
from numpy.typing import NDArray

from edge.sources.jpeg_structure import SoundJpeg, sound_jpeg
from edge.sources.picture_format import damaged, unsupported

_CALL = re.compile(r"^tj\w+\(\): ")
"""What TurboJPEG puts before its own words: the name of a function."""

_MIDDLE = 128


def decode_jpeg(data: bytes) -> tuple[NDArray[np.uint8], int]:
    """The luma as (h, w) uint8, and how many bytes stood between the segments, which is harmless.

    Of a JPEG that holds red, green and blue the luma is computed, by libjpeg's weights.

    Raises:
        ValueError: truncated or damaged, as far as the bytes tell.
        MemoryError: there is no room to decode it.
    """
    sound = sound_jpeg(data)
    try:
        grey = simplejpeg.decode_jpeg(sound.data, "GRAY")
        _check_range(sound)
    except ValueError as error:
        said = _CALL.sub("", str(error))
        if "subsampling" in said:
            raise unsupported("JPEG", "an unusual subsampling of its colours", "4:4:4, 4:2:2 or 4:2:0") from error
        raise damaged("JPEG", said) from error
    return grey.reshape(grey.shape[:2]), sound.n_extraneous_bytes


def _check_range(sound: SoundJpeg) -> None:
    """Looks for blocks darker than black or brighter than white.

    A flipped bit often leaves all codes valid, and shifts every block behind it by more and more.
    """
    if sound.range_limit is None:
        return
    blocks = simplejpeg.decode_jpeg(sound.range_data, "GRAY", min_height=1, min_width=1, min_factor=8)
    if max(_MIDDLE - int(blocks.min()), int(blocks.max()) - _MIDDLE) > sound.range_limit:
        raise ValueError("Corrupt JPEG data: blocks beyond black or white")
