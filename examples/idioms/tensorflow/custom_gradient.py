"""A custom gradient: log(1 + exp(x)), whose own backward pass gives NaN where exp(x) overflows."""

import tensorflow as tf


@tf.custom_gradient
def log1pexp(x):
    e = tf.exp(x)

    def backward(upstream):
        return upstream * (1 - 1 / (1 + e))

    return tf.math.log(1 + e), backward


x = tf.constant([-2.0, 0.5, 100.0, 1000.0], dtype=tf.float64)

with tf.GradientTape(persistent=True) as tape:
    tape.watch(x)
    own, better = tf.math.log(1 + tf.exp(x)), log1pexp(x)
plain, custom = tape.gradient(own, x), tape.gradient(better, x)

for point, a, b in zip(x.numpy(), plain.numpy(), custom.numpy(), strict=True):
    print(f"at {point}: plain, custom = {a:.10f}, {b:.10f}")
