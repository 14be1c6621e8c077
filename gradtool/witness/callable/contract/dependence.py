"""None for an input on which the outputs do depend, and results that are cut off."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from dataclasses import replace

import numpy as np

from gradtool.evidence import Breach, Difference
from gradtool.witness.callable.contract.observed import Observed, apart, larger, total
from gradtool.witness.callable.subject import Floats, Point
from gradtool.witness.directional.differences import random_direction
from gradtool.witness.finite_difference import differences

__all__ = ["along", "cut_results", "missing"]

MOST = 8
"""So many inputs without a gradient are tried one by one."""
_TRIED = (0.125, -0.125)
"""Steps that are tried before a ladder is climbed, in units of the direction."""


def missing(observed: Observed) -> Iterator[Breach]:
    """Inputs that get None although a ladder of differences along a random direction shows a slope.

    Stairs, such as those of floor, have none. Cost: two values for an input on which nothing depends, about 125 for
    another one; inputs beyond the eighth are tried all together.
    """
    names = [name for name, found in observed.base.items() if found is None]
    for name in names[:MOST]:
        slope = _slope(observed, [name])
        if slope is not None:
            told = f"None, and yet the outputs move by {slope.value:.4g} +/- {slope.bar:.1g} along it"
            yield observed.breach("none", name, told, abs(slope.value))
    rest = names[MOST:]
    slope = _slope(observed, rest) if rest else None
    if slope is not None:
        told = f"None for {len(rest)} more inputs, and yet the outputs move by {slope.value:.4g} along them"
        yield observed.breach("none", rest[0], told, abs(slope.value))


def _slope(observed: Observed, names: list[str]) -> Difference | None:
    """The slope of the weighed outputs along a direction through ``names``, if it surely is not 0."""
    draw = np.random.default_rng(observed.request.seed)
    way = random_direction({name: observed.at[name] for name in names}, draw)

    here = _moved(observed, way, 0.0)
    if all(_moved(observed, way, length) == here for length in _TRIED):
        return None
    found = along(observed, way)
    if found.regime == "smooth":
        return found if abs(found.value) > found.bar else None
    sides = ((found.left, found.left_bar), (found.right, found.right_bar))
    if found.regime != "kink" or all(abs(slope) <= bar for slope, bar in sides):
        return None
    slope, bar = max(sides, key=lambda side: abs(side[0]) - side[1])
    return replace(found, value=slope, bar=bar)


def along(observed: Observed, way: Point, claim: float = 0.0) -> Difference:
    """Differences of the weighed outputs along ``way``, and what there is of a slope; about 125 values."""

    def values(columns: Mapping[str, Floats]) -> Floats:
        return np.array([[_moved(observed, way, length)] for length in columns["length"]])

    return differences(values, {"length": 0.0}, {"length": np.array([claim])}, observed.subject.dtype)["length"][0]


def _moved(observed: Observed, way: Point, length: float) -> float:
    at = {**observed.at, **{name: observed.at[name] + length * step for name, step in way.items()}}
    return total(observed.upstream, observed.subject.outputs(at))


def cut_results(observed: Observed) -> Iterator[Breach]:
    """Results that no gradient comes back from while others have one, although they move with the inputs.

    Two values.
    """
    real = [slot.dtype.startswith(("float", "bfloat", "complex")) for slot in observed.subject.results]
    cut = [
        slot
        for slot, is_real in zip(observed.subject.results, real, strict=True)
        if is_real and not slot.differentiated
    ]
    if not cut:
        return
    whole = copy.copy(observed.subject)
    whole.results = [replace(slot, differentiated=is_real) for slot, is_real in zip(whole.results, real, strict=True)]
    moved = larger(observed.at)
    kept = [slot for slot in whole.results if slot.differentiated]
    for slot, here, there in zip(kept, whole.outputs(observed.at), whole.outputs(moved), strict=True):
        gap = apart(here, there)
        if slot.name in {one.name for one in cut} and gap > 0:
            told = f"no gradient comes back from it, and yet it moves by {gap:.3g} when the inputs grow by a quarter"
            yield observed.breach("cut_result", slot.name, told, gap)
