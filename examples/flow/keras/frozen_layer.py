"""A frozen layer: lawful when it is meant, as in fine-tuning, so gradtool flow only says so.

GT107, frozen, a note, at `features`. No other finding.
"""

import keras
import numpy as np
from keras import layers

keras.utils.set_random_seed(0)
net = keras.Sequential(
    [keras.Input((16,)), layers.Dense(32, activation="relu", name="features"), layers.Dense(3, name="head")]
)
net.get_layer("features").trainable = False
example_inputs = np.random.default_rng(0).standard_normal((32, 16), dtype="float32")
targets = np.arange(32) % 3
loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
