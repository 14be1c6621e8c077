"""Numbers as text: every digit that matters, none that does not."""

from __future__ import annotations

import math
from collections.abc import Mapping
from decimal import MAX_EMAX, MIN_EMIN, Context, Decimal

from gradtool.target.dtype import rounded

__all__ = ["exact", "float_text", "point_text", "short", "with_bar"]

_CONTEXT = Context(prec=80, Emax=MAX_EMAX, Emin=MIN_EMIN)
DIGITS = {"float64": 17, "float32": 9}


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


def point_text(point: Mapping[str, float], dtype: str) -> str:
    """A point as ``x = 2, y = 0.1``."""
    return ", ".join(f"{name} = {float_text(value, dtype)}" for name, value in point.items())


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
