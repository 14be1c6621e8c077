"""THE table of activations: where each is flat, whether its units can die, which axis it normalises over."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import nn

__all__ = ["Activation", "activation_of", "called_as", "dead_units"]


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
    def of(cls, name: str, args: Any, kwargs: Mapping[str, Any]) -> Activation:
        """The row of ``name`` as it was called."""
        row = _ROWS[name]
        if name not in _OVER_AN_AXIS:
            return row
        axis = kwargs.get("dim", args[1] if len(args) > 1 and isinstance(args[1], int) else -1)
        return replace(row, axis=-1 if axis is None else axis)


_ROWS = {
    row.name: row
    for row in (
        Activation("relu", dies=True),
        Activation("relu6", dies=True),
        Activation("hardtanh", flat=(-0.98, 0.98)),
        Activation("sigmoid", flat=(0.01, 0.99)),
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
_OVER_AN_AXIS = ("softmax", "log_softmax")

_MODULES: Mapping[type[nn.Module], str] = {
    nn.ReLU: "relu", nn.ReLU6: "relu6", nn.Hardtanh: "hardtanh", nn.Sigmoid: "sigmoid", nn.Tanh: "tanh",
    nn.Softmax: "softmax", nn.LogSoftmax: "log_softmax", nn.GELU: "gelu", nn.SiLU: "silu", nn.ELU: "elu",
    nn.SELU: "selu", nn.LeakyReLU: "leaky_relu", nn.Softplus: "softplus",
}  # fmt: skip

_FUNCTIONS: dict[Callable[..., Any], str] = {
    getattr(place, name): name.rstrip("_")
    for place in (torch, torch.Tensor, nn.functional)
    for row in _ROWS
    for name in (row, f"{row}_")
    if hasattr(place, name)
}


def activation_of(module: nn.Module) -> Activation | None:
    """The activation that a module is."""
    name = _MODULES.get(type(module))
    if name is None:
        return None
    return Activation.of(name, (), {"dim": module.dim} if name in _OVER_AN_AXIS else {})


def called_as(function: Callable[..., Any]) -> str:
    """The activation that a function of PyTorch is, else the empty name."""
    try:
        return _FUNCTIONS.get(function, "")
    except TypeError:  # some of the functions that pass by can't be hashed
        return ""


def dead_units(value: torch.Tensor) -> torch.Tensor:
    """Which units are 0 for every sample. A unit is an entry of the last axis, of images (4 and 5 axes) a channel."""
    unit = 1 if value.ndim > 3 else value.ndim - 1
    others = [axis for axis in range(value.ndim) if axis != unit]
    return (value == 0).all(dim=others) if others else value == 0
