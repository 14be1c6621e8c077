"""Polynomial regression with an L2 penalty, healthy: the loss is a sum of two named terms.

gradtool flow should find nothing, and show the norm of each term's own gradient and its cosine to the whole.
"""

import keras
import numpy as np
from keras import layers, ops


def gradtool_case():
    keras.utils.set_random_seed(0)
    polynomial = layers.Dense(1, use_bias=False, name="coefficients")
    model = keras.Sequential([keras.Input((4,)), polynomial])
    x = np.linspace(-1, 1, 32, dtype="float32")[:, None]

    def loss(y_true, y_pred):
        return {
            "fit": ops.mean(ops.square(y_pred - y_true)),
            "penalty": 0.01 * ops.sum(ops.square(polynomial.kernel)),
        }

    return {
        "model": model,
        "inputs": x ** np.arange(4, dtype="float32"),
        "targets": 1 - 2 * x + 0.5 * x**3,
        "loss": loss,
    }
