"""The points of each operation of the table: ordinary ones, edges of its domain, kinks, magnitudes, special values.

They follow from a row's own cells (parameters, shape, domain, kinks) and from the tables of numbers below, so that a
new row has points by itself.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType

from gradtool.settings import CheckSettings
from gradtool.target.dtype import FORMATS, rounded, ulp
from gradtool.target.operation import Operation
from gradtool.target.operations import OPERATIONS
from gradtool.target.plain import inside, literals
from gradtool.target.suite import Target, read_target

__all__ = ["expression_of", "own_points", "own_targets"]

ORDINARY = (0.7, -1.3, 2.5, -8.6)
SPECIAL = (0.0, -0.0, 1.0, -1.0)
BEND = (1e-3, 25.0, -25.0, 1000.0, -1000.0)
"""Where series end, and exponentials saturate, overflow and underflow."""

BASES = ((0.7, -1.3, 2.5), (-1.3, 2.0, 7.3))
"""Where the other arguments stay while one takes a number; at the second one only the special numbers."""

PROBABILITIES = (0.2, 0.9, 0.6, 0.3)
"""These stand in for entries outside of a domain."""

ARRAYS = (
    (0.7, -1.3, 2.5, 0.4),
    PROBABILITIES,
    (2.5, 0.7, 2.5, -1.3),  # a tie
    (1.5, 1.5, 1.5, 1.5),
    (0.0, 0.0, 0.0, 0.0),
    (0.0, 0.7, -1.3, 2.5),
    (800.0, 1.0, -800.0, 30.0),
)
"""The entries of arrays; all of them have four."""

SHAPES: Mapping[str, tuple[int, ...]] = MappingProxyType(
    {"broadcast": (), "stack": (), "matmul": (2, 2), "transpose": (2, 2), "reshape": (2, 2), "cross_entropy": (2, 2)}
)
"""The shape of the arguments by the shape rule of a row; four numbers in a row where none is told."""

WRITTEN: Mapping[str, str] = MappingProxyType({"index": "x[1:]", "stack": "[x, y]", "reshape": "reshape(x, -1)"})
"""By their shape rule, the rows that are written in another way than their signature."""

LABELS = (0.0, 1.0)

Point = dict[str, str]
"""Names and the texts that ``--at`` takes."""


def own_targets(settings: CheckSettings, rows: Sequence[Operation] = tuple(OPERATIONS.values())) -> list[Target]:
    """Every operation that a user can write at each of its own points, in the dtype of ``settings``."""
    return [
        read_target(expression_of(row), replace(settings, at=point, mode=_mode(row)), row.name)
        for row in rows
        if not row.hidden
        for point in own_points(row, settings.dtype)
    ]


def _mode(row: Operation) -> str:
    """All derivatives where the value is an array: its sum may hide them, as that of softmax is always 1."""
    return "jacobian" if row.shape in ("keep", "transpose", "reshape", "index", "stack", "matmul") else "gradient"


def expression_of(row: Operation) -> str:
    """The row as an expression over the names of its parameters; a condition chooses between numbers that differ."""
    conditions = row.logical and not row.kinks
    names = [f"{name} > 0" if conditions or name == "condition" else name for name in row.parameters]
    if row.shape in WRITTEN:
        return WRITTEN[row.shape]
    if not row.operator:
        return f"{row.name}({', '.join(names)})"
    one, *other = (f"({name})" if len(names) == 1 and " " in name else name for name in names)
    text = f"{one} {row.operator} {other[0]}" if other else f"{row.operator}{' ' * row.logical}{one}"
    return f"where({text}, x + 1, {'y' if other else '-x'})" if row.logical else text


def own_points(row: Operation, dtype: str) -> list[Point]:
    """The points of a row inside its domain, each once."""
    shape = SHAPES.get(row.shape, (4,))
    found = _points_of_numbers(row, dtype) if not shape else _points_of_arrays(row, shape, dtype)
    return list({str(point): point for point in found}.values())


def _points_of_numbers(row: Operation, dtype: str) -> Iterator[Point]:
    names = row.parameters if row.shape == "broadcast" else ("x", "y")
    for point in _single(row, names[0], dtype) if len(names) == 1 else _several(row, names, dtype):
        if inside(row, {name: rounded(value, dtype) for name, value in point.items()}):
            yield {name: repr(value) for name, value in point.items()}


def _single(row: Operation, name: str, dtype: str) -> Iterator[dict[str, float]]:
    """The numbers of the tables, extreme ones, and those on and beside the edges that the row names."""
    edges = sorted(literals(row) - {0.0})
    beside = [edge + sign * ulp(edge, dtype) for edge in edges for sign in (-1, 1)]
    for number in (*ORDINARY, *SPECIAL, *BEND, *edges, *beside, *_extremes(dtype)):
        yield {name: number}


def _several(row: Operation, names: Sequence[str], dtype: str) -> Iterator[dict[str, float]]:
    """Of several arguments each in turn takes a number while the others stay at a base, or all are equal."""
    huge, _, tiny, _, subnormal, _ = _extremes(dtype)
    for base in BASES:
        yield dict(zip(names, base, strict=False))
    for number in (0.7, *SPECIAL, 25.0, *sorted(literals(row)), huge, tiny, subnormal):
        yield dict.fromkeys(names, number)
        for base in BASES if number in SPECIAL else BASES[:1]:
            yield from ({**dict(zip(names, base, strict=False)), name: number} for name in names)


def _extremes(dtype: str) -> tuple[float, ...]:
    """A number whose square overflows, one whose square underflows, and a subnormal one, with both signs."""
    form = FORMATS[dtype]
    decades = int(0.65 * math.log10(form.largest))
    subnormal = math.floor(form.low * math.log10(2))
    return tuple(sign * float(f"1e{power}") for power in (decades, -decades, subnormal) for sign in (1, -1))


def _points_of_arrays(row: Operation, shape: Sequence[int], dtype: str) -> Iterator[Point]:
    """The second array is the first one turned round."""
    offset = float(f"1e{round(FORMATS[dtype].precision * math.log10(2)) // 2}")
    huge, _, tiny, _, subnormal, _ = _extremes(dtype)
    made = [tuple(offset + number for number in ARRAYS[0]), (huge, 1.0, 0.5, -0.7), (tiny, 3 * tiny, -tiny, 2 * tiny),
            (subnormal, 0.7, -1.3, 2.5)]  # fmt: skip
    for numbers in (*ARRAYS, *made):
        pairs = zip(numbers, PROBABILITIES, strict=True)
        told = [number if inside(row, {"x": number, "y": number}) else instead for number, instead in pairs]
        values = {"x": _list(told, shape), "y": _list(told[::-1], shape), "labels": _list(LABELS, (2,))}
        yield {name: values[name] for name in row.parameters}


def _list(numbers: Sequence[float], shape: Sequence[int]) -> str:
    texts = [repr(number) for number in numbers]
    for length in reversed(shape):
        texts = [f"[{','.join(texts[start : start + length])}]" for start in range(0, len(texts), length)]
    return texts[0]
