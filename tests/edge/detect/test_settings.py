"""Settings of the detector."""

from __future__ import annotations

from dataclasses import fields, replace

import pytest

from edge.detect import DetectSettings
from edge.errors import UsageError


def test_settings_are_checked() -> None:
    """A setting outside its range is refused with the range."""
    with pytest.raises(UsageError, match=r"reach is 0.0, expected 0.1 to 10"):
        DetectSettings(reach=0.0)


@pytest.mark.parametrize("name", [field.name for field in fields(DetectSettings)])
def test_every_setting_has_a_range(name: str) -> None:
    """Each default lies within its range, and what lies beyond either end is refused by name."""
    for value in (-1, 1e6):
        with pytest.raises(UsageError, match=f"{name} is {value}"):
            replace(DetectSettings(), **{name: value})  # type: ignore[arg-type]  # what is given fits
