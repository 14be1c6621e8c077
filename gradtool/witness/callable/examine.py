"""What is asked of a callable: autodiff and independent opinions at its own point, and a look at others.

At the point given, or drawn, the gradient of the sum of the outputs (or of what ``--upstream`` weighs them by) and that
with random weights are both looked at: a sum hides rows that are exchanged, and a softmax altogether. Few entries get
a ladder of differences each; where a ladder contradicts, the path integral along that entry's own axis is asked too.
The gradient as a whole is held against the path integral along random directions, at any number of entries.

Elsewhere (``elsewhere``) a backward that is right only where it is tried is caught.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from gradtool.evidence import (
    Autodiff,
    Breach,
    CallableEvidence,
    CallablePoint,
    CallableRequest,
    Difference,
    WrongEntry,
)
from gradtool.values import Index, Value, coordinates, labels
from gradtool.witness.callable.axis import contradicted
from gradtool.witness.callable.elsewhere import elsewhere
from gradtool.witness.callable.subject import Floats, Gradients, Point, Subject
from gradtool.witness.callable.weighed import Weighed
from gradtool.witness.finite_difference import differences
from gradtool.witness.testimony import array_of, value_of

__all__ = ["FOLLOWED", "OWN", "Formula", "Room", "examined", "random_upstream"]

OWN = "own"
"""The label of the callable's own point."""
FOLLOWED = 64
"""Up to so many entries get a ladder of differences each."""
EXACT = 4096
"""Up to so many are followed exactly, if there is a formula."""


@dataclass(frozen=True, slots=True)
class Formula:
    """The differentiated outputs as expressions, and the constants in them; else why there are none."""

    expressions: list[str] = field(default_factory=list)
    constants: dict[str, Value] = field(default_factory=dict)
    untraced: str = ""


@dataclass(frozen=True, slots=True)
class Room:
    """A framework's room: what it is called, its version, its checks of the contract, and the way to a formula.

    Both are given the room's own subjects.
    """

    name: str
    version: str
    breaches: Callable[[Any, CallableRequest], list[Breach]] = lambda *_: []
    formula: Callable[[Any], Formula] = lambda _: Formula()


def examined(subject: Subject, request: CallableRequest, room: Room) -> CallableEvidence:
    """Everything that is asked of one callable. Raises what the callable raises at its own point.

    Cost: about 100 gradients and some hundred values; 125 values more for each entry up to ``FOLLOWED``.
    """
    began = time.perf_counter()
    points: list[CallablePoint] = []
    evaluations = 0
    formula = _formula(subject, request, room)
    for name, upstream in _upstreams(subject, request):
        weighed = Weighed(subject, upstream)
        points.append(_point(weighed, f"{OWN}{name}", request, room, formula, looked_at=not request.surrogate))
        evaluations += weighed.evaluations
    if not request.surrogate:
        weighed = Weighed(subject, random_upstream(subject, request.seed))
        points += elsewhere(weighed, request.seed, room.name, room.version)
        evaluations += weighed.evaluations
    return CallableEvidence(
        request.key,
        room.name,
        room.version,
        subject.origin.name,
        subject.origin.kind,
        subject.origin.source,
        subject.dtype,
        list(subject.inputs),
        list(subject.results),
        points,
        room.breaches(subject, request),
        surrogate=request.surrogate,
        evaluations=evaluations,
        seconds=time.perf_counter() - began,
    )


def _formula(subject: Subject, request: CallableRequest, room: Room) -> Formula:
    """The way to exact derivatives, where they are wanted and can be had in time."""
    if request.surrogate:
        return Formula()
    count = sum(array.size for array in subject.point.values())
    if count > EXACT:
        return Formula(untraced=f"{count} entries are too many")
    return room.formula(subject)


