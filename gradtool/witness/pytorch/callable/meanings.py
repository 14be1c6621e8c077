"""What calls of PyTorch mean that choose between rows of the table by their arguments."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import torch

from gradtool.witness.callable.recorder import Recorder, Untraceable

__all__ = [
    "Extreme", "clamp", "cross_entropy", "dropout", "extreme", "filled", "gelu", "loss", "masked", "norm", "polygamma",
    "quotient", "slope", "spread",
]  # fmt: skip


class Extreme(NamedTuple):
    """What torch.max gives along an axis; the places of the extremes are no numbers of the expression."""

    values: Any
    indices: None


def _recorder(*values: Any) -> Recorder:
    found: Recorder = next(value.recorder for value in values if hasattr(value, "recorder"))
    return found


def clamp(input: Any, min: Any, max: Any) -> Any:
    """Both limits are clip, one of them is a choice."""
    recorder = _recorder(input, min, max)
    if min is not None and max is not None:
        return recorder.record("clip", input, min, max)
    return recorder.record("min", input, max) if min is None else recorder.record("max", input, min)


def extreme(over: str, between: str) -> Callable[..., Any]:
    """torch.max and torch.min: of all entries, of two arrays, or along an axis."""

    def meaning(input: Any, dim: Any, keepdim: Any) -> Any:
        recorder = _recorder(input, dim)
        if dim is None:
            return recorder.record(over, input)
        if type(dim) is not int:
            return recorder.record(between, input, dim)
        return Extreme(recorder.record(over, input, axis=dim, keepdims=keepdim), None)

    return meaning


def spread(operation: str) -> Callable[..., Any]:
    """Variance and standard deviation; PyTorch divides by n - 1 unless told otherwise."""

    def meaning(input: Any, dim: Any, unbiased: Any, correction: Any, keepdim: Any) -> Any:
        if isinstance(dim, bool):  # torch.var(x, False)
            dim, unbiased = None, dim
        ddof = int(unbiased) if correction is None else correction
        if not isinstance(ddof, int):
            raise Untraceable(f"calls torch.{operation} with correction={ddof!r}, which is no whole number")
        return input.recorder.record(operation, input, axis=dim, keepdims=keepdim, ddof=ddof)

    return meaning


def polygamma(n: Any, input: Any) -> Any:
    """The first two."""
    if n not in (0, 1):
        raise Untraceable(f"calls torch.polygamma({n}, x), which the table does not have")
    return input.recorder.record("trigamma" if n else "digamma", input)


def norm(input: Any, p: Any, dim: Any, keepdim: Any) -> Any:
    """The Euclidean norm; ``fro`` of a vector or over all entries is the same."""
    if p not in ("fro", 2, None):
        raise Untraceable(f"takes the norm of order {p!r}, and the table has the Euclidean one")
    return input.recorder.record("norm", input, axis=dim, keepdims=keepdim)


def loss(row: str) -> Callable[..., Any]:
    """A loss of the table, which is a mean over entries of one shape."""

    def meaning(input: Any, target: Any, reduction: Any) -> Any:
        recorder = _recorder(input, target)
        if reduction == "mean":
            return recorder.record(row, input, target)
        if row != "mse":
            raise Untraceable(f"calls {row} with reduction={reduction!r}, and the table has the mean")
        square = recorder.record("pow", recorder.record("subtract", input, target), 2)
        return square if reduction == "none" else recorder.record("sum", square)

    return meaning


def cross_entropy(input: Any, target: Any) -> Any:
    """With class labels, which are constants."""
    if not isinstance(target, torch.Tensor) or target.is_floating_point():
        raise Untraceable("calls cross_entropy with probabilities, and the table has class labels")
    return input.recorder.record("cross_entropy", input, target)


def gelu(input: Any, approximate: Any) -> Any:
    """The exact one, or its approximation by tanh (Hendrycks and Gimpel 2016)."""
    if approximate == "none":
        return input.recorder.record("gelu", input)
    root = 0.7978845608028654  # sqrt(2/pi)
    return 0.5 * input * (1 + input.recorder.record("tanh", root * (input + 0.044715 * input**3)))


def slope(input: Any, negative_slope: Any) -> Any:
    """leaky_relu of any slope."""
    if negative_slope == 0.01:
        return input.recorder.record("leaky_relu", input)
    return input.recorder.record("where", input > 0, input, negative_slope * input)


def quotient(input: Any, other: Any, rounding_mode: Any) -> Any:
    """x/y, rounded down where that is asked for."""
    if rounding_mode not in (None, "floor"):
        raise Untraceable(f"divides with rounding_mode={rounding_mode!r}, which the table does not have")
    return _recorder(input, other).record("floor_divide" if rounding_mode else "divide", input, other)


def dropout(input: Any, p: Any, training: Any) -> Any:
    """Nothing where it drops nothing."""
    if training and p != 0:
        raise Untraceable("is random: it calls dropout")
    return input


def masked(input: Any, mask: Any, value: Any) -> Any:
    """``value`` where the mask holds."""
    return _recorder(input, mask, value).record("where", mask, value, input)


def filled(number: float) -> Callable[..., Any]:
    """A tensor of one number, in the shape and the dtype of another."""

    def meaning(input: Any) -> Any:
        return torch.full(tuple(input.part.shape), number, dtype=input.dtype)

    return meaning
