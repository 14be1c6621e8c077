"""Findings of experiments on the model: a step along -g, micro-batches, the path integral, the terms of the loss."""

from __future__ import annotations

import math
from collections.abc import Iterator

from gradtool.evidence import Descent, ModelEvidence
from gradtool.target.dtype import FORMATS
from gradtool.values import label
from gradtool.verdict.flow.groups import WHOLE, listed
from gradtool.verdict.record import Finding
from gradtool.verdict.rules import finding

__all__ = [
    "ROUNDINGS",
    "accumulation_differs",
    "below_resolution",
    "loss_rises",
    "opposed_terms",
    "rounding",
    "wrong_gradient",
]

OPPOSED = -0.5
"""The cosine of a term's gradient to the whole below which it is said to pull against it."""

DROWNED = 100.0
"""The factor between the gradients of two terms above which the smaller hardly counts."""

RISE = 0.1
"""The share of the promised decrease by which the loss must rise: less is curvature or noise."""

ROUNDINGS = 16
"""So many roundings of the loss count as noise of its value: a loss is a mean of many roundings."""


def rounding(dtype: str) -> float:
    """The unit roundoff of the dtype that the loss is computed in."""
    return FORMATS[dtype].unit if dtype in FORMATS else FORMATS["float32"].unit


def loss_rises(evidence: ModelEvidence) -> Iterator[Finding]:
    """GT124: a small step along -g raises the loss by more than its own noise."""
    descent = evidence.descent
    if descent is None or not math.isfinite(descent.before):
        return
    promised, rise = abs(descent.promised), descent.after - descent.before
    noise = _noise(descent, evidence.dtype)
    if not math.isfinite(descent.after) or (rise > RISE * promised and rise > noise and promised > noise):
        told = (
            f"along -g the loss goes from {descent.before:.6g} to {descent.after:.6g}, where the gradient promises a "
            f"decrease of {promised:.2g}"
        )
        yield finding("GT124", "loss", told, source=evidence.loss.source)


def below_resolution(descent: Descent, dtype: str) -> bool:
    """Whether the decrease that the gradient promises drowns in the rounding of the loss."""
    return abs(descent.promised) <= _noise(descent, dtype)


def _noise(descent: Descent, dtype: str) -> float:
    return ROUNDINGS * rounding(dtype) * abs(descent.before)


def accumulation_differs(evidence: ModelEvidence) -> Iterator[Finding]:
    """GT128: the gradient of the micro-batches has not even half the digits of the full batch's."""
    accumulated = evidence.accumulated
    if accumulated is None or not accumulated.full > 0:
        return
    relative = accumulated.difference / accumulated.full
    if relative > math.sqrt(rounding(evidence.dtype)):
        told = f"the gradient of {accumulated.parts} micro-batches differs by {relative:.2g} of the full batch's"
        if accumulated.worst:
            told += f", most at {accumulated.worst} ({accumulated.worst_difference:.2g})"
        because = f": {listed(accumulated.reasons)}" if accumulated.reasons else ""
        yield finding("GT128", accumulated.worst or WHOLE, f"{told}{because}")


def wrong_gradient(evidence: ModelEvidence) -> Iterator[Finding]:
    """GT129: what the path integral and the search behind it have found; a warning where no entry was found."""
    survey = evidence.verified
    if survey is None or survey.agree:
        return
    for name, factor in survey.scaled.items():
        whole = f"of {name}" if name else "as a whole"
        told = f"the gradient {whole} is {factor:.6g} times what the loss says along {len(survey.segments)} directions"
        yield finding("GT129", name or WHOLE, told)
    for variable in dict.fromkeys(entry.variable for entry in survey.wrong):
        entries = [entry for entry in survey.wrong if entry.variable == variable]
        first = entries[0]
        told = (
            f"{label(variable, first.index)}: the gradient is {first.claimed:.6g}, its own difference "
            f"{first.estimated:.6g} +/- {first.bar:.1g}"
        )
        if len(entries) > 1:
            told += f"; likewise {listed(label(variable, entry.index) for entry in entries[1:])}"
        yield finding("GT129", variable, told)
    if not survey.scaled and not survey.wrong:
        told = f"the path integral along {len(survey.segments)} directions disagrees, and no search has told where"
        yield finding("GT129", WHOLE, told, severity="warning")


def opposed_terms(evidence: ModelEvidence) -> Iterator[Finding]:
    """GT127: terms against the whole, and terms that are drowned."""
    terms = [term for term in evidence.loss.terms if math.isfinite(term.norm)]
    for term in terms:
        if term.cosine < OPPOSED and term.norm > 0:
            told = f"the gradient of {term.name} points against the whole (cosine {term.cosine:.2f})"
            yield finding("GT127", term.name, told, source=evidence.loss.source)
    least = min((term for term in terms if term.norm > 0), key=lambda term: term.norm, default=None)
    most = max(terms, key=lambda term: term.norm, default=None)
    if least and most and most.norm > DROWNED * least.norm:
        told = f"the gradient of {most.name} is {most.norm / least.norm:.0f} times as large as that of {least.name}"
        yield finding("GT127", least.name, told, source=evidence.loss.source)
