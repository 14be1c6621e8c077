"""Thirty ReLU layers, He initialisation times 2: the gradient explodes.

He initialisation keeps the size of the gradient from layer to layer; twice that (a variance times 4, scale 8 for 2)
doubles it in each of the thirty layers, 2^30 or nine decades in all. gradtool flow should say GT104, exploding
gradient, and name the hidden layers.
"""

import keras
import numpy as np
from keras import layers


def hidden(i):
    initial = keras.initializers.VarianceScaling(scale=8, mode="fan_in")  # the fault: He initialisation has scale 2
    return layers.Dense(256, activation="relu", kernel_initializer=initial, name=f"hidden_{i}")


def build_model():
    keras.utils.set_random_seed(0)
    return keras.Sequential([keras.Input((256,)), *[hidden(i) for i in range(1, 31)], layers.Dense(3, name="head")])


sample_inputs = np.random.default_rng(0).standard_normal((128, 256), dtype="float32")
sample_targets = np.arange(128) % 3
loss_fn = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
