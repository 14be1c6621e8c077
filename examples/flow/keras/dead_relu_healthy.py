"""The healthy twin of dead_relu.py: the bias starts at 0, and half of the units pass the gradient. No finding."""

import keras
import numpy as np
from keras import layers


def gradtool_case():
    keras.utils.set_random_seed(0)
    model = keras.Sequential(
        [
            keras.Input((8,)),
            layers.Dense(32, activation="relu", name="first"),
            layers.Dense(32, activation="relu", name="hidden"),
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
