"""Callables in TensorFlow that are right, of kinds that a hasty check accuses. Where ``plain`` is left out, the
framework differentiates the function itself, and the self-test knows the exact gradient or that it is 0.
"""

import tensorflow as tf
from callables_case import registry

CASES = {}
case = registry(CASES)


def tensor(*values):
    return tf.constant(values, tf.float64)


X = tensor(-1.3, 0.4, 0.9, 2.2)
Y = tensor(0.7, -1.6, 2.1, 0.5)


@case()
def log1p_form():
    return lambda x: tf.math.log1p(x), {"x": tensor(1e-12, 1e-5, -0.3)}


@case()
def log_of_one_plus():
    return lambda x: tf.math.log(1 + x), {"x": tensor(1e-5, 1e-3, 0.5)}


@case()
def cosine_quotient():
    return lambda x: (1 - tf.cos(x)) / x**2, {"x": tensor(0.1, 0.7, -1.9)}


@case()
def difference_of_squares():
    return lambda x, y: x**2 - y**2, {"x": tensor(1e4, 3.0), "y": tensor(9999.75, 3.5)}


@case()
def variance_in_two_sums():
    def variance(x):
        return tf.reduce_mean(x**2) - tf.reduce_mean(x) ** 2

    return variance, {"x": tensor(100.25, 101.5, 99.0, 100.75)}


@case()
def tiny_slope():
    return lambda x: x * 1e-100, {"x": X}


@case()
def huge_slope():
    return lambda x: x * 1e100, {"x": X}


@case()
def steep_sine():
    return lambda x: tf.sin(1e4 * x), {"x": tensor(0.3, 0.7)}


@case()
def large_offset_added():
    return lambda x: 1e8 + tf.sin(x), {"x": X}


@case()
def constant():
    return lambda x: 0 * x + 3.0, {"x": X}


@case()
def piecewise_constant():
    return lambda x: tf.floor(x), {"x": X}


@case()
def piecewise_linear():
    return lambda x: tf.clip_by_value(x, -1, 1), {"x": X}


@case()
def clamped_away():
    return lambda x: tf.clip_by_value(x, 5, 6), {"x": X}


@case()
def where_with_both_sides_safe():
    def root(x):
        return tf.where(x > 0, tf.sqrt(tf.where(x > 0, x, tf.ones_like(x))), tf.zeros_like(x))

    return root, {"x": X}


@case()
def one_input_without_influence():
    return lambda x, y: x**2 + 0 * y, {"x": X, "y": Y}


@case()
def maximum_and_its_place():
    return lambda x: (tf.reduce_max(x), tf.argmax(x)), {"x": X}


@case()
def sorted_values():
    return lambda x: tf.sort(x) * tensor(1, 2, 3, 4), {"x": Y}


@case()
def whole_numbers_beside():
    return lambda x, times: x * tf.cast(times, x.dtype), {"x": X, "times": tf.constant([1, 2, 3, 4])}


@case()
def mask_beside():
    def masked(x, mask):
        return tf.where(mask, tf.zeros_like(x), x) ** 2

    return masked, {"x": X, "mask": tf.constant([True, False, False, True])}


@case()
def tuple_of_three():
    return lambda x, y: (x * y, tf.sin(x), tf.reduce_sum(y)), {"x": X, "y": Y}


@case()
def dictionary_out():
    return lambda x: {"value": x**2, "norm": tf.norm(x)}, {"x": X}


@case()
def inputs_in_order():
    return lambda x, y: tf.atan2(x, y), (X, Y)


@case()
def options_by_keyword():
    def scaled(x, *, factor=2.0, squared=False):
        return (x * x if squared else x) * factor

    return scaled, {"x": X, "factor": 1.5, "squared": True}


@case()
def numbers_without_shape():
    return lambda x, y: x**2 * y + tf.sin(x), {"x": tensor(2.0)[0], "y": tensor(3.0)[0]}


@case()
def empty_beside():
    return lambda x, y: tf.reduce_sum(x) + tf.reduce_sum(y), {"x": X, "y": tensor()}


@case()
def rows_taken_twice():
    return lambda table: tf.gather(table, [0, 2, 2]) ** 2, {
        "table": tf.reshape(tf.linspace(tensor(-1.0)[0], tensor(1.5)[0], 6), (3, 2))
    }


@case()
def compiled():
    return tf.function(lambda x: tf.sin(x) * x), {"x": X}


@case()
def loop_of_a_graph():
    @tf.function
    def powered(x):
        y = x
        for _ in tf.range(3):
            y = y * x
        return y

    return powered, {"x": X}


@case()
def same_noise_each_time():
    return lambda x: x * tf.random.stateless_normal((4,), (7, 0), dtype=x.dtype), {"x": X}


@case()
def straight_sum_of_kinks():
    return lambda x: tf.nn.relu(x) - tf.nn.relu(-x), {"x": tensor(-0.6, 1e-6, 0.8)}
