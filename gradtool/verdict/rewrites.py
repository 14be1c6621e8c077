"""Stable forms of the classic unstable formulas: the rows of ``patterns.py``, matched on the tree of the expression.

Sums and products match in either order.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from types import EllipsisType, MappingProxyType
from typing import Any

from gradtool.problem import ProblemError
from gradtool.target.expression import Call, Number, Tree, Variable, parse, parse_row_text
from gradtool.target.inference import output_shape
from gradtool.target.operations import OPERATIONS
from gradtool.target.tree import Passed
from gradtool.values import Shape, Value
from gradtool.verdict.patterns import ARRAY_PATTERNS, LETTERS, OPTIONS, PATTERNS

__all__ = ["Rewrite", "rewrites", "rewritten"]


@dataclass(frozen=True, slots=True)
class Rewrite:
    """``before`` is the part of the user's text at ``span``, ``after`` the stable form with the user's own terms."""

    before: str
    after: str
    span: tuple[int, int]

    def advice(self) -> str:
        """The rewrite as a sentence."""
        return f"write {self.after} instead of {self.before}"


def rewritten(text: str, found: list[Rewrite]) -> str:
    """``text`` with every rewrite of ``found`` made."""
    for rewrite in sorted(found, key=lambda rewrite: rewrite.span, reverse=True):
        start, stop = rewrite.span
        text = f"{text[:start]}({rewrite.after}){text[stop:]}"
    return text


def rewrites(text: str, names: list[str], point: Mapping[str, Value] = MappingProxyType({})) -> list[Rewrite]:
    """The rewrites that apply to parts of the expression ``text``, outermost first, no part twice.

    Rows that depend on shapes (``v`` and ``count``) apply where ``point`` gives every variable its shape.
    """
    expression = parse(text, names)

    def shape(part: Tree) -> Shape | None:
        known = all(name in point for name in expression.variables)
        try:
            return output_shape(replace(expression, tree=part), point) if known else None
        except ProblemError:
            return None

    found: list[Rewrite] = []
    taken: list[tuple[int, int]] = []
    for node in _parts(expression.tree):
        if any(start <= node.span[0] and node.span[1] <= stop for start, stop in taken):
            continue
        for pattern, replacement in _compiled():
            bound = _Bound(shape)
            if _matches(pattern, node, bound) and _countable(replacement, bound):
                found.append(Rewrite(text[slice(*node.span)], _written(replacement, bound, text), node.span))
                taken.append(node.span)
                break
    return found


@dataclass(frozen=True, slots=True)
class _Bound:
    """What the letters and options of a pattern stand for; ``shape`` tells that of a part, None where unknown."""

    shape: Callable[[Tree], Shape | None]
    letters: dict[str, Tree] = field(default_factory=dict)
    options: dict[str, Any] = field(default_factory=dict)

    def copied(self) -> _Bound:
        return _Bound(self.shape, dict(self.letters), dict(self.options))

    def update(self, other: _Bound) -> None:
        self.letters.update(other.letters)
        self.options.update(other.options)


@functools.cache
def _compiled() -> list[tuple[Tree, Tree]]:
    conditions = [text for text, _ in PATTERNS if text.startswith("where(a")]
    return [
        (_read(pattern, pattern in conditions), _read(replacement, pattern in conditions))
        for pattern, replacement in ARRAY_PATTERNS + PATTERNS
    ]


def _read(text: str, with_condition: bool) -> Tree:
    """A pattern; where ``a`` is a condition, it is read as a comparison that stands for any condition."""
    if with_condition:
        text = text.replace("where(a,", "where(a != a,")
    return parse_row_text(text, LETTERS + OPTIONS)


_ANY_CONDITION = "not_equal"


def _parts(tree: Tree) -> Iterator[Tree]:
    yield tree
    if isinstance(tree, Call):
        for argument in tree.arguments:
            yield from _parts(argument)


def _matches(pattern: Tree, node: Tree, bound: _Bound) -> bool:
    if isinstance(pattern, Variable):
        if pattern.name in bound.letters:
            return _same(bound.letters[pattern.name], node)
        bound.letters[pattern.name] = node
        return pattern.name != "v" or len(bound.shape(node) or ()) == 1
    if isinstance(pattern, Number):
        return isinstance(node, Number) and node.value == pattern.value
    if _stands_for_condition(pattern):
        return _matches(pattern.arguments[0], node, bound)
    if not isinstance(node, Call) or node.operation != pattern.operation or not _options_match(pattern, node, bound):
        return False
    orders = [node.arguments]
    if pattern.operation in ("add", "multiply"):
        orders.append(node.arguments[::-1])
    for arguments in orders:
        trial = bound.copied()
        if all(_matches(part, argument, trial) for part, argument in zip(pattern.arguments, arguments, strict=True)):
            bound.update(trial)
            return True
    return False


def _options_match(pattern: Call, node: Call, bound: _Bound) -> bool:
    """Whether the options of ``node`` are those of the pattern; one that is left out has its default."""
    defaults = OPERATIONS[node.operation].options
    for name, value in {**defaults, **dict(node.options)}.items():
        wanted = {**defaults, **dict(pattern.options)}[name]
        if isinstance(wanted, Passed):
            if wanted.name == "along" and not isinstance(value, int):
                return False
            wanted = bound.options.setdefault(wanted.name, value)
        if value != wanted:
            return False
    return True


def _countable(replacement: Tree, bound: _Bound) -> bool:
    """Whether the number of entries reduced to one is known, where the replacement needs it; it is noted if so."""
    if not any(part == Variable("count", part.span) for part in _parts(replacement)):
        return True
    shape, axis = bound.shape(bound.letters["a"]), bound.options["axis"]
    if shape is None:
        return False
    axes = range(len(shape)) if axis is None else axis if isinstance(axis, tuple) else (axis,)
    bound.options["count"] = math.prod(shape[one] for one in axes)
    return True


def _stands_for_condition(pattern: Call) -> bool:
    return pattern.operation == _ANY_CONDITION and pattern.arguments[0] == Variable("a", pattern.arguments[0].span)


def _same(first: Tree, second: Tree) -> bool:
    if isinstance(first, Call) and isinstance(second, Call):
        options = [{**OPERATIONS[call.operation].options, **dict(call.options)} for call in (first, second)]
        alike = first.operation == second.operation and len(first.arguments) == len(second.arguments)
        return alike and options[0] == options[1] and all(map(_same, first.arguments, second.arguments))
    if isinstance(first, Number) and isinstance(second, Number):
        return first.value == second.value
    return isinstance(first, Variable) and isinstance(second, Variable) and first.name == second.name


# ---- writing a tree as text

_STRENGTH = {"+": 1, "-": 1, "*": 2, "/": 2, "//": 2, "%": 2, "**": 4}


def _written(tree: Tree, bound: _Bound, text: str, strength: int = 0) -> str:
    """``tree`` as text, with the user's own text for the letters; in parentheses where its place needs them."""
    if isinstance(tree, Variable):
        if tree.name == "count":
            return str(bound.options["count"])
        node = bound.letters[tree.name]
        own, weakest = text[slice(*node.span)], _weakness(node)
        return f"({own})" if weakest < strength else own
    if isinstance(tree, Number):
        return tree.name or f"{tree.value:g}"
    if _stands_for_condition(tree):
        return text[slice(*bound.letters["a"].span)]
    row = OPERATIONS[tree.operation]
    if tree.operation == "negative":
        inner = "-" + _written(tree.arguments[0], bound, text, 3)
        return f"({inner})" if strength > 1 else inner
    if row.operator:
        mine = _STRENGTH[row.operator]
        left = _written(tree.arguments[0], bound, text, mine + (row.operator == "**"))
        right = _written(tree.arguments[1], bound, text, mine + (row.operator not in ("+", "**")))
        gap = " " if mine == 1 else ""
        joined = f"{left}{gap}{row.operator}{gap}{right}"
        return f"({joined})" if mine < strength else joined
    if tree.operation == "index":
        return f"{_written(tree.arguments[0], bound, text, 9)}[{_key(bound.options['key'])}]"
    parts = [_written(argument, bound, text) for argument in tree.arguments]
    return f"{row.called or row.name}({', '.join(parts + _options(tree, bound))})"


def _options(call: Call, bound: _Bound) -> list[str]:
    """The options of a call that are not its defaults, as text."""
    defaults = OPERATIONS[call.operation].options
    values = {name: bound.options[v.name] if isinstance(v, Passed) else v for name, v in call.options}
    return [f"{name}={value!r}" for name, value in values.items() if value != defaults[name]]


def _key(key: tuple[Any, ...]) -> str:
    """An index as text."""
    return ", ".join(_slice(part) if isinstance(part, slice) else _place(part) for part in key)


def _slice(part: slice) -> str:
    start, stop = ("" if end is None else str(end) for end in (part.start, part.stop))
    return f"{start}:{stop}" + ("" if part.step is None else f":{part.step}")


def _place(part: int | EllipsisType | None) -> str:
    return "..." if part is ... else str(part)


def _weakness(node: Tree) -> int:
    if not isinstance(node, Call) or not OPERATIONS[node.operation].operator:
        return 9
    return 3 if node.operation == "negative" else _STRENGTH.get(OPERATIONS[node.operation].operator, 0)
