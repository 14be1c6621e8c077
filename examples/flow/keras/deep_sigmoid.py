"""A deep stack of sigmoids: the gradient vanishes.

The slope of a sigmoid is at most 1/4, so every layer takes away about three quarters of the gradient. gradtool flow
should say GT103, vanishing gradient, and name the hidden layers.
"""

import keras
import numpy as np
from keras import layers


def gradtool_case():
    keras.utils.set_random_seed(0)
    hidden = [layers.Dense(32, activation="sigmoid", name=f"hidden_{i}") for i in range(1, 11)]
    model = keras.Sequential([keras.Input((32,)), *hidden, layers.Dense(3, name="head")])
    x = np.random.default_rng(0).standard_normal((32, 32), dtype="float32")
    return model, x, np.arange(32) % 3, keras.losses.SparseCategoricalCrossentropy(from_logits=True)
