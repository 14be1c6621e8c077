"""NaN by log(0): cross-entropy written by hand, on a sigmoid that is exactly 1.

The inputs are heights in centimetres as they come, the sigmoid of 0.5 * 170 rounds to 1, and a sample with y = 1 adds
0 * log(0), which is NaN. gradtool flow should say GT114, the loss is not finite, and show the line where 0 meets the
infinity of the log.
"""

import keras
import numpy as np
from keras import layers, ops


def binary_cross_entropy(y, p):
    return -ops.mean(y * ops.log(p) + (1 - y) * ops.log(1 - p))


def gradtool_case():
    half = keras.initializers.Constant(0.5)
    model = keras.Sequential(
        [keras.Input((1,)), layers.Dense(1, activation="sigmoid", kernel_initializer=half, name="linear")]
    )
    height = np.linspace(150, 200, 16, dtype="float32")[:, None]
    return model, height, (height > 175).astype("float32"), binary_cross_entropy
