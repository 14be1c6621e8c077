"""The numbers of a tensor, variable or gradient for NumPy; of a sparse gradient those of its rows, each once."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import tensorflow as tf

from gradtool.witness.model.figures import Numbers

__all__ = ["merged", "numbers", "size_of"]


def merged(gradient: Any) -> Any:
    """A sparse gradient with each row once, as optimizers take it; anything else as it is."""
    if not isinstance(gradient, tf.IndexedSlices):
        return gradient
    rows, places = tf.unique(gradient.indices)
    values = tf.math.unsorted_segment_sum(gradient.values, places, tf.size(rows))
    return tf.IndexedSlices(values, rows, gradient.dense_shape)


def numbers(tensor: Any) -> Numbers:
    """The numbers of a tensor or variable in a row, without a copy where NumPy can calculate with them.

    Of complex ones their sizes; what is neither float32 nor float64 is made float32.
    """
    value = tensor.values if isinstance(tensor, tf.IndexedSlices) else tensor
    if isinstance(value, tf.Variable):
        value = value.read_value()
    # A single bfloat16 has no array to hand over, only a number.
    array = np.asarray(value.numpy() if tf.is_tensor(value) and value.shape.rank == 0 else value)
    if array.dtype.kind == "c":
        array = np.abs(array)
    return (array if array.dtype in (np.float32, np.float64) else array.astype(np.float32)).ravel()


def size_of(tensor: Any) -> int:
    """How many numbers a tensor has; a sparse one with the rows that are missing."""
    shape = tensor.dense_shape.numpy() if isinstance(tensor, tf.IndexedSlices) else tensor.shape
    return math.prod(int(length) for length in shape)
