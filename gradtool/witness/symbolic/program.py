"""Array steps as steps on single numbers, so that one exact walk serves numbers and arrays alike.

Every entry of a variable becomes a variable of its own, called by its label (``x[0]``). Views cost nothing; a sum, a
maximum and a matrix product's inner sum stay one step each, with as many arguments as they have terms.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradtool.values import Shape, Value, flat, indices, label
from gradtool.witness.walk import COPY, Step

__all__ = ["GATHERED", "MAX_STEPS", "Places", "Program", "TooLargeError", "scalar_program", "weighed"]

MAX_STEPS = 40_000
"""Most steps on single numbers that are walked one by one."""

GATHERED = ("sum", "amax", "amin", "_top")
"""Steps with any number of arguments."""

Places = NDArray[np.int64]
"""For each entry of an array the step that computes it."""


class TooLargeError(ArithmeticError):
    """The expression has more steps on single numbers than can be walked one by one."""


@dataclass(frozen=True, slots=True)
class Program:
    """``outputs`` are the steps that compute the entries of the value, which has ``shape``.

    ``places`` has the steps of every array step's entries, where array steps had to be taken apart.
    """

    steps: list[Step]
    outputs: list[int]
    shape: Shape
    places: list[Places] = field(default_factory=list)


def scalar_program(steps: Sequence[Step], point: Mapping[str, Value]) -> Program:
    """``steps``, made of primitive rows only, as a Program. Raises TooLargeError."""
    if all(not step.shape and step.operation not in _EXPANSIONS for step in steps):
        return Program(list(steps), [len(steps) - 1], ())
    return _Builder(point).program(steps)


def weighed(program: Program, upstream: Value | None) -> tuple[list[Step], int]:
    """The steps of ``program`` and the place of the sum of its outputs, each times its upstream gradient."""
    steps, outputs = list(program.steps), program.outputs
    if not program.shape and upstream is None:
        return steps, outputs[0]
    weights = [1.0] * len(outputs) if upstream is None else flat(upstream)
    terms = []
    for weight, place in zip(weights, outputs, strict=True):
        if weight == 1:
            terms.append(place)
        elif weight:
            steps.append(Step(steps[place].span, value=weight))
            steps.append(Step(steps[place].span, "multiply", (len(steps) - 1, place)))
            terms.append(len(steps) - 1)
    zero = Step(steps[-1].span, inlined=True)  # where every upstream gradient is 0
    steps.append(Step(steps[-1].span, "sum", tuple(terms)) if terms else zero)
    return steps, len(steps) - 1


class _Builder:
    def __init__(self, point: Mapping[str, Value]) -> None:
        self.point = point
        self.made: list[Step] = []

    def program(self, steps: Sequence[Step]) -> Program:
        """Expand one step after the other."""
        values: list[Places] = []
        for step in steps:
            arguments = [values[place] for place in step.arguments]
            if len(self.made) + math.prod(step.shape) > MAX_STEPS:
                raise TooLargeError
            expand = _EXPANSIONS.get(step.operation, _Builder.elementwise)
            values.append(expand(self, step, arguments))
        last = values[-1]
        return Program(self.made, [int(place) for place in last.ravel()], last.shape, values)

    def add(self, step: Step, operation: str, arguments: Sequence[int], name: str = "") -> int:
        """A new step on single numbers that stems from ``step``."""
        if len(self.made) >= MAX_STEPS:
            raise TooLargeError
        plain = tuple(int(place) for place in arguments)
        new = replace(step, operation=operation, arguments=plain, options=(), shape=(), name=name or step.name)
        self.made.append(new)
        return len(self.made) - 1

    def elementwise(self, step: Step, arguments: list[Places]) -> Places:
        """A variable, a number, or a row that works number by number, with its arguments stretched."""
        if step.operation == "variable":
            names = [label(step.name, index) for index in indices(step.shape)]
            return np.array([self.add(step, "variable", (), name) for name in names]).reshape(step.shape)
        if not step.operation:
            return np.array(self.add(step, "", ()))
        stretched = [np.broadcast_to(argument, step.shape).ravel() for argument in arguments]
        made = [self.add(step, step.operation, places) for places in zip(*stretched, strict=True)]
        return np.array(made, dtype=np.int64).reshape(step.shape)

    def reduced(self, step: Step, arguments: list[Places]) -> Places:
        """A sum or an extreme: one step for each entry of the result."""
        made = [
            int(row[0]) if len(row) == 1 and step.operation != "_top" else self.add(step, step.operation, row)
            for row in _rows(arguments[0], dict(step.options)["axis"])
        ]
        return np.array(made, dtype=np.int64).reshape(step.shape)

    def copied(self, step: Step, arguments: list[Places]) -> Places:
        """Each entry once more: a sum of one term, which rounds nothing."""
        made = [self.add(step, "sum", [place]) for place in arguments[0].ravel().tolist()]
        return np.array(made, dtype=np.int64).reshape(step.shape)

    def product(self, step: Step, arguments: list[Places]) -> Places:
        """A product: multiplications from the left."""
        if not arguments[0].shape:
            return arguments[0]
        made = []
        for row in _rows(arguments[0], (dict(step.options)["axis"],)):
            result = int(row[0])
            for place in row[1:]:
                result = self.add(step, "multiply", (result, place))
            made.append(result)
        return np.array(made, dtype=np.int64).reshape(step.shape)

    def running(self, step: Step, arguments: list[Places]) -> Places:
        """A running sum: one addition for each entry after the first."""
        lines = np.moveaxis(arguments[0], dict(step.options)["axis"], 0).copy()
        for place in range(1, len(lines)):
            pairs = zip(lines[place - 1].ravel(), lines[place].ravel(), strict=True)
            lines[place] = np.array([self.add(step, "add", pair) for pair in pairs]).reshape(lines[place].shape)
        return np.moveaxis(lines, 0, dict(step.options)["axis"])

    def matmul(self, step: Step, arguments: list[Places]) -> Places:
        """Each entry: the products of a row and a column, and their sum."""
        left = arguments[0] if arguments[0].ndim > 1 else arguments[0][None, :]
        right = arguments[1] if arguments[1].ndim > 1 else arguments[1][:, None]
        batch = np.broadcast_shapes(left.shape[:-2], right.shape[:-2])
        left = np.broadcast_to(left, batch + left.shape[-2:])
        right = np.broadcast_to(right, batch + right.shape[-2:])
        made = []
        for index in np.ndindex(*batch, left.shape[-2], right.shape[-1]):
            row, column = left[(*index[:-2], index[-2])], right[(*index[:-2], slice(None), index[-1])]
            products = [self.add(step, "multiply", pair) for pair in zip(row, column, strict=True)]
            made.append(products[0] if len(products) == 1 else self.add(step, "sum", products))
        return np.array(made, dtype=np.int64).reshape(step.shape)

    def view(self, step: Step, arguments: list[Places]) -> Places:
        """The same entries in another order or shape."""
        options: dict[str, Any] = dict(step.options)
        match step.operation:
            case "transpose":
                return np.transpose(arguments[0], options["axes"])
            case "reshape":
                return arguments[0].reshape(options["shape"])
            case "index":
                return np.asarray(arguments[0][options["key"]])
            case "_pick":
                # The labels are a variable: its value says which entries are meant.
                labels = [
                    int(number) for number in flat(self.point[self.made[arguments[1].ravel()[0]].name.split("[")[0]])
                ]
                rows = arguments[0].reshape(len(labels), -1)
                return rows[range(len(labels)), labels].reshape(step.shape)
        return np.stack(arguments)


def _rows(places: Places, axes: tuple[int, ...]) -> Places:
    """One row for each entry of the result, holding the entries that are reduced to it."""
    kept = [axis for axis in range(places.ndim) if axis not in axes]
    count = math.prod(places.shape[axis] for axis in axes)
    return np.transpose(places, (*kept, *axes)).reshape(-1, count)


_EXPANSIONS: Mapping[str, Any] = {
    **dict.fromkeys(GATHERED, _Builder.reduced),
    **dict.fromkeys(("transpose", "reshape", "index", "stack", "_pick"), _Builder.view),
    COPY: _Builder.copied,
    "prod": _Builder.product,
    "cumsum": _Builder.running,
    "matmul": _Builder.matmul,
}
