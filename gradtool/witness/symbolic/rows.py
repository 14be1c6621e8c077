"""The rows of the operation table as functions of high-precision numbers (mpmath).

A row without a primitive below is computed by its formula. Derivatives, domains and kinks are the row's own texts,
compiled once to closures; only a derivative that the language has no word for stands here.
"""

from __future__ import annotations

import functools
import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from mpmath import mp

from gradtool.target.elementwise import LAST_PSI
from gradtool.target.expression import Call, Number, Tree, Variable, parse_row_text
from gradtool.target.operations import OPERATIONS

__all__ = ["Functions", "functions"]

Exact = Callable[..., Any]
"""A function of mpmath numbers; conditions give bool."""

ASYMPTOTIC = 1e6
"""Beyond it eight terms of erfc's asymptotic series are right to 90 digits; mpmath overflows later on."""


def _erfc(x: Any) -> Any:
    if abs(x) < ASYMPTOTIC:
        return mp.erfc(x)
    if x < 0:
        return 2 - _erfc(-x)
    terms, term = mp.mpf(1), mp.mpf(1)
    for odd in range(1, 17, 2):
        term *= -odd / (2 * x * x)
        terms += term
    return mp.exp(-x * x) / (x * mp.sqrt(mp.pi)) * terms


def _polygamma(order: int, x: Any) -> Any:
    """Digamma and its derivatives; by reflection for negative x, where mpmath would step up to 0 one by one."""
    if x >= 0:
        return mp.psi(order, x)
    sine, cosine = mp.sinpi(x), mp.cospi(x)
    reflected = mp.psi(order, 1 - x)
    if order == 0:
        return reflected - mp.pi * cosine / sine
    if order == 1:
        return (mp.pi / sine) ** 2 - reflected
    if order == 2:  # the second derivative
        return reflected - 2 * mp.pi**3 * cosine / sine**3
    return mp.psi(order, x)


_PRIMITIVES: Mapping[str, Exact] = {
    "add": operator.add, "subtract": operator.sub, "multiply": operator.mul, "divide": operator.truediv,
    "negative": operator.neg, "pow": mp.power, "abs": abs, "sign": mp.sign, "floor": mp.floor, "ceil": mp.ceil,
    "round": mp.nint, "max": max, "min": min, "less": operator.lt, "less_equal": operator.le,
    "greater": operator.gt, "greater_equal": operator.ge, "equal": operator.eq, "not_equal": operator.ne,
    "where": lambda condition, x, y: x if condition else y, "logical_not": operator.not_,
    "logical_and": lambda x, y: x and y, "logical_or": lambda x, y: x or y,
    "sqrt": mp.sqrt, "exp": mp.exp, "expm1": mp.expm1, "log": mp.log,
    "log1p": mp.log1p, "sin": mp.sin, "cos": mp.cos, "tan": mp.tan, "asin": mp.asin, "acos": mp.acos,
    "atan": mp.atan, "atan2": mp.atan2, "sinh": mp.sinh, "cosh": mp.cosh, "tanh": mp.tanh, "asinh": mp.asinh,
    "acosh": mp.acosh, "atanh": mp.atanh, "remainder": operator.mod,
    "cbrt": lambda x: mp.sign(x) * mp.cbrt(abs(x)),
    "_shifted_log": lambda x, y: y + mp.log(x),
    "softplus": lambda x: mp.log1p(mp.exp(x)),
    "logsigmoid": lambda x: -mp.log1p(mp.exp(-x)),
    "hypot": lambda x, y: mp.sqrt(x * x + y * y),
    "floor_divide": lambda x, y: mp.nint((x - x % y) / y),
    "erf": lambda x: mp.erf(x) if abs(x) < ASYMPTOTIC else mp.sign(x) * (1 - _erfc(abs(x))),
    "gelu": lambda x: x * _erfc(-x / mp.sqrt(2)) / 2,
    "lgamma": lambda x: mp.re(mp.loggamma(x)),
    "erfc": _erfc,
    "digamma": functools.partial(_polygamma, 0),
    "trigamma": functools.partial(_polygamma, 1),
    **{f"_psi{n}": functools.partial(_polygamma, n) for n in range(2, LAST_PSI + 1)},
}  # fmt: skip

_DERIVATIVES: Mapping[str, tuple[Exact, ...]] = {f"_psi{LAST_PSI}": (functools.partial(_polygamma, LAST_PSI + 1),)}


@dataclass(frozen=True, slots=True)
class Functions:
    """One row: its value, its partial derivatives, its domain (None: everywhere) and its kinks.

    ``trivial[i]`` says that derivative i is a constant or another argument, so that computing it rounds nothing;
    ``depends[i]`` are the arguments that it is computed from.
    """

    value: Exact
    derivatives: tuple[Exact, ...]
    trivial: tuple[bool, ...]
    depends: tuple[tuple[int, ...], ...]
    domain: Exact | None
    kinks: tuple[Exact, ...]


@functools.cache
def functions(name: str) -> Functions:
    """The functions of the row called ``name``, compiled on first use."""
    row = OPERATIONS[name]
    trees = [parse_row_text(text, row.parameters) for text in row.derivatives]
    derivatives = _DERIVATIVES.get(name) or tuple(_compiled(tree, row.parameters) for tree in trees)
    domain = _compiled(parse_row_text(row.domain, row.parameters), row.parameters) if row.domain else None
    return Functions(
        _value(name),
        derivatives,
        tuple(_is_trivial(tree) for tree in trees) or (False,) * len(derivatives),
        tuple(_names(tree, row.parameters) for tree in trees) or ((0,),) * len(derivatives),
        domain,
        tuple(_compiled(parse_row_text(text, row.parameters), row.parameters) for text in row.kinks),
    )


def _is_trivial(tree: Tree) -> bool:
    if isinstance(tree, Call):
        return tree.operation in ("where", "negative", "sign", "floor")
    return True


def _names(tree: Tree, parameters: tuple[str, ...]) -> tuple[int, ...]:
    if isinstance(tree, Variable):
        return (parameters.index(tree.name),)
    parts = tree.arguments if isinstance(tree, Call) else ()
    return tuple(sorted({place for part in parts for place in _names(part, parameters)}))


@functools.cache
def _value(name: str) -> Exact:
    row = OPERATIONS[name]
    return _PRIMITIVES.get(name) or _compiled(parse_row_text(row.formula, row.parameters), row.parameters)


def _compiled(tree: Tree, parameters: tuple[str, ...]) -> Exact:
    """``tree`` as a function of ``parameters`` by position; ``where``, ``and`` and ``or`` look at one branch only."""
    if isinstance(tree, Variable):
        return _argument(parameters.index(tree.name))
    if isinstance(tree, Number):
        if tree.name == "pi":
            return lambda *_: +mp.pi
        number = mp.mpf(tree.value)
        return lambda *_: number
    parts = [_compiled(argument, parameters) for argument in tree.arguments]
    match tree.operation:
        case "where":
            condition, yes, no = parts
            return lambda *xs: yes(*xs) if condition(*xs) else no(*xs)
        case "logical_and":
            return lambda *xs: parts[0](*xs) and parts[1](*xs)
        case "logical_or":
            return lambda *xs: parts[0](*xs) or parts[1](*xs)
    value = _value(tree.operation)
    if len(parts) == 1:
        (only,) = parts
        return lambda *xs: value(only(*xs))
    return lambda *xs: value(*[part(*xs) for part in parts])


def _argument(place: int) -> Exact:
    return lambda *xs: xs[place]
