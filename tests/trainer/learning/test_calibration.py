import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.errors import UsageError
from trainer.learning.calibration import calibration_error, fit_temperature, softmax


def drawn(temperature: float, n: int = 20_000, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Logits, and labels drawn from what they say at a temperature."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(0, 4, (n, 5))
    chances = softmax(logits, temperature).cumsum(axis=1)
    labels = (rng.random((n, 1)) > chances).sum(axis=1)
    return logits, np.minimum(labels, 4)


@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.5])
def test_the_true_temperature_is_found(temperature: float) -> None:
    """Labels drawn at a temperature give that temperature back, and at it the calibration error is small."""
    logits, labels = drawn(temperature)
    assert fit_temperature(logits, labels) == pytest.approx(temperature, rel=0.05)
    assert calibration_error(softmax(logits, temperature), labels) < 0.01
    assert calibration_error(softmax(logits, temperature * 4), labels) > 0.05


@settings(deadline=None, max_examples=20)
@given(st.integers(0, 1000), st.integers(1, 20))
def test_always_a_temperature(seed: int, n: int) -> None:
    """However few the pictures, the temperature lies between 0.05 and 20 and is no worse than 1."""
    rng = np.random.default_rng(seed)
    logits, labels = rng.normal(0, 3, (n, 3)), rng.integers(0, 3, n)
    temperature = fit_temperature(logits, labels)
    assert 0.05 <= temperature <= 20

    def surprise(t: float) -> float:
        return float(-np.log(softmax(logits, t)[np.arange(n), labels]).mean())

    assert surprise(temperature) <= surprise(1.0) + 1e-3


def test_error_by_hand() -> None:
    """Ten answers at .8, seven of them right, and ten at .6, all right: (|8 - 7| + |6 - 10|) / 20."""
    probabilities = np.array([[0.8, 0.2]] * 10 + [[0.6, 0.4]] * 10)
    labels = np.array([0] * 7 + [1] * 3 + [0] * 10)
    assert calibration_error(probabilities, labels) == pytest.approx(0.25)


def test_nothing_to_measure_on() -> None:
    """Without pictures there is no figure, and the error says what is wanted."""
    with pytest.raises(UsageError, match="no held-out pictures"):
        fit_temperature(np.empty((0, 3)), np.empty(0, np.int64))
    with pytest.raises(UsageError, match="no pictures"):
        calibration_error(np.empty((0, 3)), np.empty(0, np.int64))
