"""Picture files and arrays of any kind, as the one kind that the stages take: grey (h, w) uint8."""

from __future__ import annotations

import logging
import math
import os
import re
from collections.abc import Iterator
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.arguments import check_kind, described, is_number
from edge.bounds import MEGAPIXELS
from edge.errors import SourceError, UsageError, is_out_of_memory, reason_of
from edge.imaging.graphics import coloured
from edge.records import Frame
from edge.sources.picture_bytes import BYTES_PER_PIXEL, LESS_MEMORY, read_picture_bytes
from edge.sources.picture_header import PictureHeader, picture_header

PICTURE_SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff"})

MAX_MEGAPIXELS = 64.0
"""Five times a 12 megapixel microscope camera. What is decoded takes at most 256 MB, and all of an inspection 600."""

_WORKING_BYTES_PER_PIXEL = 8
"""How many bytes a pixel of the limit allows for all that is held while decoding: 512 MB unless it is raised."""

_N_DECODED = 2
"""OpenCV hands out a copy of what it decoded, so that for a moment there are two."""

# 16 bit grey covers 0..65535 = 257 * 255, so this maps full range to full range.
_STEPS_16_BIT = 257

EXTRANEOUS_BYTES = "JPEG with extraneous bytes between its segments (it decodes well)"


_log = logging.getLogger(__name__)


def to_grey(pixels: NDArray[Any]) -> NDArray[np.uint8]:
    """The picture as (h, w) uint8 grey: the only colour conversion there is.

    Colour is in OpenCV's order, (h, w, 3) BGR or (h, w, 4) BGRA whose alpha is ignored, weighted as in
    ITU-R BT.601. 16 bit is scaled by its full range (65535 becomes 255), whatever values occur: a range is
    never guessed from the picture. Grey uint8 is returned as it is, without a copy.

    Raises:
        UsageError: not an array, empty, of another number of channels, or of another type than uint8 or uint16.
    """
    if not isinstance(pixels, np.ndarray):
        raise UsageError(
            f"a picture is a NumPy array, got {type(pixels).__name__}"
            + ("; cv2.imread gives None for a file it cannot read" if pixels is None else "")
        )
    if pixels.dtype not in (np.uint8, np.uint16):
        nan = bool(np.issubdtype(pixels.dtype, np.inexact) and np.isnan(pixels).any())
        raise UsageError(
            f"a picture is uint8 or uint16, got {pixels.dtype}{' with NaN' if nan else ''}; "
            "scale it to 0..255, round it, and cast it to uint8"
        )
    if pixels.size == 0 or pixels.ndim not in (2, 3):
        raise UsageError(f"a picture is (h, w), (h, w, 1), (h, w, 3) or (h, w, 4) and not empty, got {pixels.shape}")
    n_channels = 1 if pixels.ndim == 2 else pixels.shape[2]
    if n_channels == 1:
        grey = pixels.reshape(pixels.shape[:2])
    elif n_channels in (3, 4):
        code = cv2.COLOR_BGR2GRAY if n_channels == 3 else cv2.COLOR_BGRA2GRAY
        grey = cv2.cvtColor(np.ascontiguousarray(pixels), code)
    else:
        raise UsageError(f"a picture has 1, 3 (BGR) or 4 (BGRA) channels, got {n_channels}")
    if grey.dtype == np.uint16:
        grey = cv2.convertScaleAbs(np.ascontiguousarray(grey), alpha=1.0 / _STEPS_16_BIT)
    return np.asarray(grey, dtype=np.uint8)


def read_picture(path: str | os.PathLike[str], max_megapixels: float = MAX_MEGAPIXELS) -> NDArray[np.uint8]:
    """The picture in a PNG, JPEG, BMP or TIFF file, as (h, w) uint8 grey.

    Pixels are given as they are stored: an EXIF orientation is not applied, so that boxes mean the file's own
    pixels. Of a TIFF of several pages the first is read. From a JPEG the luma is taken as it stands in the
    file; other colour goes through `to_grey`. May be called by many threads, and by a process forked meanwhile.

    Args:
        path: a regular file; nothing else is waited for.
        max_megapixels: the most pixels, and 4 bytes for each of them: the most that the file and the decoded
            picture take. Files up to that of the default are read in any case.

    Raises:
        SourceError: missing, not a regular file, empty, no picture, truncated, damaged, of a kind that is not
            supported, or too large (which is seen in the header, before anything is decoded).
        UsageError: the limit is not above 0.
    """
    return _decode(_bytes_of(path, max_megapixels), str(path), max_megapixels)[0]


