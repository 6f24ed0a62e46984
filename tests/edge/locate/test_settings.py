"""Settings that cannot be are refused, and the thresholds cannot be changed."""

from __future__ import annotations

from dataclasses import FrozenInstanceError
from typing import Any

import pytest

from edge.errors import UsageError
from edge.locate import LocateSettings
from edge.locate.thresholds import THRESHOLDS


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"cladding_um": 0}, "cladding_um is 0, expected 10 to 3000"),
        ({"cladding_um": "125"}, "cladding_um is '125', expected 10 to 3000"),
        ({"um_per_px_x": 0.1, "um_per_px_y": 0.9}, "expected pixels that are nearly square"),
        ({"min_step_grey": True}, "min_step_grey is True"),
        ({"um_per_px_x": float("nan")}, "um_per_px_x is nan"),
        ({"min_radius": 0.5, "max_radius": 0.4}, "min_radius 0.5 is not below max_radius 0.4"),
    ],
)
def test_settings_that_cannot_be_are_refused(settings: dict[str, Any], words: str) -> None:
    """At birth, with the name and the value."""
    with pytest.raises(UsageError, match=words):
        LocateSettings(**settings)


def test_thresholds_are_constants() -> None:
    """Nothing sets them while the program runs."""
    with pytest.raises(FrozenInstanceError):
        THRESHOLDS.votes.n_centres = 9  # type: ignore[misc]
