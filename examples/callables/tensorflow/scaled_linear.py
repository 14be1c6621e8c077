"""A Keras layer: x @ kernel * scale. In the twin the scale leaves TensorFlow as a NumPy number, and gets no gradient.

    gradtool check examples/callables/tensorflow/scaled_linear.py:ScaledLinear
    gradtool check examples/callables/tensorflow/scaled_linear.py:ScaledLinearBroken

Of a layer the gradient by the input and by each weight is checked. ScaledLinear is verified; in ScaledLinearBroken
scale gets None, although the output depends on it.
"""

import keras
import numpy as np
import tensorflow as tf


class ScaledLinear(keras.layers.Layer):
    def __init__(self):
        super().__init__(dtype="float64")
        self.kernel = self.add_weight(shape=(3, 2), name="kernel")
        self.kernel.assign(np.linspace(-1, 1, 6).reshape(3, 2))
        self.scale = self.add_weight(shape=(), initializer=keras.initializers.Constant(0.5), name="scale")

    def call(self, x):
        return x @ self.kernel * self.scale


class ScaledLinearBroken(ScaledLinear):
    def call(self, x):
        return x @ self.kernel * self.scale.numpy()  # the fault: a number has no gradient


def gradtool_inputs():
    return (tf.constant([[0.2, -0.7, 1.1], [0.9, 0.4, -1.3]], tf.float64),)
