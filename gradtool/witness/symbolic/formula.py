"""SymPy's derivative of the expression: a formula for people, and its value for a cross-check of the exact walk.

SymPy gets our own tree through its constructors, never text. Variables, and literals that are no simple fraction, are
``Dummy`` symbols that we make, so a user may call a variable I, N, S, gamma or re, and 0.1 stays the float it is.
"""

from __future__ import annotations

import contextlib
import functools
import operator
import signal
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import sympy
from mpmath import mp
from sympy.printing.str import StrPrinter

from gradtool.evidence import Formulas, Request
from gradtool.target.dtype import rounded
from gradtool.target.expression import Number, Tree, Variable, parse, parse_row_text
from gradtool.target.operations import OPERATIONS
from gradtool.witness.symbolic.rows import functions

__all__ = ["differentiate"]

BUDGET = 10.0
"""Seconds that SymPy may take for the formulas of one expression before they are left out."""


def _smooth_function(name: str, derivative: str | None) -> Any:
    """A function that SymPy leaves alone: its derivative is the named function, or 0."""

    def fdiff(self: Any, _: int = 1) -> Any:
        return _FUNCTIONS[derivative](*self.args) if derivative else sympy.Integer(0)

    return type(name, (sympy.Function,), {"fdiff": fdiff, "nargs": 1})


def _chosen(name: str, keeps: Any) -> Any:
    """The larger or smaller of two arguments: its derivative is 1 by the chosen one, else 0."""

    def fdiff(self: Any, index: int = 1) -> Any:
        first, other = (1, 0) if index == 1 else (0, 1)
        return sympy.Piecewise((first, keeps(*self.args)), (other, True))

    return type(name, (sympy.Function,), {"fdiff": fdiff, "nargs": 2})


def _clip_derivative(self: Any, index: int = 1) -> Any:
    x, low, high = self.args
    where = {1: sympy.And(low <= x, x <= high), 2: x < low, 3: x > high}[index]
    return sympy.Piecewise((1, where), (0, True))


_FUNCTIONS: dict[str, Any] = {
    "sign": _smooth_function("sign", None),
    "floor": _smooth_function("floor", None),
    "ceiling": _smooth_function("ceil", None),
    "round": _smooth_function("round", None),
    "lgamma": _smooth_function("lgamma", "digamma"),
    "digamma": _smooth_function("digamma", "trigamma"),
    "trigamma": _smooth_function("trigamma", "tetragamma"),
    "tetragamma": lambda x: sympy.polygamma(2, x),
    "Abs": _smooth_function("abs", "sign"),
    "Clip": type("clip", (sympy.Function,), {"fdiff": _clip_derivative, "nargs": 3}),
    "Max": _chosen("max", sympy.GreaterThan),
    "Min": _chosen("min", sympy.LessThan),
    "Hypot": lambda x, y: sympy.sqrt(x**2 + y**2),
    "Neg": operator.neg,
    "Sub": operator.sub,
    "Div": operator.truediv,
}
"""Constructors that differ from SymPy's own: SymPy would answer with Heaviside, a complex branch, or no derivative."""

_NODES: Mapping[Any, str] = {
    sympy.StrictLessThan: "less", sympy.LessThan: "less_equal", sympy.StrictGreaterThan: "greater",
    sympy.GreaterThan: "greater_equal", sympy.Equality: "equal", sympy.Unequality: "not_equal",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Literal:
    value: float
    in_row: bool


class _TooLong(Exception):  # noqa: N818  # a signal between two functions, no error
    pass


def differentiate(request: Request) -> Formulas:
    """The partial derivatives of ``request.expression`` as text, and their values at the point to 40 digits."""
    began = time.perf_counter()
    note, texts, values = "", dict[str, str](), dict[str, str | None]()
    try:
        with _limited(BUDGET):
            names = tuple(sorted(request.point))
            derivatives, known = _derivatives(request.expression, names, tuple(request.wrt))
            texts = {name: _Printer().doprint(derivative) for name, derivative in derivatives.items()}
            symbols = {symbol: _meaning(symbol, value, request) for symbol, value in known.items()}
            values = {name: _value(derivative, symbols) for name, derivative in derivatives.items()}
    except _TooLong:
        note = f"SymPy took more than {BUDGET:g} s"
    except Exception as error:  # noqa: BLE001  # SymPy refuses what has no real value, by errors of many types
        note = f"SymPy refused: {' '.join(str(error).split())[:100] or type(error).__name__}"
    return Formulas(request.key, texts, values, sympy.__version__, note=note, seconds=time.perf_counter() - began)


def _meaning(symbol: Any, literal: _Literal | None, request: Request) -> float:
    """The number a symbol stands for: a coordinate, a user's literal as the dtype rounds it, or a row's own number."""
    if literal is None:
        return request.point[symbol.name]
    return literal.value if literal.in_row else rounded(literal.value, request.dtype)


@contextlib.contextmanager
def _limited(seconds: float) -> Iterator[None]:
    """Interrupt the block after ``seconds`` by an alarm signal, where the system has one."""
    if not hasattr(signal, "setitimer"):
        yield
        return

    def stop(*_: object) -> None:
        raise _TooLong

    previous = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, previous)


