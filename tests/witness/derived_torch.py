"""What PyTorch alone says about a callable: its outputs, and the gradient of <upstream, outputs> by what is there."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch

Inputs = Mapping[str, Any] | tuple[Any, ...]


def leaves_of(inputs: Inputs, *, wide: bool) -> dict[str, Any]:
    """The inputs by name, or by place; fresh leaves of floating-point tensors, in float64 if ``wide``."""
    named = inputs if isinstance(inputs, Mapping) else {str(place): value for place, value in enumerate(inputs)}

    def leaf(value: Any) -> Any:
        if not (torch.is_tensor(value) and value.is_floating_point()):
            return value
        return value.detach().to(torch.float64 if wide else value.dtype).clone().requires_grad_()

    return {name: leaf(value) for name, value in named.items()}


def called(function: Callable[..., Any], inputs: Inputs, leaves: Mapping[str, Any]) -> list[Any]:
    """The floating-point outputs."""
    plain = function(**leaves) if isinstance(inputs, Mapping) else function(*leaves.values())
    several = list(plain.values()) if isinstance(plain, dict) else plain if isinstance(plain, tuple) else [plain]
    return [one for one in several if one.is_floating_point()]


def upstream_of(outputs: list[Any], scale: float = 1.0) -> list[Any]:
    """Multiples of 1/8, none of them 0, the same for the same shapes; exact in every dtype."""
    rng = np.random.default_rng(5)
    draws = [rng.integers(1, 9, tuple(y.shape)) * rng.choice([-1, 1], tuple(y.shape)) / 8 for y in outputs]
    return [torch.as_tensor(scale * draw).to(y.dtype) for draw, y in zip(draws, outputs, strict=True)]


def trained(function: Callable[..., Any], leaves: Mapping[str, Any]) -> dict[str, Any]:
    """Everything a gradient is asked for: the leaves, and the parameters of a module."""
    parameters = dict(function.named_parameters()) if isinstance(function, torch.nn.Module) else {}
    asked = {**leaves, **parameters}
    return {name: value for name, value in asked.items() if torch.is_tensor(value) and value.requires_grad}


def derived(
    function: Callable[..., Any], inputs: Inputs, *, wide: bool = False, order: int = 1, scale: float = 1.0
) -> dict[str, Any]:
    """The gradient by every input; of order 2 that of <gradient, fixed numbers>, by inputs and upstream gradients."""
    leaves = leaves_of(inputs, wide=wide)
    outputs = called(function, inputs, leaves)
    asked, upstream = trained(function, leaves), upstream_of(outputs, scale)
    if order == 2:
        upstream = [one.requires_grad_() for one in upstream]
    live = [(y, u) for y, u in zip(outputs, upstream, strict=True) if y.requires_grad]
    if not live:
        return dict.fromkeys(asked)
    ys, us = zip(*live, strict=True)
    first = torch.autograd.grad(ys, list(asked.values()), us, create_graph=order == 2, allow_unused=True)
    if order == 1:
        return {name: None if g is None else g.double().numpy() for name, g in zip(asked, first, strict=True)}
    told = [g for g in first if g is not None and g.requires_grad]
    along = [torch.linspace(0.5, 1.7, g.numel(), dtype=g.dtype).reshape(g.shape) for g in told]
    asked = {**asked, **{f"upstream {place}": one for place, one in enumerate(us)}}
    if not told:
        return {name: np.zeros(tuple(one.shape)) for name, one in asked.items()}
    second = torch.autograd.grad(told, list(asked.values()), along, allow_unused=True, materialize_grads=True)
    return {name: g.double().numpy(force=True) for name, g in zip(asked, second, strict=True)}


def value(function: Callable[..., Any], inputs: Inputs) -> float:
    """<upstream, outputs> without a gradient."""
    with torch.no_grad():
        outputs = called(function, inputs, leaves_of(inputs, wide=False))
        return float(sum((y * u).sum() for y, u in zip(outputs, upstream_of(outputs), strict=True)))


def arrays(function: Callable[..., Any], inputs: Inputs) -> dict[str, Any]:
    """The inputs and parameters that a gradient is asked for, as NumPy arrays that share no memory with them."""
    named = inputs if isinstance(inputs, Mapping) else {str(place): one for place, one in enumerate(inputs)}
    parameters = dict(function.named_parameters()) if isinstance(function, torch.nn.Module) else {}
    floats = {name: one for name, one in named.items() if torch.is_tensor(one) and one.is_floating_point()}
    return {name: one.detach().double().numpy().copy() for name, one in {**floats, **parameters}.items()}


def replaced(inputs: Inputs, name: str, array: Any) -> Inputs:
    """The inputs with another array in place of one."""
    if isinstance(inputs, Mapping):
        return {**inputs, name: torch.as_tensor(array, dtype=inputs[name].dtype)}
    return tuple(
        torch.as_tensor(array, dtype=one.dtype) if str(place) == name else one for place, one in enumerate(inputs)
    )


def gradient_beside(function: Callable[..., Any], inputs: Inputs, *, beside: bool) -> Any:
    """The gradient by x; if ``beside``, after the same function was run forward at another point in between."""
    leaves = leaves_of(inputs, wide=False)
    outputs = called(function, inputs, leaves)
    if beside:
        called(function, inputs, {**leaves, "x": leaves["x"].detach() + 1})
    (gradient,) = torch.autograd.grad(outputs, [leaves["x"]], upstream_of(outputs))
    return gradient.numpy()
