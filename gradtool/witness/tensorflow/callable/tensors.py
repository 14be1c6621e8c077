"""Between TensorFlow's tensors and arrays of float64; complex numbers are pairs, on a last axis of two."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from gradtool.evidence import Slot
from gradtool.witness.callable.subject import Floats

__all__ = ["is_real", "is_tensor", "like", "numbers", "real", "slot_of", "weights_for"]


def numbers(tensor: Any) -> Floats:
    """The tensor's numbers as float64, complex ones as pairs."""
    return np.asarray(real(tf.convert_to_tensor(tensor)).numpy(), dtype=np.float64).copy()


def slot_of(name: str, tensor: Any, differentiated: bool) -> Slot:
    """What a report says of a tensor."""
    kind = tf.as_dtype(tensor.dtype)
    shape = tuple(tensor.shape) + ((2,) if kind.is_complex else ())
    return Slot(name, shape, kind.name, differentiated)


def is_tensor(value: Any) -> bool:
    """Whether it is TensorFlow's."""
    return isinstance(value, tf.Tensor | tf.Variable)


def is_real(tensor: Any) -> bool:
    """Whether it is made of floating-point numbers, real or complex."""
    kind = tf.as_dtype(tensor.dtype)
    return bool(kind.is_floating or kind.is_complex)


def real(tensor: Any) -> Any:
    """A complex tensor as pairs; any other as it is."""
    kind = tf.as_dtype(tensor.dtype)
    return tf.stack([tf.math.real(tensor), tf.math.imag(tensor)], axis=-1) if kind.is_complex else tensor


def like(array: Floats, given: Any) -> Any:
    """The numbers of ``array`` in the dtype of ``given``, complex if that is."""
    kind = tf.as_dtype(given.dtype)
    if kind.is_complex:
        return tf.cast(tf.complex(array[..., 0], array[..., 1]), kind)
    return tf.cast(tf.constant(array, tf.float64), kind)


def weights_for(upstream: Sequence[Floats], outputs: Sequence[Any]) -> list[Any]:
    """The upstream gradient as tensors beside the outputs."""
    return [tf.constant(weights, output.dtype) for weights, output in zip(upstream, outputs, strict=True)]
