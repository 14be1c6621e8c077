"""Programs with planted causes of gradients that are None, or that lack a path, in TensorFlow and Keras.

Each text makes a ``model``, or with ``script`` takes a gradient itself; SHARED stands before it, and AWAY in a file
beside it, ``away.py``. A guilty line says ``# <- here: KIND PREFIX...``: the parameters whose names begin so have no
gradient. With ``cut KIND`` they have one, and a path is missing from it. A cause without a line is in ``nowhere``.
``twin`` tells what to write instead for a healthy program: the guilty line, or a pair of texts.
"""

from __future__ import annotations

from dataclasses import dataclass

AWAY = """
import tensorflow as tf


def frozen_features(layer, x):
    return tf.stop_gradient(layer(x))  # <- here: stop_gradient a/


def scaled(layer, x):
    return layer(x) * 0.7


def rounded(layer, x):
    return tf.round(3.3 * layer(x))  # <- here: nondifferentiable a/
"""

SHARED = """
import keras
import numpy as np
import tensorflow as tf

sample_inputs = tf.constant(np.random.RandomState(3).normal(size=(4, 3)).astype("float32"))


class Two(keras.Model):
    def __init__(self):
        super().__init__()
        self.a, self.b = keras.layers.Dense(3, name="a"), keras.layers.Dense(2, name="b")

"""

NET = """
class Net(Two):
    def call(self, x):
        {}
        {}
        {}


model = Net()
"""

LOOP = """
w = tf.Variable([0.7, -1.3, 0.4], name="w")
b = tf.Variable(0.37, name="b")
x = sample_inputs
y = tf.constant([0.3, -0.6, 1.7, 0.9])
optimizer = keras.optimizers.SGD(0.01)

for step in range(2):
    with tf.GradientTape() as tape:
        {}
        {}
        {}
    gradients = tape.gradient(loss, [w, b])
    optimizer.apply_gradients([(g, v) for g, v in zip(gradients, [w, b]) if g is not None])
"""
ERROR = "loss = tf.reduce_mean((pred + b - y) ** 2)"


@dataclass(frozen=True)
class Case:
    """One program, and its healthy twin; ``script`` is one that takes the gradient itself.

    ``nowhere`` is a cause that stands on no line: its kind and the beginning of the parameters' names.
    """

    name: str
    text: str
    twin: str | tuple[str, str]
    script: bool = False
    nowhere: tuple[str, str] | None = None


def net(name: str, first: str, second: str, third: str, twin: str | tuple[str, str]) -> Case:
    """Three lines of call."""
    return Case(name, NET.format(first, second, third), twin)


def loop(name: str, first: str, second: str, third: str, twin: str | tuple[str, str]) -> Case:
    """Three lines under a tape."""
    return Case(name, LOOP.format(first, second, third), twin, script=True)


