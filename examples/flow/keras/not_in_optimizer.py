"""A parameter in no optimizer: the encoder gets a gradient and is never updated.

The optimizer was built for the head only. gradtool flow should say GT120, not in the optimizer, at `encoder`.
"""

import keras
import numpy as np
from keras import layers


def gradtool_case():
    keras.utils.set_random_seed(0)
    model = keras.Sequential(
        [keras.Input((16,)), layers.Dense(32, activation="relu", name="encoder"), layers.Dense(3, name="head")]
    )
    optimizer = keras.optimizers.Adam(1e-3)
    optimizer.build(model.get_layer("head").trainable_variables)  # the fault
    return {
        "model": model,
        "inputs": np.random.default_rng(0).standard_normal((32, 16), dtype="float32"),
        "targets": np.arange(32) % 3,
        "loss": keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        "optimizer": optimizer,
    }
