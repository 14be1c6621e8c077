"""Runs that should give the same numbers: again at the same point, after another point, with other random numbers."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence

import numpy as np

from gradtool.evidence import Breach
from gradtool.witness.callable.contract.observed import Observed, apart, largest
from gradtool.witness.callable.subject import Floats, Gradients

__all__ = ["random_backward", "random_forward", "repeated", "state"]

Run = tuple[Sequence[Floats], Gradients]
"""Outputs and gradients."""

MASKS = 3
"""Other seeds for the forward pass."""
SEEDS = 32
"""A branch that is taken once in ten draws is met in 97 of 100 cases."""
RUNS = 12
"""Repeated runs at the end, beside those that other checks have asked for."""
_ROUNDINGS = 16.0
"""Gaps below so many roundings, times the root of the number of inputs, come from the order of additions."""


def repeated(observed: Observed) -> Iterator[Breach]:
    """The same point, again and again, with the same random numbers. Twelve gradients more."""
    if observed.stateful:
        return
    for _ in range(RUNS):
        observed.again()
    repeats = observed.repeats
    outputs = dict(zip((slot.name for slot in observed.learning), observed.values, strict=True))
    for kind, gaps, firsts in (("forward", repeats.values, outputs), ("backward", repeats.gradients, observed.base)):
        for name, gap in gaps.items():
            if gap > 0 and not (kind == "backward" and any(repeats.values.values())):
                size = gap / (largest(firsts[name]) or gap)
                count = sum(array.size for array in observed.at.values())
                least = _ROUNDINGS * observed.unit * np.sqrt(count)
                reordered = "reordered" if size <= least else f"nondeterministic_{kind}"
                told = f"{repeats.runs} runs with the same numbers and seed differ by up to {size:.2g} of the largest"
                yield observed.breach(reordered, name, f"{told} entry", size)


def state(observed: Observed) -> Iterator[Breach]:
    """Here, elsewhere, and here again, where repeating it here changes nothing. Nine gradients at most."""
    repeats = observed.repeats
    there = observed.elsewhere
    if there is None or any((*repeats.gradients.values(), *repeats.values.values())):
        return
    subject, upstream = observed.subject, observed.upstream
    before = (observed.values, observed.base)
    subject.gradient(there, upstream)
    after = observed.again()
    if not _changed(observed, before, after):
        return
    settled, same = observed.again(), observed.again()
    if _changed(observed, settled, same):
        return
    if not _changed(observed, before, same):
        subject.gradient(there, upstream)
        after = observed.again()
    for name, size in _changed(observed, before, after).items():
        observed.stateful = True
        told = f"after a call with other inputs the same inputs give numbers {size:.2g} of the largest entry off"
        yield observed.breach("state", name, told, size)


def _changed(observed: Observed, before: Run, after: Run) -> dict[str, float]:
    """By how much the outputs differ, or where they do not the gradients, relative to the largest entry."""
    outputs = {slot.name: pair for slot, *pair in zip(observed.learning, before[0], after[0], strict=True)}
    gradients = {name: [found, after[1][name]] for name, found in before[1].items()}
    for pairs in (outputs, gradients):
        found = {name: apart(here, now) / (largest(here) or 1.0) for name, (here, now) in pairs.items()}
        if any(found.values()):
            return {name: size for name, size in found.items() if size > 0}
    return {}


def random_backward(observed: Observed) -> Iterator[Breach]:
    """Other random numbers in the backward pass alone, where it draws any: the forward pass keeps its own.

    32 gradients, or one where nothing is drawn.
    """
    redrawn = copy.copy(observed.subject)
    redrawn.gradient(observed.at, observed.upstream)
    if not redrawn.drew or any(observed.repeats.gradients.values()):
        return
    gaps = dict.fromkeys(observed.base, 0.0)
    for offset in range(1, SEEDS + 1):
        redrawn.backward_seed = observed.subject.seed + offset
        _, found = redrawn.gradient(observed.at, observed.upstream)
        gaps = {name: max(gap, apart(found[name], observed.base[name])) for name, gap in gaps.items()}
    random = any(True for _ in random_forward(observed))
    for name, gap in gaps.items():
        if gap > 0:
            size = gap / (largest(observed.base[name]) or gap)
            told = f"the backward pass draws random numbers: {SEEDS} other seeds, given to it alone, move the gradient"
            kind = "redrawn" if random else "random_backward"
            yield observed.breach(kind, name, f"{told} by up to {size:.2g} of its largest entry", size)


def random_forward(observed: Observed) -> Iterator[Breach]:
    """Another seed, other outputs: dropout, or noise. Three values, for two masks of few entries may be the same."""
    if any(observed.repeats.values.values()):
        return
    reseeded = copy.copy(observed.subject)
    runs = []
    for more in range(1, MASKS + 1):
        reseeded.seed = observed.subject.seed + more
        runs.append(reseeded.outputs(observed.at))
    for slot, here, *there in zip(observed.learning, observed.values, *runs, strict=True):
        gap = max(apart(here, other) for other in there)
        if gap > 0:
            size = gap / (largest(here) or gap)
            told = f"another seed moves the result by {size:.2g} of its largest entry"
            yield observed.breach("random_forward", slot.name, told, size)
