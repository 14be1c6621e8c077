"""A layer norm with a gradient written by hand; the twin lacks the term that comes through the variance.

    gradtool check examples/callables/tensorflow/layer_norm.py:layer_norm
    gradtool check examples/callables/tensorflow/layer_norm.py:layer_norm_broken

layer_norm is verified. layer_norm_broken is right for gain and bias and wrong for x. A test that only sums the output
sees little of it: where the gain is the same everywhere, the true gradient of that sum is 0, and so is the broken one.
"""

import tensorflow as tf

EPSILON = 1e-5


@tf.custom_gradient
def layer_norm(x, gain, bias):
    centred = x - tf.reduce_mean(x, -1, keepdims=True)
    scale = tf.math.rsqrt(tf.reduce_mean(centred**2, -1, keepdims=True) + EPSILON)
    normal = centred * scale

    def gradient(upstream):
        inner = upstream * gain
        through_mean = tf.reduce_mean(inner, -1, keepdims=True)
        through_variance = normal * tf.reduce_mean(inner * normal, -1, keepdims=True)
        by_x = scale * (inner - through_mean - through_variance)
        return by_x, tf.reduce_sum(upstream * normal, 0), tf.reduce_sum(upstream, 0)

    return normal * gain + bias, gradient


@tf.custom_gradient
def layer_norm_broken(x, gain, bias):
    centred = x - tf.reduce_mean(x, -1, keepdims=True)
    scale = tf.math.rsqrt(tf.reduce_mean(centred**2, -1, keepdims=True) + EPSILON)
    normal = centred * scale

    def gradient(upstream):
        inner = upstream * gain
        by_x = scale * (inner - tf.reduce_mean(inner, -1, keepdims=True))  # the fault: nothing through the variance
        return by_x, tf.reduce_sum(upstream * normal, 0), tf.reduce_sum(upstream, 0)

    return normal * gain + bias, gradient


def gradtool_inputs():
    x = tf.constant([[0.3, -1.1, 2.4, 0.6], [1.7, 0.2, -0.9, -0.5]], tf.float64)
    return x, tf.constant([1.0, 0.8, 1.3, 0.6], tf.float64), tf.constant([0.1, -0.2, 0.0, 0.4], tf.float64)
