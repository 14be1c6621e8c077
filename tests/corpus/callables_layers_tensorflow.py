"""Right custom gradients, layers and modules in TensorFlow that a hasty check accuses."""

import keras
import tensorflow as tf
from callables_case import registry
from callables_twins_tensorflow import X, tensor

CASES = {}
case = registry(CASES)


@tf.custom_gradient
def add(x, bias):
    return x + bias, lambda upstream: (upstream, tf.reduce_sum(upstream, 0))


@case(plain=lambda: lambda x, bias: x + bias)
def summed_by_hand():
    return add, {"x": tf.reshape(X, (2, 2)), "bias": tensor(0.3, -0.4)}


@case(plain=lambda: lambda x: tf.exp(x))
def from_the_output():
    @tf.custom_gradient
    def exponential(x):
        y = tf.exp(x)
        return y, lambda upstream: upstream * y

    return exponential, {"x": X}


@case(plain=lambda: lambda x: tf.reduce_sum(x))
def rounding_differs_between_runs():
    dice = tf.random.Generator.from_seed(0)

    def jitter(shape):
        return 1 + 2**-52 * tf.cast(dice.uniform(shape, -1, 2, tf.int32), tf.float64)

    @tf.custom_gradient
    def total(x):
        return tf.reduce_sum(x), lambda upstream: upstream * jitter(x.shape)

    return total, {"x": X}


@case()
def counts_its_calls_for_itself():
    calls = tf.Variable(0)

    def square(x):
        calls.assign_add(1)
        return x * x

    return square, {"x": X}


@case()
def dense_layer():
    keras.utils.set_random_seed(0)
    return keras.layers.Dense(3, dtype="float64"), {"inputs": tf.reshape(X, (2, 2))}


@case()
def frozen_layer():
    keras.utils.set_random_seed(0)
    layer = keras.layers.Dense(3, dtype="float64")
    layer.trainable = False
    return layer, {"inputs": tf.reshape(X, (2, 2))}


@case(dtype="float32")
def keras_casts_float64_to_float32():
    keras.utils.set_random_seed(0)
    kinds = [keras.layers.Dense(8, activation="gelu", dtype="float64"), keras.layers.Dense(1, dtype="float64")]
    return keras.Sequential(kinds), (tf.reshape(X, (2, 2)),)


@case(dtype="float32")
def small_network_in_float32():
    keras.utils.set_random_seed(0)
    kinds = [keras.layers.Dense(8, activation="tanh"), keras.layers.Dense(1)]
    return keras.Sequential(kinds), (tf.cast(tf.reshape(X, (2, 2)), tf.float32),)


@case()
def two_layers():
    keras.utils.set_random_seed(0)
    first = keras.layers.Dense(8, activation="gelu", dtype="float64")
    second = keras.layers.Dense(1, dtype="float64")
    return lambda x: second(first(x)), (tf.reshape(X, (2, 2)),)


class Gain(tf.Module):
    def __init__(self):
        super().__init__()
        self.gain = tf.Variable([0.5, 1.5, -0.7, 1.1], dtype=tf.float64)

    def __call__(self, x):
        return x * self.gain


@case()
def module_with_a_variable():
    return Gain(), {"x": X}


@case()
def tied_maximum():
    return lambda x: tf.reduce_max(x), {"x": tensor(0.7, 0.2, 0.7)}


@case()
def norm_of_zero_offset():
    return lambda x: tf.sqrt(tf.reduce_sum(x**2) + 1e-12), {"x": tensor(0.0, 0.0, 0.0)}
