"""A symbolic value: what a traced function gets in place of a tensor, and gives back with all that was done to it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NoReturn

from gradtool.witness.callable.part import Part
from gradtool.witness.callable.recorder import Recorder, Untraceable

__all__ = ["Symbol"]

_OPERATORS = {
    "add": "add", "sub": "subtract", "mul": "multiply", "truediv": "divide", "floordiv": "floor_divide",
    "mod": "remainder", "pow": "pow", "matmul": "matmul",
}  # fmt: skip
_COMPARISONS = {
    "lt": "less", "le": "less_equal", "gt": "greater", "ge": "greater_equal", "eq": "equal", "ne": "not_equal",
    "and": "logical_and", "or": "logical_or", "rand": "logical_and", "ror": "logical_or",
}  # fmt: skip
_ALONE = {"neg": "negative", "abs": "abs", "invert": "logical_not"}
_NUMBERS = {"float": "float(x)", "int": "int(x)", "index": "a value as a whole number", "complex": "complex(x)",
            "round": "round(x)", "trunc": "math.trunc(x)"}  # fmt: skip
_UFUNCS = {
    "add": "add", "subtract": "subtract", "multiply": "multiply", "divide": "divide", "true_divide": "divide",
    "power": "pow", "matmul": "matmul", "less": "less", "less_equal": "less_equal", "greater": "greater",
    "greater_equal": "greater_equal", "equal": "equal", "not_equal": "not_equal",
}  # fmt: skip


class Symbol:
    """An array of which only the shape is known; ``part`` is its text. Whatever asks for its numbers is refused."""

    __hash__ = object.__hash__

    def __init__(self, recorder: Recorder, part: Part) -> None:
        self.recorder, self.part = recorder, part

    def __pos__(self) -> Any:
        return self

    def __bool__(self) -> bool:
        text = self.part.text
        told = f"decides on a value: if {text if len(text) <= 60 else text[:57] + '...'}"
        self.recorder.refusals.append(told)
        raise Untraceable(told)

    def __array_ufunc__(self, ufunc: Any, method: str, *given: Any, **_: Any) -> Any:
        """What NumPy does with an array on the left of an operator; its functions are no part of any framework."""
        known = _UFUNCS.get(ufunc.__name__)
        if known is None or method != "__call__" or len(given) != 2:
            raise Untraceable(f"calls NumPy's {ufunc.__name__} on a value")
        return self.recorder.record(known, *given)

    def __array__(self, *_: object, **__: object) -> NoReturn:
        raise Untraceable("turns a value into a NumPy array or a constant")

    def __len__(self) -> int:
        if not self.part.shape:
            raise Untraceable("makes a new array of values, or asks for the length of a single number")
        return self.part.shape[0]

    def __iter__(self) -> Iterator[Any]:
        return (self[place] for place in range(len(self)))

    def __getitem__(self, key: Any) -> Any:
        if getattr(getattr(key, "part", None), "logical", False):
            raise Untraceable("picks entries by a condition, so that the shape depends on values")
        return self if key == () else self.recorder.record("index", self, key=self.recorder.key(key))

    def __setitem__(self, key: Any, value: Any) -> None:
        raise Untraceable("writes into an array in place: x[...] = ...")

    def __contains__(self, item: Any) -> bool:
        raise Untraceable("decides on a value: whether an array holds it")

    def __repr__(self) -> str:
        return f"<{self.part.text}, traced>"


def _forward(operation: str) -> Callable[[Symbol, Any], Any]:
    return lambda self, other: self.recorder.record(operation, self, other)


def _backward(operation: str) -> Callable[[Symbol, Any], Any]:
    return lambda self, other: self.recorder.record(operation, other, self)


def _single(operation: str) -> Callable[[Symbol], Any]:
    return lambda self: self.recorder.record(operation, self)


def _refused(told: str) -> Callable[..., NoReturn]:
    def refuse(*_: object) -> NoReturn:
        raise Untraceable(f"asks for the number that a value is: {told}")

    return refuse


for _name, _operation in {**_OPERATORS, **_COMPARISONS}.items():
    setattr(Symbol, f"__{_name}__", _forward(_operation))
for _name, _operation in _OPERATORS.items():
    setattr(Symbol, f"__r{_name}__", _backward(_operation))
for _name, _operation in _ALONE.items():
    setattr(Symbol, f"__{_name}__", _single(_operation))
for _name, _operation in _NUMBERS.items():
    setattr(Symbol, f"__{_name}__", _refused(_operation))
