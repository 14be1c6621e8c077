"""A five-layer ReLU network, healthy: every layer gets a gradient of much the same size.

gradtool flow should find nothing. It takes `model`, which is compiled and so knows its loss and optimizer, and
`sample_inputs` and `sample_targets` by their names.
"""

import keras
import numpy as np
from keras import layers

keras.utils.set_random_seed(0)
model = keras.Sequential(
    [
        keras.Input((16,)),
        layers.Dense(64, activation="relu"),
        layers.Dense(64, activation="relu"),
        layers.Dense(64, activation="relu"),
        layers.Dense(64, activation="relu"),
        layers.Dense(3),
    ]
)
model.compile(optimizer="adam", loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True))
sample_inputs = np.random.default_rng(0).standard_normal((32, 16), dtype="float32")
sample_targets = np.arange(32) % 3
