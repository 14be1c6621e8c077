"""The healthy twin of detached_branch.py: both branches are attached. No finding."""

import keras
import numpy as np
from keras import layers, ops


class TwoBranches(keras.Model):
    def __init__(self):
        super().__init__()
        self.left = layers.Dense(16, name="left")
        self.right = layers.Dense(16, name="right")
        self.head = layers.Dense(1, name="head")

    def call(self, x):
        both = ops.concatenate([self.left(x), self.right(x)], axis=1)
        return self.head(ops.tanh(both))


def gradtool_case():
    keras.utils.set_random_seed(0)
    draw = np.random.default_rng(0)
    x, y = draw.standard_normal((32, 8), dtype="float32"), draw.standard_normal((32, 1), dtype="float32")
    return TwoBranches(), x, y, keras.losses.MeanSquaredError()
