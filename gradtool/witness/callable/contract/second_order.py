"""The gradient of the gradient: x -> <g(x), v> is a function as any other, and ``twice`` is its gradient."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from gradtool.evidence import Breach, Survey
from gradtool.witness.callable.contract.observed import Observed
from gradtool.witness.callable.subject import Floats
from gradtool.witness.directional.survey import surveyed

__all__ = ["twice"]

_DTYPES = ("float64", "float32")
"""In 16 bits the difference of two gradients says nothing about a second derivative."""


def twice(observed: Observed) -> Iterator[Breach]:
    """Second derivatives against the path integral of the gradient, where order 2 was asked for.

    About 50 gradients and second gradients for each of three directions, some hundred gradients more where they
    disagree.
    """
    if observed.request.order < 2 or not observed.well_formed:
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
