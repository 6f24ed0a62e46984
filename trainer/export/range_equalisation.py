"""Range equalisation: every unit of the last hidden layer uses most of the 256 steps of int8.

One int8 scale serves a whole tensor, and the unit with the largest activation sets it; units with small activations
then use few of the steps. Behind a ReLU a unit may be divided by any positive factor if the weights that read it are
multiplied by the same factor, and in the default recipe those weights stay float. Nagel et al., Data-Free Quantization
Through Weight Equalization and Bias Correction, ICCV 2019, section 4.1, with measured activations instead of weights.
"""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from keras import layers

from trainer.data import Examples
from trainer.export.logits_model import as_inputs

_LEAST_FACTOR = 0.5
"""A unit is scaled up twice at most, however small its activations were on the calibration examples: on other examples
they may be large, and would be clipped."""


def equalise_ranges(logits_model: Any, calibration: Examples) -> bool:
    """Equalises the last hidden layer of a logits model, in place; its answers stay the same.

    A unit is divided by the square root of its largest activation over the largest of all. Without the square root all
    units would have the same maximum, and other examples could exceed it and be clipped.

    Args:
        logits_model: of `trainer.export.logits_model.without_softmax`.
        calibration: what the maxima are measured on.

    Returns:
        False where the logits are not computed from a Dense ReLU layer of their own; then nothing was changed.
    """
    dense = [layer for layer in logits_model.layers if type(layer) is layers.Dense]
    if len(dense) < 2 or not _feeds(logits_model, dense[-2], dense[-1]):
        return False
    hidden, last = dense[-2:]
    inputs = [calibration.patches, calibration.measures][: len(logits_model.inputs)]
    seen = keras.Model(logits_model.inputs, hidden.output)
    largest = seen.predict(as_inputs(seen, [given.astype(np.float32) for given in inputs]), verbose=0).max(axis=0)
    if largest.max() <= 0:
        return False
    factors = np.maximum(np.sqrt(np.maximum(largest, 0) / largest.max()), _LEAST_FACTOR)
    kernel, *bias = hidden.get_weights()
    hidden.set_weights([kernel / factors, *(b / factors for b in bias)])
    kernel, *bias = last.get_weights()
    last.set_weights([kernel * factors[:, None], *bias])
    return True


def _feeds(logits_model: Any, hidden: Any, last: Any) -> bool:
    """Whether a ReLU layer is read by the last one alone, with nothing but dropout between."""
    if hidden.activation is not keras.activations.relu:
        return False
    position = logits_model.layers.index(hidden)
    between = logits_model.layers[position + 1 : logits_model.layers.index(last)]
    return last is logits_model.layers[-1] and all(isinstance(layer, layers.Dropout) for layer in between)
