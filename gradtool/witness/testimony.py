"""What a framework testifies about an expression, whichever framework it is: autodiff, and differences beside it.

A framework's room gives four things (``Framework``); what is asked of them is the same for both: a gradient is one
vector-Jacobian product, a Jacobian one for each output, a Hessian the Jacobian of a gradient, and a derivative of
order n the gradient of that of order n - 1.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from gradtool.evidence import Autodiff, Difference, Request, Survey
from gradtool.target.expression import parse
from gradtool.target.operations import OPERATIONS
from gradtool.values import Array, Index, Value, coordinates, indices, labels
from gradtool.witness.directional.differences import along_directions
from gradtool.witness.finite_difference import differences
from gradtool.witness.walk import Step, compile_tree, is_vast

__all__ = ["Case", "Floats", "Framework", "Function", "array_of", "testify", "value_of"]

Floats = NDArray[np.float64]
Function = Callable[[Mapping[str, Any]], Any]
"""A differentiable function from named tensors to a tensor."""

DIFFERENCED = 16
"""Derivatives up to this number get a finite difference each; more of them are looked at along random directions."""


LONG_ENOUGH = ("float64", "float32")
"""The dtypes in which a segment can be long beside the rounding of its ends."""

_OF_ARRAYS = {name for name, row in OPERATIONS.items() if row.shape != "broadcast"}
"""Operations that would mistake many points for one array."""


class Framework(Protocol):
    """What a framework's room provides."""

    name: str
    version: str

    def tensor(self, value: Any, dtype: str) -> Any:
        """A tensor of ``value``; of ``int64`` for class labels."""

    def numbers(self, tensor: Any) -> Floats:
        """The tensor's numbers as float64."""

    def run(self, steps: Sequence[Step], leaves: Mapping[str, Any], dtype: str) -> Any:
        """The value of ``steps``."""

    def pullback(
        self, function: Function, leaves: Mapping[str, Any], wrt: Sequence[str]
    ) -> tuple[Any, Callable[[Floats], dict[str, Floats | None]]]:
        """The value of ``function``, and what takes an upstream gradient to the gradients by the names in ``wrt``."""

    def gradient_of(self, function: Function, name: str) -> Function:
        """The gradient of the sum of ``function`` by one variable, as a function that can be differentiated again."""


def testify(framework: Framework, request: Request) -> Autodiff:
    """The value and the derivatives that ``request`` asks for, with finite differences of the same function."""
    began = time.perf_counter()
    case = Case(framework, request)
    value, derivatives = case.derivatives()
    vast = is_vast(case.steps) and request.mode == "gradient" and request.dtype in LONG_ENOUGH
    bars = [] if vast else case.differences(derivatives)
    survey = case.survey(derivatives) if vast else None
    seconds = time.perf_counter() - began
    return Autodiff(request.key, framework.name, framework.version, value, derivatives, bars, seconds, survey)


