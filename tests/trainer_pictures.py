"""Small labelled pictures that a network learns in a second."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

LABELS = ("bottom", "left", "right", "top")


def half(label: str, rng: np.random.Generator, size: int = 16) -> NDArray[np.uint8]:
    """Noise with one brighter half: (size, size) uint8."""
    picture = rng.normal(100, 30, (size, size))
    middle = size // 2
    where: dict[str, Any] = {
        "top": np.s_[:middle],
        "bottom": np.s_[middle:],
        "left": np.s_[:, :middle],
        "right": np.s_[:, middle:],
    }
    picture[where[label]] += 60
    return np.clip(picture, 0, 255).astype(np.uint8)


Tree = Callable[..., Path]


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    """Makes a folder `data` of labelled pictures, `n` a label, named `<group>-<number>.png` with three groups."""

    def make(n: int = 30, labels: Sequence[str] = LABELS, seed: int = 0) -> Path:
        rng = np.random.default_rng(seed)
        folder = tmp_path / "data"
        for label in labels:
            (folder / label).mkdir(parents=True)
            for number in range(n):
                cv2.imwrite(str(folder / label / f"fibre{number % 5}-{number:03}.png"), half(label, rng))
        return folder

    return make
