"""Numbers as they stand in sentences: errors in ulp, and slopes that differ late."""

from __future__ import annotations

from decimal import Decimal

import pytest

from gradtool.verdict.words import digits_apart, ordinal, short, ulps


@pytest.mark.parametrize(
    ("error", "told"),
    [(None, "-"), (0.0, "0"), (3.4e-24, "0"), (0.0049, "0"), (0.005, "0.005"), (0.214, "0.21"), (2140.0, "2.1e+03")],
)
def test_an_error_far_below_the_last_digit_is_none(error: float | None, told: str) -> None:
    assert ulps(error) == told


@pytest.mark.parametrize(
    ("number", "digits", "told"),
    [
        ("0", 6, "0"),
        ("1000000", 6, "1000000"),
        ("-0.5", 6, "-0.5"),
        ("0.999999999", 6, "1"),
        ("0.999999999", 9, "0.999999999"),
        ("0.000123456789", 6, "0.000123457"),
        ("0.0000123456789", 6, "1.23457e-05"),
        ("1e400", 6, "1e+400"),
        ("-Infinity", 6, "-infinity"),
    ],
)
def test_a_decimal_is_told_in_so_many_digits(number: str, digits: int, told: str) -> None:
    assert short(Decimal(number), digits) == told


@pytest.mark.parametrize(
    ("numbers", "digits"),
    [
        (("-1", "1"), 6),
        (("2", "2"), 6),
        (("0.99999999", "1.00000001"), 9),
        (("1", "1.0000000000000000000001"), 23),
        (("1000000", "1000001"), 7),
        (("-Infinity", "Infinity"), 6),
        (("Infinity", "Infinity"), 6),
    ],
)
def test_as_many_digits_as_show_the_difference(numbers: tuple[str, str], digits: int) -> None:
    assert digits_apart([Decimal(number) for number in numbers]) == digits


def test_orders_have_names() -> None:
    assert [ordinal(number) for number in (1, 2, 5, 6)] == ["first", "second", "fifth", "6th"]
