"""The healthy twin of output_range.py: a linear head reaches every target. No finding."""

import keras
import numpy as np
from keras import layers


def gradtool_case():
    keras.utils.set_random_seed(0)
    model = keras.Sequential(
        [keras.Input((8,)), layers.Dense(32, activation="relu", name="hidden"), layers.Dense(1, name="head")]
    )
    x = np.random.default_rng(0).standard_normal((32, 8), dtype="float32")
    return model, x, np.linspace(0, 10, 32, dtype="float32")[:, None], keras.losses.MeanSquaredError()
