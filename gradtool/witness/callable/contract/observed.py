"""What a callable answers at one point, and how far two answers may lie apart by rounding.

Upstream gradients are random multiples of 1/8 between 1/2 and 1: exact in every dtype, and so are 2, -1, 1024 or 11/8
times them. Scaling by a power of two changes hardly any rounding. Other answers are given the room that was measured:
what scaling by 11/8 and moving the point by one rounding unit do to the gradient.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from gradtool.evidence import Breach, CallableRequest
from gradtool.target.dtype import FORMATS
from gradtool.witness.callable.subject import Floats, Gradients, Point, Subject

__all__ = ["BARS", "Observed", "Repeats", "apart", "are_others", "larger", "largest", "scaled", "times", "total"]

BARS = 8.0
"""So many times the measured noise may lie between two answers that should be the same."""
_UNEVEN = 11 / 8
"""A factor that rounds everything anew."""


@dataclass(slots=True)
class Repeats:
    """How far runs at one point lie apart, by output and by input: the largest gap of two entries.

    ``runs`` counts them. An infinity or NaN that comes and goes is an infinite gap.
    """

    runs: int = 1
    values: dict[str, float] = field(default_factory=dict)
    gradients: dict[str, float] = field(default_factory=dict)


class Observed:
    """``subject`` at the point ``at``, asked for the gradient of a sum with random weights, the upstream gradient.

    ``base`` is the first answer; constructing it raises what the callable raises. ``stateful`` says that a check has
    found answers to depend on the calls before.
    """

    def __init__(self, subject: Subject, at: Point, request: CallableRequest, label: str) -> None:
        self.subject, self.at, self.request, self.label = subject, at, request, label
        self.unit = FORMATS[subject.dtype].unit
        self.learning = [slot for slot in subject.results if slot.differentiated]
        self.draw = np.random.default_rng(request.seed)
        self.upstream, self.other = self.weights(), self.weights()
        self.values, self.base = subject.gradient(at, self.upstream)
        self.repeats = Repeats()
        self.stateful = False

    def weights(self) -> list[Floats]:
        """An upstream gradient for every output."""
        return [
            self.draw.integers(4, 9, slot.shape) / 8 * self.draw.choice((-1.0, 1.0), slot.shape)
            for slot in self.learning
        ]

    def direction(self) -> dict[str, Floats]:
        """A direction through every entry, 1/2 to 1 times the input's largest, with the signs of the gradient.

        What the gradient says along it then does not cancel. Where it is 0 signs are drawn. Symmetric matrices stay
        symmetric: functions of them may know of no others.
        """
        found = {}
        for name, array in self.at.items():
            base, drawn = self.base[name], self.draw.choice((-1.0, 1.0), array.shape)
            signs = drawn if base is None or base.shape != array.shape else np.where(base == 0, drawn, np.sign(base))
            found[name] = (largest(array) or 1.0) * signs * self.draw.integers(4, 9, array.shape) / 8
            if array.ndim > 1 and array.shape[-1] == array.shape[-2] and np.array_equal(array, array.swapaxes(-1, -2)):
                found[name] = (found[name] + found[name].swapaxes(-1, -2)) / 2
        return found

    def gradient(self, upstream: Sequence[Floats], at: Point | None = None) -> Gradients:
        """The gradient for another upstream gradient, or at another point."""
        return self.subject.gradient(self.at if at is None else at, upstream)[1]

    def again(self) -> tuple[list[Floats], Gradients]:
        """The same once more; what differs goes on record."""
        values, gradients = self.subject.gradient(self.at, self.upstream)
        repeats = self.repeats
        repeats.runs += 1
        for slot, first, now in zip(self.learning, self.values, values, strict=True):
            _widen(repeats.values, slot.name, first, now)
        for name, now_found in gradients.items():
            _widen(repeats.gradients, name, self.base[name], now_found)
        return values, gradients

    def flickered(self, name: str, size: float) -> None:
        """A gradient that was off by ``size``, relative to its largest entry, and then was not."""
        gaps = self.repeats.gradients
        if name in self.base:
            gaps[name] = max(gaps.get(name, 0.0), size * (largest(self.base[name]) or 1.0))

    @property
    def well_formed(self) -> bool:
        """Whether every gradient has the shape of its input."""
        return all(found is None or found.shape == self.at[name].shape for name, found in self.base.items())

    @cached_property
    def sensitivity(self) -> Mapping[str, float]:
        """What moving the point by one rounding unit does to a gradient, in its farthest entry. One gradient."""
        signs = {name: self.draw.choice((-1.0, 1.0), array.shape) for name, array in self.at.items()}
        moved = {name: array * (1 + 2 * self.unit * signs[name]) for name, array in self.at.items()}
        found: Gradients = {}
        with contextlib.suppress(Exception):  # one unit off the point there may be no value: nothing is added then
            found = self.gradient(self.upstream, moved)
        return {name: apart(found.get(name, base), base) for name, base in self.base.items()}

    @cached_property
    def unevenness(self) -> Mapping[str, float]:
        """What 11/8 times the upstream gradient, which rounds everything anew, does to a gradient. One gradient."""
        uneven = self.gradient(scaled(self.upstream, _UNEVEN))
        return {name: apart(times(uneven[name], 1 / _UNEVEN), base) for name, base in self.base.items()}

    @cached_property
    def elsewhere(self) -> Point | None:
        """A point with another gradient, inside the domain; None where none was found. Three gradients at most.

        The entries in reverse order with other signs, then with the same, then all a quarter larger.
        """
        for turned in (_reversed(self.at, -1.25), _reversed(self.at, 1.25), larger(self.at)):
            try:
                values, gradients = self.subject.gradient(turned, self.upstream)
            except Exception:  # noqa: BLE001, S112 - outside the domain; the next point may be inside
                continue
            found = [*values, *(array for array in gradients.values() if array is not None)]
            finite = all(np.all(np.isfinite(array)) for array in found)
            if finite and any(apart(base, gradients[name]) > 0 for name, base in self.base.items()):
                return turned
        return None

    def exact_bar(self, name: str, factor: float = 1.0) -> float:
        """How far a gradient by ``name`` for ``factor`` times the upstream gradient, divided by it, may lie from base.

        ``factor`` is a power of two, so most operations round the same; some (logcumsumexp) do not. What
        is left is rounding of the point, the end of the dtype's range, and what repeated runs differ by.
        """
        end = FORMATS[self.subject.dtype].least / min(1.0, abs(factor or 1.0))
        rounding = self.sensitivity[name] + self.unit * largest(self.base[name]) + end
        return BARS * rounding + 2 * self.repeats.gradients.get(name, 0.0)

    def bar(self, name: str) -> float:
        """How far two ways to the same gradient by ``name`` may lie apart: with the measured unevenness too."""
        return BARS * self.unevenness[name] + self.exact_bar(name)

    def breach(self, kind: str, variable: str, told: str, size: float = 0.0) -> Breach:
        """A record of this point."""
        return Breach(kind, variable, told, float(size), self.label)


def larger(at: Point) -> Point:
    """Every entry a quarter larger; zeros a quarter."""
    return {name: array * 1.25 + (0.0 if largest(array) else 0.25) for name, array in at.items()}


def _reversed(at: Point, factor: float) -> Point:
    return {name: array.ravel()[::-1].reshape(array.shape) * factor for name, array in at.items()}


def times(array: Floats | None, factor: float) -> Floats | None:
    """An array times a number; None stays None."""
    return None if array is None else array * factor


def scaled(upstream: Sequence[Floats], factor: float) -> list[Floats]:
    """An upstream gradient times a number."""
    return [weights * factor for weights in upstream]


def total(weights: Sequence[Floats], values: Sequence[Floats]) -> float:
    """The weighed sum of some outputs; NaN where one of them is not finite."""
    found = float(sum(float(np.sum(part * value)) for part, value in zip(weights, values, strict=True)))
    return found if np.isfinite(found) else float("nan")


def largest(array: Floats | None) -> float:
    """The largest finite magnitude; 0 for None, which stands for zeros."""
    return 0.0 if array is None else float(np.max(np.abs(array[np.isfinite(array)]), initial=0.0))


def apart(one: Floats | None, other: Floats | None) -> float:
    """The largest distance of two entries that are both finite; None stands for zeros."""
    if one is None or other is None:
        return max(largest(one), largest(other))
    if one.shape != other.shape:
        return float("inf")
    both = np.isfinite(one) & np.isfinite(other)
    return float(np.max(np.abs(one[both] - other[both]), initial=0.0))


def are_others(one: Floats, other: Floats, unit: float) -> bool:
    """Whether two results are of different functions, such as of other random numbers: half of the digits differ."""
    return apart(one, other) > math.sqrt(unit) * max(largest(one), largest(other))


def _widen(gaps: dict[str, float], name: str, first: Floats | None, now: Floats | None) -> None:
    gap = apart(first, now)
    if first is not None and now is not None and first.shape == now.shape:
        if np.any(np.isfinite(first) != np.isfinite(now)):
            gap = float("inf")
    elif (first is None) != (now is None):
        gap = float("inf")
    gaps[name] = max(gaps.get(name, 0.0), gap)
