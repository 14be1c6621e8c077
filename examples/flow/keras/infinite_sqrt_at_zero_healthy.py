"""The healthy twin of infinite_sqrt_at_zero.py: the logarithm of the variance is learnt, any value of it is lawful.

gradtool flow should find nothing.
"""

import keras
import numpy as np
from keras import layers, ops


class Gaussian(keras.Model):
    def __init__(self):
        super().__init__()
        self.mean = layers.Dense(4, name="mean")
        self.log_variance = self.add_weight(shape=(4,), initializer="zeros", name="log_variance")

    def call(self, x):
        mean = self.mean(x)
        return mean + ops.exp(0.5 * self.log_variance) * keras.random.normal(ops.shape(mean))


def gradtool_case():
    keras.utils.set_random_seed(0)
    draw = np.random.default_rng(0)
    x, y = draw.standard_normal((32, 8), dtype="float32"), draw.standard_normal((32, 4), dtype="float32")
    return Gaussian(), x, y, keras.losses.MeanSquaredError()
