"""What a capture hands out, as frames: whole pictures, or why one is none.

FFmpeg completes a JPEG that ends in the middle with pixels of the frame before, and passes it on as a good one: half a
dirty connector under half a clean one. So where a source sends JPEGs, as most USB and IP microscopes do, they are taken
as they came, and go through the checks that files go through.
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.errors import SourceError, UsageError
from edge.records import Frame
from edge.sources.pictures import decoded_frame, frame_of

_MOTION_JPEG = frozenset(cv2.VideoWriter.fourcc(*name) for name in ("MJPG", "mjpg", "JPEG", "jpeg", "AVRn", "dmb1"))
_LEAST_SIDE_PX = 8
"""What is narrower is no picture, but bytes in a row."""


def open_ffmpeg(name: str, parameters: Sequence[int] = ()) -> cv2.VideoCapture:
    """A film or a stream; of Motion JPEG it gives the JPEGs themselves, as (1, n) uint8."""
    capture = cv2.VideoCapture(name, cv2.CAP_FFMPEG, list(parameters))
    if capture.isOpened() and _is_motion_jpeg(capture):
        capture.set(cv2.CAP_PROP_FORMAT, -1)  # packets as they came
    return capture


def open_device(device: int | str) -> cv2.VideoCapture:
    """A camera; one that sends Motion JPEG by V4L2 gives the JPEGs themselves."""
    capture = cv2.VideoCapture(device)
    # a wish that some drivers ignore without a word; the reader keeps only the newest frame anyway
    capture.set(cv2.CAP_PROP_BUFFERSIZE, 1)
    if capture.isOpened() and _backend_of(capture) == "V4L2" and _is_motion_jpeg(capture):
        capture.set(cv2.CAP_PROP_CONVERT_RGB, 0)
    return capture


def _is_motion_jpeg(capture: cv2.VideoCapture) -> bool:
    return int(capture.get(cv2.CAP_PROP_FOURCC)) in _MOTION_JPEG


def _backend_of(capture: cv2.VideoCapture) -> str:
    with contextlib.suppress(cv2.error):
        return str(capture.getBackendName())
    return ""


def frame_from(arrived: NDArray[Any], source: str, index: int, time: datetime | None = None) -> Frame:
    """The frame of what a capture gave: pixels, or the bytes of a JPEG in a row.

    Raises:
        SourceError: a JPEG that is damaged, or what is no picture; it is lost, and the next one may be whole.
    """
    is_row = arrived.dtype == np.uint8 and min(arrived.shape[:2]) == 1 and arrived.ndim <= 3
    if is_row:
        data = arrived.tobytes()
        if data[:2] == b"\xff\xd8":
            return decoded_frame(data, source, index, time)
    if is_row or min(arrived.shape[:2]) < _LEAST_SIDE_PX:
        raise SourceError(f"{source}: a frame of {' x '.join(map(str, arrived.shape))} is no picture")
    try:
        return frame_of(arrived, source, index, time)
    except UsageError as error:
        raise SourceError(f"{source}: {error}") from error
