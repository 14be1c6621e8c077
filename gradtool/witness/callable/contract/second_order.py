"""The gradient of the gradient: x -> <g(x), v> is a function as any other, and ``twice`` is its gradient."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from gradtool.evidence import Breach, Survey
from gradtool.witness.callable.contract.observed import BARS, Observed, total
from gradtool.witness.callable.subject import Floats, Point
from gradtool.witness.directional.survey import surveyed

__all__ = ["twice"]

_DTYPES = ("float64", "float32")
"""In 16 bits the difference of two gradients says nothing about a second derivative."""


def twice(observed: Observed) -> Iterator[Breach]:
    """Second derivatives against the path integral of the gradient, where order 2 was asked for.

    About 50 gradients and second gradients for each of three directions, some hundred gradients more where they
    disagree.
    """
    entries = sum(array.size for array in observed.at.values())
    if observed.request.order < 2 or not observed.well_formed or not entries:
        return
    way = observed.direction()
    try:
        _, claims = observed.subject.twice(observed.at, observed.upstream, way)
    except Exception as error:  # noqa: BLE001 - whatever a backward pass raises when it is differentiated
        told = str(error).strip().partition("\n")[0][:200]
        yield observed.breach("no_double_backward", "", f"{type(error).__name__}: {told}")
        return
    if observed.subject.dtype not in _DTYPES:
        return

    def slope(at: Mapping[str, Floats]) -> float:
        found = observed.gradient(observed.upstream, at)
        return float(sum(np.sum(part * way[name]) for name, part in found.items() if part is not None))

    def second(at: Mapping[str, Floats]) -> dict[str, Floats | None]:
        return observed.subject.twice(at, observed.upstream, way)[1]

    survey = surveyed(slope, second, claims, observed.at, observed.subject.dtype, observed.request.seed)
    if not survey.agree:
        yield from _told(observed, survey)
    else:
        yield from _by_upstream(observed, way)


def _by_upstream(observed: Observed, way: Point) -> Iterator[Breach]:
    """The double backward pass by the upstream gradient gives J v: <w, J v> = <J' w, v>. Two gradients.

    The room is what rounding does to the gradient, entry by entry at its worst, and one rounding of every term.
    """
    pushed = observed.subject.pushed(observed.at, observed.upstream, way)
    pulled = observed.gradient(observed.other)
    ahead = total(observed.other, pushed)
    terms = [part * way[name] for name, part in pulled.items() if part is not None]
    back = float(sum(np.sum(term) for term in terms))
    length = sum(float(np.sum(np.abs(term))) for term in terms)
    rows = zip(observed.other, pushed, strict=True)
    length += sum(float(np.sum(np.abs(weights * moved))) for weights, moved in rows)
    room = sum(observed.bar(name) * float(np.sum(np.abs(step))) for name, step in way.items())
    if abs(ahead - back) > room + BARS * observed.unit * length:
        told = f"differentiated by the upstream gradient, the backward pass gives {ahead:.6g} where {back:.6g} is right"
        yield observed.breach("second_order", "", told, abs(ahead - back) / max(abs(ahead), abs(back)))


def _told(observed: Observed, survey: Survey) -> Iterator[Breach]:
    difference, integral, _ = max(survey.segments, key=lambda segment: abs(segment[0] - segment[1]) - segment[2])
    size = abs(difference - integral) / (abs(difference) or abs(integral))
    if any(factor == 0 for factor in survey.scaled.values()) or integral == 0:
        names = [name for name, factor in survey.scaled.items() if factor == 0] or [""]
        for name in names:
            told = f"the gradient moves by {difference:.4g} along a direction, and its own derivative is 0"
            yield observed.breach("second_order_cut", name, told, 1.0)
        return
    told = f"the gradient moves by {difference:.6g} along a direction, and its own derivative says {integral:.6g}"
    for name, factor in survey.scaled.items():
        yield observed.breach("second_order", name, f"{told}: {factor:.6g} times what it should be", size)
    wrong = sorted({entry.variable for entry in survey.wrong})
    for name in wrong if not survey.scaled else ():
        worst = next(entry for entry in survey.wrong if entry.variable == name)
        place = f"{list(worst.index)} is {worst.claimed:.6g}, and should be {worst.estimated:.6g} +/- {worst.bar:.1g}"
        yield observed.breach("second_order", name, f"{told}; entry {place}", size)
    if not survey.scaled and not wrong:
        yield observed.breach("second_order", "", told, size)