@functools.lru_cache(maxsize=64)
def _derivatives(
    text: str, names: tuple[str, ...], wrt: tuple[str, ...]
) -> tuple[dict[str, Any], dict[Any, _Literal | None]]:
    """The derivatives, and every symbol with the literal it stands for (None for a variable)."""
    symbols: dict[str, Any] = {name: sympy.Dummy(name, real=True) for name in names}
    numbers: dict[Any, _Literal] = {}
    tree = _built(parse(text, names).tree, symbols, numbers)
    known: dict[Any, _Literal | None] = {**dict.fromkeys(symbols.values()), **numbers}
    return {name: sympy.diff(tree, symbols[name]) for name in wrt}, known


def _built(tree: Tree, symbols: Mapping[str, Any], numbers: dict[Any, _Literal], in_row: bool = False) -> Any:
    """The SymPy expression of ``tree``, collecting its literals; in a row's formula pi is the true pi."""
    if isinstance(tree, Variable):
        return symbols[tree.name]
    if isinstance(tree, Number):
        return sympy.pi if in_row and tree.name == "pi" else _number(tree, numbers, in_row)
    arguments = [_built(argument, symbols, numbers, in_row) for argument in tree.arguments]
    row = OPERATIONS[tree.operation]
    if tree.operation == "where":
        condition, yes, no = arguments
        return sympy.Piecewise((yes, condition), (no, True))
    if row.symbolic:
        constructor = _FUNCTIONS.get(row.symbolic) or getattr(sympy, row.symbolic)
        return constructor(*arguments)
    formula = parse_row_text(row.formula, row.parameters)
    return _built(formula, dict(zip(row.parameters, arguments, strict=True)), numbers, in_row=True)


def _number(number: Number, numbers: dict[Any, _Literal], in_row: bool) -> Any:
    if number.name == "inf":
        return sympy.oo
    exact = Fraction(number.value)
    if not number.name and exact.denominator <= 64 and abs(number.value) < 1e15:
        return sympy.Rational(exact.numerator, exact.denominator)
    symbol = sympy.Dummy(number.name or repr(number.value), real=True, positive=True)
    numbers[symbol] = _Literal(number.value, in_row)
    return symbol


def _value(derivative: Any, symbols: Mapping[Any, float]) -> str | None:
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
    sympy.And: all,
    sympy.Or: any,
    sympy.Not: lambda parts: not parts[0],
    sympy.polygamma: lambda parts: mp.psi(int(parts[0]), parts[1]),
}


def _evaluated(node: Any, symbols: Mapping[Any, Any]) -> Any:
    if node in symbols:
        return symbols[node]
    if node.is_Rational:
        return mp.mpf(int(node.p)) / int(node.q)
    if isinstance(node, sympy.Piecewise):
        for branch, condition in node.args:
            if _evaluated(condition, symbols):
                return _evaluated(branch, symbols)
        raise ValueError("no branch")
    if node.is_Atom:
        constants = {sympy.pi: mp.pi, sympy.E: mp.e, sympy.oo: mp.inf, sympy.true: True, sympy.false: False}
        value = constants[node]
        return value if isinstance(value, bool) else +mp.mpf(value)
    parts = [_evaluated(argument, symbols) for argument in node.args]
    if (own := _EVALUATORS.get(type(node))) is not None:
        return own(parts)
    name = _NODES.get(type(node), type(node).__name__)
    return functions(name).value(*parts)


class _Printer(StrPrinter):  # type: ignore[misc]  # SymPy has no types
    """Prints SymPy expressions in our own expression language."""

    def _print_Dummy(self, expr: Any) -> str:
        return str(expr.name)

    def _print_Exp1(self, _: Any) -> str:
        return "exp(1)"

    def _print_Piecewise(self, expr: Any) -> str:
        text, last = "", "nan"
        opened = 0
        for branch, condition in expr.args:
            if condition is sympy.true:
                last = self._print(branch)
                break
            text += f"where({self._print(condition)}, {self._print(branch)}, "
            opened += 1
        return f"{text}{last}{')' * opened}"

    def _print_And(self, expr: Any) -> str:
        return " and ".join(self.parenthesize(argument, 40) for argument in expr.args)

    def _print_Or(self, expr: Any) -> str:
        return " or ".join(self.parenthesize(argument, 40) for argument in expr.args)
