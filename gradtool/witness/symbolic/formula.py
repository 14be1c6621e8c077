"""SymPy's derivative of the expression: a formula for people, and its value for a cross-check of the exact walk.

SymPy gets our own tree through its constructors, never text. Variables, and literals that are no simple fraction, are
``Dummy`` symbols that we make, so a user may call a variable I, N, S, gamma or re, and 0.1 stays the float it is.
"""

from __future__ import annotations

import contextlib
import functools
import math
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
from gradtool.target.expression import parse
from gradtool.target.operations import OPERATIONS
from gradtool.values import Array, Shape, Value, coordinates, entry_label, flat, indices, label, shape_of
from gradtool.witness.symbolic.program import Program, TooLargeError, scalar_program
from gradtool.witness.symbolic.rows import functions
from gradtool.witness.walk import Step, compile_tree

__all__ = ["differentiate"]

BUDGET = 5.0
"""Seconds that SymPy may take for the formulas of one expression before they are left out."""

MOST_FORMULAS, MOST_STEPS = 12, 400
"""Beyond so many derivatives, or so many steps of an expression of arrays, no formulas are written."""


class _Opaque(sympy.Function):  # type: ignore[misc]  # SymPy has no types
    """A function that SymPy neither simplifies nor orders: its derivatives are those of ``partials``."""

    partials: tuple[Any, ...] = ()

    def fdiff(self, index: int = 1) -> Any:
        return self.partials[index - 1](*self.args)


class _Where(sympy.Function):  # type: ignore[misc]  # likewise
    """where(condition, a, b). SymPy's own Piecewise spends seconds on the logic of its conditions."""


def _where(condition: Any, yes: Any, no: Any) -> Any:
    return yes if yes == no else _Where(condition, yes, no)


def _step(condition: str, *places: int) -> Any:
    """1 where ``condition`` holds between the arguments at ``places``, else 0."""
    return lambda *xs: _where(_CONDITIONS[condition](*(xs[place] for place in places)), _ONE, _ZERO)


def _opaque(name: str, *partials: Any) -> Any:
    return type(name, (_Opaque,), {"partials": partials, "nargs": len(partials)})


_ZERO, _ONE = sympy.Integer(0), sympy.Integer(1)
_CONDITIONS = {
    name: _opaque(name, *[lambda *_: _ZERO] * len(row.parameters)) for name, row in OPERATIONS.items() if row.logical
}
_SIGN = _opaque("sign", lambda _: _ZERO)
_TRIGAMMA = _opaque("trigamma", lambda x: sympy.polygamma(2, x))
_DIGAMMA = _opaque("digamma", _TRIGAMMA)

