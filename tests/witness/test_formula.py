"""SymPy's formula: right in value, readable by the language it is written in, and never more than its budget."""

from __future__ import annotations

import gc
import signal
import time
from collections.abc import Iterator
from typing import Any

import pytest
from mpmath import mp

from gradtool.evidence import Formulas, Request
from gradtool.target.expression import parse
from gradtool.values import Array, Value
from gradtool.witness.symbolic import formula as module
from gradtool.witness.symbolic.derivative import derive
from gradtool.witness.symbolic.formula import differentiate

Point = dict[str, float]
D = mp.mpf

VALUES: list[tuple[str, Point, Any]] = [
    ("x**2", {"x": 3.0}, lambda x: x * x),
    ("0.1*x**2.5", {"x": 1.3}, lambda x: D(0.1) * x ** D(2.5)),
    ("sin(x)*exp(x)", {"x": 1.3}, lambda x: mp.sin(x) * mp.exp(x)),
    ("abs(x)*max(x, y)", {"x": -1.3, "y": 2.0}, lambda x, y: abs(x) * max(x, y)),
    ("min(x, y)**3", {"x": -1.3, "y": 2.0}, lambda x, y: min(x, y) ** 3),
    ("x**y", {"x": 1.3, "y": 0.7}, lambda x, y: x**y),
    ("e**x + pi*x", {"x": 1.2}, lambda x: D(2.718281828459045) ** x + D(3.141592653589793) * x),
    ("where(x > 0 and y < 2, x**2, x/y)", {"x": 1.3, "y": 1.0}, lambda x, _: x * x),
    ("where(not (x > 0 or y < 2), x**2, x/y)", {"x": 1.3, "y": 1.0}, lambda x, y: x / y),
    ("where(x == 0, 1, sin(x)/x)", {"x": 0.5}, lambda x: mp.sin(x) / x),
    ("where(x != y, x*y, x)", {"x": 0.5, "y": 2.0}, lambda x, y: x * y),
    ("where(x < 1, x, where(x < 2, x**2, x**3))", {"x": 1.5}, lambda x: x * x),
    ("lgamma(x)", {"x": -1.5}, lambda x: mp.log(abs(mp.gamma(x)))),
    ("digamma(x)", {"x": 1.5}, mp.digamma),
    ("softplus(x)*logsigmoid(x)", {"x": 1.0}, lambda x: -mp.log(1 + mp.exp(x)) * mp.log(1 + mp.exp(-x))),
    ("gelu(x)", {"x": 1.0}, lambda x: x * mp.ncdf(x)),
    ("selu(x) + elu(x)", {"x": 2.0}, lambda x: (D(1.0507009873554805) + 1) * x),
    ("logaddexp(x, y)", {"x": 1.0, "y": 2.0}, lambda x, y: mp.log(mp.exp(x) + mp.exp(y))),
    ("hypot(x, y)", {"x": 3.0, "y": 4.0}, lambda x, y: mp.sqrt(x * x + y * y)),
    ("atan2(y, x)", {"y": 1.0, "x": 2.0}, lambda y, x: mp.atan(y / x)),
    ("x % y", {"x": 7.5, "y": 2.0}, lambda x, y: x - 3 * y),
    ("(x // y)*x", {"x": 7.5, "y": 2.0}, lambda x, _: 3 * x),
    ("clip(x, -1, 1) + hardtanh(x)", {"x": 0.5}, lambda x: 2 * x),
    ("ceil(x)*floor(x)*round(x)*sign(x)*x", {"x": 2.3}, lambda x: 12 * x),
    ("cbrt(x)", {"x": -8.5}, lambda x: -mp.cbrt(-x)),
    ("sqrt(x**2)", {"x": -3.0}, abs),
    ("log(x)/log2(x) + log10(x)*log1p(x)", {"x": 3.0}, lambda x: mp.ln2 + mp.log10(x) * mp.log(1 + x)),
    ("expm1(x)*exp2(x)", {"x": 0.5}, lambda x: (mp.exp(x) - 1) * 2**x),
    ("asin(x)*acos(x)*atanh(x)", {"x": 0.5}, lambda x: mp.asin(x) * mp.acos(x) * mp.atanh(x)),
    ("acosh(x)*asinh(x)/atan(x)", {"x": 2.0}, lambda x: mp.acosh(x) * mp.asinh(x) / mp.atan(x)),
    ("erf(x)*erfc(x)", {"x": 0.5}, lambda x: mp.erf(x) * (1 - mp.erf(x))),
    ("sigmoid(x)*silu(x)*softsign(x)", {"x": 0.5}, lambda x: x * x / (1 + mp.exp(-x)) ** 2 / (1 + x)),
    ("tan(x)*tanh(x)/cosh(x) - sinh(x)", {"x": 1.0}, lambda x: mp.tan(x) * mp.tanh(x) / mp.cosh(x) - mp.sinh(x)),
    ("leaky_relu(x) - relu(x)", {"x": -0.5}, lambda x: D(0.01) * x),
    ("1e300*x**1e-3", {"x": 2.0}, lambda x: D(1e300) * x ** D(1e-3)),
    ("x**-1 - (-x)**2 - -x", {"x": 2.0}, lambda x: 1 / x - x * x + x),
    ("x/3 + y/7", {"x": 2.0, "y": 1.0}, lambda x, y: x / 3 + y / 7),
]


