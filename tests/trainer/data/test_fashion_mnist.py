from __future__ import annotations

import gzip
import struct
from pathlib import Path

import numpy as np
import pytest

from edge.errors import SourceError, UsageError
from trainer.data import fashion_mnist

needs_debian = pytest.mark.skipif(
    not fashion_mnist.is_folder(fashion_mnist.DEBIAN_FOLDER), reason="Debian's dataset-fashion-mnist is not installed"
)


@needs_debian
def test_the_debian_files_are_the_known_ones() -> None:
    """Shapes, types and counts are as described, and the hashes hold."""
    (pictures, labels), (test_pictures, test_labels) = fashion_mnist.load()
    assert (pictures.shape, pictures.dtype.name) == ((60_000, 28, 28), "uint8")
    assert (test_pictures.shape, labels.dtype.name) == ((10_000, 28, 28), "int64")
    assert np.bincount(labels).tolist() == [6000] * 10
    assert np.bincount(test_labels).tolist() == [1000] * 10
    assert len(fashion_mnist.LABELS) == 10


@needs_debian
def test_unpacked_files_in_a_folder_given_are_the_same(tmp_path: Path) -> None:
    """It does not matter whether the files are compressed."""
    for name in fashion_mnist.SHA256:
        packed = (fashion_mnist.DEBIAN_FOLDER / f"{name}.gz").read_bytes()
        (tmp_path / name).write_bytes(gzip.decompress(packed))
    (pictures, labels), _ = fashion_mnist.load(tmp_path)
    assert (pictures.shape, labels[0]) == ((60_000, 28, 28), 9)


def other_idx() -> bytes:
    """A data set of the same form with one black picture."""
    return struct.pack(">IIII", 0x803, 1, 28, 28) + bytes(784)


def packed(content: bytes) -> bytes:
    """As `gzip` packs it, without the time."""
    return gzip.compress(content, 1, mtime=0)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        pytest.param(packed(other_idx()), "not the known file", id="another data set"),
        pytest.param(packed(other_idx())[:20], "cannot be read", id="truncated"),
        pytest.param(b"no gzip", "cannot be read", id="no gzip"),
        pytest.param(b"", "not the known file|cannot be read", id="nothing"),
        pytest.param(packed(bytes(50_000_000)), "not the known file", id="unpacks to too much"),
    ],
)
def test_files_that_are_not_the_known_ones_are_refused(tmp_path: Path, content: bytes, expected: str) -> None:
    """Whatever lies there in their place, it is not taken for them."""
    (tmp_path / "train-images-idx3-ubyte.gz").write_bytes(content)
    with pytest.raises(SourceError, match=expected):
        fashion_mnist.load(tmp_path)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    """All four files are needed."""
    with pytest.raises(SourceError, match=r"there is neither .*train-images-idx3-ubyte"):
        fashion_mnist.load(tmp_path)


def test_nothing_is_downloaded_unless_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the files are not, the message says the three ways to get them."""
    monkeypatch.setattr(fashion_mnist, "DEBIAN_FOLDER", tmp_path)
    monkeypatch.setattr(fashion_mnist, "_downloaded", lambda: pytest.fail("downloaded"))
    with pytest.raises(UsageError, match=r"dataset-fashion-mnist, .*--data, .*--download"):
        fashion_mnist.load()
