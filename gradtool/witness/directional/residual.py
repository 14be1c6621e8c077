"""What a claimed gradient leaves unexplained of a function, along a direction through all entries or some of them.

A good step is chosen once, on a ladder, along a direction through all entries: the one with the least bar that no
shorter step contradicts. The noise of f is measured at irregular offsets as wide as the step.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from gradtool.witness.directional.flat_function import Array, FlatFunction
from gradtool.witness.directional.segment import NODES
from gradtool.witness.directional.stencil import QUICK, RATIO, Pair, Rule, Slope, combined

__all__ = ["Residuals", "SpentError"]

_STEPS = {
    "float64": [RATIO**-k for k in range(1, 13)],
    "float32": [RATIO**-k for k in range(10)],
    "float16": [RATIO**-k for k in range(3)],
    "bfloat16": [RATIO**-k for k in range(2)],
}
_DEVIATIONS = 4
"""Standard deviations of noise that each value of f is given, at its worst in every value at once."""
_FIRST_GUESS = 8
"""Noise of f in units of its rounding, until it is measured."""
_EXPLORED = 5
"""Steps at which the noise is measured at most."""


class SpentError(Exception):
    """The function has been asked as often as it may be."""


class Residuals:
    """Residuals of ``claims`` (a vector of numbers) at the point of ``function``, asked at most ``most`` times."""

    def __init__(self, function: FlatFunction, claims: Array, most: int) -> None:
        self.function, self.claims, self.most = function, claims, most
        self.start, self.unit = function.start(), function.unit
        self.everything = slice(0, self.start.size)
        self.centre = self._value(self.start)
        self.rule, self.step = QUICK, _STEPS[function.dtype][0]
        self.noise = self.guess = _FIRST_GUESS * self.unit * abs(self.centre)

    def settle(self, direction: Array, rule: Rule) -> None:
        """Chooses the step for a rule along a direction through all entries, and measures the noise of f there.

        Whichever tells more: residuals of the claim, or of 0 in case the claim is far from the truth. Where f stands
        still although the claim says that it moves, it may be on a stair made by rounding, which tells nothing.
        """
        self.rule = rule
        rungs = self._rungs(self.everything, direction)
        noises = {number: math.inf for number, pairs in enumerate(rungs) if any(pair.frozen for pair in pairs)}
        found = [self._explored(rungs, noises, direction, share) for share in (1.0, 0.0)]
        _, chosen = min(found, key=lambda one: one[0].bar)
        self.step, self.noise = rungs[chosen][0].step, noises[chosen]

    def slope(self, where: slice, direction: Array) -> Slope:
        """The residual along ``direction`` through the entries ``where``, at the step chosen."""
        return combined(self.rule, self._pairs(where, direction), self.noise)

    def truth(self, where: slice, direction: Array) -> Slope:
        """The slope itself, likewise."""
        return combined(self.rule, self._pairs(where, direction), self.noise, share=0)

    def ladder(self, where: slice, direction: Array) -> Slope:
        """The residual at whatever step is best for these entries."""
        rungs = self._rungs(where, direction)
        return self._sharpest(rungs, dict.fromkeys(range(len(rungs)), self.noise))[0]

    def _value(self, at: Array) -> float:
        if self.function.evaluations >= self.most:
            raise SpentError
        return self.function.value(at)

    def _pairs(self, where: slice, direction: Array) -> list[Pair]:
        return [self._pair(where, direction, self.step * float(part)) for part in self.rule.parts]

    def _rungs(self, where: slice, direction: Array) -> list[list[Pair]]:
        """The pairs of every step of the ladder; a pair that two steps share is asked for once."""
        known: dict[float, Pair] = {}
        rungs = []
        for step in _STEPS[self.function.dtype][: self.rule.rungs]:
            places = [step * float(part) for part in self.rule.parts]
            known |= {place: self._pair(where, direction, place) for place in places if place not in known}
            rungs.append([known[place] for place in places])
        return rungs

    def _pair(self, where: slice, direction: Array, step: float) -> Pair:
        high, low = (self._moved(where, direction, sign * step) for sign in (1, -1))
        up, down = self._value(high), self._value(low)
        claims, start, along = self.claims[where], self.start[where], direction[where]
        apart, length = high[where] - low[where], float(np.linalg.norm(along))
        width = float(np.dot(apart, along)) / length**2 if length else math.nan
        terms = claims * apart
        return Pair(
            step,
            up - self.centre,
            down - self.centre,
            width or math.nan,
            astray=float(np.linalg.norm(apart - width * along)) / abs(width or math.nan) / (length or math.nan),
            claimed=float(np.sum(terms)),
            length=float(np.linalg.norm(terms)),
            lopsided=float(np.dot(claims, (high[where] - start) + (low[where] - start))),
            least=self.unit * max(abs(up), abs(down), abs(self.centre)),
            unit=self.unit,
        )

    def _moved(self, where: slice, direction: Array, step: float) -> Array:
        moved = self.start.copy()
        moved[where] += step * direction[where]
        return self.function.rounded(moved)

    def _explored(
        self, rungs: Sequence[Sequence[Pair]], noises: dict[int, float], direction: Array, share: float
    ) -> tuple[Slope, int]:
        """The sharpest slope, and its number on the ladder, with the noise measured where it matters.

        A step whose noise is not known yet is thought to be quiet, so that the choice falls on one that is measured
        only when no other promises more.
        """
        for _ in range(_EXPLORED):
            slope, chosen = self._sharpest(rungs, noises, share)
            if chosen in noises:
                return slope, chosen
            noises[chosen] = self._scatter(direction, rungs[chosen][0].step)
        known = [(combined(self.rule, rungs[number], noise, share), number) for number, noise in noises.items()]
        return min(known, key=lambda one: one[0].bar)

    def _sharpest(
        self, rungs: Sequence[Sequence[Pair]], noises: Mapping[int, float], share: float = 1.0
    ) -> tuple[Slope, int]:
        """The slope with the least bar that no shorter step contradicts, and its number on the ladder."""
        known = max(self.guess, min(noises.values(), default=0.0))
        slopes: list[Slope] = []
        allowed: list[float] = []
        for number, pairs in enumerate(rungs):
            slope = combined(self.rule, pairs, noises.get(number, self.guess), share)
            changed = abs(slope.gap - slopes[-1].gap) / RATIO ** (2 * len(pairs)) if slopes else 0.0
            slopes.append(replace(slope, bar=max(slope.bar, changed)))
            allowed.append(combined(self.rule, pairs, noises.get(number, known), share).bar)
        best = Slope(0.0, math.inf), 0
        for number, slope in enumerate(slopes):
            finer = zip(slopes[number + 1 :], allowed[number + 1 :], strict=True)
            if slope.bar < best[0].bar and all(abs(slope.gap - other.gap) <= slope.bar + bar for other, bar in finer):
                best = slope, number
        return best

    def _scatter(self, direction: Array, step: float) -> float:
        """The noise of f at irregular offsets as wide as the step: what a smooth function through the values leaves."""
        points = [self._moved(self.everything, direction, node * step) for node in NODES]
        values = np.array([self._value(at) - self.centre for at in points])
        claimed = np.array([float(np.dot(self.claims, at - self.start)) for at in points])
        rests = [float(np.linalg.norm(self.rule.left_over @ kept)) for kept in (values, values - claimed)]
        return _DEVIATIONS * min(rests) if math.isfinite(max(rests)) else math.inf
