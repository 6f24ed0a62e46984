"""TensorFlow, imported without the lines it prints about itself."""

from __future__ import annotations

import os
import re

from edge.errors import UsageError
from trainer.native_stderr import caught_stderr, pass_on

_ABOUT_ITSELF = re.compile(r"^WARNING: All log messages before absl|^[IW]\d{4} |^To enable the following|^\s*$")


def import_tensorflow() -> None:
    """Imports TensorFlow and Keras; what they print that is no error is dropped, then and later.

    Raises:
        UsageError: they are not installed.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    lines: list[str] = []
    try:
        with caught_stderr() as lines:
            import keras  # noqa: F401 - imported for its effect: its backend with it
            import tensorflow as tf

            tf.zeros(1)  # the processor's features are reported at the first operation
    except ModuleNotFoundError as error:
        raise UsageError(f"{error.name} is not installed: pip install 'ferrule[train]'") from error
    finally:
        pass_on(line for line in lines if not _ABOUT_ITSELF.search(line))
