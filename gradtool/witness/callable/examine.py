"""What is asked of a callable: the contract, the gradient at its own point, and a look at other points."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from gradtool.evidence import Breach, CallableEvidence, CallablePoint, CallableRequest, Checked
from gradtool.witness.callable.causes import Finder, Sought, sought
from gradtool.witness.callable.elsewhere import elsewhere
from gradtool.witness.callable.formula import Formula
from gradtool.witness.callable.own_point import OWN, own_points, random_upstream
from gradtool.witness.callable.randomness import kept_random
from gradtool.witness.callable.subject import Subject
from gradtool.witness.callable.usable import notes
from gradtool.witness.callable.weighed import Weighed

__all__ = ["Room", "examined"]

EXACT = 4096
"""Up to so many entries are followed exactly, if there is a formula."""


@dataclass(frozen=True, slots=True)
class Room:
    """A framework's room: what it is called, its version, its checks of the contract, and the way to a formula.

    All are given the room's own subjects; ``checked`` is what the framework's own checker says, ``causes`` finds the
    lines on which a gradient is lost.
    """

    name: str
    version: str
    breaches: Callable[[Any, CallableRequest, str], list[Breach]] = lambda *_: []
    formula: Callable[[Any], Formula] = lambda _: Formula()
    checked: Callable[[Any, CallableRequest], Checked | None] = lambda *_: None
    causes: Finder = lambda *_: Sought()


def examined(subject: Subject, request: CallableRequest, room: Room) -> CallableEvidence:
    """Everything that is asked of one callable. Raises what the callable raises at its own point.

    A gradient of another shape than its input has no entries that could be compared: then the breach is all.

    Cost: about 100 gradients and some hundred values; of few entries 125 values more for each.
    """
    with kept_random(request.seed):  # once for all calls
        return _examined(subject, request, room)


def _examined(subject: Subject, request: CallableRequest, room: Room) -> CallableEvidence:
    began = time.perf_counter()
    breaches = room.breaches(subject, request, OWN)
    points: list[CallablePoint] = []
    evaluations, checked = 0, None
    told = notes(subject)
    if not any(breach.kind in ("raises", "shape") for breach in breaches):
        formula = _formula(subject, request, room)
        points, evaluations = own_points(subject, request, formula, room.name, room.version)
        if not request.surrogate:
            points[0], more = sought(subject, points[0], room.causes)
            told += more
            weighed = Weighed(subject, random_upstream(subject, request.seed))
            search = not any(map(_is_accused, points))
            points += elsewhere(weighed, request.seed, room.name, room.version, search=search)
            evaluations += weighed.evaluations
        checked = room.checked(subject, request) if request.against else None
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
        checked=checked,
        notes=told,
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


def _is_accused(point: CallablePoint) -> bool:
    """Whether something is wrong at a point that needs no search elsewhere."""
    survey = point.autodiff.survey
    return bool(point.confirmed) or (survey is not None and bool(survey.wrong or survey.scaled))
