"""The healthy twin of linear_diverges.py: a rate of 0.0001 for inputs of size 10. No finding, and the loss falls."""

import keras
import numpy as np
from keras import layers


def gradtool_case():
    ten = keras.initializers.Constant(10)
    return {
        "model": keras.Sequential([keras.Input((2,)), layers.Dense(1, kernel_initializer=ten, name="linear")]),
        "inputs": np.array([[10, 10], [5, 5], [-10, -10]], dtype="float32"),
        "targets": np.array([[1], [0.5], [-1]], dtype="float32"),
        "loss": keras.losses.MeanSquaredError(),
        "optimizer": keras.optimizers.SGD(1e-4),
    }
