"""THE table of activations: where each is flat, whether its units can die, which axis it normalises over.

In Keras an activation is a layer of its own, or an attribute of the layer whose output it makes; in a ``call`` it may
be a function of TensorFlow.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import keras
import numpy as np
import tensorflow as tf

__all__ = ["FUNCTIONS", "Activation", "activation_of", "dead_units"]


@dataclass(frozen=True, slots=True)
class Activation:
    """``flat`` bounds the outputs between which the slope is more than about a hundredth of its largest.

    ``dies``: a unit whose output is 0 for every sample passes no gradient. ``axis`` is that of a softmax.
    """

    name: str
    flat: tuple[float, float] | None = None
    dies: bool = False
    axis: int | None = None

    @classmethod
    def of(cls, name: str, axis: Any = None) -> Activation | None:
        """The row of ``name``, over ``axis``; None for a name that is not known."""
        row = _ROWS.get(_ALIASES.get(name, name))
        if row is None or row.name not in _OVER_AN_AXIS:
            return row
        return replace(row, axis=axis if isinstance(axis, int) else -1)


_ROWS = {
    row.name: row
    for row in (
        Activation("relu", dies=True),
        Activation("relu6", dies=True),
        Activation("hardtanh", flat=(-0.98, 0.98)),
        Activation("sigmoid", flat=(0.01, 0.99)),
        Activation("hard_sigmoid", flat=(0.01, 0.99)),
        Activation("tanh", flat=(-0.98, 0.98)),
        Activation("softmax"),
        Activation("log_softmax"),
        Activation("gelu"),
        Activation("silu"),
        Activation("elu"),
        Activation("selu"),
        Activation("leaky_relu"),
        Activation("softplus"),
    )
}
_ALIASES = {"hard_tanh": "hardtanh", "swish": "silu"}
_OVER_AN_AXIS = ("softmax", "log_softmax")

_LAYERS: Mapping[str, str] = {
    "ReLU": "relu", "LeakyReLU": "leaky_relu", "PReLU": "leaky_relu", "ELU": "elu", "Softmax": "softmax",
}  # fmt: skip
"""Layers of Keras that are an activation."""

FUNCTIONS: Mapping[tuple[Any, str], str] = {
    (place, name): _ALIASES.get(name, name)
    for place in (tf, tf.nn, tf.math)
    for name in (*_ROWS, *_ALIASES)
    if hasattr(place, name)
}
"""Functions of TensorFlow that are an activation, by the place where they are found."""


def activation_of(layer: Any) -> Activation | None:
    """The activation that makes a layer's output, as far as it is known."""
    if (name := _LAYERS.get(type(layer).__name__)) and type(layer).__module__.startswith("keras."):
        if name == "relu" and getattr(layer, "max_value", None) is not None:
            name = "relu6"
        return Activation.of(name, getattr(layer, "axis", None))
    if hasattr(layer, "recurrent_activation"):  # the output of such a cell is a product, no activation's
        return None
    function = getattr(layer, "activation", None)
    if isinstance(function, keras.layers.Layer):
        return activation_of(function)
    return Activation.of(getattr(function, "__name__", ""))


def dead_units(value: np.ndarray[Any, Any], layer: Any = None) -> np.ndarray[Any, Any]:
    """Which units are 0 for every sample. A unit is an entry of the last axis, or a channel where these come first."""
    first = getattr(layer, "data_format", None) == "channels_first"
    unit = 1 if first and value.ndim > 2 else value.ndim - 1
    others = tuple(axis for axis in range(value.ndim) if axis != unit)
    return np.asarray((value == 0).all(axis=others) if others else value == 0)
