"""A training script without any model: two layers in bare variables, updated by hand. It knows nothing of gradtool.

The parameters are what the tape was asked about; gradtool flow should call them w1, b1, w2, b2. No finding.
"""

import math

import tensorflow as tf

tf.random.set_seed(0)
x = tf.reshape(tf.linspace(-math.pi, math.pi, 64), (64, 1))
y = tf.sin(x)

w1 = tf.Variable(tf.random.normal((1, 16)))
b1 = tf.Variable(tf.zeros(16))
w2 = tf.Variable(tf.random.normal((16, 1)) / 4)
b2 = tf.Variable(tf.zeros(1))

for step in range(200):
    with tf.GradientTape() as tape:
        prediction = tf.tanh(x @ w1 + b1) @ w2 + b2
        loss = tf.reduce_mean((prediction - y) ** 2)
    for p, g in zip((w1, b1, w2, b2), tape.gradient(loss, [w1, b1, w2, b2]), strict=True):
        p.assign_sub(0.05 * g)
    if step % 50 == 0:
        print(step, loss.numpy())
