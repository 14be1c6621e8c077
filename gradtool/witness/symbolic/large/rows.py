"""The rows of the operation table as functions of arrays of balls (``large_numbers.py``).

Rows without a primitive below are computed by their formula; derivatives, domains and kinks are the row's own texts,
compiled once.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from flint import arb

from gradtool.target.expression import Number, Tree, Variable, parse_row_text
from gradtool.target.operations import OPERATIONS
from gradtool.witness.symbolic.large.numbers import NAN, ONE, ZERO, Function, Numbers, boxed, each, sign
from gradtool.witness.symbolic.rows import functions

__all__ = ["Formula", "Row", "formula", "row"]

HALF, TWO, THREE = arb(0.5), arb(2), arb(3)


def _compared(verdict: Callable[[Any], Any]) -> Function:
    return lambda x, y: np.asarray(verdict(sign(boxed(x - y))))


def _power(x: Any, y: Any) -> Any:
    if x.is_zero():
        return ONE if y.is_zero() else ZERO if y > 0 else NAN
    return x**y


def _powers(x: Numbers, y: Numbers) -> Numbers:
    if not y.shape and y[()] == TWO:
        return boxed(x * x)  # type: ignore[no-any-return]
    if not y.shape and y[()] == ONE:
        return x
    return _each_power(x, y)  # type: ignore[no-any-return]


_each_power = each(_power, 2)


def _sign(x: Any) -> Any:
    return ONE if x > 0 else -ONE if x < 0 else ZERO


def _floor(x: Any) -> Any:
    """A ball that contains an integer is taken for it; the row's kinks tell that this is not certain."""
    found = x.floor()
    return found if found.is_exact() else (x.mid() + HALF).floor()


def _round(x: Any) -> Any:
    """To the nearest integer, halves to the even one."""
    raised = x + HALF
    found = _floor(raised)
    if (raised - found).contains(ZERO) and not (found / TWO).is_integer():
        return found - ONE
    return found


def _cbrt(x: Any) -> Any:
    if x.is_zero():
        return ZERO
    return x.root(3) if x > 0 else -((-x).root(3))


def _lgamma(x: Any) -> Any:
    """log|Gamma(x)|, by reflection for negative x."""
    return x.lgamma() if x > 0 else (arb.pi() / abs(x.sin_pi())).log() - (ONE - x).lgamma()


def _trigamma(x: Any) -> Any:
    """zeta(2, x), by reflection for negative x."""
    return TWO.zeta(x) if x > 0 else (arb.pi() / x.sin_pi()) ** 2 - TWO.zeta(ONE - x)


def _tetragamma(x: Any) -> Any:
    """The derivative of trigamma, -2 zeta(3, x); by reflection for negative x."""
    if x > 0:
        return -TWO * THREE.zeta(x)
    return -TWO * THREE.zeta(ONE - x) - TWO * arb.pi() ** 3 * x.cos_pi() / x.sin_pi() ** 3


_METHODS = (
    "sqrt", "exp", "expm1", "log", "log1p", "sin", "cos", "tan", "asin", "acos", "atan", "sinh", "cosh", "tanh",
    "asinh", "acosh", "atanh", "erf", "erfc", "digamma",
)  # fmt: skip

_CONDITIONS: Mapping[str, Function] = {
    "less": _compared(lambda way: way < 0), "less_equal": _compared(lambda way: way <= 0),
    "greater": _compared(lambda way: way > 0), "greater_equal": _compared(lambda way: way >= 0),
    "equal": _compared(lambda way: way == 0), "not_equal": _compared(lambda way: way != 0),
    "logical_and": np.logical_and, "logical_or": np.logical_or, "logical_not": np.logical_not,
    "where": np.where,
}  # fmt: skip

_PRIMITIVES: Mapping[str, Function] = {
    **_CONDITIONS,
    **{name: each(getattr(arb, name)) for name in _METHODS},
    "add": lambda x, y: boxed(x + y), "subtract": lambda x, y: boxed(x - y), "multiply": lambda x, y: boxed(x * y),
    "divide": lambda x, y: boxed(x / y), "negative": lambda x: boxed(-x), "pow": _powers,
    "abs": lambda x: boxed(abs(x)), "sign": each(_sign), "floor": each(_floor), "round": each(_round),
    "ceil": each(lambda x: -_floor(-x)),
    "max": lambda x, y: np.where(sign(boxed(x - y)) >= 0, x, y),
    "min": lambda x, y: np.where(sign(boxed(x - y)) <= 0, x, y),
    "atan2": each(arb.atan2, 2), "cbrt": each(_cbrt),
    "remainder": each(lambda x, y: x - y * _floor(x / y), 2), "floor_divide": each(lambda x, y: _floor(x / y), 2),
    "softplus": each(lambda x: x.exp().log1p()), "logsigmoid": each(lambda x: -(-x).exp().log1p()),
    "_shifted_log": each(lambda x, y: y + x.log(), 2), "hypot": each(lambda x, y: (x * x + y * y).sqrt(), 2),
    "gelu": each(lambda x: x * (-x / TWO.sqrt()).erfc() / TWO),
    "lgamma": each(_lgamma), "trigamma": each(_trigamma), "_psi2": each(_tetragamma),
}  # fmt: skip

