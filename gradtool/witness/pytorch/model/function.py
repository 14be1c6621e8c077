"""A function of the user's as a model: the leaves behind it are the parameters."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import nn

__all__ = ["Function", "is_leaf"]


def is_leaf(value: Any) -> bool:
    """Whether a value is a tensor that learns by itself."""
    return isinstance(value, torch.Tensor) and value.requires_grad and value.is_leaf


class Function(nn.Module):  # type: ignore[misc]  # PyTorch is not typed here
    """``function`` of the data, whose parameters are the very ``leaves`` that it uses, by the program's names."""

    def __init__(self, function: Callable[..., Any], leaves: Mapping[str, torch.Tensor]) -> None:
        super().__init__()
        self.function = function
        self._parameters.update(leaves)  # register_parameter would refuse bare tensors, and dots in names

    def __call__(self, *data: Any, **named: Any) -> Any:
        """What the function gives; it is no layer, so nobody looks on."""
        return self.function(*data, **named)
