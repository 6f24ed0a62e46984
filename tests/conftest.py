"""What all tests share: where the real pictures lie, and which runtime must be the one at work."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

REPO = Path(__file__).resolve().parent.parent

# what a change is judged by depends neither on luck, nor on how busy the machine is that drew the examples;
# `pytest --hypothesis-profile explore` looks further
at_leisure = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("repeatable", at_leisure, derandomize=True)
settings.register_profile("explore", at_leisure, derandomize=False, print_blob=True)
settings.load_profile("repeatable")


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
