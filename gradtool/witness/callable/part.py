"""Parts of an expression that is being written: their text, how strongly it holds together, and their shape."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import EllipsisType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradtool.target.operation import Operation
from gradtool.values import Shape

__all__ = ["Part", "joined", "number"]

_OR, _AND, _NOT, _COMPARE, _SUM, _PRODUCT, _SIGN, _POWER, _ATOM = range(1, 10)
_STRENGTH = {
    "add": _SUM, "subtract": _SUM, "multiply": _PRODUCT, "divide": _PRODUCT, "floor_divide": _PRODUCT,
    "remainder": _PRODUCT, "matmul": _PRODUCT, "negative": _SIGN, "logical_not": _NOT, "pow": _POWER,
    "logical_and": _AND, "logical_or": _OR,
}  # fmt: skip
"""How strongly Python's operators hold together; those that are not here compare."""


@dataclass(frozen=True, slots=True)
class Part:
    """A written part. ``array`` are the numbers of a constant; one with axes has no text before it gets a name."""

    text: str
    strength: int = _ATOM
    shape: Shape = ()
    logical: bool = False
    array: NDArray[np.float64] | None = None


def number(value: float, array: NDArray[np.float64] | None = None) -> Part:
    """A number as the language writes it, with all of its digits."""
    text = "inf" if math.isinf(value) else str(int(abs(value))) if _is_short(value) else repr(abs(value))
    negative = math.copysign(1.0, value) < 0
    return Part(f"-{text}" if negative else text, _SIGN if negative else _ATOM, array=array)


def _is_short(value: float) -> bool:
    return value == int(value) and abs(value) < 1e15


def joined(row: Operation, parts: Sequence[Part], options: Mapping[str, Any], shape: Shape) -> Part:
    """``row`` applied to ``parts``, with the parentheses that Python needs; ``options`` where they are no defaults."""
    texts = [part.text for part in parts]
    if row.name == "stack":
        return Part(f"[{', '.join(texts)}]", shape=shape)
    if row.name == "index":
        return Part(f"{_wrapped(parts[0], _ATOM)}[{', '.join(map(_key, options['key']))}]", shape=shape)
    if not row.operator:
        told = [f"{name}={value!r}" for name, value in options.items() if value != row.options[name]]
        return Part(f"{row.name}({', '.join(texts + told)})", shape=shape)
    mine = _STRENGTH.get(row.name, _COMPARE)
    if len(parts) == 1:
        text = f"{row.operator}{' ' * row.logical}{_wrapped(parts[0], mine)}"
        return Part(text, mine, shape, row.logical)
    left = _wrapped(parts[0], mine + (mine in (_POWER, _COMPARE)))
    right = _wrapped(parts[1], _SIGN if mine == _POWER else mine + 1)
    right = f"({right})" if right.startswith("-") and mine != _COMPARE else right
    gap = "" if row.operator in ("*", "/", "**") else " "
    return Part(f"{left}{gap}{row.operator}{gap}{right}", mine, shape, row.logical)


def _wrapped(part: Part, strength: int) -> str:
    return part.text if part.strength >= strength else f"({part.text})"


def _key(part: Any) -> str:
    if isinstance(part, slice):
        start, stop, step = ("" if end is None else str(end) for end in (part.start, part.stop, part.step))
        return f"{start}:{stop}{':' * bool(step)}{step}"
    return "..." if isinstance(part, EllipsisType) else str(part)
