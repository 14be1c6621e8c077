"""The healthy twin of softmax_of_one.py: one unit takes a sigmoid. No finding."""

import keras
import numpy as np
from keras import layers

keras.utils.set_random_seed(0)
model = keras.Sequential(
    [
        keras.Input((8,)),
        layers.Dense(32, activation="relu", name="hidden"),
        layers.Dense(1, activation="sigmoid", name="head"),
    ]
)
model.compile(optimizer="adam", loss="binary_crossentropy")
sample_inputs = np.random.default_rng(0).standard_normal((32, 8), dtype="float32")
sample_targets = (sample_inputs[:, :1] > 0).astype("float32")
