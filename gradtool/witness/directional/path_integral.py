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

from gradtool.witness.directional.flat_function import Array, Both, FlatFunction, Gradient, Point, Value
from gradtool.witness.directional.segment import Places, Reading, foreseen, places, ratio, reading

__all__ = ["POWER", "PathIntegral", "Segment", "along", "path_integral"]

_SHRINK = 4.0
_RUNGS = 8
"""Segments that a step is chosen among, by values alone."""
_READINGS = 4
"""Segments of one direction along which gradients are asked for, unless one disagrees."""
_AS_SHARP = 4.0
"""A later direction need not be sharper than so many times the one before it."""
_SHARP_ENOUGH = {"float64": 1e-6, "float32": 1e-3, "float16": 1e-1, "bfloat16": 1e-1}
"""A bar at this part of |g| . |v| that a shorter segment did not improve is not worth a third."""
_CLEARLY = 4.0
"""A gap of so many bars need not be looked at more sharply before it is doubted."""
_AGAIN = 0.77
_NEAREST, _NEAR, _OUTWARD = 2.0**-24, 2.0**-4, 2.0**6
"""From the least to the largest part of its H at which a segment that disagrees is asked again, and the stride."""
_SHOWN = 16.0
"""Roundings that a gap must have to be seen."""
_FARTHER = (2.0**4, 2.0**8)
"""And where f stands still on it, lest it be a stair made by rounding, which a longer segment shows."""
POWER = 4.0
"""Bars by which an error is seen for certain: one hides it, one is as far as the noise may help it, and twice for
the second asking on a shorter segment with a bar of its own."""


@dataclass(frozen=True, slots=True)
class Segment:
    """One direction: ``difference`` is f(b) - f(a), ``integral`` that of the gradient, ``size`` that of |g| . |v|.

    ``bar`` is the noise as measured plus the error of the quadrature; infinite where the function or its gradient
    is not finite on any segment tried. ``step`` is H, ``evaluations`` counts values and gradients, ``gradients`` those
    that were gradients.
    """

    difference: float
    integral: float
    bar: float
    size: float
    step: float
    evaluations: int
    gradients: int

    @property
    def agrees(self) -> bool:
        """Whether the bar explains the gap; True, and worth nothing, where the bar is infinite."""
        return not abs(self.difference - self.integral) > self.bar

    @property
    def power(self) -> float:
        """The smallest error of the gradient along the direction, relative to |g| . |v|, that would have been seen."""
        return ratio(POWER * self.bar, self.size)

    @property
    def whole(self) -> float:
        """The smallest error of the whole gradient by one factor that would have been seen, relative."""
        return ratio(POWER * self.bar, abs(self.integral))


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

    @property
    def gradients(self) -> int:
        """Gradients of all directions."""
        return sum(segment.gradients for segment in self.segments)


def path_integral(
    value: Value,
    gradient: Gradient,
    point: Point,
    dtype: str,
    seed: int = 0,
    directions: int = 3,
    both: Both | None = None,
) -> PathIntegral:
    """``gradient`` against ``value`` along random directions through ``point``, whose entries are numbers of ``dtype``.

    ``both``, if given, is asked where value and gradient are wanted at one point. No direction follows one that
    disagrees.

    Cost: H is chosen by 17 values for each quartering, along the first direction alone; 15 gradients for each direction
    where the segment is right at once, which it mostly is, and with the values there for every later direction. A
    direction that disagrees has up to 90 gradients more.
    """
    function = FlatFunction(value, point, dtype, gradient, both)
    draw = np.random.default_rng(seed)
    segments: list[Segment] = []
    before: Reading | None = None
    with np.errstate(all="ignore"):
        while len(segments) < directions and (not segments or segments[-1].agrees):
            evaluations, gradients = function.evaluations, function.gradients
            found = along(function, function.direction(draw), before)
            before = found or before
            segments.append(_segment(found, function.evaluations - evaluations, function.gradients - gradients))
        return PathIntegral(tuple(segments), _entries(segments, function.tensors(function.units())))


