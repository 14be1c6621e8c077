"""The variables of a Keras layer or a tf.Module, and what they are called."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import tensorflow as tf

from gradtool.witness.tensorflow.callable.randomness import random_kept

__all__ = ["variables_of"]


def variables_of(
    function: Any, call: Callable[[Mapping[str, Any]], Any], given: Mapping[str, Any], seed: int
) -> tuple[dict[str, Any], list[Any]]:
    """A layer's trainable variables by their names, and its others; nothing for a function.

    Where a variable is called like an argument, it is ``self.kernel``.
    """
    if not hasattr(function, "trainable_variables"):
        return {}, []
    if not getattr(function, "built", True):
        _build(function, call, given, seed)
    own = list(function.trainable_variables)
    rest = [variable for variable in function.variables if not any(variable is other for other in own)]
    named: dict[str, Any] = {}
    for variable in own:
        name = _name(variable, own, function)
        name = f"self.{name}" if name in given else name
        same = sum(other == name or other.startswith(f"{name} (") for other in named)
        named[f"{name} ({same + 1})" if same else name] = _of_tensorflow(variable)
    return named, [*map(_of_tensorflow, rest)]


def _build(function: Any, call: Callable[[Mapping[str, Any]], Any], given: Mapping[str, Any], seed: int) -> None:
    """Have a layer make its variables, if possible without running it: a run would move its statistics."""
    keras = sys.modules["keras"]
    with random_kept(seed):
        with contextlib.suppress(Exception):
            call({name: keras.KerasTensor(tuple(tensor.shape), tensor.dtype.name) for name, tensor in given.items()})
        if not function.built:
            call(given)


def _of_tensorflow(variable: Any) -> Any:
    """A variable as a tape knows it: Keras wraps it."""
    return variable if isinstance(variable, tf.Variable) else variable.value


def _name(variable: Any, own: Sequence[Any], function: Any) -> str:
    """``kernel``, or with the path of the layer where several are called that; what a tf.Module calls it."""
    attribute = next((name for name, value in vars(function).items() if value is variable), "")
    if attribute and isinstance(variable, tf.Variable):
        return attribute
    same = [other for other in own if other.name == variable.name]
    name = variable.name if len(same) == 1 else getattr(variable, "path", variable.name)
    return str(name).removesuffix(":0")
