"""Adam with one kernel call per weight matrix, its learning rate falling along half a cosine.

Kingma and Ba, Adam: A Method for Stochastic Optimization, ICLR 2015; Loshchilov and Hutter, Decoupled Weight Decay
Regularization, ICLR 2019, for the decay and the cosine. The arithmetic is that of Keras' AdamW, which starts a
dozen operations for each variable: for a network this small that is most of a step. `scripts/bench_training.py` prints
what is gained.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import tensorflow as tf

WEIGHT_DECAY = 0.1
"""Chosen on Fashion-MNIST: weights on which little depends shrink, so int8 needs smaller steps; int8 and float then
agreed more often at the same accuracy."""

_BETA_1, _BETA_2, _EPSILON = 0.9, 0.999, 1e-7  # as in Keras


class Adam:
    """Adam for Keras' variables, to be called inside a tf.function.

    Args:
        variables: what is to be learned, float32.
        learning_rate: at the first step.
        n_steps: after these the rate is 0.
        weight_decay: share of a weight that a step takes off, times the rate; biases do not decay.
    """

    def __init__(
        self, variables: Sequence[Any], learning_rate: float, n_steps: int, weight_decay: float = WEIGHT_DECAY
    ) -> None:
        self._variables = [variable.value for variable in variables]
        self._means = [tf.Variable(tf.zeros_like(v)) for v in self._variables]
        self._squares = [tf.Variable(tf.zeros_like(v)) for v in self._variables]
        self._learning_rate, self._n_steps, self._weight_decay = learning_rate, n_steps, weight_decay
        self._step = tf.Variable(0.0)

    def apply(self, gradients: Sequence[Any]) -> None:
        """Takes a step; a gradient that is None leaves its variable alone."""
        cosine = tf.cos(math.pi * self._step / self._n_steps)
        rate = self._learning_rate * 0.5 * (1.0 + cosine)
        step = self._step.assign_add(1.0)
        for variable, mean, square, gradient in zip(
            self._variables, self._means, self._squares, gradients, strict=True
        ):
            if gradient is not None:
                if variable.shape.rank > 1:
                    variable.assign_sub(variable * (rate * self._weight_decay))
                tf.raw_ops.ResourceApplyAdam(
                    var=variable.handle,
                    m=mean.handle,
                    v=square.handle,
                    beta1_power=tf.pow(_BETA_1, step),
                    beta2_power=tf.pow(_BETA_2, step),
                    lr=rate,
                    beta1=_BETA_1,
                    beta2=_BETA_2,
                    epsilon=_EPSILON,
                    grad=gradient,
                )
