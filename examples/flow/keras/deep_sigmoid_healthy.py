"""The healthy twin of deep_sigmoid.py: the same depth with ReLU and He initialisation.

Half of the units pass the gradient whole, and the weights make up for the other half. gradtool flow should find
nothing.
"""

import keras
import numpy as np
from keras import layers


def gradtool_case():
    keras.utils.set_random_seed(0)
    hidden = [
        layers.Dense(32, activation="relu", kernel_initializer="he_normal", name=f"hidden_{i}") for i in range(1, 11)
    ]
    model = keras.Sequential([keras.Input((32,)), *hidden, layers.Dense(3, name="head")])
    x = np.random.default_rng(0).standard_normal((32, 32), dtype="float32")
    return model, x, np.arange(32) % 3, keras.losses.SparseCategoricalCrossentropy(from_logits=True)
