"""Gradients in TensorFlow that break a duty: not (or not only) a number is wrong, but how it comes about.

A tensor of TensorFlow can't be modified, so an input or an upstream gradient modified in place has no case here, except
for a variable. Forward mode runs the custom gradient's forward pass, and has no rule of its own to break.
"""

import keras
import tensorflow as tf
from callables_case import registry

CASES = {}
case = registry(CASES)
X = tf.constant([-1.3, 0.4, 0.9, 2.2], tf.float64)
Y = tf.constant([0.7, -1.6, 2.1, 0.5], tf.float64)


def function(forward, backward):
    """A function of one tensor with a custom gradient; ``backward(x, upstream)``."""

    @tf.custom_gradient
    def op(x):
        return forward(x), lambda upstream: backward(x, upstream)

    return op


def square(backward):
    return function(lambda x: x * x, backward)


def plain_square():
    return lambda x: x * x


def total(x):
    return tf.reduce_sum(x * x)


@case(fault="the upstream gradient is ignored", where="upstream_ignored", plain=plain_square)
def ignores_upstream():
    return square(lambda x, _u: 2 * x), {"x": X}


@case(fault="the upstream gradient is ignored, the output is one number", where="upstream_ignored",
      plain=lambda: total)  # fmt: skip
def ignores_upstream_of_a_loss():
    return function(total, lambda x, _u: 2 * x), {"x": X}


@case(fault="only the sign of the upstream gradient is used", where="upstream_ignored", plain=plain_square)
def uses_the_sign_of_upstream():
    return square(lambda x, u: 2 * x * tf.sign(u)), {"x": X}


@case(fault="the upstream gradient is clipped: not linear in it", where="upstream_ignored", plain=plain_square)
def clips_upstream():
    return square(lambda x, u: 2 * x * tf.clip_by_value(u, -0.1, 0.1)), {"x": X}


@tf.custom_gradient
def product_forgetting_one(x, y):
    return x * y, lambda upstream: (upstream * y, None)


@case(fault="None for an input that matters", where="none", plain=lambda: lambda x, y: x * y)
def none_for_y():
    return product_forgetting_one, {"x": X, "y": Y}


@case(fault="None: stopped", where="none", plain=lambda: lambda x, y: tf.exp(x) * tf.sin(y))
def stopped_y():
    return lambda x, y: tf.exp(x) * tf.sin(tf.stop_gradient(y)), {"x": X, "y": Y}


@case(fault="None: through NumPy", where="none", plain=lambda: lambda x, y: x * tf.reduce_sum(y))
def through_numpy():
    return lambda x, y: x * y.numpy().sum(), {"x": X, "y": Y}


@case(fault="half of a sum stopped", where="x", plain=lambda: lambda x: tf.sin(x) + x**2)
def half_stopped():
    return lambda x: tf.sin(x) + tf.stop_gradient(x) ** 2, {"x": X}


class Affine(keras.layers.Layer):
    def __init__(self):
        super().__init__(dtype="float64")
        self.kernel = self.add_weight(shape=(2, 2), name="kernel", initializer="zeros")
        self.kernel.assign([[0.3, -0.8], [1.1, 0.6]])
        self.bias = self.add_weight(shape=(2,), name="bias", initializer="zeros")
        self.bias.assign([0.2, -0.5])

    def call(self, x):
        return tf.tanh(x @ self.kernel + self.bias)


class AffineWithNumpy(Affine):
    def call(self, x):
        return tf.tanh(x @ self.kernel.numpy() + self.bias)


@case(fault="None: kernel.numpy()", where="none", plain=Affine)
def layer_with_numpy():
    return AffineWithNumpy(), {"x": tf.reshape(X, (2, 2))}


class AffineTwice(Affine):
    def call(self, x):
        return tf.tanh(x @ self.kernel + 2 * self.bias - tf.stop_gradient(self.bias))


@case(fault="a weight's gradient doubled", where="bias", factor=2.0, plain=Affine)
def layer_with_factor():
    return AffineTwice(), {"x": tf.reshape(X, (2, 2))}


