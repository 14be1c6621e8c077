"""What calls of TensorFlow mean that choose between rows of the table by their arguments."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf

from gradtool.witness.callable.recorder import Recorder, Untraceable
from gradtool.witness.callable.views import chunks, one_hot, pieces

__all__ = ["along", "cast", "clip", "converted", "dropout", "filled", "gelu", "labelled", "matmul", "norm", "polygamma",
           "slope", "split", "stopped", "tensordot"]  # fmt: skip


def _recorder(*values: Any) -> Recorder:
    found: Recorder = next(value.recorder for value in values if hasattr(value, "recorder"))
    return found


def along(row: str) -> Callable[..., Any]:
    """Along the last axis where none is named."""

    def meaning(logits: Any, axis: Any) -> Any:
        return logits.recorder.record(row, logits, axis=-1 if axis is None else axis)

    return meaning


def labelled(labels: Any, logits: Any) -> Any:
    """One loss for each row of logits, whose label is a constant."""
    recorder = _recorder(logits, labels)
    chosen = logits * one_hot(labels, logits.part.shape[-1])
    return recorder.record("logsumexp", logits, axis=-1) - recorder.record("sum", chosen, axis=-1)


def cast(x: Any, dtype: Any) -> Any:
    """To its own dtype, or a condition to numbers."""
    wanted = tf.as_dtype(dtype)
    if wanted == x.dtype:
        return x
    if x.part.logical and wanted.is_floating:
        return x.recorder.symbol(x.recorder, x.recorder.number_of(x.part))
    raise Untraceable(f"casts to {wanted.name}")


def converted(x: Any, dtype: Any) -> Any:
    """A tensor is one already."""
    return x if dtype is None else cast(x, dtype)


def split(x: Any, sizes: Any, axis: Any) -> Any:
    """A list of slices: so many, or of these sizes."""
    sizes, axis = x.recorder.setting(sizes), x.recorder.setting(axis)
    return list(chunks(x, sizes, axis) if isinstance(sizes, int) else pieces(x, sizes, axis))


def stopped(x: Any) -> Any:
    """Only where the value alone counts: the formula has a derivative where the tape has none."""
    if not x.recorder.forward_only:
        raise Untraceable("cuts off the gradient with tf.stop_gradient, which a formula can't say")
    return x


def matmul(a: Any, b: Any, transpose_a: Any, transpose_b: Any) -> Any:
    """Of matrices and stacks of them, either one turned."""
    recorder = _recorder(a, b)
    left, right = recorder.lifted(a), recorder.lifted(b)
    if len(left.part.shape) < 2 or len(right.part.shape) < 2:
        raise Untraceable("calls tf.matmul with a vector, which TensorFlow does not take")
    return recorder.record("matmul", _turned(left) if transpose_a else left, _turned(right) if transpose_b else right)


def _turned(x: Any) -> Any:
    rank = len(x.part.shape)
    return x.recorder.record("transpose", x, axes=(*range(rank - 2), rank - 1, rank - 2))


def tensordot(a: Any, b: Any, axes: Any) -> Any:
    """Of two vectors, or the matrix product that axes=1 means."""
    recorder = _recorder(a, b)
    left, right = recorder.lifted(a), recorder.lifted(b)
    ranks = len(left.part.shape), len(right.part.shape)
    if axes != 1 or 0 in ranks or ranks[1] > 2:
        raise Untraceable(f"calls tf.tensordot with axes={axes!r}, which the table does not have")
    return recorder.record("dot" if ranks == (1, 1) else "matmul", left, right)


def clip(t: Any, clip_value_min: Any, clip_value_max: Any) -> Any:
    """Between two limits."""
    return _recorder(t, clip_value_min, clip_value_max).record("clip", t, clip_value_min, clip_value_max)


def gelu(features: Any, approximate: Any) -> Any:
    """The exact one, or its approximation by tanh (Hendrycks and Gimpel 2016)."""
    if not approximate:
        return features.recorder.record("gelu", features)
    root = 0.7978845608028654  # sqrt(2/pi)
    inner = features.recorder.record("tanh", root * (features + 0.044715 * features**3))
    return 0.5 * features * (1 + inner)


def slope(features: Any, alpha: Any) -> Any:
    """leaky_relu of any slope, which TensorFlow keeps in float32 whatever the dtype."""
    if alpha == 0.01:
        return features.recorder.record("leaky_relu", features)
    return features.recorder.record("where", features > 0, features, float(np.float32(alpha)) * features)


def polygamma(a: Any, x: Any) -> Any:
    """The first two; TensorFlow takes the order as an array."""
    orders = set(tf.reshape(a, [-1]).numpy().tolist()) if isinstance(a, tf.Tensor) else {a}
    if len(orders) != 1 or not orders <= {0, 1}:
        raise Untraceable("calls tf.math.polygamma of an order that the table does not have")
    return x.recorder.record("trigamma" if orders.pop() else "digamma", x)


def norm(tensor: Any, order: Any, axis: Any, keepdims: Any) -> Any:
    """The Euclidean norm."""
    if order not in ("euclidean", 2) or (order == 2 and not isinstance(axis, int)):
        raise Untraceable(f"takes the norm of order {order!r}, and the table has the Euclidean one")
    return tensor.recorder.record("norm", tensor, axis=axis, keepdims=bool(keepdims))


def dropout(x: Any, rate: Any) -> Any:
    """Nothing where it drops nothing."""
    if rate != 0:
        raise Untraceable("is random: it calls tf.nn.dropout")
    return x


def filled(number: float) -> Callable[..., Any]:
    """A tensor of one number, in the shape and the dtype of another."""

    def meaning(x: Any) -> Any:
        return tf.fill(x.part.shape, tf.constant(number, dtype=x.own))

    return meaning
