"""`caught_stderr`: what TensorFlow prints, in the trainer's own process."""

from __future__ import annotations

import os

import pytest

from trainer.native_stderr import caught_stderr, pass_on


def test_what_native_code_prints_is_caught(capfd: pytest.CaptureFixture[str]) -> None:
    """Nothing reaches the terminal until it is passed on."""
    with caught_stderr() as lines:
        os.write(2, b"one\ntwo\n")
    assert lines == ["one", "two"]
    assert capfd.readouterr().err == ""
    pass_on(lines[1:])
    assert capfd.readouterr().err == "two\n"


def test_an_error_inside_restores_stderr(capfd: pytest.CaptureFixture[str]) -> None:
    """After an exception stderr is where it was."""
    with pytest.raises(ZeroDivisionError), caught_stderr():
        raise ZeroDivisionError
    os.write(2, b"back\n")
    assert capfd.readouterr().err == "back\n"
