"""Straight-through rounding, declared as a gradient that is wrong on purpose; the twin breaks the chain rule.

    gradtool check examples/callables/tensorflow/straight_through.py:straight_through
    gradtool check examples/callables/tensorflow/straight_through.py:straight_through_broken

At [1.2, 2.7, -0.3] the gradient of the sum is 1, 1, 1. Of a declared surrogate the numbers are not judged, but it must
still keep what every gradient owes. straight_through does; straight_through_broken returns ones whatever comes from
above, so everything behind it learns from a gradient that belongs to another loss.
"""

import tensorflow as tf


@tf.custom_gradient
def straight_through(x):
    def gradient(upstream):
        return upstream

    return tf.round(x), gradient


@tf.custom_gradient
def straight_through_broken(x):
    def gradient(upstream):
        return tf.ones_like(upstream)  # the fault: the upstream gradient is ignored

    return tf.round(x), gradient


straight_through_surrogate = True
straight_through_broken_surrogate = True


def gradtool_inputs():
    return (tf.constant([1.2, 2.7, -0.3], tf.float64),)
