"""An expression as text, and the frozen tree it means.

The text follows Python's expression syntax, restricted to a whitelist: numbers, names, calls of the operation table,
operators, lists, indices, and comparisons inside ``where``. It is parsed by ``ast`` and never evaluated. Sizes are
capped before any work, with the same answer on every Python version.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable
from dataclasses import dataclass

from gradtool.problem import Problem, ProblemError
from gradtool.target.reader import MAX_DEPTH, Reader, python_tree
from gradtool.target.syntax import mistakes
from gradtool.target.tree import CONSTANTS, Call, Number, Tree, Variable

__all__ = ["CONSTANTS", "MAX_DEPTH", "MAX_LENGTH", "Call", "Expression", "Number", "Tree", "Variable", "parse"]

MAX_LENGTH = 20_000
"""Longest expression text, in characters."""


@dataclass(frozen=True, slots=True)
class Expression:
    """A parsed text. ``variables`` are its free names in order of appearance."""

    text: str
    tree: Tree
    variables: tuple[str, ...]
    shadowed: tuple[str, ...] = ()
    """Constants whose names the point took over, such as ``e``."""


def parse(text: str, given: Iterable[str] = ()) -> Expression:
    """Read ``text`` as an expression; names in ``given`` are variables even where they would be constants.

    Raises ProblemError with every problem that could be found at once: an unknown function, Python syntax outside the
    whitelist, a wrong number of arguments, an expression without variables, or one that is too long or too deep.
    """
    if found := mistakes(text, MAX_LENGTH):
        raise ProblemError(*found)
    reader = Reader(text, frozenset(given))
    tree = reader.read(python_tree(text))
    if reader.problems or tree is None:
        raise ProblemError(*reader.problems)
    if not reader.variables:
        raise ProblemError(
            Problem(
                "no-variable",
                "there is nothing to differentiate by",
                text,
                (0, len(text)),
                "the expression has numbers and constants only, no variable",
                'name a variable, as in "x**2" --at x=3',
            )
        )
    shadowed = tuple(name for name in reader.variables if name in CONSTANTS)
    return Expression(text, tree, tuple(reader.variables), shadowed)


@functools.cache
def parse_row_text(text: str, parameters: tuple[str, ...]) -> Tree:
    """Read a cell of the operation table (a formula, domain or derivative), whose free names are ``parameters``.

    Each is read once: every witness asks for the same few cells again and again.
    """
    reader = Reader(text, frozenset(parameters), own_text=True)
    tree = reader.read(python_tree(text), condition=None)
    if reader.problems or tree is None:
        raise ProblemError(*reader.problems)
    return tree
