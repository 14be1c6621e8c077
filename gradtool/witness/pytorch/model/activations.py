"""The modules and the functions of PyTorch that are an activation."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import nn

from gradtool.witness.model.activations import ROWS, Activation, activation_row

__all__ = ["activation_called", "activation_of", "called_as"]

_MODULES: Mapping[type[nn.Module], str] = {
    nn.ReLU: "relu", nn.ReLU6: "relu6", nn.Hardtanh: "hardtanh", nn.Sigmoid: "sigmoid", nn.Tanh: "tanh",
    nn.Softmax: "softmax", nn.LogSoftmax: "log_softmax", nn.GELU: "gelu", nn.SiLU: "silu", nn.ELU: "elu",
    nn.SELU: "selu", nn.LeakyReLU: "leaky_relu", nn.Softplus: "softplus",
}  # fmt: skip

_FUNCTIONS: dict[Callable[..., Any], str] = {
    getattr(place, name): name.rstrip("_")
    for place in (torch, torch.Tensor, nn.functional)
    for row in ROWS
    for name in (row, f"{row}_")
    if hasattr(place, name)
}


def activation_of(module: nn.Module) -> Activation | None:
    """The activation that a module is."""
    return activation_row(_MODULES.get(type(module), ""), getattr(module, "dim", None))


def activation_called(name: str, args: Any, kwargs: Mapping[str, Any]) -> Activation | None:
    """The row of a function as it was called."""
    return activation_row(name, kwargs.get("dim", args[1] if len(args) > 1 else None))


def called_as(function: Callable[..., Any]) -> str:
    """The activation that a function of PyTorch is, else the empty name."""
    try:
        return _FUNCTIONS.get(function, "")
    except TypeError:  # some of the functions that pass by can't be hashed
        return ""
