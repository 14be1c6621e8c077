"""Programs in TensorFlow whose gradient is lost at several lines: one behind the other, and on several ways.

A guilty line says ``# <- first: KIND | HEALTHY LINE``, or ``behind`` or ``beside`` for those that are told with it.
Each text stands behind SHARED of ``causes_none_tensorflow``; one in SCRIPTS takes the gradient itself.
"""

from __future__ import annotations

from corpus.causes_none_tensorflow import LOOP, NET

__all__ = ["SCRIPTS", "SEVERAL"]

SEVERAL = {
    "stop_gradient and then numpy": NET.format(
        "h = tf.stop_gradient(self.a(x))  # <- first: stop_gradient | h = self.a(x)",
        "s = tf.reduce_mean(h).numpy()  # <- behind: numpy | s = tf.reduce_mean(h)",
        "return self.b(x * s)",
    ),
    "three in a row, each of another class": """
class Net(Two):
    def call(self, x):
        h = tf.stop_gradient(self.a(x))  # <- first: stop_gradient | h = self.a(x)
        h = tf.round(3.3 * h)  # <- behind: nondifferentiable | h = tf.tanh(3.3 * h)
        h = tf.cast(h, tf.int32)  # <- behind: integer | h = tf.identity(h)
        return self.b(tf.cast(h, tf.float32))


model = Net()
""",
    "three ways": """
class Net(Two):
    def call(self, x):
        h = self.a(x)
        one = tf.stop_gradient(h)  # <- first: stop_gradient | one = tf.identity(h)
        two = h.numpy()  # <- beside: numpy | two = h * 2.0
        three = float(tf.reduce_mean(h))  # <- beside: float | three = tf.reduce_mean(h)
        return self.b(one + two + x * three)


model = Net()
""",
    "two ways, one of which is cut twice": """
class Net(Two):
    def call(self, x):
        h = self.a(x)
        long = tf.tanh(tf.stop_gradient(h))  # <- beside: stop_gradient | long = tf.tanh(h)
        long = tf.constant(long.numpy())  # <- beside: new_tensor | long = tf.identity(long)
        short = keras.ops.stop_gradient(tf.nn.relu(h))  # <- first: stop_gradient | short = tf.nn.softplus(h)
        return self.b(long + short)


model = Net()
""",
    "in a loop and in a list": """
class Net(Two):
    def call(self, x):
        rows = [tf.stop_gradient(self.a(row[None])) for row in x]  # <- first: stop_gradient | rows = [self.a(x)]
        total = 0.0
        for row in rows:
            total += x * tf.reduce_mean(row).numpy()  # <- behind: numpy | total += x * tf.reduce_mean(row)
        return self.b(total)


model = Net()
""",
    "in two layers and in the loss": """
class Stop(keras.layers.Layer):
    def call(self, x):
        return tf.stop_gradient(x)  # <- first: stop_gradient | return x * 1.0


model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(3, name="a"), Stop(), keras.layers.Activation("tanh")])


def loss_fn(y_true, y_pred):
    y_pred = tf.round(3.3 * y_pred)  # <- behind: nondifferentiable | y_pred = 3.3 * y_pred
    return tf.reduce_mean((y_pred - 0.3) ** 2)
""",
    "under a tape that has stopped, and in the loss": LOOP.replace(
        "        {}\n", "        pred = None\n        {}\n", 1
    ).format(
        "with tape.stop_recording():\n            pred = tf.linalg.matvec(x, w)  # <- first: outside_tape | pass",
        "pred = tf.linalg.matvec(x, w) if pred is None else pred * 1.5",
        "loss = tf.reduce_mean((tf.round(9.0 * pred) + b - y) ** 2)"
        "  # <- behind: nondifferentiable | loss = tf.reduce_mean((pred + b - y) ** 2)",
    ),
}
SCRIPTS = frozenset(("under a tape that has stopped, and in the loss",))