_FUNCTIONS: dict[str, Any] = {
    "sign": _SIGN,
    "floor": _opaque("floor", lambda _: _ZERO),
    "ceiling": _opaque("ceil", lambda _: _ZERO),
    "round": _opaque("round", lambda _: _ZERO),
    "lgamma": _opaque("lgamma", _DIGAMMA),
    "digamma": _DIGAMMA,
    "trigamma": _TRIGAMMA,
    "Abs": _opaque("abs", _SIGN),
    "Max": _opaque("max", _step("greater_equal", 0, 1), _step("less", 0, 1)),
    "Min": _opaque("min", _step("less_equal", 0, 1), _step("greater", 0, 1)),
    "Clip": _opaque(
        "clip",
        lambda x, low, high: _step("less_equal", 0, 1)(low, x) * _step("less_equal", 0, 1)(x, high),
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


@dataclass(frozen=True, slots=True)
class _Literal:
    value: float
    in_row: bool


class _TooLong(BaseException):  # a signal between two functions; nothing on its way may catch it
    pass


def differentiate(request: Request) -> Formulas:
    """The derivatives of ``request.expression`` as text by their labels, and their values at the point to 40 digits.

    Arrays get a formula for each entry, as long as they are few.
    """
    began = time.perf_counter()
    note, texts, values = "", dict[str, str](), dict[str, str | None]()
    try:
        with _limited(BUDGET):
            derivatives, known = _derivatives(_Question.of(request))
            texts = {name: _Printer().doprint(derivative) for name, derivative in derivatives.items()}
            symbols = {symbol: _meaning(symbol, value, request) for symbol, value in known.items()}
            values = {name: _value(derivative, symbols) for name, derivative in derivatives.items()}
    except _TooLong:
        note = f"SymPy took more than {BUDGET:g} s"
    except TooLargeError:
        pass  # arrays of that size have no formula that a person could read
    except Exception as error:  # noqa: BLE001  # SymPy refuses what has no real value, by errors of many types
        note = f"SymPy refused: {' '.join(str(error).split())[:100] or type(error).__name__}"
    return Formulas(request.key, texts, values, sympy.__version__, note=note, seconds=time.perf_counter() - began)


def _meaning(symbol: Any, literal: _Literal | None, request: Request) -> float:
    """The number a symbol stands for: a coordinate, a user's literal as the dtype rounds it, or a row's own number."""
    if literal is None:
        return coordinates(request.point)[symbol.name]
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
    signal.setitimer(signal.ITIMER_REAL, seconds, 0.1)  # again and again: a first one can be lost in a callback
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, previous)


@dataclass(frozen=True, slots=True)
class _Question:
    """What the formulas depend on: all of a request but the numbers of its point."""

    text: str
    shapes: tuple[tuple[str, Shape], ...]
    wrt: tuple[str, ...]
    mode: str
    order: int
    upstream: tuple[float, ...]
    labels: tuple[tuple[str, tuple[float, ...]], ...]
    dtype: str

    @classmethod
    def of(cls, request: Request) -> _Question:
        shapes = tuple((name, shape_of(value)) for name, value in sorted(request.point.items()))
        entries = sum(math.prod(dict(shapes)[name]) for name in request.wrt)
        if entries > MOST_FORMULAS or (request.mode == "hessian" and entries**2 > MOST_FORMULAS):
            raise TooLargeError
        upstream = () if request.upstream is None else tuple(flat(request.upstream))
        fixed = tuple((name, tuple(flat(v))) for name, v in sorted(request.point.items()) if name not in request.wrt)
        picks = fixed if "cross_entropy" in request.expression else ()
        wrt = tuple(request.wrt)
        return cls(request.expression, shapes, wrt, request.mode, request.order, upstream, picks, request.dtype)


@functools.lru_cache(maxsize=64)
def _derivatives(question: _Question) -> tuple[dict[str, Any], dict[Any, _Literal | None]]:
    """The derivatives by their labels, and every symbol with the literal it stands for (None for a variable)."""
    shapes = dict(question.shapes)
    tree = parse(question.text, shapes).tree
    zeros: dict[str, Value] = {name: Array.of(shape, [0.0] * math.prod(shape)) for name, shape in shapes.items()}
    zeros |= {name: Array.of(shapes[name], numbers) for name, numbers in question.labels}
    program = scalar_program(compile_tree(tree, "symbolic", shapes, "formula"), zeros)
    if len(program.steps) > MOST_STEPS and program.shape + sum(shapes.values(), ()):
        raise TooLargeError
    names = {label(name, index): sympy.Dummy(label(name, index)) for name in shapes for index in indices(shapes[name])}
    numbers: dict[Any, _Literal] = {}
    outputs = _built(program, names, numbers, question.dtype)
    known: dict[Any, _Literal | None] = {**dict.fromkeys(names.values()), **numbers}
    derivatives = dict(_asked(question, outputs, names, zeros, program.shape))
    if len(derivatives) > MOST_FORMULAS:
        raise TooLargeError
    if any(derivative.has(sympy.zoo, sympy.nan) for derivative in derivatives.values()):
        raise ZeroDivisionError("the expression divides by 0")
    return derivatives, known


def _asked(
    question: _Question, outputs: list[Any], symbols: Mapping[str, Any], point: Mapping[str, Value], shape: Shape
) -> Iterator[tuple[str, Any]]:
    """Each derivative that is asked for, by its label."""
    places = [(name, index) for name in question.wrt for index in indices(shape_of(point[name]))]
    if question.mode == "orders":
        for name in question.wrt:
            derivative = outputs[0]
            for order in range(1, question.order + 1):
                derivative = _differentiated(derivative, symbols[name])
                yield entry_label(",".join([name] * order), (), point), derivative
        return
    weights = question.upstream or (1.0,) * len(outputs)
    scaled = (sympy.Rational(*weight.as_integer_ratio()) * each for weight, each in zip(weights, outputs, strict=True))
    value = sympy.Add(*scaled)
    for name, index in places:
        symbol = symbols[label(name, index)]
        if question.mode == "jacobian":
            for place, output in zip(indices(shape), outputs, strict=True):
                yield entry_label(name, (*place, *index), point), _differentiated(output, symbol)
        elif question.mode == "hessian":
            slope = _differentiated(outputs[0], symbol)
            for other, place in places:
                second = _differentiated(slope, symbols[label(other, place)])
                yield entry_label(f"{name},{other}", (*index, *place), point), second
        else:
            yield entry_label(name, index, point), _differentiated(value, symbol)


def _differentiated(node: Any, symbol: Any) -> Any:
    """The derivative by the sum, product, power and chain rules, over SymPy's derivatives of its functions.

    SymPy's own ``diff`` gives the same in three times the time: it asks for the logarithm of every base.
    """
    if symbol not in node.free_symbols:
        return _ZERO
    if node == symbol:
        return _ONE
    if node.is_Add:
        return sympy.Add(*(_differentiated(term, symbol) for term in node.args))
    if node.is_Mul:
        slopes = [_differentiated(factor, symbol) for factor in node.args]
        rests = [node.args[:place] + node.args[place + 1 :] for place in range(len(slopes))]
        return sympy.Add(*(sympy.Mul(slope, *rest) for slope, rest in zip(slopes, rests, strict=True) if slope != 0))
    if node.is_Pow and symbol not in node.exp.free_symbols:
        return node.exp * node.base ** (node.exp - 1) * _differentiated(node.base, symbol)
    if node.is_Pow:
        slopes = [_differentiated(part, symbol) for part in node.args]
        return node * (slopes[1] * sympy.log(node.base) + node.exp * slopes[0] / node.base)
    if isinstance(node, _Where):
        condition, yes, no = node.args
        return _where(condition, _differentiated(yes, symbol), _differentiated(no, symbol))
    return sympy.Add(
        *(node.fdiff(place) * _differentiated(argument, symbol) for place, argument in enumerate(node.args, 1))
    )


def _built(program: Program, symbols: Mapping[str, Any], numbers: dict[Any, _Literal], dtype: str) -> list[Any]:
    """The SymPy expressions of the outputs, collecting literals; in a row's formula pi is the true pi."""
    values: list[Any] = []
    for step in program.steps:
        if step.operation == "variable":
            values.append(symbols[step.name])
        elif not step.operation:
            true_pi = step.inlined and step.name == "pi"
            values.append(sympy.pi if true_pi else _number(step, numbers, dtype))
        else:
            values.append(_applied(step.operation, [values[place] for place in step.arguments]))
    return [values[place] for place in program.outputs]


def _applied(operation: str, arguments: list[Any]) -> Any:
    if operation == "where":
        return _where(*arguments)
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


def _number(number: Step, numbers: dict[Any, _Literal], dtype: str) -> Any:
    if number.name == "inf":
        return sympy.oo
    exact = Fraction(number.value)
    kept = number.inlined or rounded(number.value, dtype) == number.value
    if not number.name and exact.denominator <= 64 and abs(number.value) < 1e15 and kept:
        return sympy.Rational(exact.numerator, exact.denominator)
    symbol = sympy.Dummy(number.name or repr(number.value).removesuffix(".0"))
    numbers[symbol] = _Literal(number.value, number.inlined)
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
    if isinstance(node, _Where):
        condition, yes, no = node.args
        return _evaluated(yes if _evaluated(condition, symbols) else no, symbols)
    parts = [_evaluated(argument, symbols) for argument in node.args]
    if (own := _EVALUATORS.get(type(node))) is not None:
        return own(parts)
    return functions(type(node).__name__).value(*parts)


class _Printer(StrPrinter):  # type: ignore[misc]  # SymPy has no types
    """Prints SymPy expressions in our own expression language."""

    def _print_Dummy(self, expr: Any) -> str:
        return str(expr.name)

    def _print_Infinity(self, _: Any) -> str:
        return "inf"

    def _print_NegativeInfinity(self, _: Any) -> str:
        return "-inf"

    def _print_Exp1(self, _: Any) -> str:
        return "exp(1)"

    def _print__Where(self, expr: Any) -> str:
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
