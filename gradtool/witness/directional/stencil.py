"""A slope from values at several distances, what a claim leaves unexplained of it, and how sure that is.

    rho(h) = [f(x + h v) - f(x - h v) - g . (x+ - x-)] / 2h,

with the points as they were rounded, is 0 where the claim g is right, up to rounding and even powers of h. Residuals at
several parts of h are combined so that the first of these powers cancel (Richardson): two residuals for a quick look,
three where rounding asks for a longer step, six for a sharp look. What the last of them changed tells what is left.

A kink at the point is seen in the second differences,

    S(h) = f(x + h v) - 2 f(x) + f(x - h v) = kink h + curvature h**2 + (power 4) + ...,

combined likewise, and half of it is in the bar: a claim between the slopes of both sides is not wrong.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from gradtool.witness.directional.flat_function import Array, left_over
from gradtool.witness.directional.segment import NODES

__all__ = ["FARTHER", "QUICK", "RATIO", "SHARP", "Pair", "Rule", "Slope", "combined"]

RATIO = 4.0
"""Each step of a ladder is so many times the next."""
_TURNED = 3
"""A direction turned by rounding changes its slope by so many times that part of it; signs are random."""


@dataclass(frozen=True, slots=True)
class Slope:
    """A residual slope: by ``gap`` the truth is larger than the claim, within ``bar``."""

    gap: float
    bar: float

    @property
    def seen(self) -> bool:
        """Whether the claim is wrong."""
        return abs(self.gap) > self.bar


@dataclass(frozen=True, slots=True)
class Pair:
    """The values at x + h v and x - h v, less the value at x, and what is claimed of them.

    ``width`` is the distance of the points along v as they were rounded, in units of v, and ``astray`` by how much
    rounding turned the direction, relative. ``claimed`` is g . (x+ - x-), ``length`` the Euclidean norm of its terms,
    ``lopsided`` is g . (x+ + x- - 2x). ``least`` is the rounding of one value of f, and ``unit`` of 1.
    """

    step: float
    up: float
    down: float
    width: float
    astray: float
    claimed: float
    length: float
    lopsided: float
    least: float
    unit: float

    @property
    def frozen(self) -> bool:
        """Whether f stands still while the claim says that it moves."""
        return self.up == self.down == 0 and abs(self.claimed) > 8 * self.least


class Rule:
    """Weights for residuals, and for second differences over h, at ``parts`` of a step, on at most ``rungs`` steps.

    What a polynomial of ``degree`` leaves of f on a step is noise.
    """

    def __init__(self, parts: Sequence[float], rungs: int, degree: int) -> None:
        self.parts, self.rungs = np.array(parts), rungs
        count = len(parts)
        self.slope = _weights(self.parts, range(0, 2 * count, 2))
        self.rough = np.array([0.0, *_weights(self.parts[1:], range(0, 2 * count - 2, 2))])
        self.kink = _weights(self.parts, [0, *range(1, 2 * count - 2, 2)])
        self.slope_noise = float(np.sum(np.abs(self.slope) / self.parts))
        self.left_over = left_over(NODES, degree)


def _weights(parts: Array, powers: Sequence[int]) -> Array:
    """The combination of values at ``parts`` of h that keeps a constant and cancels the other powers of h."""
    system = np.array([parts**power for power in powers])
    solved: Array = np.linalg.solve(system, np.eye(len(parts))[0])
    return solved


QUICK = Rule([1, 1 / RATIO], 12, 4)
FARTHER = Rule([1, 1 / math.sqrt(RATIO), 1 / RATIO], 10, 6)
SHARP = Rule([part / 6 for part in range(6, 0, -1)], 7, 10)


def combined(rule: Rule, pairs: Sequence[Pair], noise: float, share: float = 1.0) -> Slope:
    """The residual of ``share`` times the claim, from pairs at the parts of a step, if values of f have ``noise``."""
    step = pairs[0].step
    rho = np.array([(pair.up - pair.down - share * pair.claimed) / pair.width for pair in pairs])
    bend = np.array([(pair.up + pair.down - share * pair.lopsided) / pair.step for pair in pairs])
    gap = float(np.dot(rule.slope, rho))
    left = abs(gap - float(np.dot(rule.rough, rho)))
    noise = max(noise, *(pair.least + 2 * share * pair.unit * pair.length for pair in pairs)) / step
    kink = abs(float(np.dot(rule.kink, bend)))
    turned = _TURNED * float(np.dot(np.abs(rule.slope), [pair.astray for pair in pairs])) * abs(gap)
    bar = 3 * left + rule.slope_noise * noise + kink / 2 + turned
    return Slope(gap, bar) if math.isfinite(gap) and math.isfinite(bar) else Slope(0.0, math.inf)
