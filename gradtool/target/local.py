"""The derivative of one operation by one argument as a person writes it: the table's formula in the user's own words.

``sin(x**2)`` by ``x**2`` is ``cos(x**2)``, and ``x**3`` by ``x`` is ``3*x**2``: what is a number in the text is
calculated with, so that the conditions of the table's formulas vanish.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from gradtool.target.expression import parse_row_text
from gradtool.target.operations import OPERATIONS
from gradtool.target.shapes import ShapeError, result_shape
from gradtool.target.tree import Call, Number, Tree, Variable
from gradtool.values import Shape

__all__ = ["local_formula", "pullback_rule"]

LONG = 60
"""A formula of more characters is told with letters for the arguments."""

_LETTERS = ("u", "v", "w")
_STRENGTH = {"or": 0, "and": 0, "not": 0, "<": 0, "<=": 0, ">": 0, ">=": 0, "==": 0, "!=": 0,
             "+": 1, "-": 1, "*": 2, "@": 2, "/": 2, "//": 2, "%": 2, "**": 4}  # fmt: skip
_ATOM = 9
_SPAN = (0, 0)


@dataclass(frozen=True, slots=True)
class _Word:
    """A text that stands for a parameter, and how strongly it holds together."""

    text: str
    strength: int = _ATOM


def local_formula(call: Call, place: int, texts: Sequence[str]) -> str:
    """The derivative of ``call`` by argument ``place``, whose arguments read ``texts``; empty without a formula."""
    row = OPERATIONS[call.operation]
    if place >= len(row.derivatives):
        return ""
    tree = parse_row_text(row.derivatives[place], row.parameters)
    words = {name: _Word(text, _strength(argument)) for name, text, argument in
             zip(row.parameters, texts, call.arguments, strict=False)}  # fmt: skip
    numbers = {name: number for name, argument in zip(row.parameters, call.arguments, strict=False)
               if (number := _number(argument))}  # fmt: skip
    told = _text(_simple(_bound(tree, numbers)), words)
    if len(told) <= LONG:
        return told
    letters = dict(zip(row.parameters, _LETTERS, strict=False))
    short = _text(_simple(_bound(tree, numbers)), {name: _Word(letter) for name, letter in letters.items()})
    used = [
        letters[name] for name in row.parameters if name not in numbers and re.search(rf"\b{letters[name]}\b", short)
    ]
    return f"{short}, {' and '.join(used)} the argument{'s' * (len(used) > 1)}" if used else short


def pullback_rule(call: Call, place: int, texts: Sequence[str], text: str, shapes: Sequence[Shape]) -> str:
    """What argument ``place`` of a row over whole arrays gets of the gradient ``G`` of the result; else empty.

    ``text`` is that of the call itself, ``shapes`` are those of its arguments.
    """
    row = OPERATIONS[call.operation]
    if not row.pullback:
        return ""
    cell = row.pullback[min(place, len(row.pullback) - 1)]
    options = _options(call, shapes)
    words = {
        **{name: _Word(text, _strength(argument)) for name, text, argument in
           zip(row.parameters, texts, call.arguments, strict=False)},
        "out": _Word(text, _strength(call)),
        "count": _Word(str(_count(options, shapes[0]))),
        "ddof": _Word(str(options.get("ddof", 0))),
    }  # fmt: skip
    told = _filled(cell, words, math.inf)
    return told if len(told) <= LONG else _filled(cell, words, 24)


def _filled(cell: str, words: Mapping[str, _Word], longest: float) -> str:
    """``cell`` with words for its names, in parentheses where they are no single word; long ones are left out."""

    def word(match: re.Match[str]) -> str:
        name, known = match.group(), words.get(match.group())
        if known is None or len(known.text) > longest:
            return name
        lone = cell[match.start() - 1 : match.start()] == "(" and cell[match.end() : match.end() + 1] == ")"
        return known.text if known.strength == _ATOM or lone else f"({known.text})"

    told = re.sub(r"\b[a-z]+\b", word, cell)
    left = [name for name in words if len(words[name].text) > longest and re.search(rf"\b{name}\b", cell)]
    meaning = {"out": "the result", "x": "the first argument", "y": "the second"}
    return ", ".join([told, *(f"{name} {meaning[name]}" for name in left if name in meaning)])


def _options(call: Call, shapes: Sequence[Shape]) -> dict[str, object]:
    try:
        return result_shape(OPERATIONS[call.operation], shapes, dict(call.options))[1]
    except ShapeError:
        return dict(call.options)


def _count(options: Mapping[str, object], shape: Shape) -> int:
    axis = options.get("axis")
    axes = axis if isinstance(axis, tuple) else range(len(shape)) if axis is None else (axis,)
    return math.prod(shape[one] for one in axes if isinstance(one, int))


# ---- calculating with what is known


def _number(tree: Tree) -> Number | None:
    """A number written in the text, with its sign; constants keep their names."""
    if isinstance(tree, Number):
        return None if tree.name else tree
    if isinstance(tree, Call) and tree.operation == "negative" and (inner := _number(tree.arguments[0])):
        return Number(-inner.value, _SPAN)
    return None


def _bound(tree: Tree, numbers: Mapping[str, Number]) -> Tree:
    if isinstance(tree, Variable):
        return numbers.get(tree.name, tree)
    if isinstance(tree, Call):
        return Call(tree.operation, tuple(_bound(argument, numbers) for argument in tree.arguments), _SPAN)
    return tree


_ARITHMETIC: Mapping[str, Callable[[float, float], float]] = {
    "add": lambda x, y: x + y,
    "subtract": lambda x, y: x - y,
    "multiply": lambda x, y: x * y,
    "equal": lambda x, y: float(x == y),
    "less": lambda x, y: float(x < y),
    "greater": lambda x, y: float(x > y),
}


def _simple(tree: Tree) -> Tree:
    """``tree`` with what is known of numbers worked out, and without factors and exponents that do nothing."""
    if not isinstance(tree, Call):
        return tree
    parts = tuple(_simple(argument) for argument in tree.arguments)
    values = [part.value if isinstance(part, Number) and not part.name else None for part in parts]
    match tree.operation, values:
        case "where", [float(chosen), *_]:
            return parts[1 if chosen else 2]
        case "negative", [float(x)]:
            return Number(-x, _SPAN)
        case name, [float(x), float(y)] if name in _ARITHMETIC:
            return Number(_ARITHMETIC[name](x, y), _SPAN)
        case "pow", [_, 0.0]:
            return Number(1.0, _SPAN)
        case ("pow", [_, 1.0]) | ("multiply", [_, 1.0]):
            return parts[0]
        case "multiply", [1.0, _]:
            return parts[1]
        case "multiply", [-1.0, _]:
            return Call("negative", parts[1:], _SPAN)
    return Call(tree.operation, parts, _SPAN)


# ---- writing


def _strength(tree: Tree) -> int:
    """How strongly the user's text of ``tree`` holds together."""
    if isinstance(tree, Number):
        return _ATOM if tree.value >= 0 else 3
    row = OPERATIONS[tree.operation] if isinstance(tree, Call) else None
    if row is None or not row.operator:
        return _ATOM
    return 3 if row.name == "negative" else _STRENGTH[row.operator]


def _text(tree: Tree, words: Mapping[str, _Word], strength: int = 0) -> str:
    if isinstance(tree, Variable):
        word = words[tree.name]
        return f"({word.text})" if word.strength < strength else word.text
    if isinstance(tree, Number):
        told = tree.name or repr(tree.value).removesuffix(".0")
        return f"({told})" if told.startswith("-") and strength > 1 else told
    row = OPERATIONS[tree.operation]
    parts = tree.arguments
    if not row.operator:
        return f"{row.name}({', '.join(_text(part, words) for part in parts)})"
    mine = _STRENGTH[row.operator]
    if len(parts) == 1:
        told = f"{row.operator}{' ' * (mine == 0)}{_text(parts[0], words, 3)}"
        return f"({told})" if strength > (2 if mine else 0) else told
    left = _text(parts[0], words, mine + (row.operator == "**"))
    right = _text(parts[1], words, mine + (row.operator not in ("+", "*", "**", "and", "or")))
    right = f"({right})" if right.startswith("-") else right
    gap = " " if mine < 2 else ""
    told = f"{left}{gap}{row.operator}{gap}{right}"
    return f"({told})" if mine < strength else told
