"""Findings on numbers that are not finite: in the loss, then in the gradients."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from gradtool.evidence import Cause, Layer, ModelEvidence, Parameter
from gradtool.verdict.flow.causes import NONFINITE, caused, causes_of, struck
from gradtool.verdict.flow.groups import called, group_of, trainable
from gradtool.verdict.record import Finding
from gradtool.verdict.rules import finding

__all__ = ["infinite_gradients", "nan_gradients", "nonfinite_loss"]


OUT_OF_DOMAIN = "Look at the logarithms, quotients, roots and powers of the expression: keep their arguments in range."
"""What is to be done about an expression, which has neither layers nor logits."""


def nonfinite_loss(evidence: ModelEvidence) -> Iterator[Finding]:
    """GT114: the loss is NaN or infinite, by its cause, or else by the first layer whose output is not finite."""
    if math.isfinite(evidence.loss.value):
        return
    if evidence.route == "expression":
        told = f"the value at this point is {evidence.loss.value:g}"
        yield finding("GT114", "loss", told, OUT_OF_DOMAIN, source=evidence.loss.source)
        return
    causes = _of_loss(evidence)
    for cause in causes:
        members = struck(cause, trainable(evidence))
        yield caused("GT114", f"the loss is {evidence.loss.value:g}", cause, evidence, members, where="loss")
    if not causes:
        yield _by_layers(evidence)


def _of_loss(evidence: ModelEvidence) -> list[Cause]:
    """Why the loss itself is not finite; what the gradients are then follows from that."""
    if math.isfinite(evidence.loss.value):
        return []
    return [cause for cause in causes_of(evidence, *NONFINITE) if cause.phase == "forward"]


def _by_layers(evidence: ModelEvidence) -> Finding:
    """How far the layers tell where a loss that is not finite comes from."""
    ordered = sorted(evidence.layers, key=lambda layer: layer.place)
    born = next((layer for layer in ordered if layer.nonfinite), None)
    told = f"the loss is {evidence.loss.value:g}"
    if born is None:
        told += "; every layer's output is finite, so the loss itself breaks"
        remedy = (
            "Look at the logarithms, quotients and roots of the loss: use a form that takes logits, or keep their "
            "arguments away from 0."
        )
        return finding("GT114", "loss", told, remedy, source=evidence.loss.source)
    told += f"; the first output that is not finite is that of {called(born.name) or 'the model'} ({born.kind})"
    return finding("GT114", born.name or "loss", told, source=born.source or evidence.loss.source)


def nan_gradients(evidence: ModelEvidence) -> Iterator[Finding]:
    """GT101: gradients that hold NaN, by their cause, or by the layer where the first enters on the way back."""
    yield from _told(evidence, "GT101", [p for p in trainable(evidence) if _is_nan(p)])


def infinite_gradients(evidence: ModelEvidence) -> Iterator[Finding]:
    """GT102: gradients that hold infinities, and no NaN."""
    hit = [p for p in trainable(evidence) if p.gradient and p.gradient.inf and not _is_nan(p)]
    yield from _told(evidence, "GT102", hit)


def _is_nan(parameter: Parameter) -> bool:
    return bool(parameter.gradient and parameter.gradient.nan)


def _told(evidence: ModelEvidence, code: str, hit: Sequence[Parameter]) -> Iterator[Finding]:
    """One finding for each cause, and one for what is left; a cause that makes both is told with the NaN."""
    known = {parameter.name for cause in _of_loss(evidence) for parameter in struck(cause, hit)}
    for cause in causes_of(evidence, *NONFINITE):
        own = struck(cause, _broken(evidence))
        if cause not in _of_loss(evidence) and own and any(map(_is_nan, own)) == (code == "GT101"):
            yield caused(code, _share(code, own), cause, evidence, own)
        known.update(parameter.name for parameter in own)
    left = [parameter for parameter in hit if parameter.name not in known]
    if left and not _of_loss(evidence):
        yield _by_entry(evidence, code, left)


def _broken(evidence: ModelEvidence) -> list[Parameter]:
    return [p for p in trainable(evidence) if p.gradient and (p.gradient.nan or p.gradient.inf)]


def _share(code: str, hit: Sequence[Parameter]) -> str:
    """How many of the entries are so, with a place for what they are the gradients of."""
    own = [parameter.gradient for parameter in hit if parameter.gradient]
    numbers = sum(one.nan if code == "GT101" else one.inf for one in own)
    word = "NaN" if code == "GT101" else "infinite"
    every = sum(one.count for one in own)
    return f"{numbers} of the {every} gradient entries of {{}} {'is' if numbers == 1 else 'are'} {word}"


def _by_entry(evidence: ModelEvidence, code: str, hit: Sequence[Parameter]) -> Finding:
    """How far the layers tell where it enters."""
    where, named = group_of(hit, trainable(evidence))
    told = _share(code, hit).replace("{}", named, 1)
    entry = _entry(evidence)
    if not math.isfinite(evidence.loss.value):
        told += ", as the loss is"
    elif entry is not None:
        first = called(entry.name, entry.kind)
        told += f"; on the way back the first that is not finite is the gradient at the output of {first}"
    source = entry.source if entry else evidence.loss.source
    return finding(code, where, told, source=source, parameters=[parameter.name for parameter in hit])


def _entry(evidence: ModelEvidence) -> Layer | None:
    """The last layer, in the order of execution, whose output's gradient is not finite."""
    bad = [layer for layer in evidence.layers if layer.gradient is not None and not math.isfinite(layer.gradient)]
    return max(bad, key=lambda layer: layer.place, default=None)
