"""What calls of PyTorch mean that choose between rows of the table by their arguments."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import torch

from gradtool.target.expression import parse_row_text
from gradtool.values import Shape
from gradtool.witness.callable.recorder import Recorder, Untraceable
from gradtool.witness.callable.views import chunks, one_hot

__all__ = [
    "Extreme", "clamp", "cross_entropy", "dropout", "extreme", "filled", "gated", "gelu", "hardtanh", "likelihood",
    "loss", "masked", "norm", "polygamma", "quotient", "slope", "spread",
]  # fmt: skip


class Extreme(NamedTuple):
    """What torch.max gives along an axis; the places of the extremes are no numbers of the expression."""

    values: Any
    indices: None


def _recorder(*values: Any) -> Recorder:
    found: Recorder = next(value.recorder for value in values if hasattr(value, "recorder"))
    return found


def clamp(x: Any, low: Any, high: Any) -> Any:
    """Both limits are clip, one of them is a choice."""
    recorder = _recorder(x, low, high)
    if low is not None and high is not None:
        return recorder.record("clip", x, low, high)
    return recorder.record("min", x, high) if low is None else recorder.record("max", x, low)


def extreme(over: str, between: str) -> Callable[..., Any]:
    """torch.max and torch.min: of all entries, of two arrays, or along an axis."""

    def meaning(x: Any, dim: Any, keepdim: Any) -> Any:
        recorder = _recorder(x, dim)
        if dim is None:
            return recorder.record(over, x)
        if type(dim) is not int:
            return recorder.record(between, x, dim)
        return Extreme(recorder.record(over, x, axis=dim, keepdims=keepdim), None)

    return meaning


def spread(operation: str) -> Callable[..., Any]:
    """Variance and standard deviation; PyTorch divides by n - 1 unless told otherwise."""

    def meaning(x: Any, dim: Any, unbiased: Any, correction: Any, keepdim: Any) -> Any:
        if isinstance(dim, bool):  # torch.var(x, False)
            dim, unbiased = None, dim
        ddof = int(unbiased) if correction is None else correction
        if not isinstance(ddof, int):
            raise Untraceable(f"calls torch.{operation} with correction={ddof!r}, which is no whole number")
        return x.recorder.record(operation, x, axis=dim, keepdims=keepdim, ddof=ddof)

    return meaning


def polygamma(n: Any, x: Any) -> Any:
    """The first two."""
    if n not in (0, 1):
        raise Untraceable(f"calls torch.polygamma({n}, x), which the table does not have")
    return x.recorder.record("trigamma" if n else "digamma", x)


def norm(x: Any, p: Any, dim: Any, keepdim: Any) -> Any:
    """The Euclidean norm; ``fro`` of a vector or over all entries is the same."""
    if p not in ("fro", 2, None):
        raise Untraceable(f"takes the norm of order {p!r}, and the table has the Euclidean one")
    return x.recorder.record("norm", x, axis=dim, keepdims=keepdim)


_LOSSES = {
    "mse": "(x - y)**2",
    "bce": "-(y*log(x) + (1 - y)*log(1 - x))",
    "bce_logits": "softplus(x) - x*y",
}
"""What the losses of the table are the means of."""


def loss(row: str) -> Callable[..., Any]:
    """A loss of the table, which is a mean over entries of one shape; or its sum, or the entries themselves."""

    def meaning(x: Any, target: Any, reduction: Any) -> Any:
        recorder = _recorder(x, target)
        if reduction == "mean":
            return recorder.record(row, x, target)
        losses = recorder.told(parse_row_text(_LOSSES[row], ("x", "y")), {"x": x, "y": target})
        return _reduced(recorder, losses, reduction)

    return meaning


def cross_entropy(x: Any, target: Any, reduction: Any) -> Any:
    """With class labels, which are constants, the mean over rows is a row of the table; otherwise written out."""
    recorder = _recorder(x, target)
    shape = _rows(recorder, x)
    if isinstance(target, torch.Tensor) and not target.is_floating_point():
        hot = one_hot(target, shape[-1])
        if reduction == "mean":
            return recorder.record("cross_entropy", x, target)
        target = hot
    logs = recorder.record("log_softmax", x, axis=-1)
    return _reduced(recorder, -recorder.record("sum", logs * recorder.lifted(target), axis=-1), reduction)


def likelihood(x: Any, target: Any, reduction: Any) -> Any:
    """Minus the logarithms of the probabilities at the labels."""
    recorder = _recorder(x, target)
    chosen = x * one_hot(target, _rows(recorder, x)[-1])
    return _reduced(recorder, -recorder.record("sum", chosen, axis=-1), reduction)


def _rows(recorder: Recorder, x: Any) -> Shape:
    """The shape; the classes of an array of more axes are not on the last one."""
    shape: Shape = recorder.lifted(x).part.shape
    if len(shape) not in (1, 2):
        raise Untraceable("takes a loss over classes of an array that is no row and no list of rows")
    return shape


def _reduced(recorder: Recorder, losses: Any, reduction: Any) -> Any:
    return losses if reduction == "none" else recorder.record(reduction, losses)


def gelu(x: Any, approximate: Any) -> Any:
    """The exact one, or its approximation by tanh (Hendrycks and Gimpel 2016)."""
    if approximate == "none":
        return x.recorder.record("gelu", x)
    root = 0.7978845608028654  # sqrt(2/pi)
    return 0.5 * x * (1 + x.recorder.record("tanh", root * (x + 0.044715 * x**3)))


def slope(x: Any, negative_slope: Any) -> Any:
    """leaky_relu of any slope."""
    if negative_slope == 0.01:
        return x.recorder.record("leaky_relu", x)
    return x.recorder.record("where", x > 0, x, negative_slope * x)


def gated(x: Any, dim: Any) -> Any:
    """The gated linear unit: one half times the sigmoid of the other."""
    value, gate = chunks(x, 2, dim)
    return value * x.recorder.record("sigmoid", gate)


def hardtanh(x: Any, low: Any, high: Any) -> Any:
    """Between -1 and 1, or between other limits."""
    return x.recorder.record("hardtanh", x) if (low, high) == (-1, 1) else x.recorder.record("clip", x, low, high)


def quotient(x: Any, other: Any, rounding_mode: Any) -> Any:
    """x/y, rounded down where that is asked for."""
    if rounding_mode not in (None, "floor"):
        raise Untraceable(f"divides with rounding_mode={rounding_mode!r}, which the table does not have")
    return _recorder(x, other).record("floor_divide" if rounding_mode else "divide", x, other)


def dropout(x: Any, p: Any, training: Any) -> Any:
    """Nothing where it drops nothing."""
    if training and p != 0:
        raise Untraceable("is random: it calls dropout")
    return x


def masked(x: Any, mask: Any, value: Any) -> Any:
    """``value`` where the mask holds."""
    return _recorder(x, mask, value).record("where", mask, value, x)


def filled(number: float) -> Callable[..., Any]:
    """A tensor of one number, in the shape and the dtype of another."""

    def meaning(x: Any) -> Any:
        return torch.full(tuple(x.part.shape), number, dtype=x.dtype)

    return meaning
