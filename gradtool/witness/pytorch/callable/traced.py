"""A PyTorch function as expressions of gradtool's own language."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch

from gradtool.values import Shape
from gradtool.witness.callable.part import Part
from gradtool.witness.callable.recorder import Recorder, Untraceable
from gradtool.witness.callable.symbol import Symbol
from gradtool.witness.callable.traced import NotTraced, Traced, run
from gradtool.witness.pytorch.callable.custom import applied, kept, parameters_of
from gradtool.witness.pytorch.callable.symbol import TorchSymbol

__all__ = ["traced"]


def traced(
    function: Callable[..., Any],
    inputs: Mapping[str, Shape],
    fixed: Mapping[str, Any] | None = None,
    dtype: torch.dtype = torch.float64,
    held: Mapping[str, torch.Tensor] | None = None,
) -> Traced | NotTraced:
    """``function`` as one expression for each of its differentiable outputs, or why it is none.

    A class derived from ``torch.autograd.Function`` is its ``forward``, whatever its ``backward`` says; so is each
    call of its ``apply`` inside a function. What torch.compile has made is the function that it was made of.
    ``inputs`` are the shapes of the arguments that are differentiated, ``fixed`` all other arguments, ``dtype`` is
    what ``x.dtype`` says. ``held`` are tensors that the function reaches by itself, such as a module's parameters, by
    the names that they have among ``inputs``; they are no arguments. The function is called twice; compare the trace
    with its numbers (``witness.callable.traced.disagreement``).
    """
    held = held or {}

    def symbol(recorder: Recorder, part: Part) -> Symbol:
        return TorchSymbol(recorder, part, dtype)

    def recorder() -> Recorder:
        made = Recorder(symbol, _array, _look)
        known = {id(tensor): made.variable(name, tuple(tensor.shape)) for name, tensor in held.items()}
        made.held = lambda value: known.get(id(value))
        return made

    called = getattr(function, "_torchdynamo_orig_callable", getattr(function, "_orig_mod", function))
    if isinstance(function, type) and issubclass(function, torch.autograd.Function):
        called = parameters_of(function)
    arguments = {name: shape for name, shape in inputs.items() if name not in held}
    with torch.enable_grad(), applied():
        return run(kept(called), arguments, fixed or {}, recorder, held=tuple(held))


def _array(value: Any) -> Any:
    if not isinstance(value, torch.Tensor):
        return None
    if value.grad_fn is not None:
        raise Untraceable("calculates with a tensor that depends on others, which it reaches by itself")
    if value.dtype.is_complex:
        raise Untraceable("calculates with complex numbers")
    found = value.detach().clone()
    return (found.to(torch.float64) if found.is_floating_point() else found).numpy()


def _look(recorder: Recorder) -> None:
    if not recorder.forward_only and not torch.is_grad_enabled():
        raise Untraceable("calculates under torch.no_grad, which cuts off the gradient")
