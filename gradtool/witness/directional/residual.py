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
_FARTHEST, _NEAR = 4.0, 7
"""Where the function is known to be smooth, the ladder starts at so many times that step, and has so many."""
_CLEARLY = 8.0
"""A residual of so many bars is clear enough for the parts of it to be seen."""
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

    def __init__(self, function: FlatFunction, claims: Array, most: int, about: float | None = None) -> None:
        self.function, self.claims, self.most = function, claims, most
        self.start, self.unit = function.start(), function.unit
        self.everything = slice(0, self.start.size)
        self.centre = self._value(self.start)
        ladder = _STEPS[function.dtype]
        known = [step for step in ladder if about is None or step <= _FARTHEST * about]
        self.steps = ladder if about is None or not known else known[:_NEAR]
        self.rule, self.step = QUICK, self.steps[0]
        self.noise = self.guess = _FIRST_GUESS * self.unit * abs(self.centre)

    def settle(self, direction: Array, rules: Sequence[Rule]) -> None:
        """Chooses the first rule that sees a residual clearly along a direction through all entries, else the sharpest.

        And its step, where it measures the noise of f. Whichever tells more: residuals of the claim, or of 0 in case
        the claim is far from the truth. Where f stands still although the claim says that it moves, it may be on a
        stair made by rounding, which tells nothing.
        """
        pairs: dict[float, Pair] = {}
        rests: dict[float, tuple[Array, Array]] = {}
        least = math.inf
        for rule in rules:
            rungs = self._rungs(rule, self.everything, direction, pairs)
            noises = {number: math.inf for number, row in enumerate(rungs) if any(pair.frozen for pair in row)}
            found = [self._explored(rule, rungs, noises, direction, share, rests) for share in (1.0, 0.0)]
            slope, chosen = min(found, key=lambda one: one[0].bar)
            if slope.bar < least or rule is rules[0]:
                least = slope.bar
                self.rule, self.step, self.noise = rule, rungs[chosen][0].step, noises[chosen]
            if abs(found[0][0].gap) > _CLEARLY * found[0][0].bar:
                break

    def slope(self, where: slice, direction: Array) -> Slope:
        """The residual along ``direction`` through the entries ``where``, at the step chosen."""
        return combined(self.rule, self._pairs(where, direction), self.noise)

    def truth(self, where: slice, direction: Array) -> Slope:
        """The slope itself, likewise."""
        return combined(self.rule, self._pairs(where, direction), self.noise, share=0)

    def ladder(self, where: slice, direction: Array) -> Slope:
        """The residual at whatever step is best for these entries."""
        rungs = self._rungs(self.rule, where, direction, {})
        return self._sharpest(self.rule, rungs, dict.fromkeys(range(len(rungs)), self.noise))[0]

    def _value(self, at: Array) -> float:
        if self.function.evaluations >= self.most:
            raise SpentError
        return self.function.value(at)

    def _pairs(self, where: slice, direction: Array) -> list[Pair]:
        return [self._pair(where, direction, self.step * float(part)) for part in self.rule.parts]

    def _rungs(self, rule: Rule, where: slice, direction: Array, known: dict[float, Pair]) -> list[list[Pair]]:
        """The pairs of every step of the ladder; a pair that is known, or that two steps share, is asked for once."""
        rungs = []
        for step in self.steps[: rule.rungs]:
            places = [step * float(part) for part in rule.parts]
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
        self,
        rule: Rule,
        rungs: Sequence[Sequence[Pair]],
        noises: dict[int, float],
        direction: Array,
        share: float,
        rests: dict[float, tuple[Array, Array]],
    ) -> tuple[Slope, int]:
        """The sharpest slope, and its number on the ladder, with the noise measured where it matters.

        A step whose noise is not known yet is thought to be quiet, so that the choice falls on one that is measured
        only when no other promises more.
        """
        for _ in range(_EXPLORED):
            slope, chosen = self._sharpest(rule, rungs, noises, share)
            if chosen in noises:
                return slope, chosen
            noises[chosen] = self._scatter(rule, direction, rungs[chosen][0].step, rests)
        known = [(combined(rule, rungs[number], noise, share), number) for number, noise in noises.items()]
        return min(known, key=lambda one: one[0].bar)

    def _sharpest(
        self, rule: Rule, rungs: Sequence[Sequence[Pair]], noises: Mapping[int, float], share: float = 1.0
    ) -> tuple[Slope, int]:
        """The slope with the least bar that no shorter step contradicts, and its number on the ladder."""
        known = max(self.guess, min(noises.values(), default=0.0))
        slopes: list[Slope] = []
        allowed: list[float] = []
        for number, pairs in enumerate(rungs):
            slope = combined(rule, pairs, noises.get(number, self.guess), share)
            changed = abs(slope.gap - slopes[-1].gap) / RATIO ** (2 * len(pairs)) if slopes else 0.0
            slopes.append(replace(slope, bar=max(slope.bar, changed)))
            allowed.append(combined(rule, pairs, noises.get(number, known), share).bar)
        best = Slope(0.0, math.inf), 0
        for number, slope in enumerate(slopes):
            finer = zip(slopes[number + 1 :], allowed[number + 1 :], strict=True)
            if slope.bar < best[0].bar and all(abs(slope.gap - other.gap) <= slope.bar + bar for other, bar in finer):
                best = slope, number
        return best

    def _scatter(self, rule: Rule, direction: Array, step: float, rests: dict[float, tuple[Array, Array]]) -> float:
        """The noise of f at irregular offsets as wide as the step: what a smooth function through the values leaves.

        ``rests`` holds the values, and what the claims leave of them, at the steps asked for so far.
        """
        if step not in rests:
            points = [self._moved(self.everything, direction, node * step) for node in NODES]
            values = np.array([self._value(at) - self.centre for at in points])
            rests[step] = values, values - np.array([float(np.dot(self.claims, at - self.start)) for at in points])
        left = [float(np.linalg.norm(rule.left_over @ rest)) for rest in rests[step]]
        return _DEVIATIONS * min(left) if math.isfinite(max(left)) else math.inf
