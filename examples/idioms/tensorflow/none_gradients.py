"""Looking for variables that no gradient reaches: here a layer that is built and never used."""

import keras
import numpy as np
import tensorflow as tf

keras.config.set_floatx("float64")

X = tf.constant([[0.5, -1.0], [1.5, 2.0], [-0.3, 0.8], [2.0, -0.5]], dtype=tf.float64)
Y = tf.constant([[1.0], [0.0], [0.5], [-1.0]], dtype=tf.float64)


class Net(keras.Model):
    def __init__(self):
        super().__init__()
        self.used = keras.layers.Dense(1, name="used")
        self.unused = keras.layers.Dense(1, name="unused")
        self.used.build((None, 2))  # a Keras layer makes its variables when it is built, or first called
        self.unused.build((None, 2))

    def call(self, x):
        return self.used(x)


model = Net()
model.used.set_weights([np.array([[0.5], [0.5]]), np.array([0.1])])

loss_function = keras.losses.MeanSquaredError()

with tf.GradientTape() as tape:
    loss = loss_function(Y, model(X, training=True))
gradients = tape.gradient(loss, model.trainable_variables)

missing = [v.path for v, g in zip(model.trainable_variables, gradients, strict=True) if g is None]
for name in missing:
    print(f"{name} has no gradient")
print(f"loss = {loss.numpy():.10f}")
print(f"without a gradient = {len(missing)}")
