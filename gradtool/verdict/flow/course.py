"""Findings on the course of training: it diverges, it reaches NaN, units die."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterator, Sequence
from dataclasses import replace

from gradtool.evidence import ModelEvidence, TrainingStep
from gradtool.verdict.flow.causes import NONFINITE, caused, causes_of, struck
from gradtool.verdict.flow.groups import WHOLE, trainable
from gradtool.verdict.flow.units import DEAD
from gradtool.verdict.record import Finding
from gradtool.verdict.rules import finding

__all__ = ["diverges", "nan_in_training", "units_die"]

DIVERGED = 3.0
"""Decades by which the loss or the norm may rise over the run."""

HIGHER = 10.0
"""A loss that ends at its highest, and so many times as high as it began, is worth a warning."""


def nan_in_training(evidence: ModelEvidence) -> Iterator[Finding]:
    """GT132: the first step whose loss or gradient is not finite, where the first pass was sound.

    What is thrown far away overflows at several lines at once: the first is told in full, the others by their places.
    """
    steps = evidence.steps
    bad = next((step for step in steps if not _is_finite(step)), None)
    if bad is None or bad is steps[0]:
        return
    what = f"the gradient of {bad.nonfinite}" if bad.nonfinite else f"the loss ({bad.loss:g})"
    before = steps[steps.index(bad) - 1]
    told = f"at step {bad.step} {what} is not finite; the gradient's norm was {before.norm:.3g} the step before"
    told += f", and {steps[0].norm:.3g} at first"
    where = bad.nonfinite or "loss"
    born = causes_of(evidence, *NONFINITE, late=True)
    if not born:
        yield finding("GT132", where, told)
        return
    names = list(dict.fromkeys(name for cause in born for name in cause.parameters))
    first = replace(born[0], parameters=names)
    one = caused("GT132", told, first, evidence, struck(first, trainable(evidence)), where=where)
    places = dict.fromkeys(f"{cause.operation} at {cause.line.source}" for cause in born[1:] if cause.line.source)
    yield replace(one, message=f"{one.message}; likewise {', '.join(places)}") if places else one


def diverges(evidence: ModelEvidence) -> Iterator[Finding]:
    """GT131: the loss or the norm of the gradient rises by more than three decades, as far as it is finite.

    The end of the run counts, and the worst step of it: what is thrown far away may come back.
    """
    steps = [step for step in evidence.steps if _is_finite(step)]
    if len(steps) < 2:
        return
    first, last = steps[0], steps[-1]
    loss, norm = _ratio(first.loss, last.loss), _ratio(first.norm, last.norm)
    told = (
        f"over steps {first.step} to {last.step} the loss goes from {first.loss:.4g} to {last.loss:.4g} and the "
        f"gradient's norm from {first.norm:.3g} to {last.norm:.3g}"
    )
    worst = _worst(steps)
    if max(loss, norm) > 10**DIVERGED and last.loss > first.loss:
        yield finding("GT131", WHOLE, told)
    elif worst is not None:
        by_the_way = f"; at step {worst.step} the loss is {worst.loss:.4g} and the norm {worst.norm:.3g}"
        yield finding("GT131", WHOLE, told + (by_the_way if worst is not last else ""))
    elif last.loss >= max(step.loss for step in steps) and loss > HIGHER:
        yield finding("GT131", WHOLE, told, severity="warning")


def _worst(steps: Sequence[TrainingStep]) -> TrainingStep | None:
    """The step with the highest loss, or else the largest norm, if that is three decades up.

    A loss has to be so far above the usual one too: of single samples the first may be low by chance. A norm only
    counts where the loss is ten times as large as well, of whatever sign: the gradient of a model that starts at a
    saddle grows while the loss falls as it should.
    """
    first = steps[0]
    highest = max(steps, key=lambda step: step.loss)
    if _ratio(max(first.loss, statistics.median(step.loss for step in steps)), highest.loss) > 10**DIVERGED:
        return highest if first.loss > 0 else None
    steepest = max(steps, key=lambda step: step.norm)
    thrown = max(abs(step.loss) for step in steps) > HIGHER * abs(first.loss) > 0
    return steepest if thrown and _ratio(first.norm, steepest.norm) > 10**DIVERGED else None


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
