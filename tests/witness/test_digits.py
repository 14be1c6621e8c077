"""The exact derivative has thirty digits that stand, whatever cancels, and every row answers at every magnitude."""

from __future__ import annotations

import signal
import struct
import time
from collections.abc import Callable
from decimal import MAX_EMAX, MIN_EMIN, Context, Decimal, InvalidOperation
from typing import Any

import pytest
from mpmath import mp

from gradtool.evidence import Request
from gradtool.target.elementwise import ROWS
from gradtool.witness.symbolic.derivative import derive

OPERATIONS = {row.name: row for row in ROWS if not row.hidden}

Point = dict[str, float]
Closed = Callable[..., Any]

CANCELLING: list[tuple[str, Point, Closed, tuple[Closed, ...]]] = [
    ("1 - cos(x)", {"x": 1e-150}, lambda x: 2 * mp.sin(x / 2) ** 2, (mp.sin,)),
    (
        "log(1 + exp(-x))*exp(x)",
        {"x": 200.0},
        lambda x: mp.log(1 + mp.exp(-x)) * mp.exp(x),
        (lambda x: mp.exp(x) * mp.log(1 + mp.exp(-x)) - 1 / (1 + mp.exp(-x)),),
    ),
    ("sin(x)**2 + cos(x)**2", {"x": 0.7}, lambda _: mp.mpf(1), (lambda _: mp.mpf(0),)),
    ("exp(x)/exp(x)", {"x": 5.0}, lambda _: mp.mpf(1), (lambda _: mp.mpf(0),)),
    ("exp(x)", {"x": 1000.0}, mp.exp, (mp.exp,)),
    ("log(exp(x))", {"x": 800.0}, lambda x: x, (lambda _: mp.mpf(1),)),
    ("exp(-exp(x))", {"x": 20.0}, lambda x: mp.exp(-mp.exp(x)), (lambda x: -mp.exp(x - mp.exp(x)),)),
    ("sin(x)", {"x": 1e22}, mp.sin, (mp.cos,)),
    ("tan(x)", {"x": 1.5707963267948966}, mp.tan, (lambda x: 1 + mp.tan(x) ** 2,)),
    ("sqrt(x + 1) - sqrt(x)", {"x": 1e300}, lambda x: 1 / (mp.sqrt(x + 1) + mp.sqrt(x)),
     (lambda x: -1 / (2 * mp.sqrt(x) * mp.sqrt(x + 1) * (mp.sqrt(x + 1) + mp.sqrt(x))),)),
    ("(x + 1e20) - 1e20", {"x": 1.0}, lambda x: x, (lambda _: mp.mpf(1),)),
    ("(x + 1e-200) - x", {"x": 1.0}, lambda _: mp.mpf(1e-200), (lambda _: mp.mpf(0),)),
    ("((1 + x) - 1)*y", {"x": 1e-60, "y": 1.0}, lambda x, y: x * y, (lambda _, y: y, lambda x, _: x)),
    ("((1 + x)**2 - 1)*y", {"x": 1e-200, "y": 1.0}, lambda x, y: (2 * x + x * x) * y,
     (lambda x, y: 2 * (1 + x) * y, lambda x, _: 2 * x + x * x)),
    ("sin(x % 3)", {"x": 1e60}, lambda x: mp.sin(int(x) % 3), (lambda x: mp.cos(int(x) % 3),)),
    ("sin(x - 3*floor(x/3))", {"x": 1e60}, lambda x: mp.sin(int(x) % 3), (lambda x: mp.cos(int(x) % 3),)),
    ("lgamma(x - 1)", {"x": 1e-25}, lambda x: mp.log(abs(mp.gamma(x - 1))), (lambda x: mp.digamma(x - 1),)),
    ("erf(x)", {"x": 30.0}, mp.erf, (lambda x: 2 * mp.exp(-x * x) / mp.sqrt(mp.pi),)),
    ("1 - erf(x)", {"x": 30.0}, mp.erfc, (lambda x: -2 * mp.exp(-x * x) / mp.sqrt(mp.pi),)),
    ("tanh(x) - 1", {"x": 300.0}, lambda x: -2 / (mp.exp(2 * x) + 1), (lambda x: mp.sech(x) ** 2,)),
    ("x**y", {"x": 1.0000000000000002, "y": 1e17}, lambda x, y: x**y,
     (lambda x, y: y * x ** (y - 1), lambda x, y: x**y * mp.log(x))),
    ("exp(x)*exp(y)", {"x": 1000.0, "y": -1000.0}, lambda x, y: mp.exp(x + y),
     (lambda x, y: mp.exp(x + y), lambda x, y: mp.exp(x + y))),
]  # fmt: skip


