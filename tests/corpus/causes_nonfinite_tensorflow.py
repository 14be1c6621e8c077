"""Programs of TensorFlow and Keras with a NaN or an infinity in the loss or in a gradient, each with its cure."""

from __future__ import annotations

from dataclasses import replace

from corpus.causes_case import Case

__all__ = ["CASES", "INTENDED"]

START = """import keras
import numpy as np
import tensorflow as tf
"""


_CASES = [
    Case("log of a probability that is 0", "log_of_zero", """
w = tf.Variable([1.0, 2.0, 3.0])
variables = [w]
def loss():
    p = tf.nn.relu(w - 2.0)
    return -tf.reduce_mean(tf.math.log(p))  # <- here
""", ("tf.math.log(p)", "tf.math.log(p + 1e-3)")),
    Case("a single number whose gradients are added up", "sqrt_of_zero", """
w = tf.Variable([1.0, -1.0])
variables = [w]
def loss():
    total = tf.reduce_sum(w)
    return tf.sqrt(total) + 2.0 * total  # <- here
""", ("tf.sqrt(total)", "tf.sqrt(total + 1.0)")),
    Case("x log(x) in another function", "log_of_zero", """
def entropy(p):
    inner = p * 1.0
    return -tf.reduce_sum(inner * tf.math.log(inner))  # <- here
w = tf.Variable([1.0, 2.0, 0.0])
variables = [w]
def loss():
    return entropy(tf.abs(w)) * 2.0
""", ("tf.math.log(inner)", "tf.math.log(inner + 1e-3)")),
    Case("log in another file", "log_of_zero", """
from losses import surprise
w = tf.Variable([1.0, 0.0])
variables = [w]
def loss():
    return tf.reduce_sum(surprise(w * w))
""", ("tf.math.log(p)", "tf.math.log(p + 0.1)"), {"losses.py": """import tensorflow as tf

def surprise(p):
    return -tf.math.log(p)  # <- here
"""}),
    Case("log of a negative number", "log_of_negative", """
w = tf.Variable([1.0, -2.0])
variables = [w]
def loss():
    return tf.reduce_sum(tf.math.log(w))  # <- here
""", ("tf.math.log(w)", "tf.math.log(tf.abs(w))")),
    Case("log1p of -1", "log_of_zero", """
w = tf.Variable([0.5, -1.0])
variables = [w]
def loss():
    return tf.reduce_sum(tf.math.log1p(w))  # <- here
""", ("log1p(w)", "log1p(w * 0.9)")),
    Case("0/0", "zero_over_zero", """
w = tf.Variable([0.0, 2.0])
variables = [w]
def loss():
    r = w * 2.0
    return tf.reduce_sum(r / tf.abs(w))  # <- here
""", ("tf.abs(w))", "(tf.abs(w) + 1.0))")),
    Case("a mean over nothing", "zero_over_zero", """
w = tf.Variable([1.0, 2.0])
variables = [w]
chosen = tf.constant([0.0, 0.0])
def loss():
    total = tf.reduce_sum(w * chosen)
    return total / tf.reduce_sum(chosen)  # <- here
""", ("[0.0, 0.0]", "[0.0, 1.0]")),
    Case("1/0", "division_by_zero", """
w = tf.Variable([0.0, 2.0])
variables = [w]
def loss():
    return tf.reduce_sum(1.0 / w)  # <- here
""", ("1.0 / w", "1.0 / (w + 1.0)")),
    Case("reciprocal", "division_by_zero", """
w = tf.Variable([0.0, 2.0])
variables = [w]
def loss():
    return tf.reduce_sum(tf.math.reciprocal(w))  # <- here
""", ("reciprocal(w)", "reciprocal(w + 1.0)")),
    Case("rsqrt of 0", "division_by_zero", """
w = tf.Variable([0.0, 2.0])
variables = [w]
def loss():
    return tf.reduce_sum(tf.math.rsqrt(w))  # <- here
""", ("rsqrt(w)", "rsqrt(w + 1.0)")),
    Case("sqrt at 0", "sqrt_of_zero", """
w = tf.Variable([0.0, 4.0])
variables = [w]
def loss():
    root = tf.sqrt(w)  # <- here
    return tf.reduce_sum(root)
""", ("tf.sqrt(w)", "tf.sqrt(w + 1.0)")),
    Case("sqrt of a negative number", "sqrt_of_negative", """
w = tf.Variable([-1.0, 4.0])
variables = [w]
def loss():
    root = keras.ops.sqrt(w)  # <- here
    return tf.reduce_sum(root)
""", ("sqrt(w)", "sqrt(w + 2.0)")),
    Case("the distance of equal points", "norm_of_zero", """
w = tf.Variable([[1.0, 2.0], [1.0, 5.0]])
variables = [w]
anchor = tf.constant([[1.0, 2.0], [0.0, 0.0]])
def loss():
    distance = tf.norm(w - anchor, axis=1)  # <- here
    return tf.reduce_sum(distance)
""", ("[[1.0, 2.0], [0.0, 0.0]]", "[[1.0, 2.5], [0.0, 0.0]]")),
    Case("the distance by hand", "norm_of_zero", """
w = tf.Variable([[1.0, 2.0], [1.0, 5.0]])
variables = [w]
anchor = tf.constant([[1.0, 2.0], [0.0, 0.0]])
def loss():
    squares = tf.reduce_sum(tf.square(w - anchor), axis=1)
    return tf.reduce_sum(tf.sqrt(squares))  # <- here
""", ("tf.sqrt(squares)", "tf.sqrt(squares + 1e-3)")),
    Case("a power below 1 at 0", "power_of_zero", """
w = tf.Variable([0.0, 4.0])
variables = [w]
def loss():
    return tf.reduce_sum(w ** 0.5)  # <- here
""", ("w ** 0.5", "(w + 1.0) ** 0.5")),
    Case("exp overflows", "exp_overflow", """
w = tf.Variable([1.0, 100.0])
variables = [w]
def loss():
    return tf.reduce_sum(tf.exp(w))  # <- here
""", ("tf.exp(w)", "tf.exp(w - 100.0)")),
    Case("softmax by hand", "exp_overflow", """
w = tf.Variable([[1.0, 100.0]])
variables = [w]
def softmax(x):
    e = tf.exp(x)  # <- here
    return e / tf.reduce_sum(e, axis=-1, keepdims=True)
def loss():
    return tf.reduce_mean(softmax(w) * [1.0, 2.0])
""", ("tf.exp(x)", "tf.exp(x - tf.reduce_max(x))")),
    Case("softplus by hand", "exp_overflow", """
w = tf.Variable([1.0, 100.0])
variables = [w]
softplus = lambda x: tf.math.log(1.0 + tf.exp(x))  # <- here
def loss():
    return tf.reduce_sum(softplus(w))
""", ("tf.math.log(1.0 + tf.exp(x))", "tf.nn.softplus(x)")),
    Case("where with a unit vector", "where_trap", """
w = tf.Variable([[0.0, 0.0], [3.0, 4.0]])
variables = [w]
def loss():
    long = tf.reduce_sum(tf.abs(w), axis=1, keepdims=True)
    return tf.reduce_sum(tf.where(long > 0.0, w / long, 0.0) * w)  # <- here
""", ("w / long", "w / tf.where(long > 0.0, long, 1.0)")),
    Case("where with log", "where_trap", """
w = tf.Variable([0.0, 4.0])
variables = [w]
def loss():
    return tf.reduce_sum(tf.where(w > 0.0, tf.math.log(w), 0.0))  # <- here
""", ("tf.math.log(w)", "tf.math.log(tf.where(w > 0.0, w, 1.0))")),
    Case("where with a division", "where_trap", """
x = tf.constant([0.0, 4.0])
w = tf.Variable([1.0, 2.0])
variables = [w]
def loss():
    ratio = w / (w * x)  # <- here
    return tf.reduce_sum(tf.where(x > 0.0, ratio, 0.0))
""", ("w / (w * x)", "w / tf.where(x > 0.0, w * x, 1.0)")),
    Case("a mask multiplied with an infinity", "zero_times_inf", """
mask = tf.constant([1.0, 0.0])
w = tf.Variable([1.0, 2.0])
variables = [w]
def loss():
    hidden = w + (1.0 - mask) * -np.inf  # <- here
    return tf.reduce_sum(tf.nn.softmax(hidden) * [1.0, 2.0])
""", ("-np.inf", "-1e9")),
    Case("a log masked by multiplication", "zero_times_inf", """
mask = tf.constant([1.0, 0.0])
w = tf.Variable([1.0, 0.0])
variables = [w]
def loss():
    logs = tf.math.log(w)
    return tf.reduce_sum(mask * logs)  # <- here
""", ("tf.math.log(w)", "tf.math.log(tf.where(mask > 0.0, w, 1.0))")),
    Case("division by the deviation of equal numbers", "zero_std", """
x = tf.constant([[3.0, 3.0], [1.0, 2.0]])
w = tf.Variable([2.0, 2.0])
variables = [w]
def loss():
    y = x * w
    centred = y - tf.reduce_mean(y, axis=1, keepdims=True)
    return tf.reduce_sum(centred / tf.math.reduce_std(y, axis=1, keepdims=True))  # <- here
""", ("[3.0, 3.0]", "[3.0, 4.0]")),
    Case("the deviation of equal numbers", "zero_std", """
x = tf.constant([[3.0, 3.0], [1.0, 2.0]])
w = tf.Variable([2.0, 2.0])
variables = [w]
def loss():
    return tf.reduce_sum(tf.math.reduce_std(x * w, axis=1))  # <- here
""", ("[3.0, 3.0]", "[3.0, 4.0]")),
    Case("an epsilon that is lost", "tiny_epsilon", """
w = tf.Variable([20.0, 1.0])
variables = [w]
def loss():
    p = tf.sigmoid(w)
    return -tf.reduce_sum(tf.math.log((tf.ones_like(p) + 1e-9) - p))  # <- here
""", ("1e-9", "1e-3")),
    Case("an epsilon lost by clipping", "log_of_zero", """
w = tf.Variable([20.0, 1.0])
variables = [w]
def loss():
    p = tf.clip_by_value(tf.sigmoid(w), 1e-10, 1.0 - 1e-10)
    return -tf.reduce_sum(tf.math.log(1.0 - p))  # <- here
""", ("1.0 - 1e-10", "1.0 - 1e-4")),
    Case("float16 overflows", "half_overflow", """
w = tf.Variable([300.0, 1.0], dtype=tf.float16)
variables = [w]
def loss():
    return tf.reduce_sum(w * w)  # <- here
""", ("[300.0, 1.0]", "[30.0, 1.0]")),
    Case("exp overflows in float16 alone", "half_overflow", """
w = tf.Variable([12.0, 1.0])
variables = [w]
def loss():
    half = tf.cast(w, tf.float16)
    return tf.reduce_sum(tf.cast(tf.exp(half), tf.float32))  # <- here
""", ("[12.0, 1.0]", "[5.0, 1.0]")),
    Case("numbers grow beyond float32", "overflow", """
w = tf.Variable([1e30, 1.0])
variables = [w]
def loss():
    return tf.reduce_sum(w * w)  # <- here
""", ("1e30", "1e3")),
    Case("data with a NaN", "given", """
x = np.array([[1.0, np.nan], [2.0, 3.0]], np.float32)
w = tf.Variable([[1.0], [2.0]])
variables = [w]
def loss():
    return tf.reduce_sum(tf.matmul(x, w))  # <- here
""", ("np.nan", "0.5")),
    Case("a weight that is NaN", "weights", """
w = tf.Variable([[1.0], [np.nan]])  # <- here
variables = [w]
def loss():
    return tf.reduce_sum(tf.matmul([[1.0, 2.0]], w))
""", ("np.nan", "0.5")),
    Case("a loop", "division_by_zero", """
w = tf.Variable([1.0, 2.0])
variables = [w]
def loss():
    y = w
    for k in range(4):
        y = y / (3.0 - k)  # <- here
    return tf.reduce_sum(y)
""", ("(3.0 - k)", "(4.0 - k)")),
    Case("a list comprehension", "log_of_zero", """
parts = [tf.Variable(float(k)) for k in range(3)]
variables = parts
def loss():
    logs = [
        tf.math.log(part)  # <- here
        for part in parts
    ]
    return tf.add_n(logs)
""", ("tf.math.log(part)", "tf.math.log(part + 1.0)")),
    Case("tf.function", "sqrt_of_zero", """
w = tf.Variable([0.0, 4.0])
variables = [w]
@tf.function
def root(x):
    y = x * 2.0
    return tf.sqrt(y)  # <- here
def loss():
    return tf.reduce_sum(root(w))
""", ("tf.sqrt(y)", "tf.sqrt(y + 1.0)")),
    Case("tf.while_loop", "log_of_zero", """
w = tf.Variable([3.0, 4.0])
variables = [w]
def body(k, y):
    return k + 1, y - tf.math.log(3.0 - tf.cast(k, tf.float32))  # <- here
def loss():
    _, y = tf.while_loop(lambda k, y: k < 4, body, [tf.constant(0), tf.identity(w)])
    return tf.reduce_sum(y)
""", ("log(3.0 -", "log(5.0 -")),
    Case("tf.map_fn", "sqrt_of_zero", """
w = tf.Variable([0.0, 4.0])
variables = [w]
def one(x):
    return tf.sqrt(x)  # <- here
def loss():
    return tf.reduce_sum(tf.map_fn(one, w * 1.0))
""", ("tf.sqrt(x)", "tf.sqrt(x + 1.0)")),
    Case("a custom gradient", "division_by_zero", """
w = tf.Variable([0.0, 4.0])
variables = [w]
@tf.custom_gradient
def root(x):
    y = tf.sqrt(x)
    def backward(dy):
        half = dy * 0.5
        return half / y  # <- here
    return y, backward
def loss():
    return tf.reduce_sum(root(w))
""", ("half / y", "half / (y + 1.0)")),
    Case("recomputed in the backward pass", "norm_of_zero", """
w = tf.Variable([[0.0, 0.0], [1.0, 2.0]])
variables = [w]
def block(x):
    y = x * 3.0
    return tf.sqrt(tf.reduce_sum(y * y, axis=1))  # <- here
def loss():
    return tf.reduce_sum(tf.recompute_grad(block)(w + 0.0))
""", ("tf.sqrt(tf.reduce_sum(y * y, axis=1))", "tf.sqrt(tf.reduce_sum(y * y, axis=1) + 0.1)")),
    Case("a Keras layer of one's own", "log_of_zero", """
class Log(keras.layers.Layer):
    def call(self, x):
        return keras.ops.log(keras.ops.relu(x))  # <- here
model = keras.Sequential([keras.layers.Dense(4, kernel_initializer="ones"), Log(), keras.layers.Dense(1)])
x = tf.constant([[1.0, -2.0]])
model(x + 4.0)
variables = model.trainable_variables
def loss():
    return tf.reduce_mean(model(x) ** 2)
""", ("keras.ops.relu(x))", "keras.ops.relu(x) + 1.0)")),
    Case("a Lambda layer", "log_of_zero", """
model = keras.Sequential([
    keras.layers.Dense(4, kernel_initializer="ones", activation="relu"),
    keras.layers.Lambda(lambda x: keras.ops.log(x)),  # <- here
    keras.layers.Dense(1),
])
x = tf.constant([[1.0, -2.0]])
model(x + 4.0)
variables = model.trainable_variables
def loss():
    return tf.reduce_mean(model(x) ** 2)
""", ("keras.ops.log(x)", "keras.ops.log(x + 1.0)")),
    Case("an operation in a functional model", "sqrt_of_zero", """
inputs = keras.Input((2,))
hidden = keras.layers.Dense(4, kernel_initializer="ones", activation="relu")(inputs)
root = keras.ops.sqrt(hidden)  # <- here
model = keras.Model(inputs, keras.layers.Dense(1, kernel_initializer="ones")(root))
x = tf.constant([[1.0, -2.0]])
variables = model.trainable_variables
def loss():
    return tf.reduce_mean(model(x) + 0.5)
""", ("keras.ops.sqrt(hidden)", "keras.ops.sqrt(hidden + 1.0)")),
    Case("an activation in a functional model", "exp_overflow", """
inputs = keras.Input((2,))
hidden = keras.layers.Dense(4, kernel_initializer="ones", activation="exponential")(inputs)  # <- here
model = keras.Model(inputs, keras.layers.Dense(1)(hidden))
x = tf.constant([[100.0, 2.0]])
variables = model.trainable_variables
def loss():
    return tf.reduce_mean(model(x))
""", ("100.0", "1.0")),
    Case("a subclassed model", "zero_over_zero", """
class Pool(keras.Model):
    def __init__(self):
        super().__init__()
        self.dense = keras.layers.Dense(3)
    def call(self, x, mask):
        y = self.dense(x) * mask[..., None]
        return tf.reduce_sum(y, axis=1) / tf.reduce_sum(mask, axis=1)[:, None]  # <- here
model = Pool()
x, mask = tf.ones((2, 3, 2)), tf.constant([[1.0, 1.0, 0.0], [0.0, 0.0, 0.0]])
model(x, mask)
variables = model.trainable_variables
def loss():
    return tf.reduce_mean(model(x, mask) ** 2)
""", ("[0.0, 0.0, 0.0]", "[1.0, 0.0, 0.0]")),
    Case("mixed precision", "half_overflow", """
keras.config.set_dtype_policy("mixed_float16")
model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(8, kernel_initializer="ones")])
x = tf.constant([[30.0, 30.0, 30.0, 30.0]])
variables = model.trainable_variables
def loss():
    y = model(x)
    return tf.reduce_mean(tf.cast(keras.ops.power(y, 4), tf.float32))  # <- here
""", ("30.0, 30.0, 30.0, 30.0", "1.0, 1.0, 1.0, 1.0")),
    Case("a loss scaled too far", "half_overflow", """
w = tf.Variable([1.0, 2.0])
variables = [w]
def loss():
    half = tf.cast(w, tf.float16)
    y = half * 8.0  # <- here
    return tf.reduce_sum(tf.cast(y, tf.float32)) * 2.0 ** 14
""", ("2.0 ** 14", "2.0 ** 10")),
    Case("the rows of an embedding", "norm_of_zero", """
table = tf.Variable([[0.0, 0.0], [1.0, 2.0], [3.0, 4.0]])
variables = [table]
def loss():
    rows = tf.nn.embedding_lookup(table, [0, 2])
    return tf.reduce_sum(tf.norm(rows, axis=1))  # <- here
""", ("[0, 2]", "[1, 2]")),
    Case("a row that is masked altogether", "masked_row", """
w = tf.Variable([[1.0, 2.0], [3.0, 4.0]])
variables = [w]
mask = tf.constant([[True, True], [False, False]])
def loss():
    scores = tf.where(mask, w, -np.inf)
    return tf.reduce_sum(tf.nn.softmax(scores) * w)  # <- here
""", ("[False, False]", "[True, False]")),
    Case("two births, of which one is masked out", "log_of_zero", """
w = tf.Variable([1.0, 0.0])
variables = [w]
def loss():
    unused = 1.0 / (w * 0.0)
    other = tf.math.log(w)  # <- here
    return tf.reduce_sum(other + tf.where([False, False], tf.stop_gradient(unused), 0.0))
""", ("tf.math.log(w)", "tf.math.log(w + 1.0)")),
    Case("arc cosine at 1", "edge_of_domain", """
w = tf.Variable([[1.0, 0.0], [0.0, 2.0]])
variables = [w]
def loss():
    cosine = tf.reduce_sum(tf.stop_gradient(w) * w, axis=1) / [1.0, 4.0]
    return tf.reduce_sum(tf.acos(cosine))  # <- here
""", ("tf.acos(cosine)", "tf.acos(cosine * 0.9)")),
    Case("an epsilon that is lost beside 1, where the label takes the term away", "tiny_epsilon", """
w = tf.Variable([60.0, -1.0])
variables = [w]
y = tf.constant([1.0, 0.0])
def loss():
    p = tf.sigmoid(w) - 1e-8
    other = tf.math.log(1 - p)  # <- here
    return -tf.reduce_mean(y * tf.math.log(p) + (1 - y) * other)
""", ("1e-8", "1e-6")),
    Case("a sum whose parts exceed float32 to both sides", "overflow", """
w = tf.Variable([[1e30], [1e30]])
variables = [w]
x = tf.constant([[1e30, -1e30]])
def loss():
    out = x @ w  # <- here
    return tf.reduce_sum(out)
""", ("[[1e30, -1e30]]", "[[1e3, -1e3]]")),
]  # fmt: skip

