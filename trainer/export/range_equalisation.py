"""Gives every hidden unit before the logits its fair share of the 256 steps.

One int8 scale serves the whole tensor, and the loudest unit sets it. A ReLU lets a unit be turned down before it and
up after it at no cost, and in the default recipe what comes after is float. Nagel et al., Data-Free Quantization
Through Weight Equalization and Bias Correction, ICCV 2019, section 4.1, on measured activations instead of weights.
"""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from keras import layers

from trainer.data import Examples
from trainer.export.logits_model import as_inputs

_LEAST_FACTOR = 0.5
"""Units that are hardly ever heard are turned up twice at most: one that the calibration did not hear may be loud."""


def equalise(twin: Any, calibration: Examples) -> bool:
    """Evens out the last hidden layer of a logits twin, in place; what it answers stays the same.

    A unit is divided by the square root of its maximum over the loudest one's: all the way would leave no room for
    what the calibration does not show, and clip it.

    Args:
        twin: of `trainer.export.logits_model.logits_twin`.
        calibration: what the maxima are measured on.

    Returns:
        False where the logits are not computed from a Dense ReLU layer of their own; then nothing was changed.
    """
    dense = [layer for layer in twin.layers if type(layer) is layers.Dense]
    if len(dense) < 2 or not _feeds(twin, dense[-2], dense[-1]):
        return False
    hidden, last = dense[-2:]
    inputs = [calibration.patches, calibration.measures][: len(twin.inputs)]
    seen = keras.Model(twin.inputs, hidden.output)
    loudest = seen.predict(as_inputs(seen, [given.astype(np.float32) for given in inputs]), verbose=0).max(axis=0)
    if loudest.max() <= 0:
        return False
    factors = np.maximum(np.sqrt(np.maximum(loudest, 0) / loudest.max()), _LEAST_FACTOR)
    kernel, *bias = hidden.get_weights()
    hidden.set_weights([kernel / factors, *(b / factors for b in bias)])
    kernel, *bias = last.get_weights()
    last.set_weights([kernel * factors[:, None], *bias])
    return True


def _feeds(twin: Any, hidden: Any, last: Any) -> bool:
    """Whether a ReLU layer is read by the last one alone, with nothing but dropout between."""
    if hidden.activation is not keras.activations.relu:
        return False
    position = twin.layers.index(hidden)
    between = twin.layers[position + 1 : twin.layers.index(last)]
    return last is twin.layers[-1] and all(isinstance(layer, layers.Dropout) for layer in between)
