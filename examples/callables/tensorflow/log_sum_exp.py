"""log(sum(exp(x))) as a plain function, stable for large x; in the twin one of two uses of the maximum is stopped.

    gradtool check examples/callables/tensorflow/log_sum_exp.py:log_sum_exp
    gradtool check examples/callables/tensorflow/log_sum_exp.py:log_sum_exp_broken

The maximum may be left out of the gradient, for whatever is subtracted inside comes back outside. log_sum_exp does so
in both places and is verified. log_sum_exp_broken does so inside alone, and the entry with the maximum gets 1 too much.
"""

import tensorflow as tf


def log_sum_exp(x):
    shift = tf.stop_gradient(tf.reduce_max(x))
    return shift + tf.math.log(tf.reduce_sum(tf.exp(x - shift)))


def log_sum_exp_broken(x):
    shift = tf.reduce_max(x)
    inner = tf.reduce_sum(tf.exp(x - tf.stop_gradient(shift)))
    return shift + tf.math.log(inner)  # the fault: the other shift still has a gradient


log_sum_exp_inputs = (tf.constant([1000.0, 1001.5, 998.0], tf.float64),)
log_sum_exp_broken_inputs = log_sum_exp_inputs
