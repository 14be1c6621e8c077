"""A second opinion on single entries: the path integral along an entry's own axis.

A ladder of differences extrapolates values to the point; the path integral compares values far apart with the gradient
between them, and divides by no small step. What misleads one of them hardly misleads the other, so an entry is called
wrong where both say so.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from gradtool.witness.directional.flat_function import Array, Both, FlatFunction, Gradient, Point, Value
from gradtool.witness.directional.path_integral import POWER, along
from gradtool.witness.directional.segment import ratio

__all__ = ["EntryOpinion", "entry_opinions"]


@dataclass(frozen=True, slots=True)
class EntryOpinion:
    """An entry on a segment of its axis: the mean slope of the function, that of the claimed gradient, and the bar.

    The bar is infinite, and the slopes NaN, where the function or its gradient is finite on no segment. ``power`` is
    the smallest error of the entry, relative to its mean size on the segment, that would have been seen.
    """

    variable: str
    index: tuple[int, ...]
    slope: float
    claimed: float
    bar: float
    power: float
    evaluations: int

    @property
    def agrees(self) -> bool:
        """Whether the bar explains the gap; True, and worth nothing, where the bar is infinite."""
        return not abs(self.slope - self.claimed) > self.bar


def entry_opinions(
    value: Value,
    gradient: Gradient,
    point: Point,
    entries: Sequence[tuple[str, tuple[int, ...]]],
    dtype: str,
    seed: int = 0,
    both: Both | None = None,
) -> list[EntryOpinion]:
    """An opinion for each of ``entries``, (variable, index), of ``gradient`` near ``point``, in their order.

    ``seed`` draws how long the segments are, between a half and once the entry's unit. Cost of an entry: mostly 17 to
    51 values and 15 gradients.
    """
    function = FlatFunction(value, point, dtype, gradient, both)
    draw = np.random.default_rng(seed)
    found = []
    for name, index in entries:
        one = np.zeros_like(point[name])
        one[index] = draw.uniform(0.5, 1.0)
        found.append(_opinion(function, name, index, function.units() * function.vector({name: one})))
    return found


def _opinion(function: FlatFunction, name: str, index: tuple[int, ...], direction: Array) -> EntryOpinion:
    before = function.evaluations
    with np.errstate(all="ignore"):
        one = along(function, direction, None)
    asked = function.evaluations - before
    if one is None:
        return EntryOpinion(name, index, math.nan, math.nan, math.inf, math.inf, asked)
    ends = [function.rounded(function.start() + sign * one.step * direction) for sign in (-1, 1)]
    width = float(np.sum(ends[1] - ends[0]))
    power = ratio(POWER * one.bar, one.size)
    return EntryOpinion(name, index, one.difference / width, one.integral / width, one.bar / width, power, asked)
