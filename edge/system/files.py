"""Files: read whole if they are files at all, written whole or not at all, and where those that ship lie."""

from __future__ import annotations

import contextlib
import errno
import os
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path

from edge.errors import OutputError, UsageError

# What file systems without hard links answer: FAT and exFAT on a stick, some network shares.
_NO_LINKS = frozenset({errno.EPERM, errno.EACCES, errno.ENOSYS, errno.EOPNOTSUPP, errno.EMLINK, errno.EINVAL})

# A place that is none, however much room there is.
_NO_PLACE = frozenset({errno.ENOENT, errno.ENOTDIR, errno.EISDIR, errno.ENAMETOOLONG, errno.ELOOP})


def read_regular(path: str | os.PathLike[str], most_bytes: int) -> bytes:
    """The content of a regular file; a pipe or a device is never waited for.

    Args:
        path: the file, or a link to one.
        most_bytes: a larger file is refused before it is read.

    Raises:
        OSError: it cannot be read, is no regular file, or is larger.
        ValueError: a path that no file can have, such as one with a NUL in it.
    """
    # O_NONBLOCK: opening a pipe that nobody writes to would wait for ever
    with os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as file:
        info = os.fstat(file.fileno())
        if not stat.S_ISREG(info.st_mode):
            raise OSError(errno.EINVAL, "not a regular file")
        # some of the system's files say that they are empty, and never end
        data = file.read(most_bytes + 1) if info.st_size <= most_bytes else b""
    if data is None:  # what would make others wait, such as the kernel's messages
        raise OSError(errno.EAGAIN, "it has nothing to read now")
    if max(info.st_size, len(data)) > most_bytes:
        raise OSError(errno.EFBIG, f"larger than {most_bytes} bytes ({max(info.st_size, len(data))})")
    return data


def write_whole(path: Path, content: bytes) -> None:
    """Writes beside the place and renames: at `path` stands the old file or the whole new one, never a part.

    Raises:
        UsageError: there is no such place.
        OutputError: it cannot be written to, or has no room.
    """
    with _aside(path, content) as aside:
        aside.replace(path)


def write_new(path: Path, content: bytes) -> None:
    """The same for a name that is free: of several processes that want it one gets it.

    Raises:
        FileExistsError: something stands there; it is not touched.
        UsageError: there is no such place.
        OutputError: it cannot be written to, or has no room.
    """
    with _aside(path, content) as aside:
        try:
            os.link(aside, path)
        except OSError as error:
            if error.errno not in _NO_LINKS:
                raise
            # The empty file claims the name, and what is whole takes its place.
            os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644))
            try:
                aside.replace(path)
            except BaseException:
                path.unlink()
                raise


@contextlib.contextmanager
def _aside(path: Path, content: bytes) -> Iterator[Path]:
    """A whole file beside the place, gone after the block unless it was moved."""
    try:
        handle, name = tempfile.mkstemp(prefix=".ferrule-", dir=path.parent)
        aside = Path(name)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(content)
            aside.chmod(0o644)
            yield aside
        finally:
            aside.unlink(missing_ok=True)
    except FileExistsError:
        raise
    except (OSError, ValueError) as error:
        what = f"{path} cannot be written: {getattr(error, 'strerror', None) or error}"
        if isinstance(error, ValueError) or error.errno in _NO_PLACE:
            raise UsageError(f"{what}; give a folder that can be") from error
        raise OutputError(f"{what}; free some room there, or name another place") from error


def mode_of(path: str | os.PathLike[str]) -> int:
    """What a path leads to, as `stat` has it; 0 where nothing is, or where one may not look. Never fails.

    `Path.is_dir` and its like fail where a folder may not be entered, and for names that are too long.
    """
    try:
        return Path(path).stat().st_mode
    except (OSError, ValueError):
        return 0


def real_path(path: Path) -> Path:
    """Where a path leads, links followed; the path itself where that cannot be told. Never fails.

    Unlike `Path.resolve`, which fails for links in a circle, names that are too long, and in a folder that is gone.
    """
    try:
        return Path(os.path.realpath(path))
    except (OSError, ValueError):
        return path


def shipped(folder: str) -> Path:
    """A folder that ships, such as `models`: inside the package when installed, beside it in a checkout."""
    package = Path(__file__).resolve().parent.parent
    inside = package / f"shipped_{folder}"
    return inside if inside.is_dir() else package.parent / folder
