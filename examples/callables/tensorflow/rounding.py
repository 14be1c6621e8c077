"""Rounding: a step function, whose derivative is 0 wherever it has one; and the straight-through twin, which says 1.

    gradtool check examples/callables/tensorflow/rounding.py:rounding
    gradtool check examples/callables/tensorflow/rounding.py:rounding_broken

rounding is verified. rounding_broken passes the upstream gradient straight through: wrong, 1 where the derivative is 0.
Where that is meant, it is declared: straight_through.py beside this file, or --surrogate.
"""

import tensorflow as tf


@tf.custom_gradient
def rounding(x):
    def gradient(upstream):
        return tf.zeros_like(upstream)

    return tf.round(x), gradient


@tf.custom_gradient
def rounding_broken(x):
    def gradient(upstream):
        return upstream  # the fault: not the derivative of rounding, and nobody said that this is meant

    return tf.round(x), gradient


def gradtool_inputs():
    return (tf.constant([1.2, 2.7, -0.3], tf.float64),)
