"""TensorFlow's words for rows of the operation table, where they do not follow from the row's call template.

One row each: the call as TensorFlow's manual writes it, and what it means in the table's language or as a function of
symbolic values. Names that mean the very same function, such as ``tf.math.sin``, need no row.
"""

from __future__ import annotations

import functools
import operator
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

import tensorflow as tf

from gradtool.witness.callable.views import concatenated, rows, squeezed, stacked, stretched, swapped, unsqueezed
from gradtool.witness.tensorflow.callable import meanings as meant

__all__ = ["SPELLINGS"]

SPELLINGS: Mapping[str, str | Callable[..., Any]] = MappingProxyType({
    # ---- more arguments, or other words, than the template shows
    "tf.where(condition, x, y)": "where(condition, x, y)",
    "tf.clip_by_value(t, clip_value_min, clip_value_max)": meant.clip,
    "tf.nn.leaky_relu(features, alpha=0.2)": meant.slope,
    "tf.nn.gelu(features, approximate=False)": meant.gelu,
    "tf.nn.silu(features, beta=1.0)": "silu(features)",
    "tf.math.polygamma(a, x)": meant.polygamma,
    "tf.stack(values, axis=0)": stacked,
    "tf.concat(values, axis)": concatenated,
    "tf.unstack(value, num=None, axis=0)": lambda value, _, axis: list(rows(value, axis)),
    "tf.split(value, num_or_size_splits, axis=0)": meant.split,
    "tf.transpose(a, perm=None, conjugate=False)": "transpose(a, axes=perm)",
    "tf.linalg.matrix_transpose(a, conjugate=False)": lambda a: swapped(a, -1, -2),
    "tf.matmul(a, b, transpose_a=False, transpose_b=False)": meant.matmul,
    "tf.linalg.matvec(a, b)": "a @ b",
    "tf.tensordot(a, b, axes)": meant.tensordot,
    "tf.experimental.numpy.matmul(x1, x2)": "x1 @ x2",
    "tf.experimental.numpy.dot(a, b)": "a @ b",
    "tf.norm(tensor, ord='euclidean', axis=None, keepdims=None)": meant.norm,
    "tf.math.cumsum(x, axis=0, exclusive=False, reverse=False)": "cumsum(x, axis=axis)",
    "tf.nn.softmax(logits, axis=-1)": meant.along("softmax"),
    "tf.nn.log_softmax(logits, axis=-1)": meant.along("log_softmax"),
    "tf.nn.sparse_softmax_cross_entropy_with_logits(labels, logits)": meant.labelled,
    "tf.nn.softmax_cross_entropy_with_logits(labels, logits, axis=-1)":
        "-sum(labels*log_softmax(logits, axis=axis), axis=axis)",
    "tf.nn.sigmoid_cross_entropy_with_logits(labels, logits)": "softplus(logits) - logits*labels",
    # ---- formulas of the manual
    "tf.math.squared_difference(x, y)": "(x - y)**2",
    "tf.square(x)": "x**2",
    "tf.math.rsqrt(x)": "1/sqrt(x)",
    "tf.math.reciprocal(x)": "1/x",
    "tf.math.reciprocal_no_nan(x)": "where(x == 0, 0, 1/where(x == 0, 1, x))",
    "tf.math.divide_no_nan(x, y)": "where(y == 0, 0, x/where(y == 0, 1, y))",
    "tf.math.xlogy(x, y)": "where(x == 0, 0, x*log(where(x == 0, 1, y)))",
    "tf.nn.relu6(features)": "clip(features, 0, 6)",
    "tf.math.reduce_variance(input_tensor, axis=None, keepdims=False)":
        "var(input_tensor, axis=axis, keepdims=keepdims)",
    "tf.math.reduce_std(input_tensor, axis=None, keepdims=False)":
        "std(input_tensor, axis=axis, keepdims=keepdims)",
    "tf.nn.l2_loss(t)": "sum(t**2)/2",
    "tf.add_n(inputs)": lambda inputs: functools.reduce(operator.add, inputs),
    "tf.nn.bias_add(value, bias, data_format=None)": "value + bias",
    # ---- changes of shape
    "tf.reshape(tensor, shape)": "reshape(tensor, shape=shape)",
    "tf.broadcast_to(input, shape)": stretched,
    "tf.expand_dims(input, axis)": unsqueezed,
    "tf.squeeze(input, axis=None)": squeezed,
    # ---- the same value, and what is known without the numbers
    "tf.identity(input)": lambda x: x,
    "tf.convert_to_tensor(value, dtype=None)": meant.converted,
    "tf.cast(x, dtype)": meant.cast,
    "tf.stop_gradient(input)": meant.stopped,
    "tf.nn.dropout(x, rate)": meant.dropout,
    "tf.zeros_like(input)": meant.filled(0.0),
    "tf.ones_like(input)": meant.filled(1.0),
    "tf.shape(input)": lambda x: tf.constant(x.part.shape, dtype=tf.int32),
    "tf.rank(input)": lambda x: tf.constant(len(x.part.shape)),
    "tf.size(input)": lambda x: tf.constant(x.shape.num_elements()),
})  # fmt: skip
