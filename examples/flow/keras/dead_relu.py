"""A layer of dead ReLUs: its bias is -20, so no sample reaches the part where a ReLU has a slope.

The layer gives 0 for every sample and passes no gradient back. gradtool flow should say GT108, dead units, at
`hidden`.
"""

import keras
import numpy as np
from keras import layers


def gradtool_case():
    keras.utils.set_random_seed(0)
    model = keras.Sequential(
        [
            keras.Input((8,)),
            layers.Dense(32, activation="relu", name="first"),
            layers.Dense(32, activation="relu", bias_initializer=keras.initializers.Constant(-20), name="hidden"),
            layers.Dense(1, name="head"),
        ]
    )
    draw = np.random.default_rng(0)
    return {
        "model": model,
        "inputs": draw.standard_normal((64, 8), dtype="float32"),
        "targets": draw.standard_normal((64, 1), dtype="float32"),
        "loss": keras.losses.MeanSquaredError(),
    }
