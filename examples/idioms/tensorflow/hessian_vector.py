"""A Hessian-vector product: the Hessian along one direction, for the price of two gradients."""

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

variables = [variable.value for variable in model.trainable_variables]  # TensorFlow's own, as zeros need
zero = tf.UnconnectedGradients.ZERO  # where there is no way, not None
direction = [tf.ones_like(variable) for variable in variables]

with tf.GradientTape() as outer:
    with tf.GradientTape() as inner:
        loss = loss_function(Y, model(X, training=True))
    gradients = inner.gradient(loss, variables, unconnected_gradients=zero)
    along = sum(tf.reduce_sum(v * g) for g, v in zip(gradients, direction, strict=True))
product = outer.gradient(along, variables, unconnected_gradients=zero)

print(f"gradient along v = {along.numpy():.10f}")
print(f"v H v = {sum(tf.reduce_sum(v * h) for h, v in zip(product, direction, strict=True)).numpy():.10f}")
for part in product:
    print(f"H v = {tf.norm(part).numpy():.10f}")
