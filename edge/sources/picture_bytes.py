"""The bytes of a picture's file, without waiting for anything that is no file, and without reading what is too much."""

from __future__ import annotations

import math
import os
import stat
from pathlib import Path

from edge.errors import SourceError, reason_of
from edge.sources.picture_format import picture_format
from edge.sources.picture_header import NO_PICTURE

# What does not wait for a writer, makes no terminal ours, and stays with this process; as far as the system has it.
_FLAGS = os.O_RDONLY | sum(getattr(os, name, 0) for name in ("O_NONBLOCK", "O_NOCTTY", "O_CLOEXEC", "O_BINARY"))
_FIRST_BYTES = 16

BYTES_PER_PIXEL = 4
"""How many bytes of a file, and of the picture decoded, a pixel of a limit in megapixels stands for."""


def read_picture_bytes(path: Path, n_most: int) -> bytes:
    """All of a file that may be a picture, by its first bytes, and is of at most `n_most` bytes.

    Only regular files with a size are opened; those of `/proc` have none.

    Raises:
        SourceError: missing, not to be read, not a regular file, empty, no picture, or too large.
    """
    try:
        _check_kind(path, path.stat())  # opening a device may start something, so this is asked before
        descriptor = os.open(path, _FLAGS)
        try:
            info = os.fstat(descriptor)
            _check_kind(path, info)  # another file may have taken the name meanwhile
            return _read(path, descriptor, info.st_size, n_most)
        finally:
            os.close(descriptor)
    except SourceError:
        raise
    except MemoryError as error:
        raise SourceError(f"{path}: there is not enough memory to read it; {LESS_MEMORY}") from error
    except (OSError, ValueError) as error:  # ValueError: a path with a NUL in it
        raise SourceError(f"{path}: {reason_of(error)}") from error


LESS_MEMORY = "crop or scale it down, or end other programs"


def _check_kind(path: Path, info: os.stat_result) -> None:
    if stat.S_ISDIR(info.st_mode):
        raise SourceError(f"{path}: a folder, expected a picture")
    if not stat.S_ISREG(info.st_mode):
        raise SourceError(f"{path}: not a regular file; save the picture to a file first")
    if info.st_size == 0:
        raise SourceError(f"{path}: an empty file, or one of the system's without a size; copy or save it again")


def _read(path: Path, descriptor: int, n_bytes: int, n_most: int) -> bytes:
    if n_bytes > n_most:
        raise SourceError(
            f"{path}: a file of {n_bytes / 1e6:.0f} MB, at most {n_most / 1e6:.0f} are read; "
            f"crop or scale it down, or allow more with --max-megapixels {math.ceil(n_bytes / 1e6 / BYTES_PER_PIXEL)}"
        )
    first = os.read(descriptor, min(_FIRST_BYTES, n_bytes))
    if not first:
        raise SourceError(f"{path}: an empty file; copy or save it again")
    if picture_format(first) is None:
        raise SourceError(f"{path}: {NO_PICTURE}")
    os.lseek(descriptor, 0, os.SEEK_SET)
    # At once, so that no copy is made; a file that shrinks meanwhile gives less, and one that grows is cut.
    data = os.read(descriptor, n_bytes)
    while len(data) < n_bytes and (more := os.read(descriptor, n_bytes - len(data))):
        data += more
    return data
