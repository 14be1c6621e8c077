"""How the walk's findings cross to other processes: numbers as decimal text, steps as places in the user's text."""

from __future__ import annotations

from typing import Any

from mpmath import mp

from gradtool.evidence import Place
from gradtool.witness.walk import Step

__all__ = ["place_if", "place_of", "text_if", "text_of"]

BEYOND_DECIMAL = 1 << 50
"""Binary exponents that decimal text can't carry any more."""


def place_of(step: Step) -> Place:
    """Where ``step`` stands in the user's text, and the operation that it belongs to there."""
    return Place(step.caller or step.operation, step.span)


def place_if(step: Step | None) -> Place | None:
    """The same of a step that there may be."""
    return None if step is None else place_of(step)


def text_of(number: Any) -> str:
    """A high-precision number as decimal text that Decimal reads back: 40 digits, ``Infinity`` or ``-Infinity``."""
    if mp.isinf(number) or (number and mp.mag(number) > BEYOND_DECIMAL):
        return "Infinity" if number > 0 else "-Infinity"
    if number and mp.mag(number) < -BEYOND_DECIMAL:
        return "0"
    return str(mp.nstr(mp.mpf(number), 40, strip_zeros=False, min_fixed=0, max_fixed=0)) if number else "0"


def text_if(number: Any) -> str | None:
    """The same of a number that there may be."""
    return None if number is None else text_of(number)
