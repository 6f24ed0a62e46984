"""What this machine is."""

from __future__ import annotations

import json

import pytest

from edge.system.environment import decode_throttling, describe_machine


@pytest.mark.parametrize(
    ("said", "meaning"),
    [
        ("throttled=0x0\n", []),
        ("throttled=0x5\n", ["under-voltage now", "throttled now"]),
        ("throttled=0x50000", ["under-voltage since boot", "throttled since boot"]),
        ("VCHI initialization failed", None),
        ("", None),
    ],
)
def test_throttling_bits_are_told_in_words(said: str, meaning: list[str] | None) -> None:
    """What `vcgencmd get_throttled` prints on a Raspberry Pi is told in words; anything else is not known."""
    assert decode_throttling(said) == meaning


def test_the_machine_can_be_written_as_json_and_names_the_versions() -> None:
    """Whatever the system does not tell is null; NumPy's and Python's versions are always there."""
    machine = json.loads(json.dumps(describe_machine()))
    assert machine["packages"]["numpy"]
    assert machine["python"].startswith("3.")
    assert machine["n_cpus"] >= 1
