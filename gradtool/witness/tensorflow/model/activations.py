"""The layers and the functions of Keras and TensorFlow that are an activation.

In Keras an activation is a layer of its own, or an attribute of the layer whose output it makes; in a ``call`` it may
be a function of TensorFlow.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import keras
import tensorflow as tf

from gradtool.witness.model.activations import ROWS, Activation, activation_row

__all__ = ["FUNCTIONS", "activation_of", "known_activation"]

_ALIASES = {"hard_tanh": "hardtanh", "swish": "silu"}

_LAYERS: Mapping[str, str] = {
    "ReLU": "relu", "LeakyReLU": "leaky_relu", "PReLU": "leaky_relu", "ELU": "elu", "Softmax": "softmax",
}  # fmt: skip
"""Layers of Keras that are an activation."""

FUNCTIONS: Mapping[tuple[Any, str], str] = {
    (place, name): _ALIASES.get(name, name)
    for place in (tf, tf.nn, tf.math)
    for name in (*ROWS, *_ALIASES)
    if hasattr(place, name)
}
"""Functions of TensorFlow that are an activation, by the place where they are found."""


def known_activation(name: str, axis: Any = None) -> Activation | None:
    """The row of a name as Keras and TensorFlow have it; None for one that is not known."""
    return activation_row(_ALIASES.get(name, name), axis)


def activation_of(layer: Any) -> Activation | None:
    """The activation that makes a layer's output, as far as it is known."""
    if (name := _LAYERS.get(type(layer).__name__)) and type(layer).__module__.startswith("keras."):
        if name == "relu" and getattr(layer, "max_value", None) is not None:
            name = "relu6"
        return known_activation(name, getattr(layer, "axis", None))
    if hasattr(layer, "recurrent_activation"):  # the output of such a cell is a product, no activation's
        return None
    function = getattr(layer, "activation", None)
    if isinstance(function, keras.layers.Layer):
        return activation_of(function)
    return known_activation(getattr(function, "__name__", ""))
