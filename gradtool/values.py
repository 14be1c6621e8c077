"""Numbers and arrays of numbers, without NumPy: what a point is made of, and what crosses process borders."""

from __future__ import annotations

import itertools
import math
from array import array
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Context, Decimal

__all__ = [
    "Array",
    "Index",
    "Shape",
    "Value",
    "coordinates",
    "decimal_text",
    "entry_label",
    "flat",
    "indices",
    "label",
    "labels",
    "number_at",
    "pair_text",
    "place_in",
    "shape_of",
    "shape_text",
    "upstream_name",
]

_PAIR = Context(prec=34)

Shape = tuple[int, ...]
Index = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Array:
    """Float64 numbers in C order (the last index runs fastest); ``shape`` has at least one axis."""

    shape: Shape
    data: array[float]

    @classmethod
    def of(cls, shape: Iterable[int], numbers: Iterable[float]) -> Array:
        """An array from its numbers in C order. Raises ValueError if there are too many or too few."""
        made = cls(tuple(shape), array("d", numbers))
        if len(made.data) != math.prod(made.shape):
            raise ValueError(f"{len(made.data)} numbers do not fill the shape {made.shape}")
        return made


Value = float | Array
"""A coordinate of a point, a gradient by one variable, or the value of a function."""


def shape_of(value: Value) -> Shape:
    """The shape; () for a number."""
    return value.shape if isinstance(value, Array) else ()


def flat(value: Value) -> Sequence[float]:
    """The numbers in C order."""
    return value.data if isinstance(value, Array) else (value,)


def indices(shape: Shape) -> Iterator[Index]:
    """Every index of an array of ``shape``, in C order; for a number the empty one."""
    return itertools.product(*map(range, shape))


def place_in(shape: Shape, index: Index) -> int:
    """Where the entry at ``index`` stands in C order."""
    place = 0
    for length, part in zip(shape, index, strict=True):
        place = place * length + part
    return place


def number_at(value: Value, index: Index) -> float:
    """One number of a value."""
    return flat(value)[place_in(shape_of(value), index)]


def label(name: str, index: Index) -> str:
    """How an entry is called: ``x`` for a number, ``x[0]``, ``X[1,2]``."""
    return f"{name}[{','.join(map(str, index))}]" if index else name


def entry_label(variable: str, index: Index, point: Mapping[str, Value]) -> str:
    """How a derivative is called: ``x[0]``, ``f[1] by x[0]`` in a Jacobian, ``x[0], y`` for a second one by both."""
    names = variable.split(",")
    ranks = [len(shape_of(point.get(name, 0.0))) for name in names]
    start = len(index) - sum(ranks)
    output, parts = index[:start], []
    for name, rank in zip(names, ranks, strict=True):
        parts.append(label(name, index[start : start + rank]))
        start += rank
    return (f"{label('f', output)} by " if output else "") + ", ".join(parts)


def labels(point: Mapping[str, Value]) -> dict[str, tuple[str, Index]]:
    """The variable and the index of every number of a point, by its label."""
    return {label(name, index): (name, index) for name, value in point.items() for index in indices(shape_of(value))}


def upstream_name(variables: Container[str]) -> str:
    """What formulas call the upstream gradient: g, or another name where a variable is called that."""
    name = "g"
    while name in variables:
        name = "upstream" if name == "g" else f"{name}_"
    return name


def coordinates(point: Mapping[str, Value]) -> dict[str, float]:
    """Every number of a point by its label."""
    return dict(zip(labels(point), (number for value in point.values() for number in flat(value)), strict=True))


def shape_text(shape: Shape) -> str:
    """A shape for people: ``2x3``, ``5`` for a vector, ``number`` for a single one."""
    return "x".join(map(str, shape)) if shape else "number"


def decimal_text(number: float) -> str:
    """A float as decimal text of all its digits; infinity where it is no finite number."""
    if math.isfinite(number):
        return str(Decimal(number))
    return "-Infinity" if number < 0 else "Infinity"


def pair_text(high: float, low: float) -> str:
    """The sum of two floats as decimal text of 34 digits."""
    return str(_PAIR.add(Decimal(high), Decimal(low)))
