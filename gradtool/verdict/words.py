"""Operations, parts of the expression and numbers, as they stand in sentences."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from gradtool.evidence import Place
from gradtool.target.operations import OPERATIONS

__all__ = ["EQUAL", "digits_apart", "named", "ordinal", "short", "source_of", "ulps"]

FEW, MOST = 6, 40
"""Digits of a number in a sentence: so few as a rule, so many at most, to tell it from another."""

EQUAL = 0.005
"""Ulps below which two numbers are told as the same: 0.00, had they two decimals."""


def ulps(error: float | None) -> str:
    """An error in ulp to two digits, 0 where that is nothing; ``-`` for None."""
    if error is None:
        return "-"
    return "0" if error < EQUAL else f"{error:.2g}"


def named(place: Place) -> str:
    """What the operation of a node is called."""
    row = OPERATIONS.get(place.operation)
    return row.label if row else place.operation


def source_of(text: str, place: Place) -> str:
    """The user's own text of a node."""
    part = text[slice(*place.span)]
    return part if len(part) <= 40 else part[:37] + "..."  # a line has room for that much


def ordinal(number: int) -> str:
    """``first`` for 1."""
    words = ("zeroth", "first", "second", "third", "fourth", "fifth")
    return words[number] if number < len(words) else f"{number}th"


def short(number: Decimal, digits: int = FEW) -> str:
    """A decimal to so many digits, beyond the range of floats too."""
    if number.is_infinite():
        return "infinity" if number > 0 else "-infinity"
    if not number:
        return "0"
    mantissa, _, exponent = f"{number:.{digits - 1}e}".partition("e")
    if -5 < int(exponent) <= FEW:  # written out in full where that is short
        mantissa, exponent = f"{Decimal(f'{mantissa}e{exponent}'):f}", ""
    if "." in mantissa:
        mantissa = mantissa.rstrip("0").rstrip(".")
    return f"{mantissa}e{int(exponent):+03d}" if exponent else mantissa


def digits_apart(numbers: Sequence[Decimal]) -> int:
    """The fewest digits, six or more, that show how far the lowest and the highest of ``numbers`` are apart."""
    if not all(number.is_finite() for number in numbers) or len(set(numbers)) < 2:
        return FEW
    gap = max(numbers) - min(numbers)
    largest = max(number.adjusted() for number in numbers)
    return min(max(largest - gap.adjusted() + 1, FEW), MOST)
