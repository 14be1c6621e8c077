"""Steps with any number of arguments in the exact walk: sums, and the largest or smallest of many."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from mpmath import mp

from gradtool.witness.symbolic.node import Node

__all__ = ["SURE", "is_exact_sum", "locals_of", "sum_units", "tied", "value_of"]

SURE = 256
"""Sums of up to so many terms are bounded whatever the order of summation."""

_CHOICES: dict[str, Callable[..., Any]] = {"amax": max, "amin": min, "_top": max}


def value_of(operation: str, values: Sequence[Any]) -> Any:
    """The exact sum or extreme."""
    return mp.fsum(values) if operation == "sum" else _CHOICES[operation](values)


def locals_of(operation: str, values: Sequence[Any], value: Any) -> list[Any]:
    """The local derivatives: ones for a sum; for an extreme 1 at the first that attains it."""
    if operation == "sum":
        return [mp.mpf(1)] * len(values)
    found = [mp.mpf(0)] * len(values)
    if operation != "_top":
        found[list(values).index(value)] = mp.mpf(1)
    return found


def tied(arguments: Sequence[Node], value: Any, unit: Any) -> tuple[list[int], list[int]]:
    """The places whose value is the extreme to within high-precision noise, and those within the dtype's rounding."""
    exact, near = [], []
    error = max((unit * node.units + node.excess for node in arguments if node.value == value), default=0)
    for place, node in enumerate(arguments):
        distance = abs(node.value - value)
        if distance <= node.units * mp.eps:
            exact.append(place)
        if distance <= 4 * (unit * node.units + node.excess + error):
            near.append(place)
    return exact, near


def sum_units(values: Sequence[Any]) -> Any:
    """The rounding of a sum of n terms in units: (n - 1) times the sum of magnitudes in any order of summation.

    Beyond SURE terms 16*sqrt(n) stands for n - 1: rounding errors of many terms do not all have one sign, and
    frameworks sum in blocks. See N. J. Higham and T. Mary, A new approach to probabilistic rounding error analysis,
    SIAM J. Sci. Comput. 41 (2019).
    """
    count = len(values)
    return (count - 1 if count <= SURE else 16 * mp.sqrt(count)) * mp.fsum(values, absolute=True)


def is_exact_sum(values: Sequence[Any], precision: int) -> bool:
    """Whether every partial sum, in any order, is a number of ``precision`` bits."""
    ordinary = [value for value in values if value]
    if not ordinary or not all(map(mp.isfinite, ordinary)):
        return not ordinary
    lowest = min(value.exp for value in ordinary)
    return bool(mp.mag(mp.fsum(ordinary, absolute=True)) - lowest <= precision)