CASES = {case.name: replace(case, text=START + case.text) for case in _CASES}

_INTENDED = {
    "a mask of -inf before softmax": """
w = tf.Variable([[1.0, 2.0, 3.0]])
variables = [w]
def loss():
    scores = tf.where([[True, True, False]], w, -np.inf)
    return tf.reduce_sum(tf.nn.softmax(scores) * [1.0, 2.0, 3.0])
""",
    "a causal mask added": """
w = tf.Variable(tf.ones((3, 3)))
variables = [w]
mask = tf.constant(np.triu(np.full((3, 3), -np.inf, np.float32), 1))
def loss():
    return tf.reduce_sum(tf.nn.softmax(w + mask) * tf.constant([1.0, 2.0, 3.0]))
""",
    "Keras' mask of -1e9": """
layer = keras.layers.MultiHeadAttention(1, 2)
x = tf.random.stateless_normal((1, 3, 2), (1, 2))
layer(x, x, use_causal_mask=True)
variables = layer.trainable_variables
def loss():
    return tf.reduce_sum(layer(x, x, use_causal_mask=True) ** 2)
""",
    "the smallest of those left, by +inf": """
w = tf.Variable([1.0, 2.0, 3.0])
variables = [w]
def loss():
    return tf.reduce_min(tf.where([False, True, True], w, np.inf)) * w[0]
""",
    "1/inf is 0": """
w = tf.Variable([1.0, 2.0])
variables = [w]
def loss():
    return tf.reduce_sum(w / tf.constant([np.inf, 1.0]))
""",
}
INTENDED = {name: START + text for name, text in _INTENDED.items()}
"""Programs in which an infinity is meant, and nothing is wrong."""
