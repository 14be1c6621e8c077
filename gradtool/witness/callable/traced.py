"""A Python function as expressions of gradtool's own language, found by calling it with symbolic values.

What is traced is one run: there must be no decision on a value, nothing random, nothing in place. So a trace is only
a proposal until ``disagreement`` has compared it with the function's own numbers at the points that are checked.
"""

from __future__ import annotations

import functools
import inspect
import keyword
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradtool.problem import ProblemError
from gradtool.target.dtype import FORMATS, rounded
from gradtool.target.expression import parse
from gradtool.target.inference import label_variables
from gradtool.target.operations import OPERATIONS
from gradtool.values import Shape, Value, flat, shape_of
from gradtool.witness.callable.recorder import Recorder, Untraceable
from gradtool.witness.callable.symbol import Symbol
from gradtool.witness.testimony import Floats, Framework
from gradtool.witness.walk import bind, compile_tree, evaluate

__all__ = ["NotTraced", "Traced", "disagreement", "run"]

ROUNDS = 8
"""Runs with random rounding; the chance that none of them moves a result as far as rounding does is small."""

REACH = 8.0
"""How many times farther than random rounding two orders of the same operations may part."""

_EXACT = {"negative"} | {
    row.name for row in OPERATIONS.values()
    if row.group in ("step", "choice", "condition", "array") and row.name not in ("matmul", "dot")
}  # fmt: skip
"""Operations that do not round."""


@dataclass(frozen=True, slots=True)
class Traced:
    """One expression for each differentiable output, and the arrays that the function brings along, by name."""

    expressions: list[str]
    constants: dict[str, Value]


@dataclass(frozen=True, slots=True)
class NotTraced:
    """Why a function is no expression: ``reason`` goes on after "it", as in "calls torch.cumprod, which ..."."""

    reason: str


def run(
    function: Callable[..., Any],
    inputs: Mapping[str, Shape],
    fixed: Mapping[str, Any],
    recorder: Callable[[], Recorder],
    held: Sequence[str] = (),
) -> Traced | NotTraced:
    """Call ``function`` twice with a symbolic value for each of ``inputs``, and read what it gives.

    Arguments go by name where the function has these names, otherwise by position in the order of ``inputs``. Names in
    ``held`` are inputs that the function reaches by itself.
    """
    first = _once(function, inputs, fixed, recorder(), held)
    if isinstance(first, Traced) and _once(function, inputs, fixed, recorder(), held) != first:
        return NotTraced("is another function at its second call: it is random, or keeps a state")
    return first


def _once(
    function: Callable[..., Any],
    inputs: Mapping[str, Shape],
    fixed: Mapping[str, Any],
    recorder: Recorder,
    held: Sequence[str],
) -> Traced | NotTraced:
    for name in (*inputs, *held):
        if not name.isidentifier() or keyword.iskeyword(name) or name == "inf":
            return NotTraced(f"has an input called {name!r}, which is no name in an expression")
    recorder.inputs = (*inputs, *held)
    symbols = {name: recorder.variable(name, tuple(shape)) for name, shape in inputs.items()}
    try:
        found = [symbol for symbol in _leaves(_called(function, {**symbols, **fixed})) if _counts(recorder, symbol)]
        if recorder.refusals:
            return NotTraced(recorder.refusals[0])
        told = [recorder.number_of(symbol.part).text for symbol in found]
    except Untraceable as error:
        return NotTraced((recorder.refusals or [str(error)])[0])
    except RecursionError:
        return NotTraced("calls itself without end, or nests too deep")
    except Exception as error:  # noqa: BLE001  # the user's function may raise anything
        first = str(error).strip().split("\n")[0]
        return NotTraced(f"stops on symbolic values with {type(error).__name__}: {first}")
    return _read(told, {*recorder.inputs, *recorder.constants}, recorder.constants)


def _read(told: list[str], names: set[str], constants: dict[str, Value]) -> Traced | NotTraced:
    if not told:
        return NotTraced("gives nothing that depends on its inputs")
    try:
        used = {name for text in told for name in parse(text, names).variables}
    except ProblemError as error:
        return NotTraced(f"is no expression: {error.problems[0].message}")
    return Traced(told, {name: value for name, value in constants.items() if name in used})


def _called(function: Callable[..., Any], values: Mapping[str, Any]) -> Any:
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return function(*values.values())
    named = {one.name for one in parameters if one.kind in (one.POSITIONAL_OR_KEYWORD, one.KEYWORD_ONLY)}
    if set(values) <= named or any(one.kind is one.VAR_KEYWORD for one in parameters):
        return function(**values)
    return function(*values.values())


