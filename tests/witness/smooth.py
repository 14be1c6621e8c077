"""NumPy functions with gradients written by hand, for the path integral and the localisation."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

Tensors = dict[str, Any]
Value = Callable[[Tensors], Any]
Gradient = Callable[[Tensors], Tensors]


def waves(x: Tensors) -> Any:
    return np.sum(np.sin(x["x"] ** 2) + np.cos(x["x"]))


def waves_gradient(x: Tensors) -> Tensors:
    return {"x": 2 * x["x"] * np.cos(x["x"] ** 2) - np.sin(x["x"])}


def offset(x: Tensors) -> Any:
    return 1000 + np.sum(np.sin(x["x"]))


def offset_gradient(x: Tensors) -> Tensors:
    return {"x": np.cos(x["x"])}


def shifted(x: Tensors) -> Any:
    """Sines of x, of which the fourth decimal is lost in float32."""
    return np.sum(np.sin((x["x"] + 10000) - 10000))


def shifted_gradient(x: Tensors) -> Tensors:
    return {"x": np.cos((x["x"] + 10000) - 10000)}


def log_sum_exp(x: Tensors) -> Any:
    top = np.max(x["x"])
    return top + np.log(np.sum(np.exp(x["x"] - top)))


def log_sum_exp_gradient(x: Tensors) -> Tensors:
    shares = np.exp(x["x"] - np.max(x["x"]))
    return {"x": shares / np.sum(shares)}


def quadratic(x: Tensors) -> Any:
    rows, columns = x["A"] @ x["x"], x["x"]
    return np.sum(rows * columns) / 2 - np.sum(x["b"] * columns)


def quadratic_gradient(x: Tensors) -> Tensors:
    matrix, vector = x["A"], x["x"]
    return {"A": np.outer(vector, vector) / 2, "x": (matrix + matrix.T) @ vector / 2 - x["b"], "b": -vector}


INPUTS = np.random.default_rng(7).normal(size=(24, 12))
LABELS = np.random.default_rng(8).integers(0, 5, size=24)


def cross_entropy(x: Tensors) -> Any:
    scores = INPUTS.astype(x["W"].dtype) @ x["W"] + x["b"]
    scores = scores - np.max(scores, axis=1, keepdims=True)
    return np.mean(np.log(np.sum(np.exp(scores), axis=1)) - scores[np.arange(24), LABELS])


def cross_entropy_gradient(x: Tensors) -> Tensors:
    inputs = INPUTS.astype(x["W"].dtype)
    scores = inputs @ x["W"] + x["b"]
    shares = np.exp(scores - np.max(scores, axis=1, keepdims=True))
    shares = shares / np.sum(shares, axis=1, keepdims=True)
    shares[np.arange(24), LABELS] -= 1
    return {"W": inputs.T @ shares / 24, "b": np.sum(shares, axis=0) / 24}


def logarithms(x: Tensors) -> Any:
    return np.sum(np.log(x["x"])) + np.sum(x["x"] * x["y"])


def logarithms_gradient(x: Tensors) -> Tensors:
    return {"x": 1 / x["x"] + x["y"], "y": x["x"]}


FUNCTIONS: dict[str, tuple[Value, Gradient, dict[str, tuple[int, ...]]]] = {
    "waves": (waves, waves_gradient, {"x": (200,)}),
    "offset": (offset, offset_gradient, {"x": (50,)}),
    "shifted": (shifted, shifted_gradient, {"x": (50,)}),
    "log_sum_exp": (log_sum_exp, log_sum_exp_gradient, {"x": (300,)}),
    "quadratic": (quadratic, quadratic_gradient, {"A": (15, 15), "x": (15,), "b": (15,)}),
    "cross_entropy": (cross_entropy, cross_entropy_gradient, {"W": (12, 5), "b": (5,)}),
    "logarithms": (logarithms, logarithms_gradient, {"x": (60,), "y": (60,)}),
}


def point(name: str, seed: int, dtype: str = "float64") -> Tensors:
    """A point for a function, its entries numbers of the dtype; from 1e-4 to 1e4 where there are logarithms."""
    draw = np.random.default_rng(seed)
    found = {variable: draw.normal(size=shape) for variable, shape in FUNCTIONS[name][2].items()}
    if name == "logarithms":
        found["x"] = 10 ** draw.uniform(-4, 4, size=60)
    return {variable: tensor.astype(dtype).astype(np.float64) for variable, tensor in found.items()}


def value_in(name: str, dtype: str) -> Callable[[Tensors], float]:
    """The function as it runs in ``dtype``."""
    return lambda x: float(FUNCTIONS[name][0]({key: tensor.astype(dtype) for key, tensor in x.items()}))


def gradient_in(name: str, dtype: str) -> Gradient:
    """The gradient as it runs in ``dtype``."""

    def gradient(x: Tensors) -> Tensors:
        found = FUNCTIONS[name][1]({key: tensor.astype(dtype) for key, tensor in x.items()})
        return {key: tensor.astype(np.float64) for key, tensor in found.items()}

    return gradient


def times(gradient: Gradient, factor: float, only: str | None = None) -> Gradient:
    """The gradient with all of it, or one tensor, multiplied."""
    return lambda x: {key: g * (factor if only in (None, key) else 1) for key, g in gradient(x).items()}


def plus(gradient: Gradient, variable: str, index: Any, error: Any) -> Gradient:
    """The gradient with an error in some entries of a tensor."""

    def spoilt(x: Tensors) -> Tensors:
        found = gradient(x)
        found[variable] = found[variable].copy()
        found[variable][index] += error
        return found

    return spoilt
