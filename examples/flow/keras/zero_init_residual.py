"""A residual network whose last norm in every block starts at 0, healthy: each block begins as the identity.

The gradients inside a block are exactly zero at the first step, because gamma is 0, and gamma's own gradient is not.
That is lawful: gradtool flow may note it and should not call it an error.
"""

import keras
import numpy as np
from keras import layers


def block(x):
    branch = layers.Conv2D(8, 3, padding="same", use_bias=False)(x)
    branch = layers.ReLU()(layers.BatchNormalization()(branch))
    branch = layers.Conv2D(8, 3, padding="same", use_bias=False)(branch)
    return layers.ReLU()(x + layers.BatchNormalization(gamma_initializer="zeros")(branch))


def gradtool_case():
    keras.utils.set_random_seed(0)
    image = keras.Input((12, 12, 3))
    features = block(block(block(layers.Conv2D(8, 3, padding="same")(image))))
    model = keras.Model(image, layers.Dense(3)(layers.GlobalAveragePooling2D()(features)))
    x = np.random.default_rng(0).standard_normal((8, 12, 12, 3), dtype="float32")
    return model, x, np.arange(8) % 3, keras.losses.SparseCategoricalCrossentropy(from_logits=True)
