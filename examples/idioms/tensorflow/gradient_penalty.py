"""A gradient penalty: the loss holds a gradient by the inputs, so there is a tape around a tape."""

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

with tf.GradientTape() as outer:
    with tf.GradientTape() as inner:
        inner.watch(X)  # a constant is not watched by itself
        scores = model(X, training=True)
    slopes = inner.gradient(scores, X)  # inside the outer tape, which records it
    penalty = tf.reduce_mean((tf.norm(slopes, axis=1) - 1) ** 2)
    loss = tf.reduce_mean(scores) + 10 * penalty
gradients = outer.gradient(loss, model.trainable_variables)

print(f"penalty = {penalty.numpy():.10f}")
for gradient in gradients:
    print(f"gradient = {0.0 if gradient is None else tf.norm(gradient).numpy():.10f}")