CASES = [
    # ---- tf.stop_gradient
    net(
        "stop_gradient",
        "h = tf.nn.tanh(self.a(x))",
        "h = tf.stop_gradient(h)  # <- here: stop_gradient a/",
        "return self.b(h)",
        "h = tf.identity(h)",
    ),
    net(
        "keras.ops.stop_gradient",
        "h = keras.ops.tanh(self.a(x))",
        "h = keras.ops.stop_gradient(h)  # <- here: stop_gradient a/",
        "return self.b(h)",
        "h = keras.ops.copy(h)",
    ),
    Case(
        "stop_gradient in another file",
        "import away\n" + NET.format("h = away.frozen_features(self.a, x)", "h = tf.nn.tanh(h)", "return self.b(h)"),
        ("frozen_features", "scaled"),
    ),
    Case(
        "stop_gradient of the whole output in the loss",
        """
model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2, name="a"), keras.layers.Dense(2, name="b")])


def loss_fn(y_true, y_pred):
    return tf.reduce_mean((y_true - tf.stop_gradient(y_pred)) ** 2)  # <- here: stop_gradient a/ b/
""",
        "return tf.reduce_mean((y_true - y_pred) ** 2)",
    ),
    net(
        "stop_gradient in a lambda",
        "hold = lambda t: tf.stop_gradient(t) * 2.0  # <- here: stop_gradient a/",
        "h = hold(self.a(x))",
        "return self.b(h)",
        "hold = lambda t: t * 2.0",
    ),
    net(
        "stop_gradient in a list comprehension",
        "rows = [tf.stop_gradient(self.a(x[i : i + 1])) for i in range(4)]  # <- here: stop_gradient a/",
        "h = tf.concat(rows, 0)",
        "return self.b(h)",
        "rows = [self.a(x[i : i + 1]) for i in range(4)]",
    ),
    Case(
        "stop_gradient in the last round of a loop",
        """
class Net(Two):
    def call(self, x):
        h = x
        for turn in range(3):
            h = tf.nn.tanh(self.a(h))
            if turn == 2:
                h = tf.stop_gradient(h)  # <- here: stop_gradient a/
        return self.b(h)


model = Net()
""",
        "h = tf.identity(h)",
    ),
    Case(
        "a Lambda layer in a functional model",
        """
inputs = keras.Input((3,))
h = keras.layers.Dense(3, name="a")(inputs)
h = keras.layers.Lambda(lambda t: tf.stop_gradient(t))(h)  # <- here: stop_gradient a/
model = keras.Model(inputs, keras.layers.Dense(2, name="b")(h))
""",
        "h = keras.layers.Lambda(lambda t: tf.identity(t))(h)",
    ),
    Case(
        "a layer of one's own in a functional model",
        """
class Hold(keras.layers.Layer):
    def call(self, x):
        return tf.stop_gradient(x)  # <- here: stop_gradient a/


inputs = keras.Input((3,))
h = Hold()(keras.layers.Dense(3, name="a")(inputs))
model = keras.Model(inputs, keras.layers.Dense(2, name="b")(h))
""",
        "return tf.identity(x)",
    ),
    Case(
        "a layer of one's own in a Sequential model",
        """
class Hold(keras.layers.Layer):
    def call(self, x):
        h = keras.ops.relu(x + 3.0)
        return keras.ops.stop_gradient(h)  # <- here: stop_gradient a/


model = keras.Sequential(
    [keras.Input((3,)), keras.layers.Dense(3, name="a"), Hold(), keras.layers.Dense(2, name="b")]
)
""",
        "return h",
    ),
    Case(
        "the weight itself in a nested layer",
        """
class Inner(keras.layers.Layer):
    def build(self, shape):
        self.scale = self.add_weight(shape=(3,), initializer="ones", name="scale")

    def call(self, x):
        return x * tf.stop_gradient(self.scale)  # <- here: stop_gradient inner/


class Net(keras.Model):
    def __init__(self):
        super().__init__()
        self.inner, self.b = Inner(name="inner"), keras.layers.Dense(2, name="b")

    def call(self, x):
        return self.b(self.inner(x))


model = Net()
""",
        "return x * self.scale",
    ),
    net(
        "two cuts in one way",
        "h = tf.stop_gradient(self.a(x))  # <- here: stop_gradient a/",
        "h = tf.stop_gradient(h * 2.0)",
        "return self.b(h)",
        (
            "h = tf.stop_gradient(self.a(x))  # <- here: stop_gradient a/\n        h = tf.stop_gradient(h * 2.0)",
            "h = self.a(x)",
        ),
    ),
    Case(
        "two cuts in two ways",
        NET.format(
            "h = tf.stop_gradient(self.a(x))  # <- here: stop_gradient a/",
            "z = self.b(h)",
            "return tf.round(7.7 * z) + h[:, :2]  # <- here: nondifferentiable b/",
        ),
        (
            """h = tf.stop_gradient(self.a(x))  # <- here: stop_gradient a/
        z = self.b(h)
        return tf.round(7.7 * z)""",
            "h = self.a(x)\n        z = self.b(h)\n        return 7.7 * z",
        ),
    ),
    Case(
        "stop_gradient in a tf.function",
        """
class Net(Two):
    @tf.function
    def call(self, x):
        h = self.a(x)
        h = tf.stop_gradient(h)  # <- here: stop_gradient a/
        return self.b(h)


model = Net()
""",
        "h = tf.identity(h)",
    ),
    Case(
        "mixed precision",
        """
class Net(keras.Model):
    def __init__(self):
        super().__init__()
        self.a = keras.layers.Dense(3, name="a", dtype="mixed_bfloat16")
        self.b = keras.layers.Dense(2, name="b", dtype="mixed_bfloat16")

    def call(self, x):
        h = self.a(x)
        h = tf.stop_gradient(h)  # <- here: stop_gradient a/
        return tf.cast(self.b(h), tf.float32)


model = Net()
""",
        "h = tf.identity(h)",
    ),
    # ---- numbers that leave
    net(
        "numpy",
        "h = self.a(x).numpy()  # <- here: numpy a/",
        "h = h * 1.0",
        "return self.b(h)",
        "h = self.a(x)",
    ),
    net(
        "numpy, computed with",
        "h = np.tanh(self.a(x).numpy())  # <- here: numpy a/",
        "h = tf.constant(h)",
        "return self.b(h)",
        ("h = np.tanh(self.a(x).numpy())  # <- here: numpy a/\n        h = tf.constant(h)", "h = self.a(x)"),
    ),
    net(
        "a constant made of a tensor's numbers",
        "h = self.a(x)",
        "h = tf.constant(h.numpy())  # <- here: new_tensor a/",
        "return self.b(h)",
        "h = tf.identity(h)",
    ),
    net(
        "convert_to_tensor of a tensor's numbers",
        "h = self.a(x)",
        "h = tf.convert_to_tensor(h.numpy(), tf.float32)  # <- here: new_tensor a/",
        "return self.b(h)",
        "h = tf.convert_to_tensor(h, tf.float32)",
    ),
    net(
        "a list of a tensor's numbers",
        "rows = self.a(x).numpy().tolist()  # <- here: numpy a/",
        "h = tf.constant(rows)",
        "return self.b(h)",
        ("rows = self.a(x).numpy().tolist()  # <- here: numpy a/\n        h = tf.constant(rows)", "h = self.a(x)"),
    ),
    net(
        "np.asarray",
        "h = np.asarray(self.a(x))  # <- here: numpy a/",
        "h = h + 0.25",
        "return self.b(h)",
        "h = self.a(x)",
    ),
    net(
        "keras.ops.convert_to_numpy",
        "h = keras.ops.convert_to_numpy(self.a(x))  # <- here: numpy a/",
        "h = keras.ops.tanh(h)",
        "return self.b(h)",
        "h = self.a(x)",
    ),
    net(
        "a function of NumPy's",
        "h = self.a(x)",
        "h = np.exp(h)  # <- here: left a/",
        "return self.b(h)",
        "h = tf.exp(h)",
    ),
    net(
        "a mean of NumPy's",
        "scale = np.mean(self.a(x))  # <- here: left a/",
        "h = x * scale",
        "return self.b(h)",
        "scale = tf.reduce_mean(self.a(x))",
    ),
    net(
        "np.where",
        "h = self.a(x)",
        "h = np.where(x > 0, h, 0.1)  # <- here: left a/",
        "return self.b(tf.cast(h, tf.float32))",
        "h = tf.where(x > 0, h, 0.1)",
    ),
    net(
        "float()",
        "scale = float(tf.reduce_sum(self.a(x)))  # <- here: float a/",
        "h = x * scale",
        "return self.b(h)",
        "scale = tf.reduce_sum(self.a(x))",
    ),
    net(
        "float(), computed with",
        "scale = float(tf.reduce_sum(self.a(x) ** 2))  # <- here: float a/",
        "h = x * (scale**0.5 + 3.25)",
        "return self.b(h)",
        "scale = tf.reduce_sum(self.a(x) ** 2)",
    ),
    net(
        "int()",
        "count = int(100 * tf.reduce_sum(tf.abs(self.a(x))))  # <- here: float a/",
        "h = x * count / 77",
        "return self.b(h)",
        "count = 100 * tf.reduce_sum(tf.abs(self.a(x)))",
    ),
    Case(
        "floats of several losses in a list",
        LOOP.format(
            "parts = [float(tf.reduce_sum(x[i] * w)) for i in range(4)]  # <- here: float w",
            "pred = tf.constant(parts)",
            ERROR,
        ),
        (
            """parts = [float(tf.reduce_sum(x[i] * w)) for i in range(4)]  # <- here: float w
        pred = tf.constant(parts)""",
            "pred = tf.stack([tf.reduce_sum(x[i] * w) for i in range(4)])",
        ),
        script=True,
    ),
    net(
        "tf.numpy_function",
        "h = self.a(x)",
        "h = tf.numpy_function(np.tanh, [h], tf.float32)  # <- here: left a/",
        "return self.b(tf.reshape(h, (4, 3)))",
        "h = tf.tanh(h)",
    ),
    loop(
        "a variable's numbers",
        "pred = tf.linalg.matvec(x, w.numpy())  # <- here: numpy w",
        "pred = pred * 1.5",
        ERROR,
        "pred = tf.linalg.matvec(x, w)",
    ),
    # ---- integers, comparisons, argmax, and what has no gradient
    net(
        "a cast to integers",
        "h = tf.cast(5.0 * self.a(x), tf.int32)  # <- here: integer a/",
        "h = tf.cast(h, tf.float32)",
        "return self.b(h)",
        "h = tf.cast(5.0 * self.a(x), tf.float64)",
    ),
    Case(
        "an Embedding of what was computed",
        """
class Net(keras.Model):
    def __init__(self):
        super().__init__()
        self.a, self.table = keras.layers.Dense(2, name="a"), keras.layers.Embedding(9, 3, name="table")
        self.mix = keras.layers.Dense(3, name="mix")

    def call(self, x):
        where = tf.cast(tf.abs(3.0 * self.a(x)), tf.int32) % 9  # <- here: integer a/
        return tf.reduce_mean(self.mix(self.table(where)), 1)


model = Net()
""",
        (
            "where = tf.cast(tf.abs(3.0 * self.a(x)), tf.int32) % 9",
            "return self.a(x)[:, :2] + tf.reduce_mean(self.mix(self.table(tf.cast(x, tf.int32) % 9)))",
        ),
    ),
    net(
        "a comparison",
        "h = self.a(x)",
        "h = tf.cast(h > 0.1, tf.float32)  # <- here: comparison a/",
        "return self.b(h)",
        "h = tf.nn.sigmoid(h - 0.1)",
    ),
    Case(
        "a comparison in the loss",
        """
model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2, name="a")])


def loss_fn(y_true, y_pred):
    wrong = tf.cast(y_pred > 0.5, tf.float32) - y_true  # <- here: comparison a/
    return tf.reduce_mean(wrong**2)
""",
        "wrong = tf.sigmoid(9.0 * (y_pred - 0.5)) - y_true",
    ),
    Case(
        "an accuracy for a loss",
        """
model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(4, name="a"), keras.layers.Dense(2, name="b")])


def loss_fn(y_true, y_pred):
    guess = tf.argmax(y_pred, 1)  # <- here: argmax a/ b/
    return 1.0 - tf.reduce_mean(tf.cast(tf.equal(guess, tf.argmax(y_true, 1)), tf.float32))
""",
        ("    guess = tf.argmax(y_pred, 1)", "    return tf.reduce_mean((y_true - y_pred) ** 2)"),
    ),
    net(
        "argmax as numbers",
        "h = self.a(x)",
        "h = tf.one_hot(tf.argmax(h, 1), 3)  # <- here: argmax a/",
        "return self.b(h)",
        "h = tf.nn.softmax(h, 1)",
    ),
    net(
        "keras.ops.argmax",
        "h = self.a(x)",
        "k = keras.ops.argmax(h, axis=1)  # <- here: argmax a/",
        "return self.b(keras.ops.one_hot(k, 3))",
        (
            "k = keras.ops.argmax(h, axis=1)  # <- here: argmax a/\n        return self.b(keras.ops.one_hot(k, 3))",
            "return self.b(h)",
        ),
    ),
    net(
        "round",
        "h = 5.0 * self.a(x)",
        "h = tf.round(h)  # <- here: nondifferentiable a/",
        "return self.b(h)",
        "h = tf.tanh(h)",
    ),
    Case(
        "round in another file",
        "import away\n" + NET.format("h = away.rounded(self.a, x)", "h = tf.nn.tanh(h)", "return self.b(h)"),
        ("rounded", "scaled"),
    ),
    net(
        "floor of a weighted sum",
        "h = self.a(x)",
        "h = x + tf.floor(4.0 * h)  # <- here: nondifferentiable a/",
        "return self.b(h)",
        "h = x + 4.0 * h",
    ),
    net(
        "a rank",
        "h = self.a(x)",
        "h = tf.cast(tf.argsort(h), tf.float32)  # <- here: nondifferentiable a/",
        "return self.b(h)",
        "h = tf.sort(h)",
    ),
    net(
        "a sample",
        "h = self.a(x)",
        "k = tf.random.categorical(h, 1)[:, 0]  # <- here: nondifferentiable a/",
        "return self.b(tf.one_hot(k, 3))",
        (
            """k = tf.random.categorical(h, 1)[:, 0]  # <- here: nondifferentiable a/
        return self.b(tf.one_hot(k, 3))""",
            "return self.b(tf.nn.softmax(h))",
        ),
    ),
    Case(
        "a gradient of one's own that is None",
        """
@tf.custom_gradient
def double(x):
    return 2.0 * x, lambda g: None

"""
        + NET.format("h = self.a(x)", "h = double(h)  # <- here: nondifferentiable a/", "return self.b(h)"),
        "h = 2.0 * h",
    ),
    Case(
        "a gradient of one's own beside a tensor from outside",
        """
def times(h):
    @tf.custom_gradient
    def scale(x):
        return x * h, lambda g: tf.reduce_sum(g * h)

    return scale

"""
        + LOOP.format(
            "pred = tf.linalg.matvec(x, w)",
            "pred = times(pred)(b)  # <- here: nondifferentiable w",
            "loss = tf.reduce_mean((pred - y) ** 2)",
        ),
        "pred = pred * b",
        script=True,
    ),
    # ---- tapes
    loop(
        "tape.stop_recording",
        "with tape.stop_recording():",
        "    pred = tf.linalg.matvec(x, w)  # <- here: outside_tape w",
        ERROR,
        ("with tape.stop_recording():", "with tf.name_scope('pred'):"),
    ),
    Case(
        "the forward pass before the tape",
        LOOP.replace("    with tf.GradientTape() as tape:", "    {}\n    with tf.GradientTape() as tape:").format(
            "pred = tf.linalg.matvec(x, w)  # <- here: outside_tape w", "scale = 1.5", "pred = pred * scale", ERROR
        ),
        (
            "    pred = tf.linalg.matvec(x, w)  # <- here: outside_tape w\n    with tf.GradientTape() as tape:",
            "    with tf.GradientTape() as tape:\n        pred = tf.linalg.matvec(x, w)",
        ),
        script=True,
    ),
    Case(
        "a model called before the tape",
        """
class Net(Two):
    def call(self, x):
        return self.b(tf.nn.relu(self.a(x) + 2.0))


model = Net()
out = model(sample_inputs)  # <- here: outside_tape a/ b/
bias = tf.Variable(0.3, name="bias")
with tf.GradientTape() as tape:
    loss = tf.reduce_mean((out + bias) ** 2)
tape.gradient(loss, [*model.trainable_variables, bias])
""",
        ("with tf.GradientTape() as tape:\n", "with tf.GradientTape() as tape:\n    out = model(sample_inputs)\n"),
        script=True,
    ),
    Case(
        "the loss alone under the tape",
        """
model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1, name="a")])
y = tf.ones((4, 1))
pred = model(sample_inputs)  # <- here: outside_tape a/
with tf.GradientTape() as tape:
    loss = tf.reduce_mean((pred - y) ** 2)
gradients = tape.gradient(loss, model.trainable_variables)
""",
        ("with tf.GradientTape() as tape:\n", "with tf.GradientTape() as tape:\n    pred = model(sample_inputs)\n"),
        script=True,
    ),
    Case(
        "nothing is watched",
        LOOP.replace("GradientTape()", "GradientTape(watch_accessed_variables=False)").format(
            "tape.watch(b)", "pred = tf.linalg.matvec(x, w)  # <- here: not_watched w", ERROR
        ),
        ("tape.watch(b)", "tape.watch([w, b])"),
        script=True,
    ),
    Case(
        "a constant that is not watched",
        """
w = tf.Variable([0.7, -1.3, 0.4], name="w")
point = tf.constant([0.3, 0.4, 0.9])
with tf.GradientTape() as tape:
    loss = tf.reduce_sum(w * tf.sin(point))  # <- here: not_watched point
tape.gradient(loss, [w, point])
""",
        ("    loss =", "    tape.watch(point)\n    loss ="),
        script=True,
    ),
    Case(
        "a variable that was made not to be trained",
        """
w = tf.Variable([0.7, -1.3, 0.4], name="w")
scale = tf.Variable(1.3, trainable=False, name="scale")
with tf.GradientTape() as tape:
    loss = tf.reduce_sum(scale * w**2)  # <- here: frozen scale
tape.gradient(loss, [w, scale])
""",
        ("trainable=False, ", ""),
        script=True,
    ),
    # ---- variables made anew, and written to
    Case(
        "a weight made anew in every call",
        """
class Net(Two):
    def __init__(self):
        super().__init__()
        self.scale = self.add_weight(shape=(3,), initializer="ones", name="scale")

    def call(self, x):
        scale = tf.Variable(tf.fill([3], 1.3))  # <- here: recreated scale
        return self.b(self.a(x) * scale)


model = Net()
""",
        "scale = self.scale",
    ),
    loop(
        "a variable made of a variable",
        "fresh = tf.Variable(2.0 * w)  # <- here: recreated w",
        "pred = tf.linalg.matvec(x, fresh)",
        ERROR,
        "fresh = 2.0 * w",
    ),
    Case(
        "a value that goes through assign",
        """
class Net(Two):
    def __init__(self):
        super().__init__()
        self.memory = tf.Variable(tf.zeros((4, 3)), trainable=False)

    def call(self, x):
        h = self.a(x)
        self.memory.assign(h)  # <- here: assigned a/
        return self.b(self.memory * 1.5)


model = Net()
""",
        ("self.b(self.memory * 1.5)", "self.b(h * 1.5)"),
    ),
    Case(
        "a number of a variable that is common, computed with",
        """
class Net(Two):
    def __init__(self):
        super().__init__()
        self.log_sigma = self.add_weight(shape=(), initializer="zeros", name="log_sigma")

    def call(self, x):
        sigma = np.exp(self.log_sigma.numpy())  # <- here: numpy log_sigma
        return self.b(self.a(x)) / (2 * sigma**2)


model = Net()
""",
        "sigma = tf.exp(self.log_sigma)",
    ),
    # ---- not on the way to the loss
    Case(
        "a layer that is never called",
        NET.format("h = tf.nn.tanh(x)", "h = h * 2.0", "return self.b(h)") + "model.a.build((4, 3))\n",
        ("h = tf.nn.tanh(x)", "h = self.a(x)"),
        nowhere=("unused", "a/"),
    ),
    net(
        "a branch that nothing uses",
        "h = self.a(x)",
        "h = tf.nn.tanh(h + 0.3)  # <- here: dead_branch a/",
        "return self.b(x)",
        ("self.b(x)", "self.b(h)"),
    ),
    Case(
        "a head of a functional model that the loss leaves out",
        """
inputs = keras.Input((3,))
h = keras.layers.Dense(3, name="a")(inputs)
model = keras.Model(inputs, [keras.layers.Dense(2, name="b")(h), keras.layers.Dense(2, name="c")(h)])


def loss_fn(outputs):
    first, second = outputs
    spread = tf.math.reduce_std(second)  # <- here: dead_branch c/
    return tf.reduce_mean(first**2)
""",
        ("return tf.reduce_mean(first**2)", "return tf.reduce_mean(first**2) + spread"),
    ),
    # ---- a path is missing
    net(
        "a residual of a stopped square",
        "h = self.a(x)",
        "h = tf.stop_gradient(h**2) + h  # <- here: cut stop_gradient a/",
        "return self.b(h)",
        "h = h**2 + h",
    ),
    net(
        "a shared layer, once stopped",
        "h = self.a(x)",
        "s = keras.ops.stop_gradient(self.a(x + 0.7))  # <- here: cut stop_gradient a/",
        "return self.b(h + s)",
        "s = self.a(x + 0.7)",
    ),
    net(
        "a norm that leaves by float()",
        "h = self.a(x)",
        "size = float(tf.norm(h))  # <- here: cut float a/",
        "return self.b(h / size)",
        "size = tf.norm(h)",
    ),
    net(
        "a mean that leaves by numpy",
        "h = self.a(x)",
        "mean = tf.reduce_mean(h, 0).numpy()  # <- here: cut numpy a/",
        "return self.b(h - mean)",
        "mean = tf.reduce_mean(h, 0)",
    ),
    net(
        "a mean that is no target",
        "h = self.a(x)",
        "h = tf.tanh(h - tf.stop_gradient(tf.reduce_mean(h)))  # <- here: cut stop_gradient a/",
        "return self.b(h)",
        "h = tf.tanh(h - tf.reduce_mean(h))",
    ),
    net(
        "a gate that is stopped",
        "h = self.a(x)",
        "gate = tf.stop_gradient(tf.sigmoid(h))  # <- here: cut stop_gradient a/",
        "return self.b(gate * h)",
        "gate = tf.sigmoid(h)",
    ),
    loop(
        "a penalty that is stopped",
        "pred = tf.linalg.matvec(x, w)",
        "size = tf.reduce_sum(tf.stop_gradient(w) ** 2)  # <- here: cut stop_gradient w",
        "loss = tf.reduce_mean((pred + b - y) ** 2) + 0.1 * size",
        "size = tf.reduce_sum(w**2)",
    ),
]