def random_upstream(subject: Subject, seed: int) -> list[Floats]:
    """Signs at random times 8/16 to 15/16, for each differentiated output: numbers that any dtype holds."""
    draw = np.random.default_rng([seed, 2])
    found = []
    for slot in subject.results:
        if slot.differentiated:
            sizes = draw.integers(8, 16, size=slot.shape) / 16
            found.append(np.asarray(sizes * draw.choice((-1.0, 1.0), size=slot.shape), dtype=np.float64))
    return found


def _upstreams(subject: Subject, request: CallableRequest) -> list[tuple[str, list[Floats]]]:
    """The weights asked for, or ones, which people read most easily; and random ones where those could hide something.

    Many entries are shown to nobody one by one: they are looked at with random weights alone.
    """
    shapes = [slot.shape for slot in subject.results if slot.differentiated]
    if request.upstream is not None:
        return [("", [array_of(request.upstream)])]
    plain = [("", [np.ones(shape) for shape in shapes])]
    if sum(math.prod(shape) for shape in shapes) == 1:
        return plain
    drawn = [(", random upstream", random_upstream(subject, request.seed))]
    return plain + drawn if _are_few(subject.point) else drawn


def _are_few(at: Point) -> bool:
    return sum(array.size for array in at.values()) <= FOLLOWED


def _point(
    weighed: Weighed, label: str, request: CallableRequest, room: Room, formula: Formula, *, looked_at: bool
) -> CallablePoint:
    """Autodiff at the subject's own point, and what differences say of it."""
    began = time.perf_counter()
    subject = weighed.subject
    at = subject.point
    outputs, gradients = weighed.both(at)
    bars = _ladders(weighed, gradients) if looked_at and _are_few(at) else []
    survey = weighed.surveyed(gradients, at, request.seed) if looked_at else None
    confirmed = _confirmed(weighed, gradients, bars, request.seed)
    value = value_of(outputs[0]) if len(outputs) == 1 else weighed.value(at)
    found = {name: None if gradient is None else value_of(gradient) for name, gradient in gradients.items()}
    seconds = time.perf_counter() - began
    return CallablePoint(
        label,
        {name: value_of(array) for name, array in at.items()},
        [value_of(weights) for weights in weighed.upstream],
        Autodiff(request.key, room.name, room.version, value, found, bars, seconds, survey),
        confirmed,
        formula.expressions,
        formula.constants,
        formula.untraced,
    )


def _ladders(weighed: Weighed, gradients: Gradients) -> list[Difference]:
    """A difference for every entry of the point."""
    at = weighed.subject.point
    point = {name: value_of(array) for name, array in at.items()}
    places = labels(point)
    claims = {}
    for label, (name, index) in places.items():
        gradient = gradients[name]
        claims[label] = np.array([0.0 if gradient is None else gradient[index]])

    def along(columns: Mapping[str, Floats]) -> Floats:
        rows = []
        for numbers in zip(*columns.values(), strict=True):
            arrays = {name: array.copy() for name, array in at.items()}
            for label, number in zip(columns, numbers, strict=True):
                name, index = places[label]
                arrays[name][index] = number
            rows.append([weighed.value(arrays)])
        return np.array(rows)

    found = differences(along, coordinates(point), claims, weighed.subject.dtype)
    return [replace(found[label][0], variable=name, index=index) for label, (name, index) in places.items()]


def _confirmed(weighed: Weighed, gradients: Gradients, bars: Sequence[Difference], seed: int) -> list[WrongEntry]:
    """The entries that a ladder contradicts, and the path integral along their own axis too."""
    claims: dict[tuple[str, Index], float] = {}
    suspects = []
    for bar in bars:
        gradient = gradients[bar.variable]
        claim = 0.0 if gradient is None else float(gradient[bar.index])
        if math.isfinite(bar.value) and not abs(claim - bar.value) <= bar.bar:
            claims[bar.variable, bar.index] = claim
            suspects.append(bar)
    return contradicted(weighed, claims, suspects, seed)
