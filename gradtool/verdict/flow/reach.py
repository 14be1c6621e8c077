"""Findings on parameters that the gradient does not reach, or only through the program's own hands."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from gradtool.evidence import Layer, ModelEvidence, Parameter
from gradtool.verdict.flow.causes import caused, causes_of, struck
from gradtool.verdict.flow.groups import WHOLE, called, group_of, listed, places, trainable
from gradtool.verdict.record import Finding
from gradtool.verdict.rules import finding

__all__ = ["frozen", "gradient_hooks", "missing_gradients", "missing_paths", "unregistered"]

_IN_TURN = "Nothing, where parts of the model take turns, such as heads of several tasks or experts."


def missing_gradients(evidence: ModelEvidence) -> Iterator[Finding]:
    """GT106: trainable parameters without a gradient by their cause; of the others, those whose layers never ran."""
    parameters = trainable(evidence)
    hit = [parameter for parameter in parameters if parameter.gradient is None and not parameter.late]
    if late := [parameter for parameter in parameters if parameter.late]:
        where, named = group_of(late, parameters)
        told = f"{named} got no gradient in this pass, and got one in a later pass"
        names = [parameter.name for parameter in late]
        yield finding("GT106", where, told, _IN_TURN, severity="note", parameters=names)
    found = [(cause, struck(cause, hit)) for cause in causes_of(evidence, "none")]
    for cause, own in found:
        if own:
            yield caused("GT106", "{} got no gradient", cause, evidence, own)
    known = {parameter.name for _, own in found for parameter in own}
    yield from _unexplained(evidence, [parameter for parameter in hit if parameter.name not in known])


def _unexplained(evidence: ModelEvidence, hit: Sequence[Parameter]) -> Iterator[Finding]:
    """What the layers tell of parameters whose cause was not found."""
    parameters = trainable(evidence)
    ran = places(evidence.layers, hit)
    unused = [parameter for parameter in hit if parameter.name not in ran]
    cut = [parameter for parameter in hit if parameter.name in ran]
    if unused:
        where, named = group_of(unused, parameters)
        several = len({parameter.layer for parameter in unused}) > 1
        told = f"{named} got no gradient: the forward pass never used the layer" + ("s" if several else "")
        remedy = "Use it in the forward pass, remove it, or freeze it on purpose."
        yield finding("GT106", where, told, remedy, parameters=[parameter.name for parameter in unused])
    if cut:
        where, named = group_of(cut, parameters)
        the_layer = "the layer" if len({parameter.layer for parameter in cut}) == 1 else "their layers"
        layer = _beyond(evidence, max(ran[parameter.name] for parameter in cut))
        told = f"{named} got no gradient although {the_layer} ran: the path to the loss is cut"
        if layer is not None:
            told += f" between here and {called(layer.name)} ({layer.kind}), where there is a gradient"
        names = [parameter.name for parameter in cut]
        yield finding("GT106", where, told, _whole(evidence), source=_line(evidence, cut), parameters=names)


def missing_paths(evidence: ModelEvidence) -> Iterator[Finding]:
    """GT148: cuts on one of several paths; not those that are told of a parameter without any gradient."""
    told = {(cause.kind, cause.line) for cause in causes_of(evidence, "none")}
    for cause in causes_of(evidence, "cut"):
        own = struck(cause, trainable(evidence))
        if own and (cause.kind, cause.line) not in told:
            yield caused(
                "GT148", "a path from {} to the loss is cut, and missing from the gradient", cause, evidence, own
            )


def _whole(evidence: ModelEvidence) -> str:
    """What to do where a tape returned nothing but None: it is likeliest that it saw no loss."""
    if evidence.framework != "tensorflow" or any(p.gradient is not None for p in evidence.parameters):
        return ""
    return (
        "Compute the model's output and the loss inside the with block of the tape, and take tf.stop_gradient, "
        ".numpy(), NumPy and casts to integers out of the path between them."
    )


def _beyond(evidence: ModelEvidence, place: int) -> Layer | None:
    """The first layer behind ``place`` whose output has a gradient."""
    later = [layer for layer in evidence.layers if layer.place > place and layer.gradient is not None and layer.name]
    return min(later, key=lambda layer: layer.place, default=None)


def _line(evidence: ModelEvidence, parameters: Sequence[Parameter]) -> str:
    """The user's line that calls the layer of the first parameter."""
    return next((layer.source for layer in evidence.layers if layer.name == parameters[0].layer), "")


def frozen(evidence: ModelEvidence) -> Iterator[Finding]:
    """GT107: what asks for no gradient."""
    hit = [parameter for parameter in evidence.parameters if not parameter.trainable]
    if not hit:
        return
    where, named = group_of(hit, evidence.parameters)
    share = sum(p.weights.count for p in hit) / max(1, sum(p.weights.count for p in evidence.parameters))
    switch = "requires_grad" if evidence.framework == "torch" else "trainable"
    remedy = f"If they should learn, set {switch} to True before the optimizer is made."
    cause = next((one for one in causes_of(evidence, "none") if one.kind == "frozen" and struck(one, hit)), None)
    source = cause.line.source if cause else ""
    if len(hit) == len(evidence.parameters):
        told = f"{named} are frozen: nothing can learn"
        yield finding("GT107", WHOLE, told, remedy, severity="error", source=source, cause=cause)
    else:
        told = f"{named} {_are(hit)} frozen, {share:.0%} of all numbers"
        yield finding("GT107", where, told, remedy, source=source, cause=cause)


def _are(items: Sequence[object]) -> str:
    return "is" if len(items) == 1 else "are"


def unregistered(evidence: ModelEvidence) -> Iterator[Finding]:
    """GT137: parameters in a plain list or mapping of a module; an error where the optimizer does not hold them."""
    for container in dict.fromkeys(parameter.held_in for parameter in evidence.parameters if parameter.held_in):
        own = [parameter for parameter in evidence.parameters if parameter.held_in == container]
        learn = all(parameter.group is not None for parameter in own) and evidence.optimizer is not None
        told = f"{container} is a plain list or dict: what the model registers leaves out {listed(p.name for p in own)}"
        if learn:
            told += "; the optimizer holds what is in it, but it is neither saved nor moved with the model"
        yield finding("GT137", own[0].name, told, severity="warning" if learn else "error")


def gradient_hooks(evidence: ModelEvidence) -> Iterator[Finding]:
    """GT126: the program's own hooks on gradients."""
    hit = [parameter for parameter in evidence.parameters if parameter.hooks]
    if hit:
        where, named = group_of(hit, evidence.parameters)
        hooks = listed(dict.fromkeys(hook for parameter in hit for hook in parameter.hooks))
        yield finding("GT126", where, f"hooks may change the gradient of {named}: {hooks}")
