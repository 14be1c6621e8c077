"""A product of two inputs: at 3 and 4 the gradients are 4 and 3. The twin has them in the other order.

    gradtool check examples/callables/tensorflow/multiply.py:multiply
    gradtool check examples/callables/tensorflow/multiply.py:multiply_broken

multiply is verified. multiply_broken gives 3 and 4: each input gets the gradient of the other.
"""

import tensorflow as tf


@tf.custom_gradient
def multiply(x, y):
    def gradient(upstream):
        return upstream * y, upstream * x

    return x * y, gradient


@tf.custom_gradient
def multiply_broken(x, y):
    def gradient(upstream):
        return upstream * x, upstream * y  # the fault: swapped

    return x * y, gradient


def gradtool_inputs():
    return {"x": tf.constant(3.0, tf.float64), "y": tf.constant(4.0, tf.float64)}
