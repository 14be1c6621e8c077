"""Two inputs, one output, and a rate that is far too large: each step makes the gradient 29 times larger.

Mean squared error, all weights 10, bias 0, SGD with rate 0.1. The norm of the gradient over five steps (--train 5) is
4221.95, 122468, 3.5525e6, 1.0305e8, 2.9892e9, and the loss goes from 29700.75 to 1.4888e16. Clipped to norm 1 (--clip
1.0) the five losses are 29700.75, 29280.06, 28862.36, 28447.67, 28035.98: safe, and slow. gradtool flow should say
that the update is 30 times the weight.
"""

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
        "optimizer": keras.optimizers.SGD(0.1),
    }
