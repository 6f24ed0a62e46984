"""TensorFlow, imported so that it says as little about itself as it can be told to."""

from __future__ import annotations

import os

from edge.errors import UsageError


def import_tensorflow() -> None:
    """Imports TensorFlow and Keras; of what they print that is no error, all but their greeting is dropped.

    The greeting (a line or two on oneDNN) comes before any setting is read. To catch it would take the process's
    stderr away from everybody else in the process.

    Raises:
        UsageError: they are not installed.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    try:
        import keras  # noqa: F401 - imported for its effect: its backend with it
        import tensorflow  # noqa: F401 - the same
    except ModuleNotFoundError as error:
        raise UsageError(f"{error.name} is not installed: pip install 'ferrule[train]'") from error