QUIET = {
    "numpy for a log": NET.format("h = self.a(x)", "self.seen = h.numpy().mean()", "return self.b(h)"),
    "float for a log": NET.format("h = self.a(x)", "print(float(tf.reduce_mean(h)))", "return self.b(h) * 0.7"),
    "a decision": NET.format("h = self.a(x)", "h = h * 2.0 if tf.reduce_sum(h) > 0 else h", "return self.b(h)"),
    "a mask": NET.format("h = self.a(x)", "h = h * tf.cast(h > 0, tf.float32)", "return self.b(h)"),
    "an operator behind a NumPy array": NET.format("h = self.a(x)", "h = np.ones((4, 3), 'f') * h", "return self.b(h)"),
    "a sum that begins with an array": NET.format("h = self.a(x)", "h = sum([np.ones(3, 'f'), h])", "return self.b(h)"),
    "logsumexp, which stops a gradient inside": NET.format(
        "h = self.a(x)", "h = h - tf.reduce_logsumexp(h, 1, keepdims=True)", "return self.b(h)"
    ),
    "recompute_grad": NET.format(
        "f = tf.recompute_grad(lambda t: tf.tanh(self.a(t)))", "self.a(x)", "return self.b(f(x))"
    ),
    "a gradient of one's own": """
@tf.custom_gradient
def double(x):
    return tf.constant(2 * x.numpy()), lambda g: 2 * g

"""
    + NET.format("h = self.a(x)", "h = double(h)", "return self.b(h)"),
    "batch normalisation and dropout": """
model = keras.Sequential([
    keras.Input((3,)), keras.layers.Dense(4), keras.layers.BatchNormalization(), keras.layers.Dropout(0.3),
    keras.layers.Dense(2),
])
""",
    "straight through a step, in three spellings": NET.format(
        "h = self.a(x); h = tf.stop_gradient(tf.sign(h) - h) + h",
        "h = tf.round(h) - tf.stop_gradient(h) + h; h = h - tf.stop_gradient(h - tf.floor(h))",
        "return self.b(h)",
    ),
    "straight through one of several choices": NET.format(
        "soft = keras.ops.softmax(self.a(x))",
        "hard = keras.ops.one_hot(keras.ops.argmax(soft, -1), 3)",
        "return self.b(keras.ops.stop_gradient(hard - soft) + soft)",
    ),
    "a codebook, with commitment and straight through": """
class Net(Two):
    def __init__(self):
        super().__init__()
        self.codes = self.add_weight(shape=(5, 3), initializer="random_normal", name="codes")

    def call(self, x):
        z = self.a(x)
        nearest = tf.argmin(tf.reduce_sum((z[:, None] - self.codes[None]) ** 2, -1), 1)
        q = tf.gather(self.codes, nearest)
        return self.b(z + tf.stop_gradient(q - z)), z, q


model = Net()


def loss_fn(outputs):
    out, z, q = outputs
    codes = tf.reduce_mean((q - tf.stop_gradient(z)) ** 2)
    return tf.reduce_mean(out**2) + codes + 0.25 * tf.reduce_mean(tf.math.squared_difference(tf.stop_gradient(q), z))
""",
    "two views of one network": """
class Net(Two):
    def call(self, x):
        one, two = self.a(x), self.a(x + 0.1)
        return self.b(one), tf.stop_gradient(two)[:, :2]


model = Net()


def loss_fn(outputs):
    one, two = (tf.math.l2_normalize(part, 1) for part in outputs)
    return tf.reduce_mean((one - two) ** 2)
""",
    "a momentum encoder": """
class Net(Two):
    def __init__(self):
        super().__init__()
        self.key = keras.layers.Dense(3, trainable=False, name="key")

    def call(self, x):
        q = self.b(self.a(x))
        k = tf.stop_gradient(self.key(x + 0.1))[:, :2]
        for old, new in zip(self.key.weights, self.a.weights):
            old.assign(0.9 * old + 0.1 * new)
        return q @ tf.transpose(k)


model = Net()


def loss_fn(y_true, y_pred):
    return keras.losses.SparseCategoricalCrossentropy(from_logits=True)(tf.range(4), y_pred)
""",
    "a teacher of the same network": """
class Net(Two):
    def call(self, x):
        return self.b(self.a(x)), tf.stop_gradient(self.b(self.a(x + 0.05)))


model = Net()


def loss_fn(outputs):
    student, teacher = outputs
    soft = tf.nn.softmax(teacher)
    return tf.reduce_mean(tf.nn.softmax_cross_entropy_with_logits(soft, student)) + keras.losses.KLDivergence()(
        soft, tf.nn.softmax(student)
    )
""",
    "a target by the same network": """
class Net(Two):
    def call(self, x):
        target = 0.3 + 0.99 * tf.reduce_max(self.b(self.a(x + 1.0)), 1)
        return self.b(self.a(x))[:, 0], tf.stop_gradient(target)


model = Net()


def loss_fn(outputs):
    value, target = outputs
    return keras.losses.Huber()(target, value)
""",
    "the weight of a log-probability": """
class Net(Two):
    def call(self, x):
        return self.a(x)[:, :2], self.b(x)[:, 0]


model = Net()


def loss_fn(outputs):
    logits, value = outputs
    action = tf.random.categorical(logits, 1)[:, 0]
    score = -tf.nn.sparse_softmax_cross_entropy_with_logits(action, logits)
    gain = 0.7 - value
    return tf.reduce_mean(gain**2) - tf.reduce_mean(score * tf.stop_gradient(gain))
""",
}
