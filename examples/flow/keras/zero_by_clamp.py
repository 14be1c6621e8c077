"""A gradient that is exactly zero: every output lies outside of the clip, where the clip is flat.

The network starts near 128, as for bytes, and is clipped to 0 .. 1. gradtool flow should say GT105, zero gradient,
for all of `body`, and show the line of the clip.
"""

import keras
import numpy as np
from keras import layers, ops


class Brightness(keras.Model):
    def __init__(self):
        super().__init__()
        middle = keras.initializers.Constant(128)
        self.body = keras.Sequential(
            [
                layers.Dense(32, activation="tanh", name="hidden"),
                layers.Dense(1, bias_initializer=middle, name="head"),
            ],
            name="body",
        )

    def call(self, x):
        return ops.clip(self.body(x), 0.0, 1.0)  # the fault


def gradtool_case():
    keras.utils.set_random_seed(0)
    draw = np.random.default_rng(0)
    x, y = draw.standard_normal((32, 8), dtype="float32"), draw.random((32, 1), dtype="float32")
    return Brightness(), x, y, keras.losses.MeanSquaredError()