_FLOAT_PRIMITIVES: Mapping[str, Function] = {
    "less": np.less, "less_equal": np.less_equal, "greater": np.greater, "greater_equal": np.greater_equal,
    "equal": np.equal, "not_equal": np.not_equal, "logical_and": np.logical_and, "logical_or": np.logical_or,
    "negative": np.negative, "floor": np.floor,
}  # fmt: skip
"""What the texts of domains are made of."""


class Formula:
    """A text of the table as a function of arrays, one per parameter; equal parts are computed once.

    Every branch is computed for every entry, and the conditions choose among the results.
    """

    def __init__(self, tree: Tree, parameters: Sequence[str], table: Mapping[str, Function] | None = None) -> None:
        self.parameters, self.table = tuple(parameters), table
        self.slots: list[tuple[Function, tuple[int, ...]]] = []
        self._places: dict[tuple[Any, ...], int] = {}
        self.root = self._place(tree)

    def __call__(self, *values: Any) -> Any:
        """The value for arrays in the order of the parameters."""
        done = list(values)
        for function, parts in self.slots:
            done.append(function(*[done[part] for part in parts]))
        return done[self.root]

    def _place(self, tree: Tree) -> int:
        if isinstance(tree, Variable):
            return self.parameters.index(tree.name)
        if isinstance(tree, Number):
            return self._slot(("number", tree.name, tree.value), self._constant(tree), ())
        parts = tuple(self._place(argument) for argument in tree.arguments)
        function = _value(tree.operation) if self.table is None else self.table[tree.operation]
        return self._slot((tree.operation, parts), function, parts)

    def _slot(self, key: tuple[Any, ...], function: Function, parts: tuple[int, ...]) -> int:
        if key not in self._places:
            self._places[key] = len(self.parameters) + len(self.slots)
            self.slots.append((function, parts))
        return self._places[key]

    def _constant(self, tree: Number) -> Function:
        if self.table is not None:
            return lambda: np.float64(tree.value)
        if tree.name == "pi":
            return lambda: boxed(arb.pi())
        box = boxed(arb(tree.value))
        return lambda: box


@dataclass(frozen=True, slots=True)
class Row:
    """One row: its value, derivatives, domain (None: everywhere), and kinks.

    ``trivial`` and ``depends`` are as in ``rows.Functions``. ``domain_floats`` is the domain on float64 numbers.
    ``straight[i]`` says that kink i is a number or a difference of two, whose slopes are 1.
    """

    value: Function
    derivatives: tuple[Function, ...]
    trivial: tuple[bool, ...]
    depends: tuple[tuple[int, ...], ...]
    domain: Formula | None
    domain_floats: Formula | None
    kinks: tuple[Formula, ...]
    straight: tuple[bool, ...]


@functools.cache
def row(name: str) -> Row:
    """The functions of the row called ``name``, compiled on first use."""
    table, known = OPERATIONS[name], functions(name)
    kinks = [parse_row_text(text, table.parameters) for text in table.kinks]
    domain = parse_row_text(table.domain, table.parameters) if table.domain else None
    derivatives = tuple(formula(text, table.parameters) for text in table.derivatives)
    return Row(
        _value(name),
        derivatives,
        known.trivial,
        known.depends,
        Formula(domain, table.parameters) if domain else None,
        Formula(domain, table.parameters, _FLOAT_PRIMITIVES) if domain else None,
        tuple(Formula(tree, table.parameters) for tree in kinks),
        tuple(map(_is_straight, kinks)),
    )


@functools.cache
def formula(text: str, parameters: tuple[str, ...]) -> Formula:
    """A cell of the table as a function of arrays of balls."""
    return Formula(parse_row_text(text, parameters), parameters)


@functools.cache
def _value(name: str) -> Function:
    table = OPERATIONS[name]
    return _PRIMITIVES.get(name) or formula(table.formula, table.parameters)


def _is_straight(tree: Tree) -> bool:
    if isinstance(tree, Variable):
        return True
    if isinstance(tree, Number):
        return False
    return tree.operation == "subtract" and all(isinstance(part, Variable | Number) for part in tree.arguments)
