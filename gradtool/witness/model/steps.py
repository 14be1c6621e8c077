"""How far the first step of an optimizer goes, where both frameworks follow the same formula."""

from __future__ import annotations

import math

from gradtool.evidence import ModelEvidence

__all__ = ["first_steps", "rmsprop_step", "sgd_step"]


def rmsprop_step(decay: float, *, centered: bool) -> float | None:
    """The first step of RMSprop in units of the rate: its mean of squares has only seen 1 - ``decay`` of one square.

    The variance, which is taken where it is ``centered``, is smaller than that by the square of the mean so far.
    """
    seen = 1 - decay
    spread = seen - seen**2 if centered else seen
    return 1 / math.sqrt(spread) if spread > 0 else None


def sgd_step(momentum: float, *, nesterov: bool) -> float:
    """The first step of SGD in units of the rate times the gradient.

    Momentum has nothing to add to it yet, but Nesterov's looks one step ahead and adds the gradient once more.
    """
    return 1 + momentum if nesterov else 1.0


def first_steps(evidence: ModelEvidence) -> dict[str, float]:
    """For each parameter that the optimizer holds the factor of its first step, by the optimizer's formula.

    The step is the factor times the gradient, or times the gradient's sign where the optimizer is adaptive. Empty where
    no such formula is known, or where a parameter has no rate.
    """
    optimizer = evidence.optimizer
    if optimizer is None or optimizer.first is None:
        return {}
    held = [row for row in evidence.parameters if row.group is not None and row.gradient is not None]
    rates = {row.name: optimizer.rate if row.rate is None else row.rate for row in held}
    known = {name: rate * optimizer.first for name, rate in rates.items() if rate is not None}
    return known if len(known) == len(held) else {}