def _segment(found: Reading | None, evaluations: int, gradients: int) -> Segment:
    if found is None:
        return Segment(math.nan, math.nan, math.inf, 0.0, math.nan, evaluations, gradients)
    return Segment(found.difference, found.integral, found.bar, found.size, found.step, evaluations, gradients)


def _entries(segments: list[Segment], units: Mapping[str, Array]) -> dict[str, float]:
    """An error d in one entry, the same along the segment, adds at least d H unit: 2H long, half the unit or more."""
    bar = min((segment.bar / segment.step for segment in segments if math.isfinite(segment.bar)), default=math.inf)
    return {name: POWER * bar / float(np.min(steps, initial=math.inf)) for name, steps in units.items()}


def along(function: FlatFunction, direction: Array, before: Reading | None) -> Reading | None:
    """The sharpest reading down to the H at which a shorter segment no longer helps, or as sharp as the one before."""
    where, values = _foreseen(function, direction) if before is None else (None, None)
    step = where.step if where else before.step if before else function.strides.first
    where = where or places(function, direction, step)
    enough = _AS_SHARP * before.coarseness if before else 0.0
    best: Reading | None = None
    frozen: Reading | None = None
    readings = _READINGS
    for rung in range(_RUNGS):
        found = reading(where if rung == 0 else places(function, direction, step), values if rung == 0 else None)
        step /= _SHRINK
        if found is not None:
            readings -= 1
            better = best is None or (found.coarseness < best.coarseness and not found.frozen)
            best = found if best is None or better else best
            frozen = found if frozen is None and found.frozen else frozen
            sharp = best.coarseness <= max(enough, 0.0 if better else _SHARP_ENOUGH[function.dtype])
            if found.settled or sharp or not readings or found.gap > _CLEARLY * found.bar:
                break
        if step < function.strides.smallest:
            break
    if best is not None and best.agrees and frozen is not None and not _clears(best, frozen):
        best = frozen
    return best if best is None or best.agrees else _doubted(function, direction, best)


def _clears(found: Reading, suspect: Reading) -> bool:
    """Whether it agrees, and would have shown a gap like the suspect's or shows that the values are too coarse for it.

    One that crosses a kink agrees to anything: there it is the gradient that the quadrature can't follow.
    """
    sharp = 2 * found.bar <= found.step / suspect.step * suspect.gap
    coarse = found.quadrature <= found.noise or suspect.gap <= found.rounding
    return found.agrees and (sharp or coarse)


def _foreseen(function: FlatFunction, direction: Array) -> tuple[Places | None, Array | None]:
    """The segment on which values promise the sharpest reading, with the values; None where there is none."""
    best: tuple[Places | None, Array | None] = None, None
    least, step = math.inf, function.strides.first
    rungs = _RUNGS
    while rungs and step >= function.strides.smallest:
        where = places(function, direction, step)
        values = where.values() if where else None
        step /= _SHRINK
        if values is None:
            continue
        rungs -= 1
        coarseness, smooth = foreseen(values, function.unit)
        better = coarseness < least
        if better or best[1] is None:
            best, least = (where, values), coarseness
        if smooth or not (better or least > _SHARP_ENOUGH[function.dtype]):
            break
    return best


def _doubted(function: FlatFunction, direction: Array, suspect: Reading) -> Reading:
    """A reading that disagrees, unless its gap is gone on another segment that would have shown it.

    As near to the point as rounding lets such a gap be seen; where nothing would be seen near it, the same segment is
    asked again, a little shorter.
    """
    for part in _FARTHER if suspect.frozen else ():
        found = reading(places(function, direction, suspect.step * part))
        if found is not None and _clears(found, suspect):
            return found
    part = max(_NEAREST, _SHOWN * suspect.rounding / suspect.gap, function.strides.smallest / suspect.step)
    while part <= _NEAR:
        found = reading(places(function, direction, suspect.step * part))
        if found is not None and 2 * found.bar <= part * suspect.gap:
            if found.agrees:
                return found
            if not found.frozen:
                return suspect
        part *= _OUTWARD
    found = reading(places(function, direction, suspect.step * _AGAIN))
    return found if found is not None and found.agrees else suspect
