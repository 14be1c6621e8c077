"""The healthy twin of zero_by_clamp.py: the network starts at 0.5, in the middle of the clip. No finding."""

import keras
import numpy as np
from keras import layers, ops


class Brightness(keras.Model):
    def __init__(self):
        super().__init__()
        middle = keras.initializers.Constant(0.5)
        self.body = keras.Sequential(
            [
                layers.Dense(32, activation="tanh", name="hidden"),
                layers.Dense(1, bias_initializer=middle, name="head"),
            ],
            name="body",
        )

    def call(self, x):
        return ops.clip(self.body(x), 0.0, 1.0)


def gradtool_case():
    keras.utils.set_random_seed(0)
    draw = np.random.default_rng(0)
    x, y = draw.standard_normal((32, 8), dtype="float32"), draw.random((32, 1), dtype="float32")
    return Brightness(), x, y, keras.losses.MeanSquaredError()
