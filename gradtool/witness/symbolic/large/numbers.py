"""Arrays of balls: high-precision numbers of python-flint (``arb``) with a radius that encloses the truth.

Every operation encloses all that its arguments may stand for, so a result says itself how many of its digits are right.
Nothing here raises for a number: outside its domain a function gives NaN.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from flint import arb
from numpy.typing import NDArray

__all__ = [
    "NAN",
    "ONE",
    "SMALLEST",
    "ZERO",
    "Floats",
    "Function",
    "Mask",
    "Numbers",
    "accuracy",
    "bits",
    "boxed",
    "each",
    "finite",
    "floats",
    "is_exact",
    "is_faint",
    "is_nan",
    "numbers",
    "sign",
    "sizes",
]

Numbers = NDArray[np.object_]
"""An array of balls."""

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]

SMALLEST = 5e-324
"""The smallest positive float64."""

LEFTOVER = 1e-40
"""Balls below this are looked at more closely, whether they are a number or the leftover of a cancellation."""

Function = Callable[..., Any]

ZERO: Any = arb(0)
ONE: Any = arb(1)
NAN: Any = arb("nan")


def boxed(value: Any) -> Any:
    """An array again, where NumPy gave the bare object of an array without axes."""
    if isinstance(value, np.ndarray):
        return value
    if isinstance(value, bool | np.generic):
        return np.asarray(value)
    box = np.empty((), dtype=np.object_)
    box[()] = value
    return box


def numbers(values: Floats) -> Numbers:
    """Exact balls of float64 numbers."""
    made = np.empty(values.size, dtype=np.object_)
    made[:] = [arb(value) for value in values.ravel().tolist()]
    return made.reshape(values.shape)


def floats(values: Numbers) -> Floats:
    """The float64 numbers nearest to the midpoints; infinite or 0 beyond their range."""
    return np.asarray(values).astype(np.float64)


def sizes(values: Numbers) -> Floats:
    """The magnitudes as float64 numbers; a nonzero one below their range as the smallest of them, never as 0.

    A small ball around 0 is what exact cancellation leaves, and counts as 0.
    """
    found = np.asarray(np.abs(floats(values)))
    low = np.asarray(found < LEFTOVER)
    if low.any():
        found[low] = np.where(sign(np.asarray(values)[low]) != 0, np.maximum(found[low], SMALLEST), 0.0)
    return found


def sign(values: Numbers) -> NDArray[np.int8]:
    """-1, 0 or 1; 0 also where the ball contains 0, so that its sign is not known."""
    above, below = np.asarray(values > ZERO, dtype=np.int8), np.asarray(values < ZERO, dtype=np.int8)
    return np.asarray(above - below, dtype=np.int8)


def each(function: Function, count: int = 1) -> Function:
    """A function of ``count`` balls on arrays of them."""
    made = np.frompyfunc(function, count, 1)
    return lambda *values: boxed(made(*values))


def asked(function: Function, kind: Any = np.bool_) -> Function:
    """A question to each ball, as an array of ``kind``."""
    made = np.frompyfunc(function, 1, 1)
    return lambda values: np.asarray(made(values), dtype=kind)


finite: Callable[[Numbers], Mask] = asked(arb.is_finite)
"""Which balls are numbers, neither NaN nor of infinite radius."""

is_nan: Callable[[Numbers], Mask] = asked(arb.is_nan)
"""Which balls are NaN; infinity is not."""

is_exact: Callable[[Numbers], Mask] = asked(arb.is_exact)
"""Which balls have radius 0."""

bits: Callable[[Numbers], NDArray[np.int64]] = asked(arb.bits, np.int64)
"""How many bits the midpoints have."""


def accuracy(values: Numbers) -> NDArray[np.int64]:
    """How many bits of the numbers are right: MANY for exact ones, -MANY for a ball around 0 or no number."""
    return np.asarray(np.clip(_accuracy(values), -MANY, MANY))


MANY = 1 << 20

_accuracy = asked(arb.rel_accuracy_bits, np.int64)

FAINT = arb(2) ** -1100
"""Less than this is 0 in every dtype."""

is_faint: Callable[[Numbers], Mask] = asked(lambda x: bool(abs(x) < FAINT))
"""Which numbers are certainly 0, or less than any dtype tells from 0."""
