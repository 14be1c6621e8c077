"""Stable forms of the classic unstable formulas: one row each, matched on the tree of the expression.

Patterns and replacements are written in the expression language; a, b, c, d stand for any part of the expression, and
the same letter for the same part. Sums and products match in either order.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator
from dataclasses import dataclass

from gradtool.target.expression import Call, Number, Tree, Variable, parse, parse_row_text
from gradtool.target.operations import OPERATIONS

__all__ = ["PATTERNS", "Rewrite", "rewrites", "rewritten"]

LETTERS = ("a", "b", "c", "d")

PATTERNS: tuple[tuple[str, str], ...] = (
    ("-(a*log(sigmoid(b)) + (1 - a)*log(1 - sigmoid(b)))", "softplus(b) - a*b"),
    ("log(1 + exp(a))", "softplus(a)"),
    ("log(1 + exp(-a))", "softplus(-a)"),
    ("log(exp(a) + exp(b))", "logaddexp(a, b)"),
    ("log(1 - sigmoid(a))", "-softplus(a)"),
    ("log(sigmoid(a))", "logsigmoid(a)"),
    ("log(1/(1 + exp(-a)))", "logsigmoid(a)"),
    ("1/(1 + exp(-a))", "sigmoid(a)"),
    ("exp(a)/(1 + exp(a))", "sigmoid(a)"),
    ("1 - sigmoid(a)", "sigmoid(-a)"),
    ("1 - tanh(a)**2", "1/cosh(a)**2"),
    ("exp(a) - 1", "expm1(a)"),
    ("log(1 + a)", "log1p(a)"),
    ("1 - cos(a)", "2*sin(a/2)**2"),
    ("sqrt(a**2 + b**2)", "hypot(a, b)"),
    ("sqrt(a*a + b*b)", "hypot(a, b)"),
    ("sqrt(a + b) - sqrt(a)", "b/(sqrt(a + b) + sqrt(a))"),
    ("sqrt(a) - sqrt(b)", "(a - b)/(sqrt(a) + sqrt(b))"),
    ("1/a - 1/(a + b)", "b/(a*(a + b))"),
    ("1/a - 1/b", "(b - a)/(a*b)"),
    ("(exp(a) - exp(-a))/2", "sinh(a)"),
    ("(exp(a) - exp(-a))/(exp(a) + exp(-a))", "tanh(a)"),
    ("1 - erf(a)", "erfc(a)"),
    ("log(a + b) - log(a)", "log1p(b/a)"),
    ("log(a) - log(b)", "log(a/b)"),
    ("a**2 - b**2", "(a - b)*(a + b)"),
    ("where(a, sqrt(b), c)", "where(a, sqrt(where(a, b, 1)), c)"),
    ("where(a, log(b), c)", "where(a, log(where(a, b, 1)), c)"),
    ("where(a, c, sqrt(b))", "where(a, c, sqrt(where(a, 1, b)))"),
    ("where(a, c, log(b))", "where(a, c, log(where(a, 1, b)))"),
    ("where(a, b/c, d)", "where(a, b/where(a, c, 1), d)"),
    ("where(a, d, b/c)", "where(a, d, b/where(a, 1, c))"),
)
"""Pattern and replacement, the more specific first. The last six are the double where: the branch that is not taken
must have a finite derivative too, because autodiff multiplies it by 0."""


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


def rewrites(text: str, names: list[str]) -> list[Rewrite]:
    """The rewrites that apply to parts of the expression ``text``, outermost first, no part twice."""
    found: list[Rewrite] = []
    taken: list[tuple[int, int]] = []
    for node in _parts(parse(text, names).tree):
        if any(start <= node.span[0] and node.span[1] <= stop for start, stop in taken):
            continue
        for pattern, replacement in _compiled():
            bound: dict[str, Tree] = {}
            if _matches(pattern, node, bound):
                found.append(Rewrite(text[slice(*node.span)], _written(replacement, bound, text), node.span))
                taken.append(node.span)
                break
    return found


@functools.cache
def _compiled() -> list[tuple[Tree, Tree]]:
    conditions = [text for text, _ in PATTERNS if text.startswith("where(a")]
    return [
        (_read(pattern, pattern in conditions), _read(replacement, pattern in conditions))
        for pattern, replacement in PATTERNS
    ]


def _read(text: str, with_condition: bool) -> Tree:
    """A pattern; where ``a`` is a condition, it is read as a comparison that stands for any condition."""
    if with_condition:
        text = text.replace("where(a,", "where(a != a,")
    return parse_row_text(text, LETTERS)


_ANY_CONDITION = "not_equal"


def _parts(tree: Tree) -> Iterator[Tree]:
    yield tree
    if isinstance(tree, Call):
        for argument in tree.arguments:
            yield from _parts(argument)


def _matches(pattern: Tree, node: Tree, bound: dict[str, Tree]) -> bool:
    if isinstance(pattern, Variable):
        if pattern.name in bound:
            return _same(bound[pattern.name], node)
        bound[pattern.name] = node
        return True
    if isinstance(pattern, Number):
        return isinstance(node, Number) and node.value == pattern.value
    if _stands_for_condition(pattern):
        return _matches(pattern.arguments[0], node, bound)
    if not isinstance(node, Call) or node.operation != pattern.operation:
        return False
    orders = [node.arguments]
    if pattern.operation in ("add", "multiply"):
        orders.append(node.arguments[::-1])
    for arguments in orders:
        trial = dict(bound)
        if all(_matches(part, argument, trial) for part, argument in zip(pattern.arguments, arguments, strict=True)):
            bound.update(trial)
            return True
    return False


def _stands_for_condition(pattern: Call) -> bool:
    return pattern.operation == _ANY_CONDITION and pattern.arguments[0] == Variable("a", pattern.arguments[0].span)


def _same(first: Tree, second: Tree) -> bool:
    if isinstance(first, Call) and isinstance(second, Call):
        return first.operation == second.operation and all(
            _same(a, b) for a, b in zip(first.arguments, second.arguments, strict=True)
        )
    if isinstance(first, Number) and isinstance(second, Number):
        return first.value == second.value
    return isinstance(first, Variable) and isinstance(second, Variable) and first.name == second.name


# ---- writing a tree as text

_STRENGTH = {"+": 1, "-": 1, "*": 2, "/": 2, "//": 2, "%": 2, "**": 4}


def _written(tree: Tree, bound: dict[str, Tree], text: str, strength: int = 0) -> str:
    """``tree`` as text, with the user's own text for the letters; in parentheses where its place needs them."""
    if isinstance(tree, Variable):
        node = bound[tree.name]
        own, weakest = text[slice(*node.span)], _weakness(node)
        return f"({own})" if weakest < strength else own
    if isinstance(tree, Number):
        return tree.name or f"{tree.value:g}"
    if _stands_for_condition(tree):
        return text[slice(*bound["a"].span)]
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
    return f"{row.name}({', '.join(_written(argument, bound, text) for argument in tree.arguments)})"


def _weakness(node: Tree) -> int:
    if not isinstance(node, Call) or not OPERATIONS[node.operation].operator:
        return 9
    return 3 if node.operation == "negative" else _STRENGTH.get(OPERATIONS[node.operation].operator, 0)
