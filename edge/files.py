"""Files that are whole or not there, and where those that ship lie."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from edge.errors import UsageError


def write_whole(path: Path, content: bytes) -> None:
    """Writes beside the place and renames: at `path` stands the old file or the whole new one, never a part.

    Raises:
        UsageError: the place cannot be written to.
    """
    try:
        handle, aside = tempfile.mkstemp(prefix=".ferrule-", dir=path.parent)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(content)
            Path(aside).chmod(0o644)
            Path(aside).replace(path)
        except BaseException:
            Path(aside).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror}; give a folder that can be") from error


def shipped(folder: str) -> Path:
    """A folder that ships, such as `models`: inside the package when installed, beside it in a checkout."""
    package = Path(__file__).resolve().parent
    inside = package / f"shipped_{folder}"
    return inside if inside.is_dir() else package.parent / folder
