"""An unused layer: `second` is made and never called, so no gradient can reach it.

gradtool flow should say GT106, missing gradient, at `second`: never used. The class is found because it is the only
one here and needs no argument; `sample_inputs` says what it takes.
"""

import keras
import numpy as np
from keras import layers


class Regressor(keras.Model):
    def __init__(self):
        super().__init__()
        self.first = layers.Dense(16, activation="relu", name="first")
        self.second = layers.Dense(16, activation="relu", name="second")
        self.second.build((None, 16))
        self.head = layers.Dense(1, name="head")

    def call(self, x):
        return self.head(self.first(x))  # the fault: second is forgotten


sample_inputs = np.linspace(-2, 2, 32 * 8, dtype="float32").reshape(32, 8)