def read_frame(path: str | os.PathLike[str], max_megapixels: float = MAX_MEGAPIXELS) -> Frame:
    """The same as a Frame, which also knows what stands out by its colour.

    Raises:
        SourceError, UsageError: as `read_picture`.
    """
    grey, by_colour = _decode(_bytes_of(path, max_megapixels), str(path), max_megapixels)
    return Frame(grey, str(path), coloured=by_colour)


def frame_of(pixels: NDArray[Any], source: str, index: int = 0, time: datetime | None = None) -> Frame:
    """A Frame of a picture in grey or in OpenCV's colours, uint8 or uint16, taken now unless said.

    Raises:
        UsageError: as `to_grey`.
    """
    when = datetime.now(timezone.utc) if time is None else time
    return Frame(to_grey(pixels), source, index, when, _coloured(pixels))


def decoded_frame(data: bytes, source: str, index: int = 0, time: datetime | None = None) -> Frame:
    """The same of a JPEG's bytes, from a camera or a film.

    Raises:
        SourceError: it is damaged, cut off, or no JPEG.
    """
    grey, by_colour = _decode(data, f"{source}: frame {index} arrived damaged", MAX_MEGAPIXELS)
    return Frame(grey, source, index, datetime.now(timezone.utc) if time is None else time, by_colour)


def decode_picture(data: bytes, source: str, max_megapixels: float = MAX_MEGAPIXELS) -> NDArray[np.uint8]:
    """The same as `read_picture` for a file's bytes; `source` is what messages call it.

    Raises:
        SourceError, UsageError: as `read_picture`.
    """
    check_kind(data, bytes, "data")
    check_max_megapixels(max_megapixels)
    return _decode(data, source, max_megapixels)[0]


def _bytes_of(path: str | os.PathLike[str], max_megapixels: float) -> bytes:
    check_kind(path, (str, os.PathLike), "path")
    check_max_megapixels(max_megapixels)
    n_most = int(max(max_megapixels, MAX_MEGAPIXELS) * 1e6 * BYTES_PER_PIXEL)
    return read_picture_bytes(Path(path), n_most)


def _coloured(pixels: NDArray[Any]) -> NDArray[np.bool_] | None:
    """Where a picture's colour is not its own tint; None where that is nowhere, or where it has no colours."""
    if pixels.ndim < 3 or pixels.shape[2] < 3:
        return None
    return coloured(pixels[..., :3])


def _decode(data: bytes, source: str, max_megapixels: float) -> tuple[NDArray[np.uint8], NDArray[np.bool_] | None]:
    """A file's bytes as grey levels, and what stands out by its colour."""
    try:
        header = picture_header(data)
        _check_size(header, len(data), max_megapixels)
        if header.format != "JPEG":
            pixels = _decoded(header, data)
            return to_grey(pixels), _coloured(pixels)
        from edge.sources.jpeg import decode_jpeg  # here, as in `_sound`

        grey, by_colour, n_extraneous = decode_jpeg(data)
    except ValueError as error:
        raise SourceError(f"{source}: {error}") from error
    except MemoryError as error:
        raise SourceError(f"{source}: there is not enough memory to decode it; {LESS_MEMORY}") from error
    if n_extraneous:
        _log.info(EXTRANEOUS_BYTES, extra={"source": source})
    return grey, by_colour


def check_max_megapixels(max_megapixels: float) -> None:
    """Refuses a limit that is none.

    Raises:
        UsageError: it is no number, or none of `edge.bounds.MEGAPIXELS`.
    """
    least, most = MEGAPIXELS
    if not is_number(max_megapixels, least, most):
        raise UsageError(
            f"--max-megapixels {described(max_megapixels)}; expected {least:g} to {most:g}, such as {MAX_MEGAPIXELS:g}"
        )


