"""ResNet50 of keras.applications, 25.6 million parameters; run as a script, one pass of four images."""

from __future__ import annotations

import keras
import tensorflow as tf


def loss(targets, output):
    return tf.reduce_mean(keras.losses.sparse_categorical_crossentropy(targets, output))


def gradtool_case():
    keras.utils.set_random_seed(0)
    images, labels = tf.random.normal((4, 224, 224, 3)), tf.random.uniform((4,), maxval=1000, dtype=tf.int32)
    return keras.applications.ResNet50(weights=None), images, labels, loss


if __name__ == "__main__":
    model, data, goals, objective = gradtool_case()
    with tf.GradientTape() as tape:
        value = objective(goals, model(data, training=True))
    tape.gradient(value, model.trainable_variables)
