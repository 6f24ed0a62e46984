"""Fashion-MNIST, for trying the trainer without pictures of one's own.

70,000 grey pictures of clothing, 28x28, ten labels of equal size, 10,000 of them for testing (Xiao, Rasul and
Vollgraf 2017, MIT licence). The files are known by the SHA-256 of what is inside them, so that it does not matter
who compressed them.
"""

from __future__ import annotations

import contextlib
import gzip
import hashlib
import struct
import sys
import zlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edge.errors import SourceError, UsageError

NAME = "fashion-mnist"
LABELS = ("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot")
DEBIAN_FOLDER = Path("/usr/share/datasets/fashion-mnist")
"""Where Debian's package dataset-fashion-mnist puts the files."""

SHA256 = {
    "train-images-idx3-ubyte": "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
    "train-labels-idx1-ubyte": "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
    "t10k-images-idx3-ubyte": "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
    "t10k-labels-idx1-ubyte": "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
}
"""Of the four files, uncompressed: header and content."""

_IMAGES_MAGIC, _LABELS_MAGIC = 0x803, 0x801
_SIDE = 28
_N = {"train": 60_000, "t10k": 10_000}

Part = tuple[NDArray[np.uint8], NDArray[np.int64]]


def is_folder(folder: Path) -> bool:
    """Whether one of the four files lies in the folder, compressed or not."""
    return any((folder / f"{name}{suffix}").is_file() for name in SHA256 for suffix in ("", ".gz"))


def load(folder: Path | None = None, download: bool = False) -> tuple[Part, Part]:
    """The training and the test part.

    Args:
        folder: with the four IDX files, `.gz` or not; None: where Debian puts them.
        download: fetch the files with Keras where there is no folder (31 MB, kept in Keras' cache).

    Returns:
        Twice pictures (n, 28, 28) uint8 and labels (n,) int64, indices into `LABELS`; n is 60,000 and 10,000.

    Raises:
        UsageError: no folder given, none where Debian puts it, and no download asked for.
        SourceError: a file is missing, damaged or not the one that is known; the download failed.
    """
    if folder is None and not is_folder(DEBIAN_FOLDER):
        if not download:
            raise UsageError(
                f"Fashion-MNIST is not in {DEBIAN_FOLDER}: install Debian's dataset-fashion-mnist, give the folder "
                "of its IDX files with --data, or let Keras fetch it with --download"
            )
        return _downloaded()
    where = folder or DEBIAN_FOLDER
    return _part(where, "train"), _part(where, "t10k")


def _part(folder: Path, part: str) -> Part:
    pictures = _content(folder, f"{part}-images-idx3-ubyte")
    labels = _content(folder, f"{part}-labels-idx1-ubyte")
    return (
        np.frombuffer(pictures, np.uint8, offset=16).reshape(-1, _SIDE, _SIDE),
        np.frombuffer(labels, np.uint8, offset=8).astype(np.int64),
    )


def _content(folder: Path, name: str) -> bytes:
    plain, packed = folder / name, folder / f"{name}.gz"
    path = plain if plain.is_file() else packed
    limit = 16 + _N["train"] * _SIDE * _SIDE + 1
    try:
        if path == plain:
            content = path.read_bytes()
        else:
            with gzip.open(path) as file:
                content = file.read(limit)
    except FileNotFoundError as error:
        raise SourceError(f"Fashion-MNIST: there is neither {plain} nor {packed.name}; get all four files") from error
    except (OSError, EOFError, zlib.error) as error:
        raise SourceError(f"Fashion-MNIST: {path} cannot be read: {error}; get it again") from error
    _check(name, content, str(path))
    return content


def _check(name: str, content: bytes, source: str) -> None:
    digest = hashlib.sha256(content).hexdigest()
    if digest != SHA256[name]:
        raise SourceError(
            f"Fashion-MNIST: {source} is not the known file: its content has SHA-256 {digest[:12]}..., "
            f"expected {SHA256[name][:12]}...; get it again"
        )


def _downloaded() -> tuple[Part, Part]:
    import keras  # TensorFlow with it; only the download needs it here

    try:
        with contextlib.redirect_stdout(sys.stderr):
            parts: Sequence[tuple[NDArray[np.uint8], NDArray[np.uint8]]] = keras.datasets.fashion_mnist.load_data()
    except Exception as error:  # a failed download is a bare Exception in Keras; all else goes on
        if type(error) is not Exception:
            raise
        raise SourceError(f"Fashion-MNIST could not be fetched: {error}; give its folder with --data") from error
    for name, (pictures, labels) in zip(_N, parts, strict=True):
        header = struct.pack(">IIII", _IMAGES_MAGIC, len(pictures), _SIDE, _SIDE)
        _check(f"{name}-images-idx3-ubyte", header + pictures.tobytes(), "the download")
        _check(f"{name}-labels-idx1-ubyte", struct.pack(">II", _LABELS_MAGIC, len(labels)) + labels.tobytes(), "it")
    (x, y), (x_test, y_test) = parts
    return (x, y.astype(np.int64)), (x_test, y_test.astype(np.int64))
