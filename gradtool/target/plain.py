"""The texts of domains and kinks on plain floats: whether a point lies inside a domain, or on a kink."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from gradtool.target.expression import parse_row_text
from gradtool.target.operation import Operation
from gradtool.target.tree import Number, Tree, Variable

__all__ = ["inside", "literals", "on_kink"]

_FUNCTIONS: Mapping[str, Callable[..., Any]] = MappingProxyType(
    {
        "add": operator.add, "subtract": operator.sub, "multiply": operator.mul, "divide": operator.truediv,
        "remainder": operator.mod, "negative": operator.neg, "less": operator.lt, "less_equal": operator.le,
        "greater": operator.gt, "greater_equal": operator.ge, "equal": operator.eq, "not_equal": operator.ne,
        "logical_and": lambda x, y: x and y, "logical_or": lambda x, y: x or y, "logical_not": operator.not_,
        "where": lambda condition, x, y: x if condition else y,
        "abs": abs, "floor": math.floor, "round": round,
    }
)  # fmt: skip
"""What the cells are made of; each branch of where() and each side of a condition must have a value."""


def inside(row: Operation, point: Mapping[str, float]) -> bool:
    """Whether the operation has a value at a point."""
    return not row.domain or bool(_value(parse_row_text(row.domain, row.parameters), point))


def on_kink(row: Operation, point: Mapping[str, float]) -> bool:
    """Whether a point inside the domain lies on one of the kinks."""
    return any(_value(parse_row_text(kink, row.parameters), point) == 0 for kink in row.kinks)


def literals(row: Operation) -> set[float]:
    """The numbers written in the domain and the kinks, with both signs: there the edges lie, if not at 0."""
    trees: list[Tree] = [parse_row_text(text, row.parameters) for text in (row.domain, *row.kinks) if text]
    found: set[float] = set()
    while trees:
        tree = trees.pop()
        if isinstance(tree, Number):
            found |= {tree.value, -tree.value}
        elif not isinstance(tree, Variable):
            trees += tree.arguments
    return found


def _value(tree: Tree, point: Mapping[str, float]) -> Any:
    if isinstance(tree, Number):
        return tree.value
    if isinstance(tree, Variable):
        return point[tree.name]
    return _FUNCTIONS[tree.operation](*(_value(argument, point) for argument in tree.arguments))