def _check_size(header: PictureHeader, n_file_bytes: int, max_megapixels: float) -> None:
    """Refuses what would take too much memory, before anything is decoded."""
    megapixels = header.width_px * header.height_px / 1e6
    decoded = header.n_decoded_bytes / 1e6
    working = _N_DECODED * decoded + (header.n_extra_bytes + n_file_bytes) / 1e6
    most = max_megapixels * BYTES_PER_PIXEL
    room = max(max_megapixels, MAX_MEGAPIXELS) * _WORKING_BYTES_PER_PIXEL
    if megapixels > max_megapixels:
        what = f"are {megapixels:.0f} megapixels, at most {max_megapixels:g} are read"
    elif decoded > most:
        depth = f"{header.n_channels} channels of {header.n_bits} bit"
        what = f"with {depth} take {decoded:.0f} MB, at most {most:g} are read"
    elif working > room:
        what = f"take {working:.0f} MB to decode, at most {room:g} are used"
    else:
        return
    needed = max(megapixels, decoded / BYTES_PER_PIXEL, working / _WORKING_BYTES_PER_PIXEL)
    raise ValueError(
        f"{header.width_px} x {header.height_px} pixels {what}; "
        f"crop or scale it down, or allow more with --max-megapixels {math.ceil(needed)}"
    )


def _decoded(header: PictureHeader, data: bytes) -> NDArray[Any]:
    """The pixels of a PNG, BMP or TIFF as OpenCV gives them, once its bytes were found to be whole."""
    sound = _sound(header, data)
    try:
        pixels = cv2.imdecode(np.frombuffer(sound, np.uint8), cv2.IMREAD_UNCHANGED)
    except cv2.error as error:
        if is_out_of_memory(error):
            raise MemoryError from error
        pixels = None
    if pixels is None:
        raise ValueError(f"a {header.format} that OpenCV cannot decode; copy it again, or save it as a PNG")
    return np.asarray(cv2.bitwise_not(pixels) if header.is_negative else pixels)


def _sound(header: PictureHeader, data: bytes) -> bytes:
    """The bytes of a PNG, BMP or TIFF that are whole; most runs meet one format, and import no other's checks."""
    if header.format == "PNG":
        from edge.sources.png_structure import sound_png

        return sound_png(data)
    if header.format == "BMP":
        from edge.sources.bmp_structure import sound_bmp

        return sound_bmp(data)
    from edge.sources.tiff_structure import sound_tiff

    return sound_tiff(data)


def list_folder(folder: str | os.PathLike[str], recursive: bool = False) -> list[Path]:
    """Paths of the pictures in a folder, in natural order (`face2` before `face10`).

    A picture is a file whose suffix, upper or lower case, is one of PICTURE_SUFFIXES and whose name does not
    begin with a dot. With `recursive` folders below are listed too, links to folders are not followed.

    Raises:
        SourceError: the folder cannot be read, or holds no picture.
    """
    found, problems = search_folder(folder, recursive)
    for problem in problems.values():
        raise SourceError(problem)
    return found


def search_folder(folder: str | os.PathLike[str], recursive: bool = False) -> tuple[list[Path], dict[Path, str]]:
    """The same, and what is wrong with each folder that cannot be read instead of an error; never both empty."""
    check_kind(folder, (str, os.PathLike), "folder")
    root, problems = Path(folder), dict[Path, str]()
    found = sorted(_walk(root, recursive, problems), key=natural_order)
    if not found and not problems:
        below = "" if recursive else " (folders below it are read with --recursive)"
        suffixes = ", ".join(sorted(PICTURE_SUFFIXES))
        problems[root] = f"{root}: a folder without pictures{below}; expected files ending in {suffixes}"
    return found, problems


def _walk(root: Path, recursive: bool, problems: dict[Path, str]) -> Iterator[Path]:
    left = [root]
    while left:
        folder = left.pop()
        try:
            with os.scandir(folder) as listing:
                entries = [entry for entry in listing if not entry.name.startswith(".")]
        except (OSError, ValueError) as error:
            problems[folder] = f"{folder}: {reason_of(error)}"
            continue
        for entry in entries:
            if _is_folder(entry, follow_symlinks=False):
                if recursive:
                    left.append(folder / entry.name)
            elif Path(entry.name).suffix.lower() in PICTURE_SUFFIXES and not _is_folder(entry, follow_symlinks=True):
                yield folder / entry.name


def _is_folder(entry: os.DirEntry[str], follow_symlinks: bool) -> bool:
    try:
        return entry.is_dir(follow_symlinks=follow_symlinks)
    except OSError:  # a link in a circle, or to where one may not look: reading it will say so
        return False


def natural_order(path: Path) -> tuple[object, ...]:
    """What paths are sorted by: `face2` comes before `face10`."""
    parts = re.split(r"(\d+)", str(path).casefold())
    return ([int(p) if k % 2 else p for k, p in enumerate(parts)], str(path))
