"""PyTorch's own table of operations with its sample inputs, each as a function of arrays and its gradient.

The table (`torch.testing._internal.common_methods_invocations.op_db`) imports `expecttest`, of which it needs one class
that nothing here calls; where that package is missing, unittest's class stands in for it.
"""

from __future__ import annotations

import importlib.util
import math
import sys
import types
import unittest
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch.utils._pytree import tree_flatten, tree_unflatten

SAMPLES = 2
"""Samples taken of each operation, at most."""

EXPLAINED = {
    "as_strided_scatter": "entries that the scatter overwrites still get a gradient: gradcheck fails here too",
    "bfloat16": "rounds to 16 bits inside: flat between two of its numbers, which a ladder in float64 sees",
    "chalf": "rounds to 16 bits inside",
    "digamma": "PyTorch's trigamma, which is its gradient, is off in the 12th digit",
    "half": "rounds to 16 bits inside",
    "nn.functional.hardsigmoid": "PyTorch's backward has 1/6 in float32: the gradient is 1.00000003 times the truth",
    "nn.functional.max_unpool1d": "the sample has indices twice, of which the gradient knows nothing",
    "nn.functional.max_unpool2d": "the sample has indices twice",
    "nn.functional.max_unpool3d": "the sample has indices twice",
    "normal": "a draw: mean and deviation get no gradient by design",
}
"""Operations whose gradients are not those of their functions, or not at this dtype, and why."""


def op_db() -> list[Any]:
    """The operations that are differentiable in float64."""
    if importlib.util.find_spec("expecttest") is None:
        stand_in = types.ModuleType("expecttest")
        stand_in.TestCase = unittest.TestCase  # type: ignore[attr-defined]
        sys.modules["expecttest"] = stand_in
    from torch.testing._internal.common_methods_invocations import op_db as table  # noqa: PLC0415  # 6 s

    return [op for op in table if op.supports_autograd and torch.float64 in op.dtypes]


def floats(tensor: torch.Tensor) -> Any:
    """The numbers of a tensor; complex ones as pairs, on a last axis of 2."""
    tensor = torch.zeros_like(tensor) if tensor._is_zerotensor() else tensor.detach().to_dense()
    tensor = torch.view_as_real(tensor.resolve_conj()) if tensor.is_complex() else tensor
    return np.array(tensor.to(torch.float64).numpy())


def tensor_like(array: Any, like: torch.Tensor) -> torch.Tensor:
    """And back, in the dtype of another tensor."""
    tensor = torch.from_numpy(np.array(array))
    return (torch.view_as_complex(tensor.contiguous()) if like.is_complex() else tensor).to(like.dtype)


@dataclass
class Sample:
    """One operation at one sample input; ``point`` holds every tensor that wants a gradient."""

    name: str
    function: Any
    leaves: list[Any]
    spec: Any

    def __post_init__(self) -> None:
        self.places = {
            f"x{n}": n for n, leaf in enumerate(self.leaves) if isinstance(leaf, torch.Tensor) and leaf.requires_grad
        }
        self.point = {name: floats(self.leaves[n]) for name, n in self.places.items()}
        self.kept = [n for n, output in enumerate(self._run(self.inputs(self.point))) if output.requires_grad]
        draw = np.random.default_rng(5)
        shapes = [floats(output).shape for output in self.outputs(self.inputs(self.point))]
        self.upstream = [np.array(draw.choice([-1.0, 1.0], s) * draw.uniform(0.5, 1, s)) for s in shapes]

    def inputs(self, at: Any) -> dict[str, torch.Tensor]:
        """The point as leaves of a graph."""
        return {name: tensor_like(at[name], self.leaves[n]).requires_grad_() for name, n in self.places.items()}

    def _run(self, inputs: Any) -> list[torch.Tensor]:
        leaves = [leaf.detach().clone() if isinstance(leaf, torch.Tensor) else leaf for leaf in self.leaves]
        for name, n in self.places.items():
            leaves[n] = inputs[name]
        torch.manual_seed(0)
        return [
            one for one in tree_flatten(self.function(*tree_unflatten(leaves, self.spec)))[0] if torch.is_tensor(one)
        ]

    def outputs(self, inputs: Any) -> Sequence[torch.Tensor]:
        """The differentiable outputs, as PyTorch gives them."""
        found = self._run(inputs)
        return [found[n] for n in self.kept]

    def _weighed(self, outputs: Any) -> float:
        pairs = zip(self.upstream, outputs, strict=True)
        return float(sum(np.dot(u.ravel(), floats(output).ravel()) for u, output in pairs))

    def value(self, at: Any) -> float:
        """The outputs times a random upstream."""
        with torch.no_grad():
            return self._weighed(self.outputs(self.inputs(at)))

    def both(self, at: Any) -> Any:
        """And its gradient by PyTorch."""
        inputs = self.inputs(at)
        outputs = self.outputs(inputs)
        upstream = [tensor_like(u, output) for u, output in zip(self.upstream, outputs, strict=True)]
        found = torch.autograd.grad(outputs, list(inputs.values()), upstream, allow_unused=True)
        return self._weighed(outputs), {
            name: np.zeros_like(self.point[name]) if g is None else floats(g)
            for name, g in zip(inputs, found, strict=True)
        }

    def gradient(self, at: Any) -> Any:
        """The gradient alone."""
        return self.both(at)[1]


def samples(op: Any) -> Iterator[Sample]:
    """The first samples of an operation that have something to differentiate, and answer twice alike."""
    name = f"{op.name}.{op.variant_test_name}" if op.variant_test_name else op.name
    torch.manual_seed(1)
    given = op.sample_inputs("cpu", torch.float64, requires_grad=True)
    for _, sample in zip(range(SAMPLES), given, strict=False):
        leaves, spec = tree_flatten((sample.input, sample.args, sample.kwargs))
        if any(isinstance(leaf, torch.Tensor) and leaf.layout != torch.strided for leaf in leaves):
            continue

        def function(first: Any, rest: Any, options: Any, finish: Any = sample.output_process_fn_grad) -> Any:
            output = op.gradcheck_wrapper(op.op, first, *rest, **options)
            return finish(output) if finish else output

        one = Sample(name, function, leaves, spec)
        size = sum(array.size for array in one.point.values())
        if size and one.kept and np.array_equal(one.value(one.point), one.value(one.point), equal_nan=True):
            yield one


def spoilt(claims: Any, draw: np.random.Generator) -> tuple[str, tuple[int, ...]] | None:
    """An entry of at least a tenth of the largest, or None where all are 0 or not finite."""
    largest = max(float(np.max(np.abs(g), initial=0)) for g in claims.values())
    large = [
        (name, index) for name, g in claims.items() for index in np.ndindex(g.shape) if abs(g[index]) >= largest / 10
    ]
    return large[int(draw.integers(len(large)))] if 0 < largest < math.inf else None
