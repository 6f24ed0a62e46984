import numpy as np
import pytest

pytest.importorskip("tensorflow", reason="the train extra (TensorFlow) is not installed")

from trainer.data import Examples
from trainer.export.gates import Gates, failed_gates, rendered_marks_gates

pytestmark = pytest.mark.train

GOOD = {"n_check": 400, "agreement": 1.0, "largest_probability_error": 0.0, "calibration_error": 0.0, "bytes": 1000}


def calibration(n: int = 100, span: int = 255) -> Examples:
    """Patches from black to this grey."""
    patches = np.zeros((n, 4, 4), np.uint8)
    patches[0, 0, 0] = span
    return Examples(patches, np.zeros((n, 0), np.uint8), np.zeros(n, np.int64), np.array([""] * n))


def test_a_good_conversion_fails_no_gate() -> None:
    """By every recipe that is gated by default, with default limits."""
    assert failed_gates("int8", Gates(), GOOD, calibration()) == []
    assert failed_gates("float32", Gates(), GOOD, calibration(2, 1)) == [], "not calibrated: its pictures do not matter"


def test_agreement_is_told_with_its_shortfall() -> None:
    """Too few answers shared with the float network; one picture may always differ."""
    (clause,) = failed_gates("int8", Gates(), GOOD | {"agreement": 0.99}, calibration())
    assert clause == "agreement with float is 0.9900, 0.998 expected (0.0080 short)"
    assert failed_gates("int8", Gates(), GOOD | {"agreement": 1 - 1 / 400}, calibration()) == []


def test_chance_is_allowed_for() -> None:
    """Of 400 pictures the calibration error may be 0.05 beyond its limit by chance, and no more."""
    gates = Gates(max_calibration_error=0.02)
    assert failed_gates("int8", gates, GOOD | {"calibration_error": 0.0699}, calibration()) == []
    (clause,) = failed_gates("int8", gates, GOOD | {"calibration_error": 0.0701}, calibration())
    assert clause.startswith("calibration_error is 0.0701, at most 0.07 expected")


@pytest.mark.parametrize("name", ["largest_probability_error", "calibration_error"])
def test_what_is_no_number_fails(name: str) -> None:
    """NaN is not below any limit."""
    (clause,) = failed_gates("int8", Gates(), GOOD | {name: float("nan")}, calibration())
    assert clause.startswith(f"{name} is nan")


def test_all_that_fail_are_told_at_once() -> None:
    """Each in a clause of its own."""
    failed = failed_gates("int8", Gates(max_bytes=999), GOOD | {"agreement": 0.5}, calibration(63, 127))
    assert [clause.split(" is ")[0] for clause in failed] == [
        "agreement with float",
        "bytes",
        "number of calibration pictures",
        "calibration pictures' range of grey levels",
    ]


def test_a_network_that_does_not_ship_has_the_usual_limits() -> None:
    """Only those that ship were measured on rendered marks."""
    assert rendered_marks_gates("mlp").min_agreement == 0.95
    assert rendered_marks_gates("own") == Gates()
