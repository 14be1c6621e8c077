"""PyTorch's testimony on an expression: reverse-mode autograd of every order, and differences of its own forward."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import torch

from gradtool.evidence import MeasureRequest, Record, Request
from gradtool.target.dtype import rounded
from gradtool.target.operations import OPERATIONS
from gradtool.witness.answering import answers
from gradtool.witness.checked import Tool
from gradtool.witness.pytorch.gradcheck import gradcheck
from gradtool.witness.testimony import Floats, Function
from gradtool.witness.tracing import Kept
from gradtool.witness.walk import Step, bind, evaluate, evaluate_all

__all__ = ["PyTorch", "answer"]

_DTYPES = {
    "float64": torch.float64, "float32": torch.float32, "float16": torch.float16, "bfloat16": torch.bfloat16,
    "int64": torch.int64,
}  # fmt: skip
_CHECKERS: dict[str, Tool] = {"gradcheck": gradcheck}


class PyTorch:
    """PyTorch as ``witness.testimony.Framework``."""

    name = "torch"
    version = torch.__version__

    def tensor(self, value: Any, dtype: str) -> torch.Tensor:
        """A leaf that needs no gradient yet."""
        return torch.tensor(np.asarray(value), dtype=_DTYPES[dtype])

    def numbers(self, tensor: torch.Tensor) -> Floats:
        """The tensor's numbers as float64."""
        # A clone, because a backward pass may hand out a ZeroTensor, which has no storage.
        found: Floats = tensor.detach().clone().to(torch.float64).numpy()
        return found

    def run(self, steps: Sequence[Step], leaves: Mapping[str, torch.Tensor], dtype: str) -> torch.Tensor:
        """The value of ``steps``, literals as tensors of ``dtype``, rounded once: PyTorch goes by way of float32."""
        kind = _DTYPES[dtype]
        value: torch.Tensor = evaluate(
            steps, _function, leaves, lambda number: torch.tensor(rounded(number, dtype), dtype=kind)
        )
        return value

    def pullback(
        self, function: Function, leaves: Mapping[str, torch.Tensor], wrt: Sequence[str]
    ) -> tuple[torch.Tensor, Callable[[Floats], dict[str, Floats | None]]]:
        """One forward pass, and as many backward passes as are asked for.

        The upstream gradient is a weighed sum: handed over as ``grad_outputs``, it would cost half a second for an
        import of PyTorch's own.
        """
        active = [leaves[name].detach().requires_grad_() for name in wrt]
        value = function({**leaves, **dict(zip(wrt, active, strict=True))})

        def pull(upstream: Floats) -> dict[str, Floats | None]:
            if not value.requires_grad:
                return dict.fromkeys(wrt)
            weights = torch.as_tensor(np.asarray(upstream), dtype=value.dtype)
            found = torch.autograd.grad((value * weights).sum(), active, retain_graph=True, allow_unused=True)
            return {name: None if g is None else self.numbers(g) for name, g in zip(wrt, found, strict=True)}

        return value, pull

    def gradient_of(self, function: Function, name: str) -> Function:
        """The gradient with create_graph; zeros where the value does not depend on the variable."""

        def gradient(leaves: Mapping[str, torch.Tensor]) -> torch.Tensor:
            leaf = leaves[name] if leaves[name].requires_grad else leaves[name].detach().requires_grad_()
            value = function({**leaves, name: leaf})
            if not value.requires_grad:
                return torch.zeros_like(leaf)
            (found,) = torch.autograd.grad(value.sum(), [leaf], create_graph=True, allow_unused=True)
            return torch.zeros_like(leaf) if found is None else found

        return gradient

    def kept(
        self, steps: Sequence[Step], leaves: Mapping[str, torch.Tensor], request: Request, upstream: Floats | None
    ) -> Kept:
        """One pass with ``retain_grad`` on every tensor, and the names of autograd's nodes."""
        kind = _DTYPES[request.dtype]
        active = {name: leaves[name].detach().requires_grad_() for name in request.wrt}
        values: list[torch.Tensor] = evaluate_all(
            steps, _function, {**leaves, **active}, lambda n: torch.tensor(rounded(n, request.dtype), dtype=kind)
        )
        for value in values:
            if value.requires_grad:
                value.retain_grad()
        if values[-1].requires_grad:
            weights = None if upstream is None else torch.as_tensor(upstream, dtype=kind)
            if weights is None and values[-1].ndim:
                weights = torch.ones_like(values[-1])
            values[-1].backward(weights)
        gradients = [None if value.grad is None else self.numbers(value.grad) for value in values]
        return [self.numbers(value) for value in values], gradients, [_node(value) for value in values]


def answer(record: Record) -> Iterator[Record]:
    """What PyTorch says to a request (``answering.answers``), or what can be measured (``measured.measured``)."""
    torch.set_num_threads(1)  # expressions are small; models bring this file along too, and have the whole machine
    if isinstance(record, MeasureRequest):
        from gradtool.witness.measured import measured  # noqa: PLC0415  # few runs need these
        from gradtool.witness.pytorch.modes import PyTorchModes  # noqa: PLC0415

        return measured(PyTorchModes(PyTorch()), record)
    return answers(PyTorch(), record, _CHECKERS)


def _node(value: torch.Tensor) -> str:
    """What autograd calls the node that made ``value``; of a leaf, the node that its gradient is gathered in."""
    if value.grad_fn is None:
        return "AccumulateGrad" if value.requires_grad else ""
    return str(value.grad_fn.name())


@functools.cache
def _function(name: str) -> Callable[..., Any]:
    return bind(OPERATIONS[name], "torch", torch)
