"""The fundamental theorem of calculus as a test of a whole gradient, at any dimension.

Along a segment from a to b, whatever the number of entries,

    f(b) - f(a) = integral over z from -1 to 1 of g(c + z w) . w,   c = (a + b) / 2,  w = (b - a) / 2,

if g is the gradient of f. The right side is a Gauss-Kronrod quadrature: 15 gradients, no division by a small step, so
a segment may be long and the test works in float32 too. a and b are the point -/+ H v, v a random direction, as they
were rounded to the dtype; H starts at 1/4 and is divided by 4 until the quadrature is as good as the rounding.

A segment that disagrees is asked again before it is believed: at another H, with fresh roundings, and ever nearer to
the point, because a jump beside it is no error of the gradient.

Blind spots: an error that integrates to 0 over the segment (which is why there are several directions), a function
that rounds in stairs longer than any segment, and a point at a kink, which every segment crosses. Where the function
lets little be said the printed power says how little.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from gradtool.witness.directional.flat_function import Array, FlatFunction, Gradient, Point, Value
from gradtool.witness.directional.segment import Reading, ratio, reading

__all__ = ["PathIntegral", "Segment", "path_integral"]

_START = 0.25
_SHRINK = 4.0
_RUNGS = 8
_SMALLEST = {"float64": 2.0**-40, "float32": 2.0**-15}
"""H at which every entry still moves."""
_SHARP_ENOUGH = {"float64": 1e-6, "float32": 1e-3}
"""A bar at this part of |g| . |v| that a shorter segment did not improve is not worth a third."""
_AGAIN = 0.77
_NEARER = (2.0**-6, 2.0**-12, 2.0**-18, 2.0**-24)
"""Parts of its H at which a segment that disagrees is asked again."""
_FARTHER = (2.0**4, 2.0**8)
"""And where f stands still on it, lest it be a stair made by rounding, which a longer segment shows."""
_POWER = 4.0
"""Bars by which an error is seen for certain: one hides it, one is as far as the noise may help it, and twice for
the second asking on a shorter segment with a bar of its own."""


@dataclass(frozen=True, slots=True)
class Segment:
    """One direction: ``difference`` is f(b) - f(a), ``integral`` that of the gradient, ``size`` that of |g| . |v|.

    ``bar`` is the noise as measured plus the error of the quadrature; infinite where the function or its gradient
    is not finite on any segment tried. ``step`` is H, ``evaluations`` counts values and gradients.
    """

    difference: float
    integral: float
    bar: float
    size: float
    step: float
    evaluations: int

    @property
    def agrees(self) -> bool:
        """Whether the bar explains the gap; True, and worth nothing, where the bar is infinite."""
        return not abs(self.difference - self.integral) > self.bar

    @property
    def power(self) -> float:
        """The smallest error of the gradient along the direction, relative to |g| . |v|, that would have been seen."""
        return ratio(_POWER * self.bar, self.size)

    @property
    def whole(self) -> float:
        """The smallest error of the whole gradient by one factor that would have been seen, relative."""
        return ratio(_POWER * self.bar, abs(self.integral))


@dataclass(frozen=True, slots=True)
class PathIntegral:
    """All directions. ``entries`` holds, per tensor, the error that would have been seen in any one of its entries."""

    segments: tuple[Segment, ...]
    entries: Mapping[str, float]

    @property
    def agree(self) -> bool:
        """Whether every direction agrees."""
        return all(segment.agrees for segment in self.segments)

    @property
    def power(self) -> float:
        """The smallest relative error that every direction would have seen."""
        return max((segment.power for segment in self.segments), default=math.inf)

    @property
    def whole(self) -> float:
        """The smallest relative error of the whole gradient by one factor that some direction would have seen."""
        return min((segment.whole for segment in self.segments), default=math.inf)

    @property
    def evaluations(self) -> int:
        """Values and gradients of all directions."""
        return sum(segment.evaluations for segment in self.segments)


def path_integral(
    value: Value, gradient: Gradient, point: Point, dtype: str, seed: int = 0, directions: int = 3
) -> PathIntegral:
    """``gradient`` against ``value`` along random directions through ``point``, whose entries are numbers of ``dtype``.

    Cost for each direction: 15 gradients and 17 values where the segment is right at once, and as much again for each
    quartering; a later direction starts at the H at which the one before it arrived.
    """
    function = FlatFunction(value, point, dtype)
    draw = np.random.default_rng(seed)
    segments: list[Segment] = []
    with np.errstate(all="ignore"):
        for _ in range(directions):
            before = function.evaluations
            usable = [segment.step for segment in segments if math.isfinite(segment.bar)]
            found = _direction(function, gradient, function.direction(draw), usable[-1] if usable else _START)
            segments.append(_segment(found, function.evaluations - before))
        return PathIntegral(tuple(segments), _entries(segments, function.tensors(function.units())))


def _segment(found: Reading | None, evaluations: int) -> Segment:
    if found is None:
        return Segment(math.nan, math.nan, math.inf, 0.0, math.nan, evaluations)
    return Segment(found.difference, found.integral, found.bar, found.size, found.step, evaluations)


def _entries(segments: list[Segment], units: Mapping[str, Array]) -> dict[str, float]:
    """An error d in one entry, the same along the segment, adds at least d H unit: 2H long, half the unit or more."""
    bar = min((segment.bar / segment.step for segment in segments if math.isfinite(segment.bar)), default=math.inf)
    return {name: _POWER * bar / float(np.min(steps, initial=math.inf)) for name, steps in units.items()}


def _direction(function: FlatFunction, gradient: Gradient, direction: Array, step: float) -> Reading | None:
    """The sharpest reading down to the H at which a shorter segment no longer helps."""
    best: Reading | None = None
    rungs = _RUNGS
    while rungs and step >= _SMALLEST[function.dtype]:
        found = reading(function, gradient, direction, step)
        step /= _SHRINK
        if found is None:
            continue
        rungs -= 1
        better = best is None or (found.coarseness < best.coarseness and not found.frozen)
        best = found if best is None or better else best
        if found.settled or not (better or best.coarseness > _SHARP_ENOUGH[function.dtype]):
            break
    return best if best is None or best.agrees else _doubted(function, gradient, direction, best)


def _doubted(function: FlatFunction, gradient: Gradient, direction: Array, suspect: Reading) -> Reading:
    """A reading that disagrees, unless its gap is gone on another segment that would have shown it."""
    for part in _FARTHER if suspect.frozen else ():
        found = reading(function, gradient, direction, suspect.step * part)
        if found is not None and found.agrees:
            return found
    for part in (_AGAIN, *_NEARER):
        if part * suspect.step < _SMALLEST[function.dtype]:
            break
        found = reading(function, gradient, direction, suspect.step * part)
        if found is None:
            break
        if found.agrees:
            would_show = part == _AGAIN or 2 * found.bar <= part * suspect.gap
            return found if would_show else suspect
    return suspect
