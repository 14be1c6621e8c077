"""Freezing a layer: it keeps its weights, and gradients still flow through it."""

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

model.layers[0].trainable = False  # before compile(), and before trainable_variables is read
optimizer = keras.optimizers.SGD(learning_rate=0.1)

with tf.GradientTape() as tape:
    loss = tf.reduce_mean((model(X, training=True) - Y) ** 2)
gradients = tape.gradient(loss, model.trainable_variables)
optimizer.apply_gradients(zip(gradients, model.trainable_variables, strict=True))

print(f"loss = {loss.numpy():.10f}")
print(f"trainable parameters = {sum(int(tf.size(v)) for v in model.trainable_variables)}")
print(f"frozen layer = {tf.reduce_sum(model.layers[0].kernel).numpy():.10f}")
print(f"last layer = {tf.reduce_sum(model.layers[1].kernel).numpy():.10f}")