@pytest.mark.timeout(10)
@pytest.mark.parametrize("case", CANCELLING, ids=lambda case: case[0])
def test_thirty_digits_stand_where_digits_cancel(case: tuple[str, Point, Closed, tuple[Closed, ...]]) -> None:
    """Value and every derivative against a closed form in 700 digits."""
    text, point, value, slopes = case
    record = derive(Request(0, text, point, list(point), "torch"))
    assert record.status == "defined"
    assert record.value is not None
    with mp.workdps(700):
        numbers = [mp.mpf(number) for number in point.values()]
        pairs = [(record.value, value(*numbers))]
        for entry, slope in zip(record.entries, slopes, strict=True):
            assert (entry.kind, entry.left, entry.right) == ("smooth", None, None)
            assert entry.derivative is not None
            pairs.append((entry.derivative, slope(*numbers)))
        for got, wanted in pairs:
            assert abs(mp.mpf(got) - wanted) <= mp.mpf(10) ** -30 * abs(wanted), (got, mp.nstr(wanted, 40))


_WIDE = Context(prec=60, Emax=MAX_EMAX, Emin=MIN_EMIN, traps=[InvalidOperation])
MAGNITUDES = (5e-324, 1e-310, 1e-200, 1e-20, 1e10 + 0.5, 2.0**52 - 0.5, 1e20, 1e100, 1e160, 1e200, 1.7e308)


@pytest.mark.timeout(20)
@pytest.mark.parametrize("framework", ["torch", "tensorflow"])
@pytest.mark.parametrize("name", [name for name, row in OPERATIONS.items() if not row.logical and name != "where"])
def test_every_row_answers_at_every_magnitude(name: str, framework: str) -> None:
    """An answer of some status within 2 seconds, never an exception: subnormal to largest, both signs."""
    parameters = OPERATIONS[name].parameters
    text = f"{name}({', '.join(parameters)})"

    def late(*_: object) -> None:
        raise AssertionError("no answer within 2 s")

    previous = signal.signal(signal.SIGALRM, late)
    failed = []
    try:
        for number in (sign * size for size in MAGNITUDES for sign in (1, -1)):
            point = dict(zip(parameters, (number, 0.7 * number, 1.3 * number), strict=False))
            signal.setitimer(signal.ITIMER_REAL, 2)
            try:
                record = derive(Request(0, text, point, list(parameters), framework))
                for number_ in [record.value, *(found.derivative for found in record.entries)]:
                    assert number_ is None or not Decimal(number_, _WIDE).is_nan()
            except (ArithmeticError, AssertionError, ValueError) as error:
                failed.append((number, repr(error)))
            finally:
                signal.setitimer(signal.ITIMER_REAL, 0)
            if failed:
                break
    finally:
        signal.signal(signal.SIGALRM, previous)
    assert failed == []


BEYOND = [
    ("exp(exp(exp(x)))", 10.0, "Infinity"),
    ("10**(10**x)", 9.0, "Infinity"),
    ("sin(exp(exp(x)))", 100.0, None),
    ("1/exp(exp(exp(x)))", 10.0, None),
]


@pytest.mark.parametrize(("text", "x", "value"), BEYOND)
def test_a_number_beyond_every_computer_is_answered_at_once(text: str, x: float, value: str | None) -> None:
    began = time.perf_counter()
    record = derive(Request(0, text, {"x": x}, ["x"], "torch"))
    assert time.perf_counter() - began < 1
    assert (record.status, record.value, record.entries) == ("beyond", value, [])


def single(value: float) -> float:
    return float(struct.unpack("<f", struct.pack("<f", value))[0])


@pytest.mark.parametrize("literal", [0.1, 1 / 3, 1e-3, 16777217.0])
def test_a_literal_is_the_number_of_the_dtype_nearest_to_it(literal: float) -> None:
    for dtype, wanted in (("float64", literal), ("float32", single(literal))):
        (found,) = derive(Request(0, f"{literal!r}*x", {"x": 1.0}, ["x"], "torch", dtype)).entries
        assert found.derivative is not None
        assert mp.mpf(found.derivative) == mp.mpf(wanted) or float(found.derivative) == wanted


@pytest.mark.parametrize(
    ("text", "x", "slope"),
    [
        ("asin(sin(x))", 1.5707963267948966, 1),  # just below pi/2
        ("asin(sin(x))", 1.5707963267948968, -1),  # just above
        ("acos(cos(x))", 1e-150, 1),
        ("relu((1 + x) - 1)", 1e-200, 1),
    ],
)
def test_beside_an_infinite_slope_more_digits_are_taken(text: str, x: float, slope: int) -> None:
    """Where a bound is infinite at 50 digits, the derivative is not 0 but not yet known."""
    (entry,) = derive(Request(0, text, {"x": x}, ["x"], "torch")).entries
    assert float(str(entry.derivative)) == pytest.approx(slope, rel=1e-20)
