"""Cross-entropy from logits, given probabilities: softmax is applied twice.

The loss can fall no further than log(1 + 9/e) = 1.46 for ten classes, and its gradient is too small. gradtool flow
should say GT112, the loss expects logits and gets probabilities, at `head`.
"""

import keras
import numpy as np
import tensorflow as tf
from keras import layers


def cross_entropy(y_true, y_pred):
    return tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(labels=y_true, logits=y_pred))


def gradtool_case():
    keras.utils.set_random_seed(0)
    hidden = layers.Dense(32, activation="relu", name="hidden")
    model = keras.Sequential([keras.Input((16,)), hidden, layers.Dense(10, activation="softmax", name="head")])
    x = np.random.default_rng(0).standard_normal((32, 16), dtype="float32")
    return model, x, np.arange(32) % 10, cross_entropy
