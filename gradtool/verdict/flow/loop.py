"""Findings on the order in which a training loop clears, differentiates, clips and steps."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType

from gradtool.evidence import Incident, ModelEvidence
from gradtool.verdict.flow.groups import WHOLE
from gradtool.verdict.record import Finding
from gradtool.verdict.rules import finding

__all__ = [
    "backward_twice", "clipping_idle", "clipping_scaled", "misapplied_gradients", "rebound_variables", "stale_steps",
    "summed_targets", "undivided_means",
]  # fmt: skip

IDLE: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "early": ("finds no gradient: there is none before the backward pass, or it was cleared", ""),
        "late": ("stands behind the step that has used the gradients", ""),
        "nothing": (
            "is given no parameter: an iterator that something else has read to its end",
            "Keep the parameters in a list: weights = list(model.parameters()), or call model.parameters() again.",
        ),
    }
)
"""Why a call that clips does nothing, and a remedy where it is not the rule's."""


def stale_steps(evidence: ModelEvidence) -> Iterator[Finding]:
    """GT150: weights were stepped when a graph had used them already, and that graph goes backward."""
    for incident in _first(evidence, "stale"):
        told = f"{incident.who} steps between the forward pass and its backward pass: the gradient is of older weights"
        yield finding("GT150", WHOLE, told, source=incident.source)


def undivided_means(evidence: ModelEvidence) -> Iterator[Finding]:
    """GT151: the sum of several means, each undivided, is what an optimizer steps on."""
    for incident in _first(evidence, "undivided"):
        number = incident.count
        told = f"{number} backward passes add up before a step, and each loss is a mean that is not divided by {number}"
        cancels = evidence.optimizer is not None and evidence.optimizer.adaptive
        ends = f"{incident.who} cancels the factor, clipping and weight decay do not" if cancels else ""
        told = f"{told}: the gradient is {number} times that of their common mean" + (f"; {ends}" if ends else "")
        call = "(loss / {0}).backward()" if evidence.framework == "torch" else "loss / {0} inside the tape"
        remedy = f"Divide each loss by the number of micro-batches: {call.format(number)}."
        yield finding("GT151", WHOLE, told, remedy, severity="note" if cancels else "", source=incident.source)


def backward_twice(evidence: ModelEvidence) -> Iterator[Finding]:
    """GT152: a loss, or one that it is a part of, went backward before, and its gradient is still there."""
    for incident in _first(evidence, "twice"):
        part = incident.who == "part"
        what = "a part of this loss" if part else "this loss"
        told = f"{what} went backward in {incident.told} already, and its gradient is still there: it counts twice"
        yield finding("GT152", WHOLE, told, severity="warning" if part else "", source=incident.source)


def clipping_scaled(evidence: ModelEvidence) -> Iterator[Finding]:
    """GT153: gradients are clipped before the loss scale is taken from them."""
    for incident in _those(evidence, "clip_scaled"):
        told = f"{incident.who} clips to {incident.hint} while the gradients are multiplied by {incident.told}"
        yield finding("GT153", WHOLE, told, source=incident.source)


def clipping_idle(evidence: ModelEvidence) -> Iterator[Finding]:
    """GT154: a line that clips, and never anything that a step uses."""
    for incident in _those(evidence, "clip_idle"):
        told, remedy = IDLE[incident.who]
        yield finding("GT154", WHOLE, f"the clipping {told}", remedy, source=incident.source)


def summed_targets(evidence: ModelEvidence) -> Iterator[Finding]:
    """GT155: TensorFlow was asked for the gradient of a tensor of losses."""
    for incident in _first(evidence, "summed"):
        told = (
            f"the loss has the shape {incident.told}: what is differentiated is the sum of its {incident.count} numbers"
        )
        yield finding("GT155", WHOLE, told, source=incident.source)


def misapplied_gradients(evidence: ModelEvidence) -> Iterator[Finding]:
    """GT156: the gradient by one variable is applied to another."""
    for incident in _first(evidence, "misapplied"):
        others = f", and {incident.count - 1} more like it" if incident.count > 1 else ""
        told = f"{incident.who} is given the gradient of {incident.told}{others}"
        yield finding("GT156", incident.who, told, source=incident.source)


def rebound_variables(evidence: ModelEvidence) -> Iterator[Finding]:
    """GT157: the loop has put a tensor in the place of a variable, by which there is no gradient."""
    for incident in _first(evidence, "rebound"):
        others = f" (and {incident.count - 1} more)" if incident.count > 1 else ""
        told = f"{incident.who}{others} is a variable no more, but a tensor that no tape watches"
        yield finding("GT157", incident.who, f"{told}: its next gradient is None", source=incident.source)


def _those(evidence: ModelEvidence, what: str) -> list[Incident]:
    return [incident for incident in evidence.incidents if incident.what == what]


def _first(evidence: ModelEvidence, what: str) -> list[Incident]:
    """The first of each line: a loop does the same again."""
    return list({one.source: one for one in reversed(_those(evidence, what))}.values())[::-1]
