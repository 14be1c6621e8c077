"""What a framework keeps of every node of an expression's tree, whichever framework it is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from gradtool.evidence import Request, Trace
from gradtool.witness.testimony import Case, Floats, Framework, array_of, value_of
from gradtool.witness.walk import Step, compile_marked

__all__ = ["Kept", "Tracer", "trace"]

Kept = tuple[list[Floats], list[Floats | None], list[str]]
"""For each step its value, its retained gradient (None where there is none), and the framework's name for it."""


class Tracer(Framework, Protocol):
    """A framework that can also keep what it computes on the way."""

    def kept(self, steps: Sequence[Step], leaves: Mapping[str, Any], request: Request, upstream: Floats | None) -> Kept:
        """One forward pass that remembers every step, and one backward pass from ``upstream``, or from ones."""


def trace(framework: Tracer, request: Request) -> Trace:
    """The nodes of ``request.expression`` in the order of evaluation, as one run of the framework leaves them."""
    case = Case(framework, request)
    steps, marks = compile_marked(case.tree, framework.name, case.shapes)
    upstream = None if request.upstream is None else array_of(request.upstream)
    leaves = case.leaves(case.arrays)
    values, gradients, names = framework.kept(steps, leaves, request, upstream)
    return Trace(
        request.key,
        framework.name,
        [value_of(values[mark]) for mark in marks],
        [None if (gradient := gradients[mark]) is None else value_of(gradient) for mark in marks],
        [names[mark] for mark in marks],
    )