class Case:
    """One request, with the steps that the framework runs for its expression."""

    def __init__(self, framework: Framework, request: Request) -> None:
        self.framework, self.request = framework, request
        self.tree = parse(request.expression, request.point).tree
        self.arrays = {name: array_of(value) for name, value in request.point.items()}
        self.shapes = {name: array.shape for name, array in self.arrays.items()}
        self.steps = compile_tree(self.tree, framework.name, self.shapes)
        self.labels = {
            self.steps[step.arguments[1]].name
            for step in self.steps
            if step.operation in OPERATIONS and "labels" in OPERATIONS[step.operation].parameters
        }

    def leaves(self, arrays: Mapping[str, Floats]) -> dict[str, Any]:
        """The point as tensors."""
        dtype = self.request.dtype
        return {
            name: self.framework.tensor(array, "int64" if name in self.labels else dtype)
            for name, array in arrays.items()
        }

    def function(self, leaves: Mapping[str, Any]) -> Any:
        """The expression itself."""
        return self.framework.run(self.steps, leaves, self.request.dtype)

    def weights(self, shape: tuple[int, ...]) -> Floats:
        """The upstream gradient of a value of ``shape``: the one asked for, or ones."""
        return np.ones(shape) if self.request.upstream is None else array_of(self.request.upstream)

    def derivatives(self) -> tuple[Value, dict[str, Value | None]]:
        """The value, and every derivative asked for."""
        request, leaves = self.request, self.leaves(self.arrays)
        tensor, pull = self.framework.pullback(self.function, leaves, request.wrt)
        value = self.framework.numbers(tensor)
        match request.mode:
            case "jacobian":
                found = _stacked(pull, value.shape, self.arrays, request.wrt, request.wrt)
            case "hessian":
                found = {}
                for name in request.wrt:
                    gradient = self.framework.gradient_of(self.function, name)
                    _, pull = self.framework.pullback(gradient, leaves, request.wrt)
                    names = [f"{name},{other}" for other in request.wrt]
                    found |= _stacked(pull, self.arrays[name].shape, self.arrays, request.wrt, names)
            case "orders":
                found = self._orders(leaves)
            case _:
                gradients = pull(self.weights(value.shape))
                found = {name: None if g is None else value_of(g) for name, g in gradients.items()}
        return value_of(value), found

    def _orders(self, leaves: Mapping[str, Any]) -> dict[str, Value | None]:
        found: dict[str, Value | None] = {}
        for name in self.request.wrt:
            function: Function = self.function
            for order in range(1, self.request.order + 1):
                _, pull = self.framework.pullback(function, leaves, [name])
                gradient = pull(np.ones(()))[name]
                found[",".join([name] * order)] = None if gradient is None else value_of(gradient)
                function = self.framework.gradient_of(function, name)
        return found

    # ---- finite differences

    def differences(self, found: Mapping[str, Value | None]) -> list[Difference]:
        """Differences of the framework's own function: one a derivative, or some along random directions."""
        request = self.request
        if request.mode == "gradient":
            return self._differenced(self.function, {name: name for name in request.wrt}, found, weighed=True)
        if request.mode == "jacobian":
            return self._differenced(self.function, {name: name for name in request.wrt}, found)
        bars: list[Difference] = []
        for key in found:
            *before, last = key.split(",")
            function: Function = self.function
            for name in before:
                function = self.framework.gradient_of(function, name)
            bars += self._differenced(function, {last: key}, found)
        return bars

    def survey(self, found: Mapping[str, Value | None]) -> Survey:
        """The whole gradient along random directions, and where that disagrees, a search for what is wrong."""
        from gradtool.witness.directional.survey import surveyed  # noqa: PLC0415  # 20 ms that few runs need

        many = _Many(self, self.function, {}, weighed=True)
        wrt = self.request.wrt
        fixed = {name: array for name, array in self.arrays.items() if name not in wrt}
        point = {name: self.arrays[name] for name in wrt}

        def value(at: Mapping[str, Floats]) -> float:
            return float(many.moved({**fixed, **at})[0])

        def gradient(at: Mapping[str, Floats]) -> dict[str, Floats | None]:
            tensor, pull = self.framework.pullback(self.function, self.leaves({**fixed, **at}), wrt)
            return pull(self.weights(self.framework.numbers(tensor).shape))

        claims = {name: None if value is None else array_of(value) for name, value in found.items()}
        return surveyed(value, gradient, claims, point, self.request.dtype, self.request.seed)

    def _differenced(
        self, function: Function, names: Mapping[str, str], found: Mapping[str, Value | None], *, weighed: bool = False
    ) -> list[Difference]:
        """Differences of ``function`` along the variables ``names``, which are called otherwise in ``found``.

        Each output is looked at by itself; with ``weighed`` their sum, weighed by the upstream gradient.
        """
        claims = {name: self._claims(name, found[key], weighed=weighed) for name, key in names.items()}
        point = {name: self.request.point[name] for name in names}
        many = _Many(self, function, labels(point), weighed=weighed)
        if sum(claim.size for claim in claims.values()) > DIFFERENCED:
            return along_directions(many.moved, self.arrays, claims, self.request) if weighed else []
        columns = [column for name in names for column in claims[name].T]
        claimed = dict(zip(many.places, columns, strict=True))
        bars = differences(many.along, coordinates(point), claimed, self.request.dtype)
        outputs = list(indices(many.shape)) if not weighed else [()]
        return [
            replace(bar, variable=names[name], index=(*output, *index))
            for (name, index), row in zip(many.places.values(), bars.values(), strict=True)
            for output, bar in zip(outputs, row, strict=True)
        ]

    def _claims(self, name: str, value: Value | None, *, weighed: bool) -> Floats:
        """What autodiff claims by one variable, with an axis for the outputs before those of the variable."""
        size = self.arrays[name].size
        if value is None:
            return np.zeros((1, size))
        return array_of(value).reshape(1 if weighed else -1, size)


