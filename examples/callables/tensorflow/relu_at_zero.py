"""A ReLU whose mask is x < 0, so that its gradient at 0 is 1: a convention. The twin has no excuse at 0.

    gradtool check examples/callables/tensorflow/relu_at_zero.py:relu_at_zero
    gradtool check examples/callables/tensorflow/relu_at_zero.py:relu_at_zero_broken

At 0 a ReLU has the slope 0 on the left and 1 on the right, and no derivative. relu_at_zero gives 1 there, tf.nn.relu 0;
both lie between the slopes, and neither is wrong. relu_at_zero_broken counts 0 in both of its masks and gives 2, which
no slope near 0 explains.
"""

import tensorflow as tf


@tf.custom_gradient
def relu_at_zero(x):
    def gradient(upstream):
        return tf.where(x < 0, tf.zeros_like(upstream), upstream)

    return tf.maximum(x, 0), gradient


@tf.custom_gradient
def relu_at_zero_broken(x):
    def gradient(upstream):
        positive, negative, zero = (tf.cast(mask, x.dtype) for mask in (x >= 0, x < 0, x == 0))
        slope_of_abs = positive - negative + 2 * zero  # the fault: 0 is counted twice
        return upstream * (1 + slope_of_abs) / 2

    return (x + tf.abs(x)) / 2, gradient


def gradtool_inputs():
    return (tf.constant([-1.0, 0.0, 2.0], tf.float64),)
