"""The frozen tree that an expression means: numbers, variables, and operations applied to them."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

__all__ = ["CONSTANTS", "Call", "Number", "Passed", "Span", "Tree", "Variable", "calls", "variables"]

CONSTANTS = {"pi": math.pi, "e": math.e, "inf": math.inf}
"""Names that stand for numbers unless the point gives them another value."""

Span = tuple[int, int]
"""Characters of the text, end exclusive."""


@dataclass(frozen=True, slots=True)
class Number:
    """A literal, or one of the constants under its ``name``."""

    value: float
    span: Span
    name: str = ""


@dataclass(frozen=True, slots=True)
class Variable:
    """A name whose value the point gives."""

    name: str
    span: Span


@dataclass(frozen=True, slots=True)
class Passed:
    """In a row's formula: the option of this name, as the row was given it."""

    name: str


@dataclass(frozen=True, slots=True)
class Call:
    """A row of the operation table applied to arguments; operators, lists and indexing are rows too.

    ``options`` are names and values written out in the text, such as ``("axis", 0)``.
    """

    operation: str
    arguments: tuple[Tree, ...]
    span: Span
    options: tuple[tuple[str, Any], ...] = ()


Tree = Number | Variable | Call


def calls(tree: Tree) -> Iterator[Call]:
    """Every operation of the tree, outermost first."""
    if isinstance(tree, Call):
        yield tree
        for argument in tree.arguments:
            yield from calls(argument)


def variables(tree: Tree) -> frozenset[str]:
    """The names of the variables in ``tree``."""
    if isinstance(tree, Call):
        return frozenset().union(*map(variables, tree.arguments))
    return frozenset({tree.name}) if isinstance(tree, Variable) else frozenset()