def _leaves(value: Any) -> Iterator[Any]:
    """The outputs in the order in which a list, a tuple or a dictionary holds them."""
    if isinstance(value, list | tuple):
        for one in value:
            yield from _leaves(one)
    elif isinstance(value, Mapping):
        yield from _leaves(list(value.values()))
    else:
        yield value


def _counts(recorder: Recorder, value: Any) -> bool:
    """Whether an output is a differentiable one; raises Untraceable for a tensor that no input leads to."""
    if isinstance(value, Symbol):
        return not value.part.logical and all(value is not one for one in recorder.left_out)
    array = None if value is None or isinstance(value, str | bool | int | float) else recorder.array(value)
    if array is not None and array.dtype.kind == "f":
        raise Untraceable("gives a tensor that does not depend on its inputs")
    return False


# ---- whether a trace is one


def disagreement(
    framework: Framework,
    module: object,
    trace: Traced,
    point: Mapping[str, NDArray[Any]],
    outputs: Sequence[NDArray[Any]],
    dtype: str = "float64",
) -> str:
    """Where ``trace``, run by the framework at ``point``, differs from the function's own ``outputs``; else empty.

    How far rounding may move a result is found by running the trace with random rounding: each operation that rounds
    is moved by one unit up or down (Monte Carlo arithmetic, Parker 1997), ``ROUNDS`` times, from fixed seeds.
    ``module`` is the framework itself. Cost: nine runs of the trace.
    """
    if len(outputs) != len(trace.expressions):
        return f"the function gives {len(outputs)} outputs, the trace {len(trace.expressions)}"
    for place, (text, wanted) in enumerate(zip(trace.expressions, outputs, strict=True)):
        runner = _Runner(framework, module, text, trace, point, dtype)
        value = runner.value(None)
        own = np.asarray(wanted, dtype=np.float64)
        if value.shape != own.shape:
            return f"output {place} has the shape {own.shape}, the trace {value.shape}"
        with np.errstate(all="ignore"):
            moved = [np.abs(runner.value(np.random.default_rng(seed)) - value) for seed in range(ROUNDS)]
            unit = FORMATS[dtype].unit
            bar = REACH * (np.fmax.reduce([*moved, np.zeros_like(value)]) + unit * np.abs(value) + FORMATS[dtype].least)
            alike = (np.abs(value - own) <= bar) | (value == own) | (np.isnan(value) & np.isnan(own))
        if not alike.all():
            worst = tuple(int(one) for one in np.argwhere(~alike)[0])
            return f"output {place} is {own[worst]:g} by the function and {value[worst]:g} by the trace, at {worst}"
    return ""


class _Runner:
    """One expression of a trace, and the framework's tensors that it is run on."""

    def __init__(
        self, framework: Framework, module: object, text: str, trace: Traced, point: Mapping[str, NDArray[Any]],
        dtype: str,
    ) -> None:  # fmt: skip
        self.framework, self.module, self.dtype = framework, module, dtype
        values = {name: np.asarray(value, dtype=np.float64) for name, value in point.items()}
        for name, value in trace.constants.items():
            values[name] = np.reshape(flat(value), shape_of(value))
        expression = parse(text, values)
        labels = label_variables(expression)
        self.steps = compile_tree(expression.tree, framework.name, {name: one.shape for name, one in values.items()})
        self.leaves = {name: framework.tensor(values[name], "int64" if name in labels else dtype)
                       for name in expression.variables}  # fmt: skip

    def value(self, random: np.random.Generator | None) -> Floats:
        """The value as the framework rounds it, or with every operation moved at random."""

        def column(name: str) -> Callable[..., Any]:
            function = _function(name, self.framework.name, self.module)
            if random is None or name in _EXACT:
                return function
            return lambda *given, **options: self._moved(function(*given, **options), random)

        made = evaluate(self.steps, column, self.leaves, self._number)
        return self.framework.numbers(made)

    def _moved(self, value: Any, random: np.random.Generator) -> Any:
        signs = random.choice((-1.0, 1.0), size=tuple(value.shape))
        return value * self.framework.tensor(1.0 + 2 * FORMATS[self.dtype].unit * signs, self.dtype)

    def _number(self, value: float) -> Any:
        return self.framework.tensor(rounded(value, self.dtype), self.dtype)


@functools.cache
def _function(name: str, framework: str, module: object) -> Callable[..., Any]:
    return bind(OPERATIONS[name], framework, module)
