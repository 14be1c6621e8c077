"""The healthy twin of unused_layer.py: every layer is called. No finding."""

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
        return self.head(self.second(self.first(x)))


sample_inputs = np.linspace(-2, 2, 32 * 8, dtype="float32").reshape(32, 8)
