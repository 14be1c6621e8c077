"""A ReLU with a gradient of its own, and a broken twin that forgot its mask.

    gradtool check examples/callables/tensorflow/custom_relu.py:my_relu
    gradtool check examples/callables/tensorflow/custom_relu.py:my_relu_broken

my_relu is verified. my_relu_broken passes the upstream gradient on where the input is negative too: wrong there, 1
where the derivative is 0.
"""

import tensorflow as tf


@tf.custom_gradient
def my_relu(x):
    def gradient(upstream):
        return upstream * tf.cast(x > 0, x.dtype)

    return tf.maximum(x, 0), gradient


@tf.custom_gradient
def my_relu_broken(x):
    def gradient(upstream):
        return upstream  # the fault: no mask

    return tf.maximum(x, 0), gradient


def gradtool_inputs():
    return (tf.constant([-1.5, -0.2, 0.4, 2.0], tf.float64),)
