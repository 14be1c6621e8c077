"""Softmax in the network and from_logits=True in the loss, saved by Keras.

Keras looks behind the softmax, takes the logits, warns, and trains as if nothing were wrong. One more operation after
the softmax, or another loop around the same model, and the softmax counts twice. gradtool flow should say GT112, the
loss expects logits and gets probabilities, at `head`.
"""

import keras
import numpy as np
from keras import layers

keras.utils.set_random_seed(0)
hidden = layers.Dense(32, activation="relu", name="hidden")
model = keras.Sequential([keras.Input((16,)), hidden, layers.Dense(10, activation="softmax", name="head")])
model.compile(optimizer="adam", loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True))
sample_inputs = np.random.default_rng(0).standard_normal((32, 16), dtype="float32")
sample_targets = np.arange(32) % 10
