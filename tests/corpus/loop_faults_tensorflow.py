"""Faults of training loops in TensorFlow and Keras, each with loops that look alike and are right."""

from __future__ import annotations

from corpus.loop_case import LoopCase

__all__ = ["CASES"]

START = """
import keras
import tensorflow as tf
keras.utils.set_random_seed(0)
net = keras.Sequential([keras.layers.Input((4,)), keras.layers.Dense(8, "tanh"), keras.layers.Dense(1)])
opt = keras.optimizers.SGD(0.005)
x, y = tf.random.normal((64, 4)), tf.random.normal((64, 1))
weights = net.trainable_variables
"""

ADAM = START.replace("SGD(0.005)", "Adam()")

TWO = (
    START
    + """
alike = [tf.Variable(tf.random.normal((4, 1))), tf.Variable(tf.random.normal((4, 1)))]
"""
)

DROPPED = START.replace('keras.layers.Dense(8, "tanh"),', 'keras.layers.Dense(8, "tanh"), keras.layers.Dropout(0.2),')

CASES = [
    LoopCase(
        "sum_of_micro_batches", "GT151", "is 4 times", "loss / 4",
        """
for _ in range(3):
    total = [tf.zeros_like(w) for w in weights]
    for part in range(4):
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean((net(x[16 * part:16 * part + 16]) - y[16 * part:16 * part + 16]) ** 2)
        found = tape.gradient(loss, weights)  # <- here
        total = [t + g for t, g in zip(total, found)]
    opt.apply_gradients(zip(total, weights))
""",
        (
            """
for _ in range(3):
    total = [tf.zeros_like(w) for w in weights]
    for part in range(4):
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean((net(x[16 * part:16 * part + 16]) - y[16 * part:16 * part + 16]) ** 2) / 4
        found = tape.gradient(loss, weights)
        total = [t + g for t, g in zip(total, found)]
    opt.apply_gradients(zip(total, weights))
""",
            """
for _ in range(3):
    total = [tf.zeros_like(w) for w in weights]
    for part in range(4):
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean((net(x[16 * part:16 * part + 16]) - y[16 * part:16 * part + 16]) ** 2)
        found = tape.gradient(loss, weights)
        total = [t + g for t, g in zip(total, found)]
    opt.apply_gradients(zip([t / 4 for t in total], weights))
""",
            """
for _ in range(3):
    total = [tf.zeros_like(w) for w in weights]
    for part in range(4):
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum((net(x[16 * part:16 * part + 16]) - y[16 * part:16 * part + 16]) ** 2)
        found = tape.gradient(loss, weights)
        total = [t + g for t, g in zip(total, found)]
    opt.apply_gradients(zip(total, weights))
""",
        ),
        "warning",
        START,
    ),
    LoopCase(
        "sum_of_micro_batches_by_a_loss_of_keras", "GT151", "is 2 times", "loss / 2",
        """
mse = keras.losses.MeanSquaredError()
for _ in range(3):
    found = []
    for part in (slice(0, 32), slice(32, 64)):
        with tf.GradientTape() as tape:
            loss = mse(y[part], net(x[part]))
        found.append(tape.gradient(loss, weights))  # <- here
    opt.apply_gradients(zip([a + b for a, b in zip(*found)], weights))
""",
        (
            """
mse = keras.losses.MeanSquaredError(reduction="sum")
for _ in range(3):
    found = []
    for part in (slice(0, 32), slice(32, 64)):
        with tf.GradientTape() as tape:
            loss = mse(y[part], net(x[part]))
        found.append(tape.gradient(loss, weights))
    opt.apply_gradients(zip([a + b for a, b in zip(*found)], weights))
""",
        ),
        "warning",
        START,
    ),
    LoopCase(
        "sum_of_micro_batches_under_adam", "GT151", "Adam cancels", "loss / 2",
        """
for _ in range(3):
    found = []
    for part in (slice(0, 32), slice(32, 64)):
        with tf.GradientTape() as tape:
            loss = tf.math.reduce_mean(tf.square(y[part] - net(x[part])))
        found.append(tape.gradient(loss, weights))  # <- here
    opt.apply_gradients(zip([a + b for a, b in zip(*found)], weights))
""",
        (),
        "note",
        ADAM,
    ),
    LoopCase(
        "a_vector_of_losses", "GT155", "the shape (64,)", "tf.reduce_mean",
        """
for _ in range(3):
    with tf.GradientTape() as tape:
        loss = keras.losses.mean_squared_error(y, net(x))
    opt.apply_gradients(zip(tape.gradient(loss, weights), weights))  # <- here
""",
        (
            """
for _ in range(3):
    with tf.GradientTape() as tape:
        loss = tf.reduce_mean(keras.losses.mean_squared_error(y, net(x)))
    opt.apply_gradients(zip(tape.gradient(loss, weights), weights))
""",
            """
for _ in range(3):
    with tf.GradientTape() as tape:
        loss = keras.losses.mean_squared_error(y, net(x))
    opt.apply_gradients(zip(tape.gradient(loss, weights, output_gradients=tf.fill((64,), 1 / 64)), weights))
""",
            """
for _ in range(3):
    with tf.GradientTape() as tape:
        losses = [tf.reduce_mean((net(x) - y) ** 2), 1e-3 * tf.reduce_mean(weights[0] ** 2)]
    opt.apply_gradients(zip(tape.gradient(losses, weights), weights))
""",
            """
for _ in range(3):
    with tf.GradientTape() as tape:
        with tf.GradientTape() as inner:
            inner.watch(x)
            out = net(x)
        slope = inner.gradient(out, x)
        loss = tf.reduce_mean((out - y) ** 2) + 0.1 * tf.reduce_mean(slope ** 2)
    opt.apply_gradients(zip(tape.gradient(loss, weights), weights))
""",
        ),
        "warning",
        START,
    ),
    LoopCase(
        "gradients_of_other_variables", "GT156", "gradient of", "the same list",
        """
for _ in range(3):
    with tf.GradientTape() as tape:
        loss = tf.reduce_mean((x @ alike[0] + (x @ alike[1]) ** 2 - y) ** 2)
    found = tape.gradient(loss, alike)
    opt.apply_gradients(zip(found, alike[::-1]))  # <- here
""",
        (
            """
for _ in range(3):
    with tf.GradientTape() as tape:
        loss = tf.reduce_mean((x @ alike[0] + (x @ alike[1]) ** 2 - y) ** 2)
    found = tape.gradient(loss, alike)
    opt.apply_gradients(list(zip(found, alike))[::-1])
""",
            """
for _ in range(3):
    with tf.GradientTape() as tape:
        loss = tf.reduce_mean((x @ alike[0] + (x @ alike[1]) ** 2 - y) ** 2)
    found, _ = tf.clip_by_global_norm(tape.gradient(loss, alike), 1.0)
    opt.apply(found, alike)
""",
        ),
        start=TWO,
    ),
    LoopCase(
        "loss_outside_the_tape", "GT106", "got no gradient", "",
        """
for _ in range(3):
    out = net(x)
    with tf.GradientTape() as tape:
        loss = tf.reduce_mean((out - y) ** 2)
    found = tape.gradient(loss, weights)
    opt.apply_gradients(zip(found, weights))
""",
        (
            """
for _ in range(3):
    with tf.GradientTape() as tape:
        loss = tf.reduce_mean((net(x) - y) ** 2)
    found = tape.gradient(loss, weights)
    print(float(loss), loss.numpy())
    opt.apply_gradients(zip(found, weights))
""",
        ),
        start=START,
        beside=("GT146",),
    ),
    LoopCase(
        "loss_taken_as_a_number", "GT106", "got no gradient", "",
        """
for _ in range(3):
    with tf.GradientTape() as tape:
        loss = tf.constant(float(tf.reduce_mean((net(x) - y) ** 2)))
    found = tape.gradient(loss, weights)
    opt.apply_gradients(zip(found, weights))
""",
        (),
        start=START,
        beside=("GT146",),
    ),
    LoopCase(
        "evaluation_mode", "GT123", "evaluation mode", "training=True",
        """
for _ in range(3):
    with tf.GradientTape() as tape:
        loss = tf.reduce_mean((net(x, training=False) - y) ** 2)
    opt.apply_gradients(zip(tape.gradient(loss, weights), weights))
""",
        (
            """
net(x, training=False)
for _ in range(3):
    with tf.GradientTape() as tape:
        loss = tf.reduce_mean((net(x, training=True) - y) ** 2)
    opt.apply_gradients(zip(tape.gradient(loss, weights), weights))
""",
        ),
        "warning",
        DROPPED,
    ),
    LoopCase(
        "a_tensor_in_the_place_of_a_variable", "GT157", "a variable no more", "assign_sub",
        """
w, b = tf.Variable(tf.random.normal((4, 1))), tf.Variable([0.0])
for _ in range(3):
    with tf.GradientTape() as tape:
        loss = tf.reduce_mean((x @ w + b - y) ** 2)
    dw, db = tape.gradient(loss, [w, b])
    w = w - 0.1 * dw  # <- here
    b.assign_sub(0.1 * db)
""",
        (
            """
w, b = tf.Variable(tf.random.normal((4, 1))), tf.Variable([0.0])
for _ in range(3):
    with tf.GradientTape() as tape:
        loss = tf.reduce_mean((x @ w + b - y) ** 2)
    dw, db = tape.gradient(loss, [w, b])
    w.assign_sub(0.1 * dw)
    b.assign_sub(0.1 * db)
""",
            """
w = tf.Variable(tf.random.normal((4, 1)))
for _ in range(3):
    with tf.GradientTape() as tape:
        tape.watch(w)
        loss = tf.reduce_mean((x @ w - y) ** 2)
    w = w - 0.1 * tape.gradient(loss, w)
""",
        ),
        start=START,
    ),
    LoopCase(
        "an_attribute_that_is_a_tensor_from_the_second_step_on", "GT157", "model.w", "assign_sub",
        """
class Linear:
    def __init__(self):
        self.w, self.b = tf.Variable(tf.random.normal((4, 1))), tf.Variable([0.0])

def train(model):
    with tf.GradientTape() as tape:
        loss = tf.reduce_mean((x @ model.w + model.b - y) ** 2)
    dw, db = tape.gradient(loss, [model.w, model.b])
    model.w = model.w - 0.1 * dw  # <- here
    model.b.assign_sub(0.1 * db)

model = Linear()
for _ in range(3):
    train(model)
""",
        (),
        start=START,
    ),
    LoopCase(
        "variables_that_the_optimizer_is_not_given", "GT120", "does not hold", "",
        """
for _ in range(3):
    with tf.GradientTape() as tape:
        loss = tf.reduce_mean((net(x) - y) ** 2)
    found = tape.gradient(loss, weights)
    opt.apply_gradients(zip(found[:2], weights[:2]))
""",
        (),
        "warning",
        START,
    ),
]  # fmt: skip
"""One row for each fault."""
