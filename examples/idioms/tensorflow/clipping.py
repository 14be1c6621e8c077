"""Clipping by the global norm, between the gradients and the update."""

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
optimizer = keras.optimizers.SGD(learning_rate=0.1)  # or global_clipnorm=0.5 here, and nothing below

with tf.GradientTape() as tape:
    loss = loss_function(Y, model(X, training=True))
gradients = tape.gradient(loss, model.trainable_variables)
gradients = [g if g is None else tf.convert_to_tensor(g) for g in gradients]  # else an embedding's rows count apart
clipped, before = tf.clip_by_global_norm(gradients, 0.5)  # a new list
after = tf.linalg.global_norm(clipped)
optimizer.apply_gradients(zip(clipped, model.trainable_variables, strict=True))

print(f"global norm before = {before.numpy():.10f}")
print(f"global norm after = {after.numpy():.4f}")
print(f"weights = {sum(tf.reduce_sum(v) for v in model.trainable_variables).numpy():.4f}")
