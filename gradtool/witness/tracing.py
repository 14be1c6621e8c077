"""What a framework keeps of every node of an expression's tree, whichever framework it is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy as np

from gradtool.evidence import Request, Trace
from gradtool.target.expression import parse
from gradtool.target.inference import label_variables
from gradtool.values import Array, Value, flat, shape_of
from gradtool.witness.testimony import Floats
from gradtool.witness.walk import Step, compile_marked

__all__ = ["Kept", "Tracer", "trace"]

Kept = tuple[list[Floats], list[Floats | None], list[str]]
"""For each step its value, its retained gradient (None where there is none), and the framework's name for it."""


class Tracer(Protocol):
    """What a framework's room provides."""

    name: str

    def tensor(self, value: Any, dtype: str) -> Any:
        """A tensor of ``value``; of ``int64`` for class labels."""

    def kept(self, steps: Sequence[Step], leaves: Mapping[str, Any], request: Request, upstream: Floats | None) -> Kept:
        """One forward pass that remembers every step, and one backward pass from ``upstream``, or from ones."""


def trace(framework: Tracer, request: Request) -> Trace:
    """The nodes of ``request.expression`` in the order of evaluation, as one run of the framework leaves them."""
    expression = parse(request.expression, request.point)
    labels = label_variables(expression)
    shapes = {name: shape_of(value) for name, value in request.point.items()}
    steps, marks = compile_marked(expression.tree, framework.name, shapes)
    leaves = {
        name: framework.tensor(_array(value), "int64" if name in labels else request.dtype)
        for name, value in request.point.items()
    }
    upstream = None if request.upstream is None else _array(request.upstream)
    values, gradients, names = framework.kept(steps, leaves, request, upstream)
    return Trace(
        request.key,
        framework.name,
        [_value(values[mark]) for mark in marks],
        [None if (gradient := gradients[mark]) is None else _value(gradient) for mark in marks],
        [names[mark] for mark in marks],
    )


def _array(value: Value) -> Floats:
    return np.array(flat(value), dtype=np.float64).reshape(shape_of(value))


def _value(array: Floats) -> Value:
    return Array.of(array.shape, array.ravel().tolist()) if array.shape else float(array)
