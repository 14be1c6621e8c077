"""Written parts of an expression: how strongly they hold together, how operators join them, what Python calculates."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from gradtool.report.programs.literal import constant
from gradtool.target.operation import Operation
from gradtool.values import Shape

__all__ = ["Piece", "calculated", "joined", "wrapped"]

_COMPARE, _OR, _AND, _SUM, _PRODUCT, _SIGN, _POWER, _ATOM = range(1, 9)
_STRENGTH = {
    "add": _SUM, "subtract": _SUM, "multiply": _PRODUCT, "divide": _PRODUCT, "floor_divide": _PRODUCT,
    "remainder": _PRODUCT, "matmul": _PRODUCT, "negative": _SIGN, "logical_not": _SIGN, "pow": _POWER,
    "logical_and": _AND, "logical_or": _OR,
}  # fmt: skip
_SIGNS = {"logical_and": "&", "logical_or": "|", "logical_not": "~"}
_PYTHON: Mapping[str, Callable[..., float]] = {
    "add": operator.add, "subtract": operator.sub, "multiply": operator.mul, "divide": operator.truediv,
    "negative": operator.neg, "pow": math.pow,
}  # fmt: skip
"""Python's // and % are exact where the frameworks divide first: 0.5 // 0.001 is 499 here and 500 there."""

_MATH = frozenset({
    "sqrt", "exp", "expm1", "log", "log2", "log10", "log1p", "sin", "cos", "tan", "asin", "acos", "atan", "sinh",
    "cosh", "tanh", "asinh", "acosh", "atanh", "erf", "erfc",
})  # fmt: skip
"""Functions of Python's math module under the same names."""

_EXACT = 2.0**53
"""Whole numbers beyond are written as floats: tensors take none of Python's long ones."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A written part: its text, how strongly it holds together, its shape; ``number`` is what Python makes of it.

    ``number`` is None for a tensor.
    """

    text: str
    strength: int = _ATOM
    shape: Shape = ()
    number: float | None = None

    @property
    def short(self) -> bool:
        """Whether it can stand twice: a name or a number."""
        return self.number is not None or self.text.isidentifier()


def calculated(row: Operation, parts: Sequence[Piece], *, own: bool) -> Piece | None:
    """What Python makes of numbers alone; None where there is a tensor, or no finite number comes out."""
    numbers = [part.number for part in parts if part.number is not None]
    if len(numbers) < len(parts) or (row.name not in _PYTHON and row.name not in _MATH):
        return None
    function = _PYTHON.get(row.name) or getattr(math, row.name)
    try:
        value = float(function(*numbers))
    except (ArithmeticError, ValueError):
        return None
    if not math.isfinite(value):
        return None
    if abs(value) >= _EXACT or (not own and row.name in ("add", "subtract")):
        return Piece(constant(value), number=value)
    if row.name in _MATH:
        return Piece(f"math.{row.name}({parts[0].text})", number=value)
    return replace(joined(row, parts), number=value)


def joined(row: Operation, parts: Sequence[Piece]) -> Piece:
    """One or two parts and the operator of ``row``, with the parentheses that Python needs."""
    sign, mine = _SIGNS.get(row.name, row.operator), _STRENGTH.get(row.name, _COMPARE)
    if len(parts) == 1:
        inner = wrapped(parts[0], _SIGN)
        return Piece(f"{sign}({inner})" if inner.startswith(sign) else f"{sign}{inner}", mine)
    left = wrapped(parts[0], mine + (mine in (_POWER, _COMPARE)))
    right = wrapped(parts[1], mine + (mine != _POWER))
    right = f"({right})" if right.startswith("-") else right
    gap = "" if mine == _POWER else " "
    return Piece(f"{left}{gap}{sign}{gap}{right}", mine)


def wrapped(piece: Piece, strength: int = _ATOM) -> str:
    """The text, in parentheses where it holds together less than ``strength``."""
    loose = piece.strength < strength or (strength > _SIGN and piece.text.startswith("-"))
    return f"({piece.text})" if loose else piece.text
