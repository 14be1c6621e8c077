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
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from gradtool.evidence import (
    Autodiff,
    Breach,
    CallableEvidence,
    CallablePoint,
    CallableRequest,
    Checked,
)
from gradtool.values import Value, indices
from gradtool.witness.callable.elsewhere import elsewhere
from gradtool.witness.callable.opinions import Opinions, opinions, sure
from gradtool.witness.callable.subject import Floats, Point, Subject
from gradtool.witness.callable.weighed import Weighed
from gradtool.witness.testimony import array_of, value_of

__all__ = ["FOLLOWED", "OWN", "Formula", "Room", "examined", "random_upstream"]

OWN = "given"
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

    All are given the room's own subjects; ``checked`` is what the framework's own checker says.
    """

    name: str
    version: str
    breaches: Callable[[Any, CallableRequest, str], list[Breach]] = lambda *_: []
    formula: Callable[[Any], Formula] = lambda _: Formula()
    checked: Callable[[Any, CallableRequest], Checked | None] = lambda *_: None


def examined(subject: Subject, request: CallableRequest, room: Room) -> CallableEvidence:
    """Everything that is asked of one callable. Raises what the callable raises at its own point.

    Cost: about 100 gradients and some hundred values; 125 values more for each entry up to ``FOLLOWED``.
    """
    began = time.perf_counter()
    breaches = room.breaches(subject, request, OWN)
    raises = any(breach.kind == "raises" for breach in breaches)
    points: list[CallablePoint] = []
    evaluations = 0
    formula = Formula() if raises else _formula(subject, request, room)
    for name, upstream in [] if raises else _upstreams(subject, request):
        weighed = Weighed(subject, upstream)
        points.append(_point(weighed, f"{OWN}{name}", request, room, formula, looked_at=not request.surrogate))
        evaluations += weighed.evaluations
    if not (request.surrogate or raises):
        weighed = Weighed(subject, random_upstream(subject, request.seed))
        points += elsewhere(weighed, request.seed, room.name, room.version, search=not any(map(_is_accused, points)))
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
        breaches,
        surrogate=request.surrogate,
        evaluations=evaluations,
        seconds=time.perf_counter() - began,
        checked=room.checked(subject, request) if request.against and not raises else None,
    )


def _formula(subject: Subject, request: CallableRequest, room: Room) -> Formula:
    """The way to exact derivatives, where they are wanted and can be had in time."""
    if request.surrogate:
        return Formula()
    count = sum(array.size for array in subject.point.values())
    if count > EXACT:
        return Formula(untraced=f"{count} entries are too many")
    try:
        return room.formula(subject)
    except Exception as error:  # noqa: BLE001  # a way that leads nowhere costs itself alone
        return Formula(untraced=f"it could not be traced: {type(error).__name__}: {error}")


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


def _is_accused(point: CallablePoint) -> bool:
    """Whether something is wrong at a point that needs no search elsewhere."""
    survey = point.autodiff.survey
    return bool(point.confirmed) or (survey is not None and bool(survey.wrong or survey.scaled))


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
    found, survey = Opinions([], []), None
    if looked_at:
        survey = weighed.surveyed(gradients, at, request.seed)
        if _are_few(at):
            entries = [(name, index) for name, array in at.items() for index in indices(array.shape)]
            found = opinions(weighed, gradients, at, entries, request.seed)
        else:
            survey = sure(weighed, survey, gradients, at, request.seed)
    value = value_of(outputs[0]) if len(outputs) == 1 else weighed.value(at)
    told = {name: None if gradient is None else value_of(gradient) for name, gradient in gradients.items()}
    seconds = time.perf_counter() - began
    return CallablePoint(
        label,
        {name: value_of(array) for name, array in at.items()},
        [value_of(weights) for weights in weighed.upstream],
        Autodiff(request.key, room.name, room.version, value, told, found.bars, seconds, survey),
        found.confirmed,
        formula.expressions,
        formula.constants,
        formula.untraced,
    )
