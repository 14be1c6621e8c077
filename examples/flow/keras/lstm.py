"""A small LSTM classifier, healthy. No finding.

`make_model` is found by its name, and gives a compiled model, so the loss and the optimizer are known.
"""

import keras
import numpy as np
from keras import layers


def make_model():
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input((12, 8)), layers.LSTM(32), layers.Dense(3, activation="softmax")])
    model.compile(optimizer="adam", loss="sparse_categorical_crossentropy")
    return model


sample_inputs = np.random.default_rng(0).standard_normal((32, 12, 8), dtype="float32")
sample_targets = (sample_inputs.sum(axis=(1, 2)) > 0).astype("int64")
