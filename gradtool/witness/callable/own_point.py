"""A callable at its own point: what autodiff gives there, and what speaks against it.

The gradient of the sum of the outputs (or of what was asked for) is what people read; with random weights a second one
is looked at, because a sum hides rows that are exchanged, and a softmax altogether. Both share one ladder for each
entry, where there are few.
"""

from __future__ import annotations

import math
import time

import numpy as np

from gradtool.evidence import Autodiff, CallablePoint, CallableRequest
from gradtool.values import indices
from gradtool.witness.callable.formula import Formula
from gradtool.witness.callable.opinions import Opinions, ladders, opinions, sure
from gradtool.witness.callable.subject import Floats, Subject
from gradtool.witness.callable.weighed import Weighed
from gradtool.witness.testimony import array_of, value_of

__all__ = ["FOLLOWED", "OWN", "own_points", "random_upstream"]

OWN = "given"
"""The label of the callable's own point."""
FOLLOWED = 64
"""Up to so many entries get a ladder of differences each."""
EVALUATIONS, SECONDS = 125, 20.0
"""What a ladder costs, and how long all of them may take."""


def own_points(
    subject: Subject, request: CallableRequest, formula: Formula, witness: str, version: str
) -> tuple[list[CallablePoint], int]:
    """A CallablePoint for each upstream gradient, and how many evaluations they took."""
    began = time.perf_counter()
    at = subject.point
    upstreams = _upstreams(subject, request)
    sums = [Weighed(subject, upstream) for _, upstream in upstreams]
    firsts = [one.both(at) for one in sums]
    once = (time.perf_counter() - began) / len(sums)
    entries = [(name, index) for name, array in at.items() for index in indices(array.shape)] if _few(subject) else []
    if len(entries) * EVALUATIONS * once > SECONDS:
        entries = []
    bars = [[] for _ in sums] if request.surrogate else ladders(sums, [one for _, one in firsts], at, entries)
    points = []
    for (label, upstream), one, (outputs, gradients), rungs in zip(upstreams, sums, firsts, bars, strict=True):
        found, survey = Opinions([], []), None
        if not request.surrogate:
            found = opinions(one, gradients, at, rungs, request.seed)
            survey = one.surveyed(gradients, at, request.seed)
            if not rungs:
                survey = sure(one, survey, gradients, at, request.seed)
            elif found.bars != rungs and not found.confirmed:
                survey = None  # along moves that break a symmetry, or between roundings, it says nothing
        value = value_of(outputs[0]) if len(outputs) == 1 else one.total(outputs)
        told = {name: None if gradient is None else value_of(gradient) for name, gradient in gradients.items()}
        points.append(
            CallablePoint(
                f"{OWN}{label}",
                {name: value_of(array) for name, array in at.items()},
                [value_of(weights) for weights in upstream],
                Autodiff(request.key, witness, version, value, told, found.bars, time.perf_counter() - began, survey),
                found.confirmed,
                formula.expressions,
                formula.constants,
                formula.untraced,
            )
        )
    return points, sum(one.evaluations for one in sums)


def random_upstream(subject: Subject, seed: int) -> list[Floats]:
    """Signs at random times 8/16 to 15/16, for each differentiated output: numbers that any dtype holds."""
    draw = np.random.default_rng([seed, 2])
    found = []
    for shape in _shapes(subject):
        sizes = draw.integers(8, 16, size=shape) / 16
        found.append(np.asarray(sizes * draw.choice((-1.0, 1.0), size=shape), dtype=np.float64))
    return found


def _upstreams(subject: Subject, request: CallableRequest) -> list[tuple[str, list[Floats]]]:
    """The weights asked for, or ones, which people read most easily; and random ones where those could hide something.

    Many entries are shown to nobody one by one: they are looked at with random weights alone.
    """
    if request.upstream is not None:
        return [("", [array_of(request.upstream)])]
    plain: list[tuple[str, list[Floats]]] = [("", [np.ones(shape) for shape in _shapes(subject)])]
    if sum(math.prod(shape) for shape in _shapes(subject)) == 1:
        return plain
    drawn = [(", random upstream", random_upstream(subject, request.seed))]
    return plain + drawn if _few(subject) else drawn


def _few(subject: Subject) -> bool:
    return sum(array.size for array in subject.point.values()) <= FOLLOWED


def _shapes(subject: Subject) -> list[tuple[int, ...]]:
    """Of the differentiated outputs."""
    return [slot.shape for slot in subject.results if slot.differentiated]
