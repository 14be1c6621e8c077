"""SymPy's derivative of the expression: a formula for people, and its value for a cross-check of the exact walk.

SymPy gets our own tree through its constructors, never text. Variables, and literals that are no simple fraction, are
``Dummy`` symbols that we make, so a user may call a variable I, N, S, gamma or re, and 0.1 stays the float it is.
"""

from __future__ import annotations

import functools
import math
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import sympy

from gradtool.evidence import Formulas, Request
from gradtool.target.dtype import rounded
from gradtool.target.expression import parse
from gradtool.values import (
    Array,
    Shape,
    Value,
    coordinates,
    entry_label,
    flat,
    indices,
    label,
    shape_of,
    upstream_name,
)
from gradtool.witness.symbolic.alarm import TooLong, limited
from gradtool.witness.symbolic.language import ONE, ZERO, Printer, Where, applied, value_of, where
from gradtool.witness.symbolic.program import Program, TooLargeError, scalar_program
from gradtool.witness.walk import Step, compile_tree

__all__ = ["differentiate"]

BUDGET = 5.0
"""Seconds that SymPy may take for the formulas of one expression before they are left out."""

MOST_FORMULAS, MOST_STEPS = 12, 400
"""Beyond so many derivatives, or so many steps of an expression of arrays, no formulas are written."""


LONGEST_WEIGHT = 6
"""Characters of an entry of the upstream gradient that is written out in formulas."""


@dataclass(frozen=True, slots=True)
class _Literal:
    """A number that a symbol stands for; one ``in_row`` is taken as it is, others as the dtype rounds them."""

    value: float
    in_row: bool


def differentiate(request: Request) -> Formulas:
    """The derivatives of ``request.expression`` as text by their labels, and their values at the point to 40 digits.

    Arrays get a formula for each entry, as long as they are few.
    """
    began = time.perf_counter()
    note, texts, values = "", dict[str, str](), dict[str, str | None]()
    try:
        with limited(BUDGET):
            derivatives, known = _derivatives(_Question.of(request))
            texts = {name: Printer().doprint(derivative) for name, derivative in derivatives.items()}
            symbols = {symbol: _meaning(symbol, value, request) for symbol, value in known.items()}
            values = {name: value_of(derivative, symbols) for name, derivative in derivatives.items()}
    except TooLong:
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
    weights = _weights(question, program.shape, numbers)
    known: dict[Any, _Literal | None] = {**dict.fromkeys(names.values()), **numbers}
    derivatives = dict(_asked(question, outputs, weights, names, zeros, program.shape))
    if len(derivatives) > MOST_FORMULAS:
        raise TooLargeError
    if any(derivative.has(sympy.zoo, sympy.nan) for derivative in derivatives.values()):
        raise ZeroDivisionError("the expression divides by 0")
    return derivatives, known


def _weights(question: _Question, shape: Shape, numbers: dict[Any, _Literal]) -> list[Any]:
    """What each output counts in a plain gradient: its entry of the upstream gradient, 1 without it."""
    upstream = question.upstream or (1.0,) * math.prod(shape)
    name = upstream_name(dict(question.shapes))
    return [_weight(each, label(name, index), numbers) for each, index in zip(upstream, indices(shape), strict=True)]


def _weight(number: float, entry: str, numbers: dict[Any, _Literal]) -> Any:
    """The number where it is short, else a symbol called ``entry``: nobody reads a fraction of 16 digits."""
    if (simple := _simple(number)) is not None:
        return simple
    text = repr(abs(number))
    if len(text) > LONGEST_WEIGHT:
        return _symbol(entry, _Literal(number, in_row=True), numbers)
    size = _symbol(text, _Literal(abs(number), in_row=True), numbers)
    return -size if number < 0 else size


def _asked(
    question: _Question,
    outputs: list[Any],
    weights: list[Any],
    symbols: Mapping[str, Any],
    point: Mapping[str, Value],
    shape: Shape,
) -> Iterator[tuple[str, Any]]:
    """Each derivative that is asked for, by its label; ``weights`` are those of the outputs in a plain gradient."""
    places = [(name, index) for name in question.wrt for index in indices(shape_of(point[name]))]
    if question.mode == "orders":
        for name in question.wrt:
            derivative = outputs[0]
            for order in range(1, question.order + 1):
                derivative = _differentiated(derivative, symbols[name])
                yield entry_label(",".join([name] * order), (), point), derivative
        return
    value = sympy.Add(*(weight * each for weight, each in zip(weights, outputs, strict=True)))
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
        return ZERO
    if node == symbol:
        return ONE
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
    if isinstance(node, Where):
        condition, yes, no = node.args
        return where(condition, _differentiated(yes, symbol), _differentiated(no, symbol))
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
            values.append(applied(step.operation, [values[place] for place in step.arguments]))
    return [values[place] for place in program.outputs]


def _number(number: Step, numbers: dict[Any, _Literal], dtype: str) -> Any:
    if number.name == "inf":
        return sympy.oo
    kept = number.inlined or rounded(number.value, dtype) == number.value
    if not number.name and kept and (simple := _simple(number.value)) is not None:
        return simple
    text = number.name or repr(number.value).removesuffix(".0")
    return _symbol(text, _Literal(number.value, number.inlined), numbers)


def _simple(number: float) -> Any:
    """The number as SymPy's own where it is a small whole number or a simple fraction, else None."""
    exact = Fraction(number)
    short = exact.denominator <= 64 and abs(number) < 1e15
    return sympy.Rational(exact.numerator, exact.denominator) if short else None


def _symbol(text: str, literal: _Literal, numbers: dict[Any, _Literal]) -> Any:
    symbol = sympy.Dummy(text)
    numbers[symbol] = literal
    return symbol
