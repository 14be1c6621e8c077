"""Linear regression, y = 3x + 2, healthy: a convex problem with one minimum. No finding."""

import keras
import numpy as np
from keras import layers


def gradtool_case():
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input((1,)), layers.Dense(1, name="linear")])
    x = np.linspace(-1, 1, 32, dtype="float32")[:, None]
    return model, x, 3 * x + 2, keras.losses.MeanSquaredError()
