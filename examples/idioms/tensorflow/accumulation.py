"""Gradient accumulation: micro-batches add up to the gradient of the full batch."""

import keras
import numpy as np
import tensorflow as tf

keras.config.set_floatx("float64")

X = tf.constant([[0.5, -1.0], [1.5, 2.0], [-0.3, 0.8], [2.0, -0.5]], dtype=tf.float64)
Y = tf.constant([[1.0], [0.0], [0.5], [-1.0]], dtype=tf.float64)

model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(3, activation="tanh"), keras.layers.Dense(1)])
model.set_weights(
    [
        np.array([[0.4, 0.2, 0.8], [-0.6, 0.3, -0.5]]),  # inputs x outputs
        np.array([0.1, 0.0, -0.2]),
        np.array([[0.7], [-0.4], [0.9]]),
        np.array([0.05]),
    ]
)

loss_function = keras.losses.MeanSquaredError()


def gradient(x, y, share):
    with tf.GradientTape() as tape:
        loss = loss_function(y, model(x, training=True)) * share
    return tape.gradient(loss, model.trainable_variables)


accumulated = [tf.zeros_like(variable) for variable in model.trainable_variables]
for x, y in [(X[:3], Y[:3]), (X[3:], Y[3:])]:
    share = len(x) / len(X)  # a mean over unequal parts has to be weighed
    accumulated = [a + g for a, g in zip(accumulated, gradient(x, y, share), strict=True)]  # by hand

for a, b in zip(accumulated, gradient(X, Y, 1.0), strict=True):
    print(f"accumulated, full = {tf.norm(a).numpy():.10f}, {tf.norm(b).numpy():.10f}")