class _Many:
    """A function at many points: all at once where every variable is a single number, else one by one.

    ``places`` are the coordinates that move, by their labels.
    """

    def __init__(
        self, case: Case, function: Function, places: Mapping[str, tuple[str, Index]], *, weighed: bool
    ) -> None:
        self.case, self.function, self.places, self.weighed = case, function, places, weighed
        self.shape: tuple[int, ...] = ()
        self.scalar = all(step.operation not in _OF_ARRAYS and not step.shape for step in case.steps)

    def along(self, columns: Mapping[str, Floats]) -> Floats:
        """The outputs (points x outputs) where the coordinates by their labels have the values in ``columns``."""
        base = self.case.arrays
        if self.scalar:
            length = len(next(iter(columns.values())))
            points = {name: columns.get(name, np.full(length, array)) for name, array in base.items()}
            outputs = np.broadcast_to(self._numbers(points), (length,)).reshape(-1, 1)
            return outputs * self.case.weights(()) if self.weighed else outputs
        rows = []
        for numbers in zip(*columns.values(), strict=True):
            arrays = dict(base)
            for place, number in zip(columns, numbers, strict=True):
                name, index = self.places[place]
                if arrays[name] is base[name] and number != base[name][index]:
                    arrays[name] = base[name].copy()
                if arrays[name] is not base[name]:
                    arrays[name][index] = number
            rows.append(self.moved(arrays))
        return np.stack(rows)

    def moved(self, arrays: Mapping[str, Floats]) -> Floats:
        """The outputs at one point; with an upstream gradient their weighed sum."""
        outputs = self._numbers(arrays)
        self.shape = outputs.shape
        if not self.weighed:
            return outputs.ravel()
        weights = self.case.weights(outputs.shape)
        return np.array([np.sum(np.where(weights == 0, 0, weights * outputs))])

    def _numbers(self, arrays: Mapping[str, Floats]) -> Floats:
        """The function beside the point; NaN where PyTorch refuses it, as binary_cross_entropy outside of [0, 1]."""
        try:
            return self.case.framework.numbers(self.function(self.case.leaves(arrays)))
        except RuntimeError:
            return np.full(self.case.steps[-1].shape, np.nan)


def _stacked(
    pull: Callable[[Floats], dict[str, Floats | None]], shape: tuple[int, ...], arrays: Mapping[str, Floats],
    wrt: Sequence[str], names: Sequence[str],
) -> dict[str, Value | None]:  # fmt: skip
    """The Jacobian, one vector-Jacobian product for each output; None where no output depends on the variable."""
    rows: dict[str, list[Floats | None]] = {name: [] for name in wrt}
    for place in range(math.prod(shape)):
        one = np.zeros(math.prod(shape))
        one[place] = 1
        for name, row in pull(one.reshape(shape)).items():
            rows[name].append(row)
    found: dict[str, Value | None] = {}
    for name, key in zip(wrt, names, strict=True):
        if all(row is None for row in rows[name]):
            found[key] = None
            continue
        filled = [np.zeros(arrays[name].shape) if row is None else row for row in rows[name]]
        found[key] = value_of(np.stack(filled).reshape((*shape, *arrays[name].shape)))
    return found


def array_of(value: Value) -> Floats:
    """A value's numbers as an array."""
    if isinstance(value, Array):
        return np.frombuffer(value.data, dtype=np.float64).reshape(value.shape)
    return np.asarray(value, dtype=np.float64)


def value_of(array: Floats) -> Value:
    """An array as a value that crosses process borders."""
    return Array.of(array.shape, array.ravel().tolist()) if array.shape else float(array)
