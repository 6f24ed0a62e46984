"""Picture files and arrays of any kind, as the one kind that the stages take: grey (h, w) uint8."""

from __future__ import annotations

import logging
import os
import re
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.errors import SourceError, UsageError
from edge.native_stderr import caught_stderr, pass_on
from edge.picture_header import picture_header

PICTURE_SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff"})

# Eight times a 12 megapixel microscope camera; decoded in colour, 300 MB.
MAX_MEGAPIXELS = 100.0
# The widest pixel that is accepted, four channels of 16 bit: no file of an accepted picture is larger.
_MAX_BYTES_PER_PIXEL = 8

# 16 bit grey covers 0..65535 = 257 * 255, so this maps full range to full range.
_STEPS_16_BIT = 257

EXTRANEOUS_BYTES = "JPEG with extraneous bytes between its segments (it decodes well)"
# What OpenCV's decoders print; other lines on stderr meanwhile are another thread's.
_DECODER_LINE = re.compile(r"JPEG|^libpng|^TIFF|^\[ ?(?:WARN|ERROR|INFO):|^\s*$")
# Between segments a stray byte is harmless; before the end marker (d9) or a restart marker (d0..d7) it means
# that the decoder lost its place in the picture's data.
_HARMLESS = re.compile(r"extraneous bytes before marker 0x(?!d[0-79])|^libpng warning|TIFF_Warning|^\[ ?WARN|^\s*$")

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
    file; other colour goes through `to_grey`.

    Raises:
        SourceError: missing, not a regular file, empty, no picture, truncated, damaged, or larger than
            `max_megapixels` (which is seen in the header, before anything is decoded).
    """
    return decode_picture(_read_bytes(Path(path), max_megapixels), str(path), max_megapixels)


def decode_picture(data: bytes, source: str, max_megapixels: float = MAX_MEGAPIXELS) -> NDArray[np.uint8]:
    """The same for a file's bytes; `source` is what messages call it.

    Raises:
        SourceError: as `read_picture`.
    """
    try:
        header = picture_header(data)
    except ValueError as error:
        raise SourceError(f"{source}: {error}") from error
    megapixels = header.width_px * header.height_px / 1e6
    if megapixels > max_megapixels:
        raise SourceError(
            f"{source}: {header.width_px} x {header.height_px} pixels are {megapixels:.0f} megapixels, "
            f"at most {max_megapixels:g} are read; crop or scale it down"
        )
    luma = cv2.IMREAD_GRAYSCALE | cv2.IMREAD_IGNORE_ORIENTATION
    with caught_stderr() as printed:
        try:
            pixels = cv2.imdecode(np.frombuffer(data, np.uint8), luma if header.format == "JPEG" else -1)
        except cv2.error as error:
            raise SourceError(f"{source}: a {header.format} that OpenCV cannot decode: {error.err}") from error
    pass_on(line for line in printed if not _DECODER_LINE.search(line))
    messages = [line.strip() for line in printed if _DECODER_LINE.search(line)]
    damage = [line for line in messages if not _HARMLESS.search(line)]
    if pixels is None or damage:
        what = f" ({damage[0]})" if damage else ""
        raise SourceError(f"{source}: a truncated or damaged {header.format}{what}; copy or save it again")
    if any("extraneous" in line for line in messages):
        _log.info(EXTRANEOUS_BYTES, extra={"source": source})
    try:
        return to_grey(pixels)
    except UsageError as error:
        raise SourceError(f"{source}: {error}") from error


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
            problems[folder] = f"{folder}: {_why(error)}"
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


def _read_bytes(path: Path, max_megapixels: float) -> bytes:
    try:
        info = path.stat()
        if stat.S_ISDIR(info.st_mode):
            raise SourceError(f"{path}: a folder, expected a picture")
        if not stat.S_ISREG(info.st_mode):
            raise SourceError(f"{path}: not a regular file; save the picture to a file first")
        if info.st_size > max_megapixels * 1e6 * _MAX_BYTES_PER_PIXEL:
            raise SourceError(
                f"{path}: {info.st_size / 1e6:.0f} MB, more than a picture of {max_megapixels:g} megapixels can have"
            )
        data = path.read_bytes()
    except (OSError, ValueError) as error:  # ValueError: a path with a NUL in it
        if isinstance(error, SourceError):
            raise
        raise SourceError(f"{path}: {_why(error)}") from error
    if not data:
        raise SourceError(f"{path}: an empty file; copy or save it again")
    return data


def _why(error: OSError | ValueError) -> str:
    if isinstance(error, FileNotFoundError):
        return "no such file or folder"
    return (getattr(error, "strerror", None) or str(error)).lower()
