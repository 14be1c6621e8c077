"""Why a gradient is exactly zero, as far as the figures of layers and weights tell.

Zero is not small: it is a class of its own. Some zeros are lawful, some follow from a cause that is told elsewhere,
and the others are findings.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from gradtool.evidence import Cause, Layer, ModelEvidence, Parameter
from gradtool.verdict.flow.causes import because, caused, causes_of, remedy
from gradtool.verdict.flow.depth import profile_of
from gradtool.verdict.flow.groups import WHOLE, called, group_of, listed, paths, places, trainable
from gradtool.verdict.flow.size import FADING
from gradtool.verdict.flow.structure import is_bias
from gradtool.verdict.flow.units import blocking
from gradtool.verdict.record import Finding
from gradtool.verdict.rules import finding

__all__ = ["all_zero", "zero_gradients"]

FIRST = "what multiplies it starts at 0 and moves first"
"""The reason of LoRA, and of a branch that starts at zero."""

BY_LAYERS = ("softmax_of_one", "dead_relu", "underflow", "other")
"""Kinds of causes that the figures of layers tell as well."""

FAULTS = ("softmax_of_one", "dead_relu", "clamp", "saturated", "mask", "norm_of_one", "rounding", "selection")
"""Kinds of causes beside which no zero is lawful."""

FACTORS = ("mask", "zero_factor")
"""Kinds of causes that make the loss itself 0."""

STATES = ("weight_hh", "recurrent_kernel")
"""What the weights that multiply the previous state are called."""


@dataclass(frozen=True, slots=True)
class _Seen:
    """The parameters that should learn, in their places, and which of their gradients are all zero."""

    evidence: ModelEvidence
    parameters: Sequence[Parameter]
    place: Mapping[str, int]
    zero: Sequence[Parameter]
    faded: float
    """Before this place a vanishing gradient is so small that its products may underflow to 0."""
    causes: Sequence[Cause]

    def cause(self, parameter: Parameter) -> Cause | None:
        """Where its gradient became 0, if that was found."""
        return next((cause for cause in self.causes if parameter.name in cause.parameters), None)


def all_zero(parameter: Parameter) -> bool:
    """Whether there is a gradient, and every entry of it is exactly 0."""
    gradient = parameter.gradient
    return gradient is not None and 0 < gradient.count == gradient.zeros


def zero_gradients(evidence: ModelEvidence) -> Iterator[Finding]:
    """GT105: gradients of exactly zero by their reason; what a dead or constant layer explains is told there."""
    parameters = trainable(evidence)
    zero = [parameter for parameter in parameters if all_zero(parameter)]
    seen = _Seen(evidence, parameters, places(evidence.layers, parameters), zero, _faded(evidence),
                 causes_of(evidence, "zero"))  # fmt: skip
    if zero and evidence.loss.value == 0 and not any(_moves(parameter) for parameter in parameters):
        if not all(_told_elsewhere(seen, parameter) for parameter in zero):
            yield _nothing_left(seen)
        return
    lawful: dict[str, list[Parameter]] = {}
    unlawful: list[Parameter] = []
    for parameter in zero:
        if not _told_elsewhere(seen, parameter):
            reason = _lawful(seen, parameter)
            (lawful.setdefault(reason, []) if reason else unlawful).append(parameter)
    for reason, members in lawful.items():
        yield _note(seen, reason, members)
    for cause in seen.causes:
        own = [parameter for parameter in unlawful if seen.cause(parameter) is cause]
        if own:
            yield caused("GT105", "the gradient of {} is exactly 0", cause, evidence, own)
    left = [parameter for parameter in unlawful if seen.cause(parameter) is None]
    if left:
        yield _unexplained(seen, left)


def _nothing_left(seen: _Seen) -> Finding:
    """The loss is 0, and so is every gradient: the data are met exactly, or a factor of 0 takes them all away."""
    told = "every gradient is exactly 0, as the loss is"
    cause = next((cause for cause in seen.causes if cause.kind in FACTORS), None)
    if cause is None:
        return finding("GT105", WHOLE, f"{told}: there is nothing left to learn", "Nothing to do.", severity="note")
    mends = remedy(cause, seen.evidence.framework)
    return finding(
        "GT105",
        WHOLE,
        f"{told}: {because(cause)}",
        mends if cause.kind == "mask" else f"Nothing to do where the data are met exactly. Else: {mends}",
        severity="warning" if cause.kind == "mask" else "note",
        source=cause.line.source,
        parameters=cause.parameters,
        cause=cause,
    )


def _note(seen: _Seen, reason: str, members: Sequence[Parameter]) -> Finding:
    """Zeros that are as they should be, with the line where the first of them becomes 0."""
    where, named = group_of(members, seen.parameters)
    told = f"the gradient of {named} is exactly 0: {reason}{_partners(seen, members) if reason == FIRST else ''}"
    cause = next((cause for parameter in members if (cause := seen.cause(parameter))), None)
    source, names = cause.line.source if cause else "", [parameter.name for parameter in members]
    return finding(
        "GT105", where, told, "Nothing to do.", severity="note", source=source, parameters=names, cause=cause
    )


def _unexplained(seen: _Seen, members: Sequence[Parameter]) -> Finding:
    """How far the layers tell where the gradient is lost."""
    where, named = group_of(members, seen.parameters)
    stop = _stop(seen, members)
    told = f"the gradient of {named} is exactly 0{_between(members, stop)}"
    source, names = stop.source if stop else "", [parameter.name for parameter in members]
    return finding("GT105", where, told, source=source, parameters=names)


def _partners(seen: _Seen, members: Sequence[Parameter]) -> str:
    partners = [partner.name for parameter in members if (partner := _partner(seen, parameter))]
    return f" ({listed(dict.fromkeys(partners))})"


def _told_elsewhere(seen: _Seen, parameter: Parameter) -> bool:
    """Whether a dead layer, a softmax over one number, or a gradient that fades to nothing explains it."""
    here = seen.place.get(parameter.name, math.inf)
    if _fed_by_nothing(seen, parameter, here):
        return True
    cause = seen.cause(parameter)
    if cause is not None and cause.kind not in BY_LAYERS:
        return False
    return here < seen.faded or any(here <= layer.place for layer in blocking(seen.evidence))


def _faded(evidence: ModelEvidence) -> float:
    """Where the strongest path comes within two decades of its largest; nowhere before that is it so strong."""
    profile = profile_of(evidence)
    if profile.fall is None or profile.fall <= FADING:
        return -math.inf
    strong = max(point.log_norm for point in profile.points) - FADING
    return min(point.place for point in profile.points if point.log_norm >= strong)


def _fed_by_nothing(seen: _Seen, parameter: Parameter, here: float) -> bool:
    """Whether it is the weight of the first layer behind a dead one, whose input is 0."""
    for layer in blocking(seen.evidence):
        behind = min((place for place in seen.place.values() if place > layer.place), default=None)
        if behind == here and len(parameter.shape) > 1:
            return True
    return False


def _lawful(seen: _Seen, parameter: Parameter) -> str:
    """Why this zero is as it should be; empty where it is not."""
    cause = seen.cause(parameter)
    if cause is not None and cause.kind in FAULTS:
        return ""
    siblings = [p for p in seen.parameters if p.layer == parameter.layer and p is not parameter]
    moving = any(p.gradient is not None and not all_zero(p) for p in siblings)
    if moving and any(word in parameter.name for word in STATES):
        return "the state starts at 0 and is used once; a longer sequence reaches it"
    if moving and len(parameter.shape) == 1:
        return "a bias that cancels out: what follows subtracts it again (a normalisation, a softmax)"
    return FIRST if _partner(seen, parameter) else ""


def _partner(seen: _Seen, parameter: Parameter) -> Parameter | None:
    """The next parameter on the way to the loss that is itself 0 and has a gradient, with only zeros between.

    That is the other factor of LoRA, the scale of a branch that starts at zero, or a head that does: the gradient of
    everything before it is multiplied by 0 until it has moved.
    """
    here = seen.place.get(parameter.name)
    if here is None:
        return None
    later = [p for p in seen.parameters if seen.place.get(p.name, -1) >= here and _moves(p)]
    first = min(later, key=lambda p: seen.place[p.name], default=None)
    if first is None:
        return None
    beside = (p for p in later if p.layer == first.layer and _is_factor(p, parameter))
    return next(itertools.chain(beside, _gates(seen, parameter)), None)


def _moves(parameter: Parameter) -> bool:
    return parameter.gradient is not None and not all_zero(parameter)


def _gates(seen: _Seen, parameter: Parameter) -> Iterator[Parameter]:
    """What may scale the module around it from the side, before it runs: a gate made from a condition."""
    around = paths(parameter.layer)[1:-1]
    for p in seen.parameters:
        if _is_factor(p, parameter) and _moves(p) and any(path in around for path in paths(p.layer)[1:-1][-2:]):
            yield p


def _is_factor(partner: Parameter, parameter: Parameter) -> bool:
    """Whether it multiplies what reaches it, and is 0: no bias of the same layer, nor one elsewhere."""
    return not is_bias(partner.name) and partner.weights.norm == 0 < partner.weights.count and partner is not parameter


def _stop(seen: _Seen, members: Sequence[Parameter]) -> Layer | None:
    """The first layer at or behind the last of the parameters at whose output there still is a gradient."""
    last = max((seen.place[p.name] for p in members if p.name in seen.place), default=None)
    if last is None:
        return None
    behind = [layer for layer in seen.evidence.layers if layer.place >= last and layer.gradient and layer.name]
    return min(behind, key=lambda layer: layer.place, default=None)


def _between(members: Sequence[Parameter], stop: Layer | None) -> str:
    """Where the gradient is lost."""
    if stop is None:
        return ": no layer from here on has a gradient, so the loss itself does not move"
    if stop.name in {p.layer for p in members}:
        return (
            f", although one arrives at the output of {called(stop.name, stop.kind)}: its input is 0, or it is not used"
        )
    return f": it is lost between here and the output of {called(stop.name)} ({stop.kind}), where it is not zero"
