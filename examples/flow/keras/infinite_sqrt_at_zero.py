"""An infinite gradient: a standard deviation as the root of a variance that starts at 0.

The slope of the root is 1/0 and nothing turns it into NaN. gradtool flow should say GT102, infinite gradient, at
`variance`.
"""

import keras
import numpy as np
from keras import layers, ops


class Gaussian(keras.Model):
    def __init__(self):
        super().__init__()
        self.mean = layers.Dense(4, name="mean")
        self.variance = self.add_weight(
            shape=(4,), initializer="zeros", name="variance"
        )  # the fault: the root has no slope at 0

    def call(self, x):
        mean = self.mean(x)
        return mean + ops.sqrt(self.variance) * keras.random.normal(ops.shape(mean))


def gradtool_case():
    keras.utils.set_random_seed(0)
    draw = np.random.default_rng(0)
    x, y = draw.standard_normal((32, 8), dtype="float32"), draw.standard_normal((32, 4), dtype="float32")
    return Gaussian(), x, y, keras.losses.MeanSquaredError()
