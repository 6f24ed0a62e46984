from __future__ import annotations

import numpy as np
import pytest

keras = pytest.importorskip("keras", reason="the train extra (TensorFlow) is not installed")

import tensorflow as tf

from trainer.learning.adam import Adam

pytestmark = pytest.mark.train


@pytest.mark.parametrize("weight_decay", [0.0, 0.5])
def test_steps_are_those_of_keras_adamw_with_cosine_decay(weight_decay: float) -> None:
    """Twenty steps on the same gradients end at the same place, up to rounding."""
    rng = np.random.default_rng(0)
    start = [rng.normal(size=shape).astype(np.float32) for shape in ((5, 3), (3,))]
    gradients = [[rng.normal(size=w.shape).astype(np.float32) for w in start] for _ in range(20)]
    own, reference = ([keras.Variable(w) for w in start] for _ in range(2))
    adam = Adam(own, 0.01, 20, weight_decay)
    keras_adam = keras.optimizers.AdamW(keras.optimizers.schedules.CosineDecay(0.01, 20), weight_decay)
    keras_adam.exclude_from_weight_decay(var_list=[reference[1]])

    @tf.function
    def step(*given: object) -> None:
        adam.apply(given)

    for given in gradients:
        step(*map(tf.constant, given))
        keras_adam.apply_gradients(zip(map(tf.constant, given), reference, strict=True))
    for a, b, before in zip(own, reference, start, strict=True):
        np.testing.assert_allclose(a.numpy(), b.numpy(), atol=2e-6)
        assert np.abs(a.numpy() - before).min() > 1e-3


def test_a_variable_without_gradient_stays() -> None:
    """What the loss does not depend on is left alone."""
    variables = [keras.Variable([1.0, 2.0]), keras.Variable([3.0])]
    Adam(variables, 0.1, 5).apply([tf.constant([1.0, 1.0]), None])
    assert variables[1].numpy().tolist() == [3.0]
    assert variables[0].numpy().tolist() != [1.0, 2.0]
