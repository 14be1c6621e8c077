"""A small causal transformer, healthy. No finding: the mask inside the attention is a constant, not a fault.

The model is the only one here, whatever its name; it is compiled, so its loss and optimizer are known.
"""

import keras
import numpy as np
from keras import layers

keras.utils.set_random_seed(0)


def block(x):
    attention = layers.MultiHeadAttention(num_heads=4, key_dim=8)
    x = layers.LayerNormalization()(x + attention(x, x, use_causal_mask=True))
    return layers.LayerNormalization()(x + layers.Dense(32)(layers.Dense(64, activation="relu")(x)))


tokens = keras.Input((10,), dtype="int32")
language_model = keras.Model(tokens, layers.Dense(50)(block(block(layers.Embedding(50, 32)(tokens)))))
language_model.compile(optimizer="adam", loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True))

sample_inputs = np.arange(80).reshape(8, 10) % 50
sample_targets = (sample_inputs + 1) % 50
