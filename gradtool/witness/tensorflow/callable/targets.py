"""TensorFlow's callables: custom gradients, Keras' layers and losses, modules and functions of tensors.

Keras is looked at only where the file has imported it.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from typing import Any

import tensorflow as tf

from gradtool.witness.callable.framework import Kind
from gradtool.witness.callable.signature import arguments_of
from gradtool.witness.model.user_file import UserFileError
from gradtool.witness.tensorflow.callable.subject import subject_of

__all__ = ["TensorFlowCallables"]


class TensorFlowCallables:
    """``witness.callable.framework.Framework`` for one request."""

    key = "tensorflow"

    def __init__(self) -> None:
        self.kinds: Sequence[Kind] = KINDS
        self.subject = subject_of

    def is_tensor(self, value: Any) -> bool:
        """Variables are tensors too."""
        return isinstance(value, tf.Tensor | tf.Variable)

    def tensor(self, array: Any, dtype: str) -> Any:
        """A new tensor."""
        return tf.cast(tf.constant(array), _dtype(dtype))

    def fitted(self, tensor: Any, dtype: str) -> Any:
        """TensorFlow moves tensors by itself."""
        tensor = tf.convert_to_tensor(tensor)
        return tf.cast(tensor, _dtype(dtype)) if dtype and tensor.dtype.is_floating else tensor

    def settled(self, call: Any, dtype: str) -> Any:
        """The variables of a layer keep the dtype that they were made in."""
        own = self.dtype_of(call)
        if dtype and own and own != dtype:
            raise UserFileError(
                f"the variables of {type(call).__name__} are {own}, and can't be cast to {dtype}",
                f"make them in {dtype}: a layer takes dtype={dtype!r}",
            )
        return call

    def dtype_of(self, call: Any) -> str:
        """What a layer computes in; of a module that of its first floating-point variable."""
        compute = getattr(call, "compute_dtype", "")
        if isinstance(compute, str) and compute:
            return compute
        held = [tf.as_dtype(one.dtype) for one in getattr(call, "variables", ())]
        return next((kind.name for kind in held if kind.is_floating), "")

    def guesses(self, call: Any, dtype: str) -> Iterator[Any]:
        """What ``flow`` would try."""
        if not _is_layer(call):
            return
        from gradtool.witness.tensorflow.model.batch import guesses  # noqa: PLC0415  # it imports Keras

        for _, guess in guesses(call):
            if self.is_tensor(guess):
                yield self.fitted(guess, dtype)


def _dtype(name: str) -> Any:
    try:
        return tf.as_dtype(name)
    except TypeError:
        raise UserFileError(f"TensorFlow has no dtype {name}", "float64, float32, float16, bfloat16") from None


def _keras(*places: str) -> tuple[type, ...]:
    """Classes of Keras; none while nobody has imported it."""
    keras = sys.modules.get("keras")
    found = []
    for place in places:
        value: Any = keras
        for part in place.split("."):
            value = getattr(value, part, None)
        found += [value] if isinstance(value, type) else []
    return tuple(found)


def _is_layer(value: Any) -> bool:
    return isinstance(value, _keras("layers.Layer"))


def _is_subclass(value: Any, *places: str) -> bool:
    kinds = _keras(*places)
    return isinstance(value, type) and bool(kinds) and issubclass(value, kinds) and value not in kinds


def _has_custom_gradient(value: Any) -> bool:
    return getattr(getattr(value, "_tf_decorator", None), "decorator_name", "") == "custom_gradient"


def _itself(value: Any) -> Any:
    return value


KINDS = (
    Kind("custom gradient", _has_custom_gradient, _itself, arguments_of),
    Kind(
        "layer",
        _is_layer,
        _itself,
        lambda value: arguments_of(value.call),
        lambda value: _is_subclass(value, "layers.Layer", "Model", "Sequential"),
    ),
    Kind(
        "loss",
        lambda value: isinstance(value, _keras("losses.Loss")),
        _itself,
        lambda value: arguments_of(value.call),
        lambda value: _is_subclass(value, "losses.Loss"),
    ),
    Kind(
        "module",
        lambda value: isinstance(value, tf.Module) and callable(value),
        _itself,
        arguments_of,
        lambda value: (
            isinstance(value, type)
            and issubclass(value, tf.Module)
            and value is not tf.Module
            and "__call__" in dir(value)
        ),
    ),
    Kind(
        "function",
        lambda value: callable(value) and not isinstance(value, type),
        _itself,
        arguments_of,
        plain=True,
    ),
)
