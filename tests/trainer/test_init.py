"""The doors of the trainer's packages: what they offer, and what they cost."""

from __future__ import annotations

import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

PACKAGES = ("trainer", "trainer.data", "trainer.phantom", "trainer.learning", "trainer.export", "trainer.evaluation")


@pytest.mark.parametrize("package", PACKAGES)
def test_a_door_opens_without_tensorflow(package: str) -> None:
    """Importing a package imports neither TensorFlow nor Keras nor matplotlib: what needs them waits until asked."""
    code = (
        f"import sys, {package}; print(sorted({{'tensorflow', 'keras', 'matplotlib', 'sklearn'}} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.train
@pytest.mark.parametrize("package", PACKAGES)
def test_a_door_offers_what_it_names(package: str) -> None:
    """Every export imports, none bears the name of a file beside it, and another name is an AttributeError."""
    pytest.importorskip("tensorflow", reason="the train extra (TensorFlow) is not installed")
    door = import_module(package)
    assert door.__file__ is not None
    files = {path.stem for path in Path(door.__file__).parent.iterdir()}
    assert door.__all__ == sorted(door.__all__, key=lambda name: (not name[0].isupper(), name))
    for name in door.__all__:
        assert getattr(door, name) is not None
        assert name not in files
    with pytest.raises(AttributeError, match="has no attribute 'fly'"):
        _ = door.fly
