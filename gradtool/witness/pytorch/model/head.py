"""The model's output beside the targets, as a loss function is given them: what it reaches, what it is taken for."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch.nn import functional

from gradtool.evidence import Head
from gradtool.witness.model.classes import normalised_axes
from gradtool.witness.model.pairs import paired
from gradtool.witness.pytorch.model.statistics import has_numbers, numbers

__all__ = ["difference_taken", "head_seen", "loss_called", "pairs_seen"]

EXPECTS: Mapping[str, str] = {
    "cross_entropy": "logits",
    "binary_cross_entropy_with_logits": "logits",
    "binary_cross_entropy": "probabilities",
    "nll_loss": "log_probabilities",
    "mse_loss": "",
    "l1_loss": "",
    "smooth_l1_loss": "",
    "huber_loss": "",
}
"""What each loss function takes its input for."""

_DIFFERENCES = frozenset(
    {
        torch.sub, torch.subtract, torch.rsub, torch.Tensor.sub, torch.Tensor.subtract, torch.Tensor.__sub__,
        torch.Tensor.__rsub__,
    }
)  # fmt: skip

_LOSSES: Mapping[Callable[..., Any], str] = {getattr(functional, name): name for name in EXPECTS}


def loss_called(function: Callable[..., Any]) -> str:
    """The loss that a function of PyTorch is, else the empty name."""
    try:
        return _LOSSES.get(function, "")
    except TypeError:  # some of the functions that pass by can't be hashed
        return ""


def difference_taken(function: Callable[..., Any]) -> bool:
    """Whether a function of PyTorch subtracts."""
    try:
        return function in _DIFFERENCES
    except TypeError:
        return False


def pairs_seen(operands: Sequence[Any], final_of: Callable[[Any], str], source: str) -> Head | None:
    """A difference of an output and of targets that pairs each with each: (N, 1) beside (N).

    The output is the one that is computed from what learns; where both are, the pairs are meant.
    """
    given = [one for one in operands[:2] if isinstance(one, torch.Tensor) and one.numel() > 1]
    output = next((one for one in given if one.requires_grad and not one.is_leaf), None)
    target = next((one for one in given if not one.requires_grad), None)
    if output is None or target is None or not paired(tuple(output.shape), tuple(target.shape)):
        return None
    seen = head_seen("mse_loss", final_of(output), output, target)
    return seen and replace(seen, classes=0, source=source)


def head_seen(loss: str, final: str, input: Any = None, target: Any = None, **_: Any) -> Head | None:  # noqa: A002  # PyTorch's own names
    """The ranges of what a loss was given; ``final`` is the activation that ran last."""
    if not _is_there(input):
        return None
    with torch.no_grad():
        least, largest = (float(v) for v in torch.aminmax(input.detach()))
        if not _is_there(target):
            return Head(tuple(input.shape), least, largest, final, expects=EXPECTS[loss])
        low, high = (float(v) for v in torch.aminmax(target.detach()))
    axes = _class_axes(input) if loss == "nll_loss" and input.ndim > 1 else {}
    classes = 0 if target.is_floating_point() else int(high) + 1
    shapes = tuple(input.shape), tuple(target.shape)
    return Head(shapes[0], least, largest, final, shapes[1], low, high, classes, EXPECTS[loss], **axes)


def _is_there(value: Any) -> bool:
    return isinstance(value, torch.Tensor) and value.numel() > 0 and has_numbers(value)


def _class_axes(given: torch.Tensor) -> dict[str, Any]:
    """The axis that PyTorch takes for the classes, and those along which the probabilities sum to 1."""
    probabilities = np.exp(numbers(given).reshape(tuple(given.shape)))
    return {"class_axis": 1, "sums_to_one": normalised_axes(probabilities, 1, half=given.element_size() == 2)}
