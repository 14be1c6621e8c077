"""Numbers as text: the shortest that reads back, exact decimals to some digits, a value with its error bar."""

from __future__ import annotations

import math
import re
import struct
from decimal import ROUND_HALF_EVEN, Context, Decimal

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from gradtool.report.numbers import exact, float_text, short, with_bar
from gradtool.target.dtype import rounded

SEEDED = settings(derandomize=True, deadline=None, max_examples=500)
FINITE = st.floats(allow_nan=False, allow_infinity=False)
FINITE32 = st.floats(allow_nan=False, allow_infinity=False, width=32)
NUMBER = r"-?(\d+(\.\d+)?|\d(\.\d+)?e[+-]\d{2,3})"


def digits(text: str) -> int:
    """Significant digits of a number's text."""
    return len(text.lstrip("-").partition("e")[0].replace(".", "").strip("0")) or 1


@SEEDED
@given(FINITE)
@example(5e-324)
@example(2.0**-44)
@example(9007199254740993.0)
@example(1.7976931348623157e308)
@example(1e22)
@example(1e23)
def test_a_float64_reads_back_from_the_shortest_text(value: float) -> None:
    text = float_text(value, "float64")
    assert re.fullmatch(NUMBER, text)
    assert float(text) == value
    assert digits(text) == digits(repr(value))


@SEEDED
@given(FINITE32)
@example(1.401298464324817e-45)
@example(3.4028234663852886e38)
@example(16777216.0)
@example(0.3333333432674408)
def test_a_float32_reads_back_from_the_shortest_text(value: float) -> None:
    """The shortest by NumPy's own printing of a float32."""
    text = float_text(value, "float32")
    assert re.fullmatch(NUMBER, text)
    assert struct.unpack("f", struct.pack("f", float(text)))[0] == value
    assert digits(text) == digits(np.format_float_scientific(np.float32(value), unique=True, trim="-"))


def test_every_float16_reads_back_from_the_shortest_text() -> None:
    """The shortest by NumPy's own printing of a float16, for every 37th of them."""
    numbers = np.arange(1 << 16, dtype=np.uint16)[::37].view(np.float16)
    for number in numbers[np.isfinite(numbers)]:
        text = float_text(float(number), "float16")
        assert float(np.float16(float(text))) == float(number)
        assert digits(text) == digits(np.format_float_scientific(number, unique=True, trim="-"))


def test_every_bfloat16_reads_back_from_at_most_four_digits() -> None:
    numbers = (np.arange(1 << 16, dtype=np.uint32)[::37] << 16).view(np.float32)
    for number in numbers[np.isfinite(numbers)]:
        text = float_text(float(number), "bfloat16")
        assert rounded(float(text), "bfloat16") == float(number)
        assert digits(text) <= 4
    assert float_text(rounded(0.1, "bfloat16"), "bfloat16") == "0.1"


def test_powers_of_two_have_shortest_texts_too() -> None:
    """There the gap below is half the gap above, and rounding to n digits is not always the shortest way back."""
    longer = [
        power for power in range(-1074, 1024) if digits(float_text(2.0**power, "float64")) > digits(repr(2.0**power))
    ]
    assert longer == []


@pytest.mark.parametrize(
    ("value", "dtype", "text"),
    [
        (6.0, "float64", "6"),
        (0.0, "float64", "0"),
        (0.1, "float64", "0.1"),
        (-2.5, "float32", "-2.5"),
        (0.10000000149011612, "float32", "0.1"),
        (0.10000000149011612, "float64", "0.10000000149011612"),
        (100.0, "float64", "100"),
        (1234567.0, "float64", "1234567"),
        (1e15, "float64", "1000000000000000"),
        (1e16, "float64", "1e+16"),
        (0.00001, "float64", "0.00001"),
        (0.000001, "float64", "1e-06"),
        (5e-324, "float64", "5e-324"),
        (math.nan, "float64", "nan"),
        (math.inf, "float32", "inf"),
        (-math.inf, "float64", "-inf"),
    ],
)
def test_numbers_look_like_this(value: float, dtype: str, text: str) -> None:
    assert float_text(value, dtype) == text


@pytest.mark.parametrize(
    ("text", "places", "shown"),
    [
        ("0.33333333333333333333333333333333333333", 17, "0.33333333333333333"),
        ("0.33333333333333333333333333333333333333", 9, "0.333333333"),
        ("2.00000000000000000000", 17, "2"),
        ("0.99999999999999999999", 9, "1"),
        ("-1.5e-400", 17, "-1.5e-400"),
        ("1e400", 30, "1e+400"),
        ("123456789012345678901234567890", 9, "1.23456789e+29"),
        ("0", 17, "0"),
        ("-0", 17, "0"),
        ("0E-45", 17, "0"),
        ("100", 17, "100"),
        ("0.0625", 1, "0.06"),
        ("Infinity", 17, "inf"),
        ("-Infinity", 17, "-inf"),
        (None, 17, "-"),
    ],
)
def test_an_exact_decimal_is_rounded_to_digits(text: str | None, places: int, shown: str) -> None:
    assert exact(text, places) == shown


@SEEDED
@given(st.decimals(allow_nan=False, allow_infinity=False, places=25), st.integers(1, 30))
def test_an_exact_decimal_keeps_its_value_to_the_digits(number: Decimal, places: int) -> None:
    shown = exact(str(number), places)
    assert digits(shown) <= places
    assert Decimal(shown) == Context(prec=places, rounding=ROUND_HALF_EVEN).plus(number)


@pytest.mark.parametrize(
    ("value", "bar", "text"),
    [
        (6.0, 2.3e-9, "6 ± 2e-9"),
        (6.000000004, 2.3e-9, "6.000000004 ± 2e-9"),
        (0.3333333333333, 1e-7, "0.3333333 ± 1e-7"),
        (-1234.5678, 0.3, "-1234.6 ± 3e-1"),
        (1234.5678, 20.0, "1230 ± 2e1"),
        (1e-12, 1e-9, "0 ± 1e-9"),
        (0.0, 1e-9, "0 ± 1e-9"),
        (1e300, 1e285, "1e+300 ± 1e285"),
        (2.5, 0.0, "2.5 ± 0"),
        (2.5, math.inf, "2.5 ± inf"),
        (None, 1e-9, "-"),
        (2.5, None, "-"),
    ],
)
def test_a_value_has_the_digits_that_its_bar_leaves(value: float | None, bar: float | None, text: str) -> None:
    assert with_bar(value, bar) == text


@SEEDED
@given(FINITE, st.floats(min_value=1e-320, max_value=1e300))
def test_rounding_for_the_bar_stays_within_it(value: float, bar: float) -> None:
    """The shown value is off by at most one and a half bars; the shown bar has one digit of the true one."""
    shown, _, width = with_bar(value, bar).partition(" ± ")
    assert abs(Decimal(shown) - Decimal(value)) <= Decimal("1.5") * Decimal(bar) + abs(Decimal(value)) / 10**16
    assert Decimal(width) == pytest.approx(Decimal(bar), rel=Decimal("0.5"))


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, "-"), (0.5, "0.5"), (67108864.0, "6.7e+07"), (1.0, "1"), (0.123, "0.12"), (math.inf, "inf")],
)
def test_a_short_number_has_two_digits(value: float | None, text: str) -> None:
    assert short(value) == text
