"""PyTorch's testimony on an expression: reverse-mode autograd of every order, and differences of its own forward."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import torch

from gradtool.evidence import Record, Request
from gradtool.target.dtype import rounded
from gradtool.target.operations import OPERATIONS
from gradtool.witness.checked import Tool, checked
from gradtool.witness.pytorch.gradcheck import gradcheck
from gradtool.witness.testimony import Floats, Function, testify
from gradtool.witness.walk import Step, bind, evaluate

__all__ = ["PyTorch", "answer"]

_DTYPES = {
    "float64": torch.float64, "float32": torch.float32, "float16": torch.float16, "bfloat16": torch.bfloat16,
    "int64": torch.int64,
}  # fmt: skip
_CHECKERS: dict[str, Tool] = {"gradcheck": gradcheck}

torch.set_num_threads(1)


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
        """One forward pass, and as many backward passes as are asked for."""
        active = [leaves[name].detach().requires_grad_() for name in wrt]
        value = function({**leaves, **dict(zip(wrt, active, strict=True))})

        def pull(upstream: Floats) -> dict[str, Floats | None]:
            if not value.requires_grad:
                return dict.fromkeys(wrt)
            weights = torch.as_tensor(np.asarray(upstream), dtype=value.dtype)
            found = torch.autograd.grad(value, active, weights, retain_graph=True, allow_unused=True)
            return {name: None if g is None else self.numbers(g) for name, g in zip(wrt, found, strict=True)}

        return value, pull

    def gradient_of(self, function: Function, name: str) -> Function:
        """The gradient with create_graph; zeros where the value does not depend on the variable."""

        def gradient(leaves: Mapping[str, torch.Tensor]) -> torch.Tensor:
            leaf = leaves[name] if leaves[name].requires_grad else leaves[name].detach().requires_grad_()
            value = function({**leaves, name: leaf})
            if not value.requires_grad:
                return torch.zeros_like(leaf)
            ones = torch.ones_like(value)
            (found,) = torch.autograd.grad(value, [leaf], ones, create_graph=True, allow_unused=True)
            return torch.zeros_like(leaf) if found is None else found

        return gradient


def answer(record: Record) -> Iterator[Record]:
    """The value and the derivatives of the expression in a Request, with finite differences.

    Then what the framework's own checker says, if one is named.
    """
    if isinstance(record, Request):
        yield testify(PyTorch(), record)
        if record.against:
            yield checked(PyTorch(), record, _CHECKERS[record.against])


@functools.cache
def _function(name: str) -> Callable[..., Any]:
    return bind(OPERATIONS[name], "torch", torch)
