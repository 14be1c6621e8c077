"""PyTorch's testimony on an expression: reverse-mode autograd, and finite differences of its own forward function."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
import torch

from gradtool.evidence import Autodiff, Record, Request
from gradtool.target.expression import parse
from gradtool.target.operations import OPERATIONS
from gradtool.witness.finite_difference import Array, differences
from gradtool.witness.walk import Step, bind, compile_tree, evaluate

__all__ = ["answer"]

_DTYPES = {"float64": torch.float64, "float32": torch.float32}

torch.set_num_threads(1)


def answer(record: Record) -> Iterator[Record]:
    """The value and gradient of the expression in a Request, with finite differences."""
    if not isinstance(record, Request):
        return
    began = time.perf_counter()
    steps, dtype = compile_tree(parse(record.expression, record.point).tree, "torch"), _DTYPES[record.dtype]
    leaves = {
        name: torch.tensor(value, dtype=dtype, requires_grad=name in record.wrt) for name, value in record.point.items()
    }
    value = _run(steps, leaves, dtype)
    gradients: dict[str, float | None] = dict.fromkeys(record.wrt)
    if value.requires_grad:
        found = torch.autograd.grad(value, [leaves[name] for name in record.wrt], allow_unused=True)
        gradients = {name: None if g is None else g.item() for name, g in zip(record.wrt, found, strict=True)}
    bars = differences(_forward(steps, dtype), record.point, gradients, record.dtype)
    seconds = time.perf_counter() - began
    yield Autodiff(record.key, "torch", torch.__version__, value.item(), gradients, bars, seconds)


def _forward(steps: list[Step], dtype: torch.dtype) -> Callable[[Mapping[str, Array]], Array]:
    def forward(arrays: Mapping[str, Array]) -> Array:
        with torch.no_grad():
            leaves = {name: torch.from_numpy(array).to(dtype) for name, array in arrays.items()}
            values = _run(steps, leaves, dtype).to(torch.float64).numpy()
        return np.broadcast_to(values, next(iter(arrays.values())).shape)

    return forward


def _run(steps: list[Step], leaves: Mapping[str, torch.Tensor], dtype: torch.dtype) -> torch.Tensor:
    result: torch.Tensor = evaluate(steps, _function, leaves, lambda number: torch.tensor(number, dtype=dtype))
    return result


@functools.cache
def _function(name: str) -> Callable[..., Any]:
    return bind(OPERATIONS[name], "torch", torch)
