"""Programs of TensorFlow and Keras with a gradient that is exactly zero, each with its cure."""

from __future__ import annotations

from dataclasses import replace

from corpus.causes_case import Case

__all__ = ["CASES"]

START = """import keras
import numpy as np
import tensorflow as tf
keras.utils.set_random_seed(1)
"""


_CASES = [
    Case("softmax over an axis of one", "softmax_of_one", """
w = tf.Variable([[1.0], [2.0]])
variables = [w]
def loss():
    p = tf.nn.softmax(w, axis=-1)  # <- here
    return tf.reduce_sum(p * [[1.0], [3.0]])
""", ("axis=-1", "axis=0")),
    Case("softmax at the end of a Sequential model", "softmax_of_one", """
model = keras.Sequential([
    keras.Input((3,)),
    keras.layers.Dense(4, activation="tanh"),
    keras.layers.Dense(1, activation="softmax"),  # <- here
])
x, y = tf.random.normal((8, 3)), tf.ones((8, 1)) * 0.3
variables = model.trainable_variables
def loss():
    return tf.reduce_mean((model(x) - y) ** 2)
""", ('"softmax"', '"sigmoid"')),
    Case("a softmax layer in a functional model", "softmax_of_one", """
inputs = keras.Input((3,))
hidden = keras.layers.Dense(1)(inputs)
outputs = keras.layers.Softmax()(hidden)  # <- here
model = keras.Model(inputs, outputs)
x, y = tf.random.normal((8, 3)), tf.ones((8, 1)) * 0.3
variables = model.trainable_variables
def loss():
    return tf.reduce_mean((model(x) - y) ** 2)
""", ("keras.layers.Softmax()", "keras.layers.Activation('sigmoid')")),
    Case("cross-entropy over one class", "softmax_of_one", """
w = tf.Variable([[1.0], [2.0]])
variables = [w]
def loss():
    each = tf.nn.sparse_softmax_cross_entropy_with_logits([0, 0], w)  # <- here
    return tf.reduce_mean(each)
""", ("sparse_softmax_cross_entropy_with_logits([0, 0], w)", "sigmoid_cross_entropy_with_logits(tf.ones_like(w), w)")),
    Case("log-softmax over one class", "softmax_of_one", """
w = tf.Variable([[1.0], [2.0]])
variables = [w]
def loss():
    return -tf.reduce_mean(tf.nn.log_softmax(w))  # <- here
""", ("tf.nn.log_softmax(w)", "tf.nn.log_softmax(w, axis=0) * [[1.0], [2.0]]")),
    Case("a dead ReLU", "dead_relu", """
w = tf.Variable([1.0, 2.0])
variables = [w]
def loss():
    h = tf.nn.relu(w - 10.0)  # <- here
    return tf.reduce_sum((h - 1.0) ** 2)
""", ("w - 10.0", "w + 10.0")),
    Case("a dead layer of a subclassed model", "dead_relu", """
class Net(keras.Model):
    def __init__(self):
        super().__init__()
        self.first = keras.layers.Dense(4, bias_initializer=keras.initializers.Constant(-100.0))
        self.second = keras.layers.Dense(1)
    def call(self, x):
        h = keras.ops.relu(self.first(x))  # <- here
        return self.second(h)
model = Net()
x = tf.random.normal((8, 3))
model(x)
variables = model.trainable_variables
def loss():
    return tf.reduce_mean((model(x) - 1.0) ** 2)
""", ("-100.0", "0.0")),
    Case("a dead layer of a Sequential model", "dead_relu", """
model = keras.Sequential([
    keras.Input((3,)),
    keras.layers.Dense(4, "relu", bias_initializer=keras.initializers.Constant(-100.0)),  # <- here
    keras.layers.Dense(1),
])
x = tf.random.normal((8, 3))
variables = model.trainable_variables
def loss():
    return tf.reduce_mean((model(x) - 1.0) ** 2)
""", ("-100.0", "0.0")),
    Case("clipped", "clamp", """
w = tf.Variable([3.0, -2.0])
variables = [w]
def loss():
    p = tf.clip_by_value(w, -1.0, 1.0)  # <- here
    return tf.reduce_sum(p ** 2)
""", ("-1.0, 1.0", "-10.0, 10.0")),
    Case("keras.ops.clip", "clamp", """
w = tf.Variable([3.0, 2.0])
variables = [w]
def bounded(x):
    return keras.ops.clip(x, 0.0, 1.0)  # <- here
def loss():
    return tf.reduce_sum(bounded(w) ** 2)
""", ("0.0, 1.0", "0.0, 10.0")),
    Case("a maximum with a number", "clamp", """
w = tf.Variable([3.0, 2.0])
variables = [w]
def loss():
    return tf.reduce_sum(tf.maximum(w, 5.0))  # <- here
""", ("5.0", "1.0")),
    Case("ReLU6 at its top", "clamp", """
w = tf.Variable([30.0, 20.0])
variables = [w]
def loss():
    return tf.reduce_sum(tf.nn.relu6(w))  # <- here
""", ("relu6(w)", "relu6(w / 10.0)")),
    Case("a saturated sigmoid", "saturated", """
w = tf.Variable([30.0, 200.0])
variables = [w]
def loss():
    p = tf.sigmoid(w)  # <- here
    return tf.reduce_sum((p - 0.5) ** 2)
""", ("tf.sigmoid(w)", "tf.sigmoid(w / 100.0)")),
    Case("a saturated tanh in another file", "saturated", """
from squash import squash
w = tf.Variable([30.0, 200.0])
variables = [w]
def loss():
    return tf.reduce_sum((squash(w) - 0.5) ** 2)
""", ("tf.tanh(x)", "tf.tanh(x / 100.0)"), {"squash.py": """import tensorflow as tf

def squash(x):
    return tf.tanh(x)  # <- here
"""}),
    Case("a softmax that is sure", "saturated", """
w = tf.Variable([[300.0, 1.0, 2.0]])
variables = [w]
def loss():
    return tf.reduce_sum(tf.nn.softmax(w) * [1.0, 2.0, 3.0])  # <- here
""", ("300.0", "3.0")),
    Case("a saturated activation of a functional model", "saturated", """
inputs = keras.Input((3,))
hidden = keras.layers.Dense(4, activation="tanh")(inputs * 1e6)  # <- here
model = keras.Model(inputs, keras.layers.Dense(1, use_bias=False)(hidden))
model.layers[-1].trainable = False
x = tf.ones((8, 3))
variables = model.trainable_variables
def loss():
    return tf.reduce_mean((model(x) - 1.0) ** 2)
""", ("1e6", "1.0")),
    Case("a term of weight 0", "zero_factor", """
w, v = tf.Variable([1.0, 2.0]), tf.Variable([3.0])
variables = [w, v]
weight = 0.0
def loss():
    penalty = weight * tf.reduce_sum(w ** 2)  # <- here
    return tf.reduce_sum(v) + penalty
""", ("weight = 0.0", "weight = 0.1")),
    Case("the other factor is a weight of 0", "zero_factor", """
a, b = tf.Variable([[1.0, 2.0]]), tf.Variable([[0.0], [0.0]])
variables = [a, b]
def loss():
    return tf.reduce_sum(tf.matmul(a, b)) + 1.0  # <- here
""", ("[[0.0], [0.0]]", "[[0.1], [0.0]]")),
    Case("input of zeros", "zero_factor", """
x = tf.zeros((4, 3))
model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2, use_bias=False)])
variables = model.trainable_variables
class Loss:
    def value(self):
        y = tf.matmul(x, variables[0])  # <- here
        return tf.reduce_sum(y) + 1.0
def loss():
    return Loss().value()
""", ("tf.zeros", "tf.ones")),
    Case("a mask of zeros", "mask", """
w = tf.Variable([[1.0, 2.0], [3.0, 4.0]])
variables = [w]
mask = tf.constant([[0.0, 0.0], [0.0, 0.0]])
def loss():
    kept = w * mask  # <- here
    return tf.reduce_sum((kept - 1.0) ** 2)
""", ("[[0.0, 0.0], [0.0, 0.0]]", "[[0.0, 1.0], [0.0, 0.0]]")),
    Case("a mask by comparison", "mask", """
w = tf.Variable([1.0, 2.0])
variables = [w]
def loss():
    mask = tf.cast(w > 5.0, tf.float32)
    return tf.reduce_sum(w * mask) + 1.0  # <- here
""", ("w > 5.0", "w > 1.5")),
    Case("where takes the other branch", "selection", """
w = tf.Variable([1.0, 2.0])
variables = [w]
def loss():
    chosen = tf.where(w > 5.0, w, 1.0)  # <- here
    return tf.reduce_sum(chosen)
""", ("w > 5.0", "w > 1.5")),
    Case("the larger of two", "selection", """
w, v = tf.Variable([1.0, 2.0]), tf.Variable([3.0, 4.0])
variables = [w, v]
def loss():
    return tf.reduce_sum(tf.maximum(w, v))  # <- here
""", ("[3.0, 4.0]", "[0.0, 4.0]")),
    Case("another row is taken", "selection", """
w = tf.Variable([1.0, 2.0])
v = tf.Variable([3.0])
variables = [w, v]
def loss():
    both = tf.concat([w, v], 0)
    return tf.reduce_sum(both[2:] ** 2)  # <- here
""", ("both[2:]", "both[1:]")),
    Case("sign", "rounding", """
w, v = tf.Variable([1.0, 2.0]), tf.Variable([2.0, 1.0])
variables = [w, v]
def loss():
    bits = tf.sign(w)  # <- here
    return tf.reduce_sum(bits * v)
""", ("tf.sign(w)", "tf.tanh(w)")),
    Case("a custom gradient without one", "zero_factor", """
w = tf.Variable([1.0, 2.0])
variables = [w]
@tf.custom_gradient
def stepped(x):
    def backward(dy):
        inner = dy + 0.0
        return inner * 0.0  # <- here
    return tf.round(x), backward
def loss():
    return tf.reduce_sum(stepped(w) ** 2)
""", ("inner * 0.0", "inner * 1.0")),
    Case("silu far below 0", "saturated", """
w = tf.Variable([-200.0, -300.0])
variables = [w]
def loss():
    return tf.reduce_sum(tf.nn.silu(w)) + 1.0  # <- here
""", ("[-200.0, -300.0]", "[-2.0, -3.0]")),
    Case("a loop", "dead_relu", """
w = tf.Variable([4.0, 2.0])
variables = [w]
def loss():
    y = w
    for k in range(4):
        y = tf.nn.relu(y - 2.0)  # <- here
    return tf.reduce_sum(y) + 1.0
""", ("y - 2.0", "y - 0.5")),
    Case("lambdas in a list", "saturated", """
w = tf.Variable([4.0, 2.0])
variables = [w]
steps = [
    lambda x: x * 100.0,
    lambda x: tf.tanh(x),  # <- here
    lambda x: x + 1.0,
]
def loss():
    y = w
    for step in steps:
        y = step(y)
    return tf.reduce_sum(y)
""", ("100.0", "0.1")),
    Case("tf.function", "dead_relu", """
w = tf.Variable([4.0, 2.0])
variables = [w]
@tf.function
def hidden(x):
    y = x - 5.0
    return tf.nn.relu(y)  # <- here
def loss():
    return tf.reduce_sum((hidden(w) - 1.0) ** 2)
""", ("x - 5.0", "x - 1.0")),
    Case("recomputed in the backward pass", "saturated", """
w = tf.Variable([4.0, 2.0])
variables = [w]
def block(x):
    y = x * 100.0
    return tf.tanh(y)  # <- here
def loss():
    return tf.reduce_sum(tf.recompute_grad(block)(w + 0.0))
""", ("100.0", "0.1")),
    Case("tf.map_fn", "dead_relu", """
w = tf.Variable([4.0, 2.0])
variables = [w]
def one(x):
    return tf.nn.relu(x)  # <- here
def loss():
    return tf.reduce_sum((tf.map_fn(one, w - 5.0) - 1.0) ** 2)
""", ("w - 5.0", "w - 1.0")),
    Case("products below the smallest number of float16", "underflow", """
w = tf.Variable([1.0, 2.0])
variables = [w]
def loss():
    half = tf.cast(w, tf.float16)
    y = half * 1e-5  # <- here
    return tf.reduce_sum(tf.cast(y, tf.float32)) * 1e-4
""", ("* 1e-4", "* 1.0")),
    Case("cast down to float16", "underflow", """
w = tf.Variable([1.0, 2.0])
variables = [w]
def loss():
    half = tf.cast(w, tf.float16)
    y = tf.cast(half, tf.float32)  # <- here
    return tf.reduce_sum(y) * 1e-9
""", ("* 1e-9", "* 1.0")),
    Case("a square at 0", "zero_factor", """
w = tf.Variable([0.0, 0.0])
variables = [w]
def loss():
    return tf.reduce_sum(tf.square(w)) + 1.0  # <- here
""", ("tf.square(w)", "tf.square(w - 1.0)")),
    Case("the rows of an embedding behind a dead ReLU", "dead_relu", """
table = tf.Variable([[-1.0, -2.0], [1.0, 2.0], [-3.0, -4.0]])
variables = [table]
def loss():
    rows = tf.nn.embedding_lookup(table, [0, 2])
    return tf.reduce_sum((tf.nn.relu(rows) - 1.0) ** 2)  # <- here
""", ("[0, 2]", "[1, 2]")),
]  # fmt: skip

CASES = {case.name: replace(case, text=START + case.text) for case in _CASES}
