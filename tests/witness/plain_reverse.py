"""Reverse mode in plain Python floats, and the same trees in mpmath: forty lines that share nothing with the program.

A tree is a number, a name, or a tuple (function, tree, ...). Local derivatives are written as frameworks write them.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from mpmath import mp

__all__ = ["RULES", "Tree", "reverse", "text", "value"]

Tree = Any


def _sigmoid(x: float) -> float:
    return 1 / (1 + math.exp(-x)) if x >= 0 else math.exp(x) / (1 + math.exp(x))


RULES: dict[str, tuple[str, Callable[..., float], Callable[..., Any], Callable[..., tuple[float, ...]]]] = {
    "+": ("({} + {})", lambda x, y: x + y, lambda x, y: x + y, lambda *_: (1.0, 1.0)),
    "-": ("({} - {})", lambda x, y: x - y, lambda x, y: x - y, lambda *_: (1.0, -1.0)),
    "*": ("({}*{})", lambda x, y: x * y, lambda x, y: x * y, lambda _, x, y: (y, x)),
    "/": ("({}/{})", lambda x, y: x / y, lambda x, y: x / y, lambda v, _, y: (1 / y, -v / y)),
    "sin": ("sin({})", math.sin, mp.sin, lambda _, x: (math.cos(x),)),
    "cos": ("cos({})", math.cos, mp.cos, lambda _, x: (-math.sin(x),)),
    "tan": ("tan({})", math.tan, mp.tan, lambda v, _: (1 + v * v,)),
    "exp": ("exp({})", math.exp, mp.exp, lambda v, _: (v,)),
    "log": ("log({})", math.log, mp.log, lambda _, x: (1 / x,)),
    "sqrt": ("sqrt({})", math.sqrt, mp.sqrt, lambda v, _: (1 / (2 * v),)),
    "square": ("({})**2", lambda x: x**2, lambda x: x * x, lambda _, x: (2 * x,)),
    "cube": ("({})**3", lambda x: x**3, lambda x: x * x * x, lambda _, x: (3 * x**2,)),
    "tanh": ("tanh({})", math.tanh, mp.tanh, lambda v, _: (1 - v * v,)),
    "atan": ("atan({})", math.atan, mp.atan, lambda _, x: (1 / (1 + x * x),)),
    "sigmoid": ("sigmoid({})", _sigmoid, lambda x: 1 / (1 + mp.exp(-x)), lambda v, _: (v * (1 - v),)),
    "expm1": ("expm1({})", math.expm1, mp.expm1, lambda v, _: (v + 1,)),
    "log1p": ("log1p({})", math.log1p, mp.log1p, lambda _, x: (1 / (1 + x),)),
    "asinh": ("asinh({})", math.asinh, mp.asinh, lambda _, x: (1 / math.sqrt(x * x + 1),)),
    "erf": ("erf({})", math.erf, mp.erf, lambda _, x: (2 / math.sqrt(math.pi) * math.exp(-x * x),)),
    "hypot": ("hypot({}, {})", math.hypot, lambda x, y: mp.sqrt(x * x + y * y), lambda v, x, y: (x / v, y / v)),
}
"""Text, float function, mpmath function, and local derivatives from the value and the arguments."""


def text(tree: Tree) -> str:
    """The tree in the expression language."""
    if isinstance(tree, tuple):
        return RULES[tree[0]][0].format(*map(text, tree[1:]))
    return tree if isinstance(tree, str) else f"({tree!r})"


def value(tree: Tree, point: dict[str, Any]) -> Any:
    """The value in mpmath's precision."""
    if isinstance(tree, tuple):
        return RULES[tree[0]][2](*(value(part, point) for part in tree[1:]))
    return point[tree] if isinstance(tree, str) else mp.mpf(tree)


def reverse(
    tree: Tree, point: dict[str, float], keep: Callable[[float], float] = float
) -> tuple[float, dict[str, float]]:
    """Value and gradient in floats: a tape forward, adjoints backward. ``keep`` rounds each result."""
    tape: list[tuple[float, list[tuple[int, float]], str]] = []

    def record(node: Tree) -> int:
        if isinstance(node, tuple):
            places = [record(part) for part in node[1:]]
            inputs = [tape[place][0] for place in places]
            result = keep(RULES[node[0]][1](*inputs))
            slopes = map(keep, RULES[node[0]][3](result, *inputs))
            tape.append((result, list(zip(places, slopes, strict=True)), ""))
        else:
            tape.append((point[node], [], node) if isinstance(node, str) else (keep(node), [], ""))
        return len(tape) - 1

    adjoints = [0.0] * record(tree) + [1.0]
    gradient = dict.fromkeys(point, 0.0)
    for place in reversed(range(len(tape))):
        for argument, local in tape[place][1]:
            adjoints[argument] = keep(adjoints[argument] + keep(adjoints[place] * local))
        if tape[place][2]:
            gradient[tape[place][2]] += adjoints[place]
    return tape[-1][0], gradient
