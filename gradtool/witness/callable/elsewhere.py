"""The same callable at other points: a gradient may be right only where it was tried.

The points follow from the given one: its negative, all entries equal, all 0, larger ones and smaller ones, and fresh
ones of the same sizes. Where the callable has no finite value or gradient there is nothing to check. A residual along
two random directions costs one gradient and some dozens of values; only where that disagrees the path integral is
asked, and may convict.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np

from gradtool.evidence import Autodiff, CallablePoint, Survey
from gradtool.target.dtype import FORMATS
from gradtool.witness.callable.opinions import ladders, largest_entries, opinions, sure
from gradtool.witness.callable.subject import Floats, Gradients, Point
from gradtool.witness.callable.weighed import Weighed
from gradtool.witness.directional.flat_function import FlatFunction
from gradtool.witness.directional.residual import Residuals, SpentError
from gradtool.witness.directional.segment import ratio
from gradtool.witness.directional.stencil import QUICK
from gradtool.witness.testimony import value_of

__all__ = ["elsewhere"]

Draw = np.random.Generator

DIRECTIONS = 2
MOST = 400
"""Values at one point."""
SECONDS = 20.0
"""So long new points are begun."""
SAYS_ENOUGH, SAYS_ENOUGH_COARSE = 1e-2, 0.25
"""As in the verdict: what would miss larger relative errors says nothing."""
LARGE, SMALL = 64.0, 1 / 64
BITS = 8
"""Of the numbers at other points; as many as bfloat16 has."""


def _fresh(array: Floats, draw: Draw) -> Floats:
    """Other numbers of the same sizes: of one sign where all have it."""
    size = float(np.sqrt(np.mean(array**2))) or 1.0
    if np.all(array > 0) or np.all(array < 0):
        found = np.sign(array) * np.abs(array) * draw.uniform(0.3, 3.0, array.shape)
    else:
        found = size * draw.standard_normal(array.shape)
    return np.asarray(found, dtype=np.float64)


PLACES: Mapping[str, Callable[[Floats, Draw], Floats]] = {
    "fresh": _fresh,
    "negative": lambda array, _: -array,
    "equal": lambda array, draw: np.full(array.shape, float(np.mean(array)) or draw.uniform(0.5, 1.0)),
    "zero": lambda array, _: np.zeros(array.shape),
    "large": lambda array, draw: LARGE * _fresh(array, draw),
    "small": lambda array, draw: SMALL * _fresh(array, draw),
}
"""From the given point to another: one row each."""


def elsewhere(weighed: Weighed, seed: int, witness: str, version: str, *, search: bool) -> list[CallablePoint]:
    """A CallablePoint for every other point at which there is something to check; with ``search`` what is wrong there.

    Without it, something is known to be wrong already, and it is only said whether the path integral disagrees.
    """
    began = time.perf_counter()
    draw = np.random.default_rng([seed, 3])
    found: list[CallablePoint] = []
    if not all(array.size for array in weighed.subject.point.values()):
        return found
    for label, place in PLACES.items():
        with np.errstate(all="ignore"):  # numbers that leave the range are told by what follows from them
            at = {name: _rounded(place(array, draw)) for name, array in weighed.subject.point.items()}
        if time.perf_counter() - began < SECONDS and (
            point := _looked(weighed, label, at, seed, witness, version, search=search)
        ):
            found.append(point)
    return found


def _rounded(array: Floats) -> Floats:
    """Numbers of few digits, which every dtype of the inputs holds, and people can read."""
    mantissa, exponent = np.frexp(array)
    return np.asarray(np.ldexp(np.rint(np.ldexp(mantissa, BITS)), exponent - BITS))


def _looked(
    weighed: Weighed, label: str, at: Point, seed: int, witness: str, version: str, *, search: bool
) -> CallablePoint | None:
    began = time.perf_counter()
    gradients = weighed.gradient(at)
    value = weighed.value(at)
    known = [gradient for gradient in gradients.values() if gradient is not None]
    if not math.isfinite(value) or not all(np.all(np.isfinite(gradient)) for gradient in known):
        return None
    survey = _residuals(weighed, gradients, at, seed)
    if search and survey.agree and survey.power > _enough(weighed.subject.dtype):
        survey = _entries(weighed, gradients, at, seed, survey)
    elif not survey.agree and search:
        survey = _gross(sure(weighed, weighed.surveyed(gradients, at, seed), gradients, at, seed), gradients, weighed)
    found = {name: None if gradient is None else value_of(gradient) for name, gradient in gradients.items()}
    seconds = time.perf_counter() - began
    return CallablePoint(
        label,
        {name: value_of(array) for name, array in at.items()},
        [value_of(weights) for weights in weighed.upstream],
        Autodiff(0, witness, version, value, found, [], seconds, survey),
    )


def _enough(dtype: str) -> float:
    return SAYS_ENOUGH_COARSE if FORMATS[dtype].coarse else SAYS_ENOUGH


def _entries(weighed: Weighed, gradients: Gradients, at: Point, seed: int, survey: Survey) -> Survey:
    """The survey with what some entries say by themselves, where all together say nothing.

    A function that stands still although its gradient does not may be on a stair made by rounding; of a single entry
    two estimators tell.
    """
    chosen = largest_entries(gradients, at)
    (ladder,) = ladders([weighed], [gradients], at, chosen)
    wrong = opinions(weighed, gradients, at, ladder, seed).confirmed
    return _gross(replace(survey, agree=not wrong, wrong=wrong, complete=False), gradients, weighed)


def _gross(survey: Survey, gradients: Gradients, weighed: Weighed) -> Survey:
    """The survey with errors alone that take more than half of the digits.

    A gradient that is right only where it was tried is off by more; and far from where people use it, less may be
    rounding that no noise shows, as where a logarithm of sums subtracts numbers of a million.
    """
    half = 2.0 ** -(FORMATS[weighed.subject.dtype].precision // 2)
    sizes = [float(np.max(np.abs(one), initial=0.0)) for one in gradients.values() if one is not None]
    least = half * max(sizes, default=0.0)
    wrong = [one for one in survey.wrong if not abs(one.claimed - one.estimated) <= least]
    scaled = {name: factor for name, factor in survey.scaled.items() if abs(factor - 1) > half}
    return replace(survey, wrong=wrong, scaled=scaled)


def _residuals(weighed: Weighed, gradients: Gradients, at: Point, seed: int) -> Survey:
    """What the gradient leaves unexplained of the values along random directions."""
    function = FlatFunction(weighed.value, at, weighed.subject.dtype)
    claims = function.vector(gradients)
    draw = np.random.default_rng([seed, 4])
    segments: list[tuple[float, float, float]] = []
    power = 0.0
    with np.errstate(all="ignore"):
        try:
            residuals = Residuals(function, claims, MOST)
            residuals.settle(function.direction(draw), [QUICK])
            for _ in range(DIRECTIONS):
                way = function.direction(draw)
                slope, claim = residuals.slope(residuals.everything, way), float(np.dot(claims, way))
                segments.append((claim + slope.gap, claim, slope.bar))
                power = max(power, ratio(slope.bar, float(np.dot(np.abs(claims), np.abs(way)))))
        except SpentError:
            power = math.inf
    agree = all(abs(truth - claim) <= bar for truth, claim, bar in segments)
    return Survey(segments, agree, power, {}, [], {}, True, function.evaluations)
