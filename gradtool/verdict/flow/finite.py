"""Findings on numbers that are not finite: in the loss, then in the gradients."""

from __future__ import annotations

import math
from collections.abc import Iterator

from gradtool.evidence import Layer, ModelEvidence, Parameter
from gradtool.verdict.flow.groups import called, group_of, trainable
from gradtool.verdict.record import Finding
from gradtool.verdict.rules import finding

__all__ = ["infinite_gradients", "nan_gradients", "nonfinite_loss"]


OUT_OF_DOMAIN = "Look at the logarithms, quotients, roots and powers of the expression: keep their arguments in range."
"""What is to be done about an expression, which has neither layers nor logits."""


def nonfinite_loss(evidence: ModelEvidence) -> Iterator[Finding]:
    """GT114: the loss is NaN or infinite, and the first layer whose output is not finite."""
    if math.isfinite(evidence.loss.value):
        return
    if evidence.route == "expression":
        told = f"the value at this point is {evidence.loss.value:g}"
        yield finding("GT114", "loss", told, OUT_OF_DOMAIN, source=evidence.loss.source)
        return
    ordered = sorted(evidence.layers, key=lambda layer: layer.place)
    born = next((layer for layer in ordered if layer.nonfinite), None)
    told = f"the loss is {evidence.loss.value:g}"
    if born is None:
        told += "; every layer's output is finite, so the loss itself breaks"
        remedy = (
            "Look at the logarithms, quotients and roots of the loss: use a form that takes logits, or keep their "
            "arguments away from 0."
        )
        yield finding("GT114", "loss", told, remedy, source=evidence.loss.source)
    else:
        told += f"; the first output that is not finite is that of {called(born.name) or 'the model'} ({born.kind})"
        yield finding("GT114", born.name or "loss", told, source=born.source or evidence.loss.source)


def nan_gradients(evidence: ModelEvidence) -> Iterator[Finding]:
    """GT101: gradients that hold NaN, and the layer where the first of them enters on the way back."""
    hit = [p for p in trainable(evidence) if p.gradient and p.gradient.nan]
    yield from _told(evidence, "GT101", hit, "NaN")


def infinite_gradients(evidence: ModelEvidence) -> Iterator[Finding]:
    """GT102: gradients that hold infinities, and no NaN."""
    hit = [p for p in trainable(evidence) if p.gradient and p.gradient.inf and not p.gradient.nan]
    yield from _told(evidence, "GT102", hit, "infinite")


def _told(evidence: ModelEvidence, code: str, hit: list[Parameter], word: str) -> Iterator[Finding]:
    if not hit:
        return
    where, named = group_of(hit, trainable(evidence))
    numbers = sum(p.gradient.nan if word == "NaN" else p.gradient.inf for p in hit if p.gradient)
    every = sum(p.gradient.count for p in hit if p.gradient)
    told = f"{numbers} of the {every} gradient entries of {named} {'is' if numbers == 1 else 'are'} {word}"
    entry = _entry(evidence)
    if not math.isfinite(evidence.loss.value):
        told += ", as the loss is"
    elif entry is not None:
        first = called(entry.name, entry.kind)
        told += f"; on the way back the first that is not finite is the gradient at the output of {first}"
    yield finding(code, where, told, source=entry.source if entry else evidence.loss.source)


def _entry(evidence: ModelEvidence) -> Layer | None:
    """The last layer, in the order of execution, whose output's gradient is not finite."""
    bad = [layer for layer in evidence.layers if layer.gradient is not None and not math.isfinite(layer.gradient)]
    return max(bad, key=lambda layer: layer.place, default=None)
