"""Findings on short dtypes: what float16 loses of the gradient, and how many digits survive."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from gradtool.evidence import Halves, ModelEvidence
from gradtool.target.dtype import FORMATS
from gradtool.verdict.flow.groups import WHOLE, group_of
from gradtool.verdict.record import Finding
from gradtool.verdict.rules import finding

__all__ = ["half_precision", "loss_scale", "low_precision_digits"]

LOST_SHARE = 1e-3
"""The share of numbers that may be lost without harm: 1 in 1000."""

LEAST_DIGITS = 1.0

SCALERS = {"torch": "GradScaler", "tensorflow": "LossScaleOptimizer"}
"""What scales the loss in each framework."""

_HALF = FORMATS["float16"]
_NORMAL = math.ldexp(1.0, _HALF.low)


def half_precision(evidence: ModelEvidence) -> Iterator[Finding]:
    """GT118 and GT119: what float16 loses at either end, and the loss scale that would save it."""
    known = [(parameter, parameter.halves) for parameter in evidence.parameters if parameter.halves]
    halves = [half for _, half in known]
    count = sum(half.count for half in halves)
    if not count:
        return
    lost, subnormal = sum(half.lost for half in halves) / count, sum(half.subnormal for half in halves) / count
    remedy = _advice(loss_scale(halves), SCALERS[evidence.framework])
    if lost > LOST_SHARE:
        hit = [parameter for parameter, half in known if half.lost > LOST_SHARE * half.count]
        where, named = group_of(hit, [parameter for parameter, _ in known])
        told = f"of the gradient {lost:.2%} would become 0 in float16 and {subnormal:.2%} lie below 2^-14 ({named})"
        yield finding("GT118", where, told, remedy)
    over = [(parameter, half) for parameter, half in known if half.largest > _HALF.largest]
    if over:
        where, named = group_of([parameter for parameter, _ in over], [parameter for parameter, _ in known])
        largest = max(half.largest for _, half in over)
        told = f"the gradient of {named} reaches {largest:.3g}, above {_HALF.largest:g}, the largest of float16"
        yield finding("GT119", where, told, remedy)


def loss_scale(halves: Sequence[Halves]) -> int | None:
    """The exponent of 2 that, as a scale of the loss, lifts all but 1 in 1000 numbers to 2^-14 without overflow.

    None where there is none. Tensors of together less than 1 in 1000 of the numbers need not be lifted.
    """
    largest = max((half.largest for half in halves), default=0.0)
    left = LOST_SHARE * sum(half.count for half in halves)
    for half in sorted(halves, key=lambda half: half.least):
        left -= half.count
        if left < 0 and half.least > 0:
            lift = math.ceil(math.log2(_NORMAL / half.least))
            # Any smaller scale loses numbers; none is needed where nothing is lost and nothing overflows.
            room = math.floor(math.log2(_HALF.largest / largest)) if largest > 0 else lift
            return None if lift > room else max(lift, min(0, room))
    return 0


def _advice(exponent: int | None, scaler: str) -> str:
    if exponent is None:
        return "No single loss scale saves both ends: use bfloat16, or scale parts of the model."
    return f"Multiply the loss by 2^{exponent} before backward, and divide the gradient by it ({scaler}); or bfloat16."


def low_precision_digits(evidence: ModelEvidence) -> Iterator[Finding]:
    """GT134: gradients of which a short dtype keeps less than one digit."""
    for digits in evidence.digits:
        hit = [p for p in evidence.parameters if digits.parameters.get(p.name, math.inf) < LEAST_DIGITS]
        if hit:
            where, named = group_of(hit, [p for p in evidence.parameters if p.name in digits.parameters])
            least = min(digits.parameters[p.name] for p in hit)
            told = f"{digits.dtype} keeps {least:.1f} decimal digits of the gradient of {named}"
            yield finding("GT134", where, f"{told}, and {digits.whole:.1f} of the whole")
        elif digits.whole < LEAST_DIGITS:
            yield finding("GT134", WHOLE, f"{digits.dtype} keeps {digits.whole:.1f} decimal digits of the gradient")