def asked(text: str, point: Point) -> Formulas:
    return differentiate(Request(0, text, point, list(point), "torch"))


@pytest.mark.parametrize(("text", "point", "function"), VALUES, ids=[case[0] for case in VALUES])
def test_the_formula_has_the_value_of_the_derivative(text: str, point: Point, function: Any) -> None:
    """mpmath differentiates the same function numerically, at 80 digits: 25 agree."""
    record = asked(text, point)
    assert record.note == ""
    with mp.workdps(80):
        numbers = [D(number) for number in point.values()]
        for place, name in enumerate(point):

            def along(t: Any, place: int = place) -> Any:
                return function(*numbers[:place], t, *numbers[place + 1 :])

            wanted, got = mp.diff(along, numbers[place]), record.values[name]
            assert got is not None
            assert abs(D(got) - wanted) <= D(10) ** -25 * max(abs(wanted), D(10) ** -20), (name, got)


@pytest.mark.parametrize(("text", "point", "_"), VALUES, ids=[case[0] for case in VALUES])
def test_the_formula_reads_back_as_an_expression_of_the_same_value(text: str, point: Point, _: Any) -> None:
    """What is printed is the language: it parses, and the exact walk gives it the value that SymPy gave.

    A pi that a row brought in is the true one to SymPy, and the float64 to whoever reads the text.
    """
    record = asked(text, point)
    for name, told in record.values.items():
        again = f"({record.formulas[name]}) + 0*{name}"
        assert set(parse(again, point).variables) <= set(point)
        back = derive(Request(0, again, point, [name], "torch"))
        assert back.status == "defined", record.formulas[name]
        assert told is not None
        assert back.value is not None
        with mp.workdps(60):
            near = D(10) ** (-15 if "pi" in record.formulas[name] else -25)
            assert abs(D(back.value) - D(told)) <= near * abs(D(told)), record.formulas[name]


NAMES = [
    "I",
    "N",
    "S",
    "E",
    "Q",
    "O",
    "C",
    "beta",
    "gamma",
    "re",
    "im",
    "lambda_",
    "zeta",
    "pi",
    "e",
    "oo",
    "nan",
    "x_1",
]


@pytest.mark.parametrize("name", NAMES)
def test_a_variable_may_be_called_what_sympy_calls_something_else(name: str) -> None:
    """d/dv of v**3*w + sin(v) is 3 v^2 w + cos(v); the names come back as they went in."""
    record = asked(f"{name}**3*w + sin({name})", {name: 2.0, "w": 5.0})
    got = record.values[name]
    assert got is not None
    with mp.workdps(50):
        assert abs(D(got) - (60 + mp.cos(2))) < D(10) ** -35
    assert set(parse(record.formulas[name], [name, "w"]).variables) == {name, "w"}


@pytest.mark.parametrize(
    ("text", "x"),
    [("sin(x)/x", 0.0), ("1/x", 0.0), ("log(x)", 0.0), ("sqrt(x)", -1.0), ("inf*x", 1.0), ("exp(exp(exp(x)))", 50.0)],
)
def test_where_the_formula_has_no_finite_real_value_there_is_none(text: str, x: float) -> None:
    """log(x) has a formula 1/x with values at negative points, but none at 0."""
    assert asked(text, {"x": x}).values == {"x": None}


