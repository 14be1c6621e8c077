"""Operations that act entry by entry, in TensorFlow."""

import tensorflow as tf
from callables_operation_tensorflow import gradient


def absolute(x):
    return tf.abs(x)


@gradient(absolute)
def _(at, y, u):
    return u * tf.sign(at.x)


def cube(x):
    return x**3


@gradient(cube)
def _(at, y, u):
    return u * 3 * at.x**2


def divide(x, y):
    return x / y


@gradient(divide)
def _(at, y, u):
    return u / at.y, -u * y / at.y


def huber(x, delta):
    return tf.where(tf.abs(x) <= delta, x * x / 2, delta * (tf.abs(x) - delta / 2))


@gradient(huber)
def _(at, y, u):
    return u * tf.clip_by_value(at.x, -at.delta, at.delta)


def hypot(x, y):
    scale = tf.stop_gradient(tf.maximum(tf.abs(x), tf.abs(y)))
    return scale * tf.sqrt((x / scale) ** 2 + (y / scale) ** 2)


@gradient(hypot)
def _(at, y, u):
    return u * (at.x / y), u * (at.y / y)


def multiply(x, y):
    return x * y


@gradient(multiply)
def _(at, y, u):
    return u * at.y, u * at.x


def polar(r, t):
    return r * tf.cos(t), r * tf.sin(t)


@gradient(polar)
def _(at, x, y, u, v):
    return u * tf.cos(at.t) + v * tf.sin(at.t), v * x - u * y


def power(x, y):
    return x**y


@gradient(power)
def _(at, y, u):
    return u * at.y * at.x ** (at.y - 1), u * y * tf.math.log(at.x)


def powers(x, power, reduction):
    return getattr(tf, f"reduce_{reduction}")(x**power)


@gradient(powers)
def _(at, y, u):
    return u * at.power * at.x ** (at.power - 1) / (at.x.shape[0] if at.reduction == "mean" else 1)


def relu(x):
    return tf.nn.relu(x)


@gradient(relu)
def _(at, y, u):
    return u * tf.cast(at.x > 0, u.dtype)


def sigmoid(x):
    return tf.sigmoid(x)


@gradient(sigmoid)
def _(at, y, u):
    return u * y * (1 - y)


def softplus(x):
    return tf.maximum(x, 0) + tf.math.log1p(tf.exp(-tf.abs(x)))


@gradient(softplus)
def _(at, y, u):
    return u * tf.sigmoid(at.x)


def wide(x):
    return tf.sin(x)


@gradient(wide)
def _(at, y, u):
    return u * tf.cos(at.x)
