"""Findings on the course of training: it diverges, it reaches NaN, units die."""

from __future__ import annotations

import math
from collections.abc import Iterator

from gradtool.evidence import ModelEvidence, TrainingStep
from gradtool.verdict.flow.groups import WHOLE
from gradtool.verdict.flow.units import DEAD
from gradtool.verdict.record import Finding
from gradtool.verdict.rules import finding

__all__ = ["diverges", "nan_in_training", "units_die"]

DIVERGED = 3.0
"""Decades by which the loss or the norm may rise over the run."""

HIGHER = 10.0
"""A loss that ends at its highest, and so many times as high as it began, is worth a warning."""


def nan_in_training(evidence: ModelEvidence) -> Iterator[Finding]:
    """GT132: the first step whose loss or gradient is not finite, where the first pass was sound."""
    steps = evidence.steps
    bad = next((step for step in steps if not _is_finite(step)), None)
    if bad is None or bad is steps[0]:
        return
    what = f"the gradient of {bad.nonfinite}" if bad.nonfinite else f"the loss ({bad.loss:g})"
    before = steps[steps.index(bad) - 1]
    told = f"at step {bad.step} {what} is not finite; the gradient's norm was {before.norm:.3g} the step before"
    yield finding("GT132", bad.nonfinite or "loss", f"{told}, and {steps[0].norm:.3g} at first")


def diverges(evidence: ModelEvidence) -> Iterator[Finding]:
    """GT131: the loss or the norm of the gradient rises by more than three decades, as far as it is finite."""
    steps = [step for step in evidence.steps if _is_finite(step)]
    if len(steps) < 2:
        return
    first, last = steps[0], steps[-1]
    loss, norm = _ratio(first.loss, last.loss), _ratio(first.norm, last.norm)
    ends_highest = last.loss >= max(step.loss for step in steps)
    told = (
        f"over steps {first.step} to {last.step} the loss goes from {first.loss:.4g} to {last.loss:.4g} and the "
        f"gradient's norm from {first.norm:.3g} to {last.norm:.3g}"
    )
    if max(loss, norm) > 10**DIVERGED and last.loss > first.loss:
        yield finding("GT131", WHOLE, told)
    elif ends_highest and loss > HIGHER:
        yield finding("GT131", WHOLE, told, severity="warning")


def units_die(evidence: ModelEvidence) -> Iterator[Finding]:
    """GT133: the share of dead units rises past that of a finding."""
    steps = evidence.steps
    died = next((step for step in steps if step.dead > DEAD), None)
    if died is not None and steps[0].dead <= DEAD:
        told = f"the largest share of dead units of a layer rises from {steps[0].dead:.0%} to {died.dead:.0%}"
        yield finding("GT133", WHOLE, f"{told} at step {died.step}")


def _is_finite(step: TrainingStep) -> bool:
    return math.isfinite(step.loss) and math.isfinite(step.norm) and not step.nonfinite


def _ratio(first: float, last: float) -> float:
    """How many times as large it has become; 1 where it began at nothing or below."""
    return last / first if first > 0 else 1.0
