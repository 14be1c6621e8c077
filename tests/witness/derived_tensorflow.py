"""What TensorFlow alone says about a callable: outputs, and the gradient of <upstream, outputs> by what is there."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import tensorflow as tf

Inputs = Mapping[str, Any] | tuple[Any, ...]


def _named(inputs: Inputs) -> Mapping[str, Any]:
    return inputs if isinstance(inputs, Mapping) else {str(place): one for place, one in enumerate(inputs)}


def leaves_of(inputs: Inputs, *, wide: bool) -> dict[str, Any]:
    """The inputs by name, or by place; floating-point tensors in float64 if ``wide``."""
    return {
        name: tf.identity(tf.cast(one, tf.float64) if wide else one) if _is_float(one) else one
        for name, one in _named(inputs).items()
    }


def _is_float(one: Any) -> bool:
    return tf.is_tensor(one) and one.dtype.is_floating


def called(function: Callable[..., Any], inputs: Inputs, leaves: Mapping[str, Any]) -> list[Any]:
    """The floating-point outputs.

    Inputs go in by place wherever they can: called by keyword, TensorFlow leaves a custom gradient out without a word.
    """
    signature = inspect.signature(function)
    bound = signature.bind(**leaves) if isinstance(inputs, Mapping) else signature.bind(*leaves.values())
    plain = function(*bound.args, **bound.kwargs)
    return [one for one in tf.nest.flatten(plain) if one.dtype.is_floating]


def upstream_of(outputs: list[Any], scale: float = 1.0) -> list[Any]:
    """Multiples of 1/8, none of them 0, the same for the same shapes; exact in every dtype."""
    rng = np.random.default_rng(5)
    draws = [rng.integers(1, 9, tuple(y.shape)) * rng.choice([-1, 1], tuple(y.shape)) / 8 for y in outputs]
    return [tf.cast(scale * draw, y.dtype) for draw, y in zip(draws, outputs, strict=True)]


def raw(
    function: Callable[..., Any], inputs: Inputs, *, wide: bool = False, order: int = 1, scale: float = 1.0
) -> dict[str, Any]:
    """As ``derived``, in tensors as TensorFlow gave them."""
    leaves = leaves_of(inputs, wide=wide)
    with tf.GradientTape() as outer:
        floats = {name: one for name, one in leaves.items() if _is_float(one)}
        outer.watch(list(floats.values()))
        with tf.GradientTape() as tape:
            tape.watch(list(floats.values()))
            outputs = called(function, inputs, leaves)
        upstream = upstream_of(outputs, scale)
        outer.watch(upstream)
        asked = {**floats, **{one.name: one for one in getattr(function, "trainable_variables", ())}}
        first = [
            None if g is None else tf.convert_to_tensor(g)
            for g in tape.gradient(outputs, list(asked.values()), upstream)
        ]
        if order == 1:
            return dict(zip(asked, first, strict=True))
        sums = [
            tf.reduce_sum(g * np.linspace(0.5, 1.7, int(tf.size(g))).reshape(g.shape)) for g in first if g is not None
        ]
    asked = {**asked, **{f"upstream {place}": one for place, one in enumerate(upstream)}}
    second = outer.gradient(sums, list(asked.values()), unconnected_gradients=tf.UnconnectedGradients.ZERO)
    return dict(zip(asked, (tf.convert_to_tensor(g) for g in second), strict=True))


def derived(
    function: Callable[..., Any], inputs: Inputs, *, wide: bool = False, order: int = 1, scale: float = 1.0
) -> dict[str, Any]:
    """The gradient by every input; of order 2 that of <gradient, fixed numbers>, by inputs and upstream gradients."""
    found = raw(function, inputs, wide=wide, order=order, scale=scale)
    return {name: None if g is None else tf.cast(g, tf.float64).numpy() for name, g in found.items()}


def value(function: Callable[..., Any], inputs: Inputs) -> float:
    """<upstream, outputs> without a gradient."""
    outputs = called(function, inputs, leaves_of(inputs, wide=False))
    return float(sum(tf.reduce_sum(y * u) for y, u in zip(outputs, upstream_of(outputs), strict=True)))


def arrays(function: Callable[..., Any], inputs: Inputs) -> dict[str, Any]:
    """The inputs and weights that a gradient is asked for, as NumPy arrays that share no memory with them."""
    floats = {name: one for name, one in _named(inputs).items() if _is_float(one)}
    weights = {one.name: one for one in getattr(function, "trainable_variables", ())}
    return {name: tf.cast(one, tf.float64).numpy() + 0.0 for name, one in {**floats, **weights}.items()}


def replaced(inputs: Inputs, name: str, array: Any) -> Inputs:
    """The inputs with another array in place of one."""
    named = {**_named(inputs), name: tf.constant(array, _named(inputs)[name].dtype)}
    return named if isinstance(inputs, Mapping) else tuple(named.values())


def gradient_beside(function: Callable[..., Any], inputs: Inputs, *, beside: bool) -> Any:
    """The gradient by x; if ``beside``, after the same function was run forward at another point in between."""
    leaves = leaves_of(inputs, wide=False)
    with tf.GradientTape() as tape:
        tape.watch(leaves["x"])
        outputs = called(function, inputs, leaves)
    if beside:
        called(function, inputs, {**leaves, "x": leaves["x"] + 1})
    return tape.gradient(outputs, leaves["x"], upstream_of(outputs)).numpy()
