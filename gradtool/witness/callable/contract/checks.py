"""Every check of the contract, and how they are run."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence

from gradtool.evidence import Breach, CallableRequest
from gradtool.witness.callable.contract.dependence import cut_results, missing
from gradtool.witness.callable.contract.modes import batched, forward_mode
from gradtool.witness.callable.contract.observed import Observed, largest
from gradtool.witness.callable.contract.repeats import random_backward, random_forward, repeated, state
from gradtool.witness.callable.contract.second_order import twice
from gradtool.witness.callable.contract.upstream import linear
from gradtool.witness.callable.subject import Point, Subject

__all__ = ["CHECKS", "Check", "breaches"]

Check = Callable[[Observed], Iterable[Breach]]


def settled(observed: Observed) -> Iterator[Breach]:
    """Three runs first, so that what follows knows how far runs lie apart; tells nothing itself."""
    for _ in range(3):
        observed.again()
    yield from ()


def shapes(observed: Observed) -> Iterator[Breach]:
    """Gradients of another shape than their input."""
    for name, found in observed.base.items():
        if found is not None and found.shape != observed.at[name].shape:
            told = f"the gradient has the shape {found.shape}, and the input {observed.at[name].shape}"
            yield observed.breach("shape", name, told)


FIRST: tuple[Check, ...] = (settled, state, shapes)
"""What the others need to know."""

CHECKS: tuple[Check, ...] = (
    missing, cut_results, linear, random_forward, forward_mode, batched,
)  # fmt: skip
"""What they find is asked again before it is believed."""
_DOUBTFUL = frozenset({"upstream_nonlinear", "stale", "batched"})
LAST: tuple[Check, ...] = (twice, random_backward, repeated)
"""About 35 gradients in all, more for ``twice``."""


def breaches(
    subject: Subject, request: CallableRequest, label: str, at: Point | None = None, room: Sequence[Check] = ()
) -> list[Breach]:
    """What is broken at the point ``at`` (None: the given one), called ``label``; ``room`` are the framework's checks.

    A backward pass that raises is a breach of its own, and then there is no other. What the forward pass raises is
    passed on.
    """
    point = subject.point if at is None else at
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what a framework warns of once would come with every call
        subject.outputs(point)
        try:
            observed = Observed(subject, point, request, label)
        except Exception as error:  # noqa: BLE001 - whatever a custom backward raises
            text = str(error).strip().partition("\n")[0][:300]
            return [Breach("raises", "", f"the backward pass raises {type(error).__name__}: {text}", 0.0, label)]
        found = [breach for check in FIRST for breach in check(observed)]
        found += [breach for check in (*room, *CHECKS) for breach in _confirmed(check, observed)]
        found += [breach for check in LAST for breach in check(observed)]
        return [breach for breach in found if not _explained(breach, observed)]


def _explained(breach: Breach, observed: Observed) -> bool:
    """Whether runs at one point lie so far apart that they explain it."""
    gap = observed.repeats.gradients.get(breach.variable, 0.0)
    return breach.kind in _DOUBTFUL and gap > 0 and breach.size * largest(observed.base[breach.variable]) <= 4 * gap


def _confirmed(check: Check, observed: Observed) -> list[Breach]:
    """What a check finds twice; what it finds once differs between runs."""
    once = list(check(observed))
    twice_found = {(breach.kind, breach.variable) for breach in check(observed)} if once else set()
    for breach in once:
        if (breach.kind, breach.variable) not in twice_found:
            observed.flickered(breach.variable, breach.size)
    return [breach for breach in once if (breach.kind, breach.variable) in twice_found]
