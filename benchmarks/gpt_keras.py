"""A language model of 110 million parameters in Keras; run as a script, one forward and backward pass."""

from __future__ import annotations

import keras
import numpy as np
import tensorflow as tf
from keras import layers

WORDS, WIDTH, LAYERS, HEADS, TOKENS = 32_000, 768, 12, 12, 512


def gpt():
    inputs = keras.Input((TOKENS,), dtype="int32")
    x = layers.Embedding(WORDS, WIDTH)(inputs)
    for _ in range(LAYERS):
        normed = layers.LayerNormalization()(x)
        x = layers.Add()([x, layers.MultiHeadAttention(HEADS, WIDTH // HEADS)(normed, normed)])
        wide = layers.Dense(4 * WIDTH, activation="gelu")(layers.LayerNormalization()(x))
        x = layers.Add()([x, layers.Dense(WIDTH)(wide)])
    return keras.Model(inputs, layers.Dense(WORDS, use_bias=False)(layers.LayerNormalization()(x)))


def loss(targets, output):
    return tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(targets, output))


def gradtool_case():
    keras.utils.set_random_seed(0)
    inputs = np.random.default_rng(0).integers(0, WORDS, (1, TOKENS)).astype("int32")
    return gpt(), tf.constant(inputs), tf.constant(np.roll(inputs, -1)), loss


if __name__ == "__main__":
    model, data, goals, objective = gradtool_case()
    with tf.GradientTape() as tape:
        value = objective(goals, model(data, training=True))
    tape.gradient(value, model.trainable_variables)
