"""Softmax over one unit: the output is 1 whatever the input.

Keras hides this: its cross-entropy looks behind the softmax and takes the logit, so the gradients are alive and the
loss falls, and every prediction is still 1. gradtool flow should say GT111, softmax of one, at `head`.
"""

import keras
import numpy as np
from keras import layers

keras.utils.set_random_seed(0)
model = keras.Sequential(
    [
        keras.Input((8,)),
        layers.Dense(32, activation="relu", name="hidden"),
        layers.Dense(1, activation="softmax", name="head"),
    ]
)
model.compile(optimizer="adam", loss="binary_crossentropy")
sample_inputs = np.random.default_rng(0).standard_normal((32, 8), dtype="float32")
sample_targets = (sample_inputs[:, :1] > 0).astype("float32")
