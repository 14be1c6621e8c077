"""Small Keras models, healthy and ill, each as it is and varied in ways that must not change what is found.

``relu_mlp`` is the plain model, ``relu_mlp__loss_small`` the same with its loss multiplied by 1e-4, and so on.
"""

from __future__ import annotations

import keras
import numpy as np
import tensorflow as tf
from keras import initializers, layers

INPUTS, CLASSES = 32, 10


def scaled(name, gain):
    start = initializers.get(name)
    return lambda shape, dtype=None: gain * start(shape, dtype=dtype)


def mlp(depth, width, activation, start="glorot_uniform", gain=1.0, bias=0.0):
    parts = [
        layers.Dense(
            width,
            activation=activation,
            kernel_initializer=scaled(start, gain),
            bias_initializer=initializers.Constant(bias),
        )
        for _ in range(depth)
    ]
    return keras.Sequential([keras.Input((INPUTS,)), *parts, layers.Dense(CLASSES)])


def residual(width, norm):
    inputs = keras.Input((INPUTS,))
    x = layers.Dense(width)(inputs)
    for _ in range(8):
        branch = layers.Dense(width, activation="relu", kernel_initializer="he_normal")(norm()(x))
        x = layers.Add()([x, layers.Dense(width)(branch)])
    return keras.Model(inputs, layers.Dense(CLASSES)(layers.LayerNormalization()(x)))


def transformer(width):
    inputs = keras.Input((12,), dtype="int32")
    x = layers.Embedding(100, width)(inputs)
    for _ in range(4):
        normed = layers.LayerNormalization()(x)
        x = layers.Add()([x, layers.MultiHeadAttention(4, width // 4)(normed, normed)])
        wide = layers.Dense(4 * width, activation="gelu")(layers.LayerNormalization()(x))
        x = layers.Add()([x, layers.Dense(width)(wide)])
    pooled = layers.GlobalAveragePooling1D()(layers.LayerNormalization()(x))
    return keras.Model(inputs, layers.Dense(CLASSES)(pooled))


def recurrent(width):
    return keras.Sequential([keras.Input((20, INPUTS)), layers.LSTM(width), layers.Dense(CLASSES)])


def convolutional(width):
    parts = [keras.Input((8, 8, 3))]
    for channels in (width // 4, width // 4, width // 2, width // 2):
        parts += [layers.Conv2D(channels, 3, padding="same"), layers.BatchNormalization(), layers.ReLU()]
    return keras.Sequential([*parts, layers.GlobalAveragePooling2D(), layers.Dense(CLASSES)])


def vectors(batch):
    return np.random.default_rng(0).normal(size=(batch, INPUTS)).astype("float32")


def images(batch):
    return np.random.default_rng(0).normal(size=(batch, 8, 8, 3)).astype("float32")


def words(batch):
    return np.random.default_rng(0).integers(0, 100, (batch, 12)).astype("int32")


def series(batch):
    return np.random.default_rng(0).normal(size=(batch, 20, INPUTS)).astype("float32")


ZOO = {
    "relu_mlp": (lambda width: mlp(5, width, "relu", "he_normal"), vectors),
    "tanh_mlp": (lambda width: mlp(5, width, "tanh", gain=5 / 3), vectors),
    "gelu_mlp": (lambda width: mlp(8, width, "gelu", "he_normal"), vectors),
    "selu_mlp": (lambda width: mlp(20, width, "selu", "lecun_normal"), vectors),
    "residual_batch_norm": (lambda width: residual(width, layers.BatchNormalization), vectors),
    "residual_layer_norm": (lambda width: residual(width, layers.LayerNormalization), vectors),
    "convolutional": (convolutional, images),
    "transformer": (transformer, words),
    "recurrent": (recurrent, series),
    "ill_sigmoid": (lambda width: mlp(12, width, "sigmoid"), vectors),
    "ill_small_start": (lambda width: mlp(30, width, "relu", "he_normal", gain=0.5), vectors),
    "ill_doubled_gain": (lambda width: mlp(30, width, "relu", "he_normal", gain=2.0), vectors),
    "ill_dead_relu": (lambda width: mlp(4, width, "relu", "he_normal", bias=-50.0), vectors),
}
VARIED = {
    "": {},
    "loss_small": {"scale": 1e-4},
    "loss_large": {"scale": 1e4},
    "batch": {"batch": 32 * 8},
    "width": {"width": 32 * 8},
    "converged": {"steps": 20},
}


def made(build, data, scale=1.0, batch=32, width=32, steps=0):
    keras.utils.set_random_seed(0)
    model, inputs = build(width), data(batch)
    targets = np.random.default_rng(1).integers(0, CLASSES, batch)
    cross_entropy = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    if steps:
        model.compile(keras.optimizers.Adam(0.005), cross_entropy)
        for _ in range(steps):
            model.train_on_batch(inputs, targets)  # fit spends more on its epochs than on these small steps
        model.optimizer.learning_rate = 0.001
    return model, inputs, targets, lambda goals, output: scale * cross_entropy(goals, output)


def named(build, data, options):
    def case():
        model, inputs, targets, loss = made(build, data, **options)
        return model, tf.constant(inputs), tf.constant(targets), loss

    return case


for _name, (_build, _data) in ZOO.items():
    for _varied, _options in VARIED.items():
        globals()[f"{_name}__{_varied}" if _varied else _name] = named(_build, _data, _options)
