"""Numbers and arrays as Python writes them, to the last digit."""

from __future__ import annotations

import math
from collections.abc import Sequence

from gradtool.report.numbers import float_text
from gradtool.values import Array, Shape, Value

__all__ = ["WIDTH", "constant", "value_lines"]

WIDTH = 76
"""Longer lists are written on several lines."""


def constant(value: float) -> str:
    """A number of a formula: whole ones without a fraction."""
    if not math.isfinite(value):
        return "math.nan" if math.isnan(value) else "math.inf" if value > 0 else "-math.inf"
    return repr(value).removesuffix(".0")


def value_lines(value: Value, dtype: str) -> list[str]:
    """A number, or a nested list that is broken into lines where it is long; ``int64`` for class labels."""
    if not isinstance(value, Array):
        return [_entry(value, dtype)]
    return _nested([_entry(number, dtype) for number in value.data], value.shape)


def _entry(value: float, dtype: str) -> str:
    if dtype == "int64":
        return str(int(value))
    text = float_text(value, dtype) if math.isfinite(value) else constant(value)
    return text if any(sign in text for sign in ".enm") else f"{text}.0"


def _nested(texts: Sequence[str], shape: Shape) -> list[str]:
    """A list of rows, each on a line of its own or, where that is long, on several."""
    if len(shape) == 1:
        items = [[f"{text}," for text in texts]]
    else:
        size = len(texts) // shape[0]
        rows = [_nested(texts[start : start + size], shape[1:]) for start in range(0, len(texts), size)]
        items = [[*row[:-1], f"{row[-1]},"] for row in rows]
    whole = " ".join(line.strip() for item in items for line in item).removesuffix(",")
    if len(whole) + 2 <= WIDTH - 4 * len(shape):
        return [f"[{whole}]".replace("[ ", "[")]
    lines = [f"    {line}" for item in items for line in item]
    return ["[", *(_filled(texts) if len(shape) == 1 else lines), "]"]


def _filled(texts: Sequence[str]) -> list[str]:
    """Numbers in lines that are as long as they may be."""
    lines, line = [], "   "
    for text in texts:
        if len(line) + len(text) + 2 > WIDTH - 8:
            lines.append(line)
            line = "   "
        line += f" {text},"
    return [*lines, line]
