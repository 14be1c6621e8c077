"""Every row of the operation table against SymPy and mpmath: derivatives, domains, kinks and native functions."""

from __future__ import annotations

from typing import Any

import pytest
import sympy
from meanings import EVERYWHERE, MEANINGS, POINTS, Num, Sym
from mpmath import mp

from gradtool.target.elementwise import ROWS
from gradtool.witness.symbolic.rows import functions

OPERATIONS = {row.name: row for row in ROWS if not row.hidden}

NUMBERS = [name for name, row in OPERATIONS.items() if not row.logical]
STEPS = {"floor", "ceil", "round", "floor_divide", "remainder"}
"""SymPy leaves the derivative of floor unevaluated; mpmath's difference and the closed form 0 stand for it."""


def points(name: str) -> tuple[tuple[float, ...], ...]:
    return POINTS.get(name, EVERYWHERE)


def arguments(name: str, point: tuple[float, ...]) -> list[Any]:
    """The point as mpmath numbers; the condition of where stays a truth value."""
    values: list[Any] = [mp.mpf(value) for value in point]
    return [bool(point[0]), *values[1:]] if name == "where" else values


def places(name: str) -> range:
    """The arguments to differentiate by."""
    return range(1 if name == "where" else 0, len(OPERATIONS[name].parameters))


def close(got: Any, wanted: Any, digits: int) -> bool:
    return bool(abs(got - wanted) <= mp.mpf(10) ** -digits * max(abs(wanted), mp.mpf(10) ** -30))


def test_every_row_of_numbers_has_a_meaning_here_and_derivatives_there() -> None:
    """A new row without a second definition in meanings.py is not tested, and so not accepted."""
    assert sorted(MEANINGS) == sorted(NUMBERS)
    for name in NUMBERS:
        assert len(functions(name).derivatives) == len(OPERATIONS[name].parameters), name


@pytest.mark.parametrize("name", NUMBERS)
def test_the_value_is_what_the_row_means(name: str) -> None:
    with mp.workdps(60):
        for point in points(name):
            values = arguments(name, point)
            with mp.workdps(150):
                wanted = MEANINGS[name](Num(), *values)
            assert close(functions(name).value(*values), wanted, 50), point


@pytest.mark.parametrize("name", [name for name in NUMBERS if name not in STEPS])
def test_the_derivatives_are_sympys(name: str) -> None:
    """SymPy differentiates the row's meaning; both are evaluated to 50 digits."""
    symbols = [sympy.Symbol(f"s{place}", real=True) for place in range(len(OPERATIONS[name].parameters))]
    for point in points(name):
        given: list[Any] = [sympy.true if point[0] else sympy.false, *symbols[1:]] if name == "where" else symbols
        exact = {symbol: sympy.Rational(value) for symbol, value in zip(symbols, point, strict=True)}
        for place in places(name):
            formula = sympy.diff(MEANINGS[name](Sym(), *given), symbols[place])
            wanted = sympy.N(formula.subs(exact), 50)
            with mp.workdps(50):
                got = functions(name).derivatives[place](*arguments(name, point))
                assert close(got, mp.mpf(str(sympy.re(wanted))), 40), (point, place)


@pytest.mark.parametrize("name", NUMBERS)
def test_the_derivatives_are_mpmaths_differences(name: str) -> None:
    """mp.diff at 60 digits of the row's meaning: 20 digits and more agree."""
    with mp.workdps(60):
        for point in points(name):
            values = arguments(name, point)
            for place in places(name):

                def along(t: Any, place: int = place, values: list[Any] = values) -> Any:
                    return mp.re(MEANINGS[name](Num(), *values[:place], t, *values[place + 1 :]))

                got = functions(name).derivatives[place](*values)
                assert close(got, mp.diff(along, values[place]), 20), (point, place)


MAGNITUDES = [f"1e{exponent}" for exponent in (-300, -160, -100, -30, -8, -3, 0, 1, 2, 3, 8, 30, 100, 160, 300)]
DOMAINS: dict[str, Any] = {
    **dict.fromkeys(("sqrt", "log", "log2", "log10"), lambda x: x > 0),
    "log1p": lambda x: x > -1,
    **dict.fromkeys(("asin", "acos", "atanh"), lambda x: abs(x) < 1),
    "acosh": lambda x: x > 1,
    **dict.fromkeys(("lgamma", "digamma", "trigamma"), lambda x: x > 0 or x != mp.floor(x)),
    "pow": lambda x, _: x > 0,
}


def wide(name: str) -> list[list[Any]]:
    """Floats inside the domain of every magnitude, also beside 1, both signs, unequal pairs; no kinks."""
    numbers = [sign * 0.7773 * float(text) for text in MAGNITUDES for sign in (1, -1)]
    numbers += [sign * (1 + step) for sign in (1, -1) for step in (2.0**-52, -(2.0**-53), 2.0**-30, -(2.0**-30))]
    count = len(OPERATIONS[name].parameters)
    if name == "where":
        return [[flag, mp.mpf(number), mp.mpf(-number)] for number in numbers for flag in (True, False)]
    others = [0.9173 * number for number in numbers]
    found = [(x,) for x in numbers] if count == 1 else [(x, y) for x in numbers[::3] for y in others[1::4]]
    if count == 3:
        found = [(x, -2.6, 31.4) for x in numbers]
    found = [[mp.mpf(value) for value in values] for values in found]
    return [values for values in found if name not in DOMAINS or DOMAINS[name](*values)]


@pytest.mark.timeout(15)
@pytest.mark.parametrize("name", NUMBERS)
def test_no_digit_is_lost_in_a_derivative_at_any_magnitude(name: str) -> None:
    """50 digits and 500 digits agree to 40, from 1e-300 to 1e300, wherever the derivative is within 2^100000."""
    for values in wide(name):
        for place in places(name):
            with mp.workdps(500):
                precise = functions(name).derivatives[place](*values)
                if precise and abs(mp.mag(precise)) > 100_000:
                    continue
            with mp.workdps(50):
                rough = functions(name).derivatives[place](*values)
            with mp.workdps(500):
                error = abs(rough - precise)
                assert error <= mp.mpf(10) ** -40 * abs(precise), ([mp.nstr(v, 30) for v in values], place)
