"""Numbers as text: every digit that matters, none that does not."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from decimal import MAX_EMAX, MIN_EMIN, Context, Decimal
from types import MappingProxyType

from gradtool.target.dtype import rounded
from gradtool.values import Array, Shape, Value, shape_text

__all__ = ["exact", "float_text", "nested", "point_text", "rounded_exact", "short", "value_text", "with_bar"]

WRITTEN_OUT = 8
"""Arrays of up to so many numbers are written out."""

_CONTEXT = Context(prec=80, Emax=MAX_EMAX, Emin=MIN_EMIN)
DIGITS = {"float64": 17, "float32": 9, "float16": 5, "bfloat16": 4}


def float_text(value: float, dtype: str) -> str:
    """The shortest text that reads back as ``value`` in ``dtype``; whole numbers without a fraction."""
    if not math.isfinite(value):
        return "nan" if math.isnan(value) else "inf" if value > 0 else "-inf"
    if dtype == "float64":
        return _plain(Decimal(repr(value)))
    for digits in range(1, DIGITS[dtype] + 1):
        text = f"{value:.{digits}g}"
        if rounded(float(text), dtype) == value:
            return _plain(Decimal(text))
    return repr(value)


def value_text(value: Value, dtype: str) -> str:
    """A number, or the nested list of an array's numbers."""
    if not isinstance(value, Array):
        return float_text(value, dtype)
    return nested([float_text(number, dtype) for number in value.data], value.shape)


def nested(texts: Sequence[str], shape: Shape) -> str:
    """The texts of an array's numbers, in C order, as a nested list."""
    for length in reversed(shape):
        texts = [f"[{', '.join(texts[start : start + length])}]" for start in range(0, len(texts), length)]
    return texts[0]


def point_text(point: Mapping[str, Value], dtype: str, at: Mapping[str, str] = MappingProxyType({})) -> str:
    """A point as ``x = 2, y = [0.1, 3]``; an array of many numbers by what was typed, or by its shape."""
    return ", ".join(f"{name} = {_coordinate(value, dtype, at.get(name, ''))}" for name, value in point.items())


def _coordinate(value: Value, dtype: str, typed: str) -> str:
    made = "" if typed.lstrip().startswith(("[", "(")) or len(typed) > 40 else typed
    if not isinstance(value, Array) or (len(value.data) <= WRITTEN_OUT and not made):
        return value_text(value, dtype)
    return made or f"{shape_text(value.shape)} array"


def exact(text: str | None, digits: int) -> str:
    """A decimal text rounded to ``digits`` significant digits, without trailing zeros; ``-`` for None."""
    if text is None:
        return "-"
    number = Decimal(text)
    if number.is_infinite():
        return "inf" if number > 0 else "-inf"
    context = _CONTEXT.copy()
    context.prec = digits
    return _plain(context.plus(number))


def rounded_exact(text: str, dtype: str) -> str:
    """An exact number to the digits of ``dtype``; one of its own numbers as that is written."""
    number = Decimal(text)
    nearest = rounded(float(number), dtype)
    if math.isfinite(nearest) and abs(Decimal(nearest) - number) <= abs(number) * Decimal("1e-35"):
        return float_text(nearest, dtype)
    return exact(text, DIGITS[dtype])


def with_bar(value: float | None, bar: float | None) -> str:
    """A value and its error bar, to the digits that the bar leaves."""
    if value is None or bar is None:
        return "-"
    if not math.isfinite(bar):
        return f"{value:.6g} ± inf"
    if not bar:
        return f"{value!r} ± 0"
    shown = f"{bar:.0e}"
    if value and math.floor(math.log10(abs(value))) >= math.floor(math.log10(float(shown))) - 1:
        digits = math.floor(math.log10(abs(value))) - math.floor(math.log10(float(shown))) + 1
        value_text = _plain(Decimal(f"{value:.{max(min(digits, 17), 1)}g}"))
    else:
        value_text = "0" if abs(value) <= bar else f"{value:.1g}"
    mantissa, _, exponent = shown.partition("e")
    return f"{value_text} ± {mantissa}e{int(exponent)}"


def short(value: float | None) -> str:
    """Two significant digits; ``-`` for None."""
    return "-" if value is None else f"{value:.2g}"


def _plain(number: Decimal) -> str:
    """A decimal written out in full where that is short, else with an exponent."""
    if not number:
        return "0"
    number = _CONTEXT.normalize(number)
    if -5 <= number.adjusted() < 16:  # where Python's own repr switches
        return f"{number:f}"
    mantissa, _, exponent = f"{number:e}".partition("e")
    return f"{mantissa}e{int(exponent):+03d}"
