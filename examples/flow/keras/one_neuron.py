"""One neuron with cross-entropy, in bare variables and without a model: gradtool flow runs the file as a script.

x = 6.7, y = 0, w starts at 1 and b at 0; the first gradients are 6.6918 and 0.99877. After 100 steps at rate 0.1 w is
-0.87418 and b is -0.27973. No finding.
"""

import tensorflow as tf

x, y = tf.constant(6.7), tf.constant(0.0)
w = tf.Variable(1.0)
b = tf.Variable(0.0)

for _ in range(100):
    with tf.GradientTape() as tape:
        loss = tf.nn.sigmoid_cross_entropy_with_logits(labels=y, logits=w * x + b)
    dw, db = tape.gradient(loss, [w, b])
    w.assign_sub(0.1 * dw)
    b.assign_sub(0.1 * db)

print(f"w = {w.numpy():.5f}, b = {b.numpy():.5f}")
