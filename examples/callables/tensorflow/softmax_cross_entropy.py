"""Softmax and cross-entropy in one operation, with a gradient written by hand; the twin forgot to divide by N.

    gradtool check examples/callables/tensorflow/softmax_cross_entropy.py:softmax_cross_entropy
    gradtool check examples/callables/tensorflow/softmax_cross_entropy.py:softmax_cross_entropy_broken

The gradient is (softmax - one hot) / N for a mean over N samples. softmax_cross_entropy is verified.
softmax_cross_entropy_broken lacks the division: the whole gradient is 4 times what it should be, for 4 samples. The
labels are whole numbers and get no gradient.
"""

import tensorflow as tf


@tf.custom_gradient
def softmax_cross_entropy(logits, labels):
    log_p = tf.nn.log_softmax(logits, axis=1)
    hot = tf.one_hot(labels, logits.shape[1], dtype=logits.dtype)

    def gradient(upstream):
        return upstream * (tf.exp(log_p) - hot) / logits.shape[0], None

    return -tf.reduce_mean(tf.reduce_sum(hot * log_p, axis=1)), gradient


@tf.custom_gradient
def softmax_cross_entropy_broken(logits, labels):
    log_p = tf.nn.log_softmax(logits, axis=1)
    hot = tf.one_hot(labels, logits.shape[1], dtype=logits.dtype)

    def gradient(upstream):
        return upstream * (tf.exp(log_p) - hot), None  # the fault: the sum's gradient, not the mean's

    return -tf.reduce_mean(tf.reduce_sum(hot * log_p, axis=1)), gradient


def gradtool_inputs():
    logits = [[0.5, -1.2, 2.0], [1.0, 0.3, -0.7], [-0.4, 0.8, 0.1], [2.2, -0.6, 0.9]]
    return {"logits": tf.constant(logits, tf.float64), "labels": tf.constant([2, 0, 1, 2])}
