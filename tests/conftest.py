"""What all tests share: where the real pictures lie, and which runtime must be the one at work."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

REPO = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def repo() -> Path:
    """The checkout."""
    return REPO


@pytest.fixture(scope="session")
def endfaces() -> Path:
    """The folder of labelled real end faces beside the checkout; skips where it is absent."""
    folder = Path(os.environ.get("FERRULE_ENDFACES", REPO.parent / "shared" / "endfaces"))
    if not (folder / "annotations.json").is_file():
        pytest.skip("the labelled real end faces are not here (set FERRULE_ENDFACES)")
    return folder