@pytest.mark.parametrize("at", [0.3, 0.7, 0.9])
def test_between_limits_that_are_the_same_clip_is_flat(at: float) -> None:
    """clip(x, c, c) is c. The formula gave 1 at x = c, below a row that said that the derivative is 0."""
    value = asked("clip(x, lo, hi)", {"x": at, "lo": 0.7, "hi": 0.7}).values["x"]
    assert value is not None
    assert float(value) == 0.0


def test_an_infinite_constant_is_written_in_the_language() -> None:
    record = asked("inf*x", {"x": 1.0})
    assert parse(f"({record.formulas['x']}) + x").variables == ("x",)


HEAVY = "*".join(f"(sin(x**{k}) + cos({k}*x) + exp(x/{k}))**{k % 5 + 2}" for k in range(2, 80))


@pytest.fixture
def _without_collector() -> Iterator[None]:
    """No garbage collection: Hypothesis hangs a callback on it, in which an alarm would be lost."""
    gc.disable()
    yield
    gc.enable()


@pytest.mark.usefixtures("_without_collector")
@pytest.mark.parametrize("budget", [0.1, 0.15, 0.2, 0.3, 0.4])
def test_a_formula_that_takes_too_long_is_cut_with_a_note(budget: float, monkeypatch: pytest.MonkeyPatch) -> None:
    """The block ends in about its budget, the alarm is off afterwards, and the next formula is unharmed."""
    monkeypatch.setattr(module, "BUDGET", budget)
    module._derivatives.cache_clear()
    handler, began = signal.getsignal(signal.SIGALRM), time.perf_counter()
    record = asked(HEAVY, {"x": 1.1})
    assert time.perf_counter() - began < budget + 1
    assert (record.formulas, record.values) == ({}, {})
    assert "SymPy" in record.note
    assert f"{budget:g} s" in record.note
    assert signal.getitimer(signal.ITIMER_REAL) == (0, 0)
    assert signal.getsignal(signal.SIGALRM) is handler
    monkeypatch.setattr(module, "BUDGET", 10.0)
    assert asked("x**2", {"x": 3.0}).formulas == {"x": "2*x"}


UPSTREAM: list[tuple[str, dict[str, Value], Value, dict[str, str]]] = [
    ("sin(x)", {"x": 1.0}, 0.811415529070228, {"x": "g*cos(x)"}),
    ("sin(x)", {"x": 1.0}, 0.1, {"x": "0.1*cos(x)"}),
    ("sin(x)", {"x": 1.0}, -0.1, {"x": "-0.1*cos(x)"}),
    ("sin(x)", {"x": 1.0}, 0.75, {"x": "3*cos(x)/4"}),
    ("g*sin(x)", {"g": 2.0, "x": 1.0}, 1 / 3, {"g": "upstream*sin(x)", "x": "g*upstream*cos(x)"}),
    (
        "x*y",
        {"x": Array.of((2,), [1, 2]), "y": 3.0},
        Array.of((2,), [1 / 3, 2]),
        {"x[0]": "g[0]*y", "x[1]": "2*y", "y": "g[0]*x[0] + 2*x[1]"},
    ),
    (
        "exp(X)",
        {"X": Array.of((1, 2), [0, 1])},
        Array.of((1, 2), [0, 1 / 7]),
        {"X[0,0]": "0", "X[0,1]": "g[0,1]*exp(X[0,1])"},
    ),
]


@pytest.mark.parametrize(
    ("text", "point", "upstream", "formulas"), UPSTREAM, ids=[f"{c[0]} by {c[2]}" for c in UPSTREAM]
)
def test_a_long_number_of_the_upstream_gradient_is_named_and_not_written(
    text: str, point: dict[str, Value], upstream: Value, formulas: dict[str, str]
) -> None:
    """A random one made fractions of 16 digits by 16."""
    assert differentiate(Request(0, text, point, list(point), "torch", upstream=upstream)).formulas == formulas


def test_a_formula_with_an_upstream_gradient_has_the_value_of_the_derivative() -> None:
    """cos(1)/3 and 0.1 cos(1), with the float64 nearest to 1/3 and to 0.1, by mpmath."""
    for number in (1 / 3, 0.1, -0.1):
        told = differentiate(Request(0, "sin(x)", {"x": 1.0}, ["x"], "torch", upstream=number)).values["x"]
        assert told is not None
        with mp.workdps(50):
            assert abs(D(told) - D(number) * mp.cos(1)) < D(10) ** -35
