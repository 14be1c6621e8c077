"""A function of the user's as a model: the variables behind it are the parameters."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import keras
import tensorflow as tf

__all__ = ["Function", "is_leaf"]


def is_leaf(value: Any) -> bool:
    """Whether a value is a variable that learns."""
    return isinstance(value, tf.Variable | keras.Variable) and bool(value.trainable)


class Function(tf.Module):  # type: ignore[misc]  # TensorFlow is not typed here
    """``function`` of the data, whose variables are the very ``leaves`` that it uses, by the program's names."""

    def __init__(self, function: Callable[..., Any], leaves: Mapping[str, Any]) -> None:
        super().__init__()
        self._function = function
        for name, variable in leaves.items():
            setattr(self, name, variable)

    def __call__(self, data: Any = ()) -> Any:
        """What the function gives for one tensor, or for several in a list."""
        return self._function(*data) if isinstance(data, list | tuple) else self._function(data)