class Drifting(Affine):
    def call(self, x):
        self.bias.assign_add([0.01, 0.01])
        return super().call(x)


@case(fault="the layer modifies its own weight when called", where="modifies_input")
def layer_that_drifts():
    return Drifting(), {"x": tf.reshape(X, (2, 2))}


@case(fault="a larger shape", where="shape", plain=plain_square)
def larger_shape():
    return square(lambda x, u: tf.stack([2 * x * u] * 3)), {"x": X}


@case(fault="one number for a whole array", where="shape", plain=plain_square)
def smaller_shape():
    return square(lambda x, u: tf.reduce_sum(2 * x * u)), {"x": X}


@case(fault="the broadcast bias not summed", where="shape", plain=lambda: lambda x, bias: x + bias)
def bias_not_summed():
    @tf.custom_gradient
    def add(x, bias):
        return x + bias, lambda upstream: (upstream, upstream)

    return add, {"x": tf.reshape(X, (2, 2)), "bias": tf.constant([0.3, -0.4], tf.float64)}


@case(fault="float32 for float64", where="dtype", plain=plain_square)
def float32_gradient():
    return square(lambda x, u: tf.cast(2 * x * u, tf.float32)), {"x": X / 3}


@case(fault="one gradient in four is 1 % off", where="nondeterministic", plain=plain_square)
def now_and_then():
    dice = tf.random.Generator.from_seed(0)
    return square(lambda x, u: 2 * x * u * (1.01 if dice.uniform(()) < 0.25 else 1)), {"x": X}


@case(fault="every gradient is noisy, 1e-3", where="nondeterministic", plain=plain_square)
def noisy():
    dice = tf.random.Generator.from_seed(0)
    return square(lambda x, u: 2 * x * u * (1 + 1e-3 * dice.normal(x.shape, dtype=x.dtype))), {"x": X}


@case(fault="dropout in the forward pass", where="nondeterministic")
def dropout():
    return lambda x: tf.nn.dropout(x * x, 0.5), {"x": X}


@case(fault="the input of the last call, not of its own", where="state", plain=plain_square)
def stale_input():
    kept = {}

    @tf.custom_gradient
    def op(x):
        kept["x"] = x
        return x * x, lambda upstream: upstream * 2 * kept["x"]

    return op, {"x": X}


@case(fault="the gradient grows with each call", where="state", plain=plain_square)
def counts_calls():
    calls = []

    def backward(x, u):
        calls.append(1)
        return 2 * x * u * (1 + 1e-3 * (len(calls) - 1))

    return square(backward), {"x": X}


@case(fault="the output depends on the calls before", where="state")
def running_mean():
    kept = tf.Variable(tf.zeros(4, tf.float64), trainable=False)

    def centred(x):
        kept.assign(0.9 * kept + 0.1 * x)
        return (x - kept) ** 2

    return centred, {"x": X}


@case(fault="x is stopped in the gradient", where="second_order_cut", order=2, plain=lambda: lambda x: x**3)
def second_order_stopped():
    return function(lambda x: x**3, lambda x, u: u * 3 * tf.stop_gradient(x) ** 2), {"x": X}


@case(fault="the gradient leaves TensorFlow", where="second_order_cut", order=2, plain=lambda: lambda x: tf.exp(x))
def second_order_through_numpy():
    return function(tf.exp, lambda x, u: u * tf.exp(x).numpy()), {"x": X}


@case(fault="the second gradient has a factor 2", where="second_order", order=2, plain=lambda: lambda x: tf.sin(x))
def second_order_factor():
    slope = function(tf.cos, lambda x, u: -2 * u * tf.sin(x))
    return function(tf.sin, lambda x, u: u * slope(x)), {"x": X}


@case(fault="the double backward ignores the upstream gradient", where="second_order", order=2, plain=plain_square)
def second_order_without_upstream():
    return square(lambda x, u: tf.stop_gradient(u) * 2 * x), {"x": X}
