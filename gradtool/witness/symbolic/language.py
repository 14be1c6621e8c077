"""Between our expression language and SymPy: operations as constructors, formulas as text, and their values."""

from __future__ import annotations

import functools
import operator
from collections.abc import Mapping
from typing import Any

import sympy
from mpmath import mp
from sympy.printing.str import StrPrinter

from gradtool.target.operations import OPERATIONS
from gradtool.witness.symbolic.rows import functions

__all__ = ["ONE", "ZERO", "Printer", "Where", "applied", "value_of", "where"]


class _Opaque(sympy.Function):  # type: ignore[misc]  # SymPy has no types
    """A function that SymPy neither simplifies nor orders: its derivatives are those of ``partials``."""

    partials: tuple[Any, ...] = ()

    def fdiff(self, index: int = 1) -> Any:
        return self.partials[index - 1](*self.args)


class Where(sympy.Function):  # type: ignore[misc]  # likewise
    """where(condition, a, b). SymPy's own Piecewise spends seconds on the logic of its conditions."""


def where(condition: Any, yes: Any, no: Any) -> Any:
    """The chosen branch where both are the same."""
    return yes if yes == no else Where(condition, yes, no)


def _step(condition: str, *places: int) -> Any:
    """1 where ``condition`` holds between the arguments at ``places``, else 0."""
    return lambda *xs: where(_CONDITIONS[condition](*(xs[place] for place in places)), ONE, ZERO)


def _opaque(name: str, *partials: Any) -> Any:
    return type(name, (_Opaque,), {"partials": partials, "nargs": len(partials)})


ZERO, ONE = sympy.Integer(0), sympy.Integer(1)
_CONDITIONS = {
    name: _opaque(name, *[lambda *_: ZERO] * len(row.parameters)) for name, row in OPERATIONS.items() if row.logical
}
_SIGN = _opaque("sign", lambda _: ZERO)
_TRIGAMMA = _opaque("trigamma", lambda x: sympy.polygamma(2, x))
_DIGAMMA = _opaque("digamma", _TRIGAMMA)

_FUNCTIONS: dict[str, Any] = {
    "sign": _SIGN,
    "floor": _opaque("floor", lambda _: ZERO),
    "ceiling": _opaque("ceil", lambda _: ZERO),
    "round": _opaque("round", lambda _: ZERO),
    "lgamma": _opaque("lgamma", _DIGAMMA),
    "digamma": _DIGAMMA,
    "trigamma": _TRIGAMMA,
    "Abs": _opaque("abs", _SIGN),
    "Max": _opaque("max", _step("greater_equal", 0, 1), _step("less", 0, 1)),
    "Min": _opaque("min", _step("less_equal", 0, 1), _step("greater", 0, 1)),
    "Clip": _opaque(
        "clip",
        lambda x, low, high: _step("less", 0, 1)(low, x) * _step("less", 0, 1)(x, high),  # flat where low is high
        _step("less", 0, 1),
        _step("greater", 0, 2),
    ),
    "atan2": _opaque("atan2", lambda y, x: x / (x**2 + y**2), lambda y, x: -y / (x**2 + y**2)),
    "Hypot": lambda x, y: sympy.sqrt(x**2 + y**2),
    "Neg": operator.neg,
    "Sub": operator.sub,
    "Div": operator.truediv,
}
"""Constructors that differ from SymPy's own: SymPy would answer with Heaviside, a complex branch, or no derivative."""


class Printer(StrPrinter):  # type: ignore[misc]  # SymPy has no types
    """Prints SymPy expressions in our own expression language."""

    def _print_Dummy(self, expr: Any) -> str:
        return str(expr.name)

    def _print_Infinity(self, _: Any) -> str:
        return "inf"

    def _print_NegativeInfinity(self, _: Any) -> str:
        return "-inf"

    def _print_Exp1(self, _: Any) -> str:
        return "exp(1)"

    def _print_Where(self, expr: Any) -> str:
        return f"where({', '.join(self._print(argument) for argument in expr.args)})"

    def _print_Function(self, expr: Any) -> str:
        name = type(expr).__name__
        if name not in _CONDITIONS:
            return str(super()._print_Function(expr))
        parts = [self._print(argument) for argument in expr.args]
        if name == "logical_not":
            return f"not ({parts[0]})"
        if name.startswith("logical"):
            parts = [f"({part})" if " or " in part or " and " in part else part for part in parts]
        return f" {OPERATIONS[name].operator} ".join(parts)


def applied(operation: str, arguments: list[Any]) -> Any:
    """The SymPy expression of a row of the table at ``arguments``."""
    if operation == "where":
        return where(*arguments)
    if operation in _CONDITIONS:
        return _CONDITIONS[operation](*arguments)
    if operation == "pow" and _is_too_large(*arguments):
        raise OverflowError("a power of numbers is too long to be written out")
    if operation in ("amax", "amin"):
        return functools.reduce(_FUNCTIONS["Max" if operation == "amax" else "Min"], arguments)
    if operation == "sum":
        return sympy.Add(*arguments)
    constructor = _FUNCTIONS.get(OPERATIONS[operation].symbolic) or getattr(sympy, OPERATIONS[operation].symbolic)
    return constructor(*arguments)


def _is_too_large(base: Any, exponent: Any) -> bool:
    """Whether SymPy would write out an exact power of more than ten thousand digits."""
    if not (base.is_Rational and exponent.is_Rational) or base in (0, 1, -1):
        return False
    return bool(abs(exponent) * max(base.p.bit_length(), base.q.bit_length()) > 40_000)


def value_of(derivative: Any, symbols: Mapping[Any, float]) -> str | None:
    """The formula's value, with so many digits that 30 stand still; None where it has none.

    The second precision is far above the first: a term of 1e-197 is missing at 50 digits and at 100.
    """
    before = None
    for digits in (50, 450, 900):
        with mp.workdps(digits):
            try:
                value = _evaluated(derivative, {symbol: mp.mpf(number) for symbol, number in symbols.items()})
            except (ArithmeticError, ValueError, LookupError, TypeError, AttributeError):  # complex numbers, poles
                return None
            if isinstance(value, mp.mpc) or not mp.isfinite(value) or (value and abs(mp.mag(value)) > 1 << 20):
                return None
            if before is not None and abs(value - before) <= mp.mpf(10) ** -31 * abs(value):
                return str(mp.nstr(value, 40)) if value else "0"
            before = value
    return None


_EVALUATORS: Mapping[Any, Any] = {
    sympy.Add: mp.fsum,
    sympy.Mul: mp.fprod,
    sympy.Pow: lambda parts: mp.power(*parts),
    sympy.polygamma: lambda parts: mp.psi(int(parts[0]), parts[1]),
    _CONDITIONS["logical_and"]: all,
    _CONDITIONS["logical_or"]: any,
}


def _evaluated(node: Any, symbols: Mapping[Any, Any]) -> Any:
    if node in symbols:
        return symbols[node]
    if node.is_Rational:
        return mp.mpf(int(node.p)) / int(node.q)
    if node.is_Atom:
        return +mp.mpf({sympy.pi: mp.pi, sympy.E: mp.e, sympy.oo: mp.inf}[node])
    if isinstance(node, Where):
        condition, yes, no = node.args
        return _evaluated(yes if _evaluated(condition, symbols) else no, symbols)
    parts = [_evaluated(argument, symbols) for argument in node.args]
    if (own := _EVALUATORS.get(type(node))) is not None:
        return own(parts)
    return functions(type(node).__name__).value(*parts)
