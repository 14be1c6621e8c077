"""Findings on what an optimizer would do with the gradient: how far one step moves the weights, and which.

These depend on the scale of the loss, honestly, so they are judged only where an optimizer and its rate are known.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType

from gradtool.evidence import ModelEvidence, Parameter, Stepped
from gradtool.verdict.flow.causes import causes_of
from gradtool.verdict.flow.experiments import ROUNDINGS, rounding
from gradtool.verdict.flow.groups import WHOLE, group_of, trainable
from gradtool.verdict.flow.structure import is_bias, rms
from gradtool.verdict.record import Finding
from gradtool.verdict.rules import finding

__all__ = ["foreign_in_optimizer", "lost_updates", "not_in_optimizer", "not_zeroed", "update_ratio", "updates"]

WHOLE_CAUSES = ("frozen", "unused", "dead_branch", "not_in_optimizer")
"""Causes of a missing gradient behind which nothing begins anew."""

REPLACED, TOO_LARGE, TOO_SMALL = 1.0, 0.1, 1e-6

LOST: Mapping[str, float] = MappingProxyType({"bfloat16": 2.0**-9, "float16": 2.0**-12})
"""The ratio below which an update is rounded away: half of the narrowest gap between numbers, beside the number."""


def update_ratio(evidence: ModelEvidence, parameter: Parameter) -> float | None:
    """The root mean square of the first update over that of the weights: |rate g / w|, or |rate / w| as in Adam.

    None where no update is known, where the rate is 0 (a warm-up begins so, and means it) or the weights are all zero.
    Biases, of whatever shape, and other vectors are left out: a bias starts at zero, and is small for long.
    """
    optimizer, gradient = evidence.optimizer, parameter.gradient
    if optimizer is None or gradient is None or parameter.group is None:
        return None
    if len(parameter.shape) < 2 or is_bias(parameter.name):
        return None
    rate = optimizer.rate if parameter.rate is None else parameter.rate
    size = rms(parameter.weights)
    step = 1.0 if optimizer.adaptive else rms(gradient)
    if not rate or optimizer.first is None or not size > 0 or not math.isfinite(gradient.norm) or gradient.norm == 0:
        return None
    return rate * optimizer.first * step / size


def updates(evidence: ModelEvidence) -> Iterator[Finding]:
    """GT115 and GT116: updates of more than a tenth, and of less than a millionth, of the weights.

    Large ones are a fault where the loss behind the step is higher than before; where that was not seen, they are worth
    a warning if one step replaces the weights.
    """
    adaptive = evidence.optimizer is not None and evidence.optimizer.adaptive
    small = "Raise the rate." if adaptive else ""
    harm = _harm(evidence)
    if harm is not None:
        least = TOO_LARGE if harm else REPLACED
        yield from _judged(evidence, "GT115", lambda _, ratio: ratio > least, max, harm or f"above {least:g}")
    yield from _judged(
        evidence,
        "GT116",
        lambda p, ratio: ratio < TOO_SMALL and p.dtype not in LOST,
        min,
        f"below {TOO_SMALL:g}",
        small,
    )


def _harm(evidence: ModelEvidence) -> str | None:
    """How a step made the loss rise; empty where that was not seen, None where it did not.

    On another batch a loss may well be twice as high; where the two can't be compared a rise says nothing.
    """
    stepped = evidence.stepped
    if stepped is None:
        return ""
    before, after = stepped.before, stepped.after
    noise = ROUNDINGS * rounding(evidence.dtype) if stepped.same else 1.0
    if math.isfinite(after) and after - before <= noise * abs(before):
        return None
    if not stepped.same and math.isfinite(after) and not _compare(evidence, stepped):
        return ""
    return f"and the loss rises from {before:.4g} to {after:.4g}{'' if stepped.same else ' at its next batch'}"


def _compare(evidence: ModelEvidence, stepped: Stepped) -> bool:
    """Whether the losses of two batches measure the same.

    One below 0 is no distance from anything, as that of a policy. Where every layer is called several times before the
    backward pass, as at each step of an episode, the loss has as many terms, and the next another number of them.
    """
    once = not evidence.layers or any(layer.calls == 1 for layer in evidence.layers)
    return once and min(stepped.before, stepped.after) >= 0


def lost_updates(evidence: ModelEvidence) -> Iterator[Finding]:
    """GT117: updates that the dtype of the weights rounds away."""
    for dtype, least in LOST.items():

        def lost(parameter: Parameter, ratio: float, dtype: str = dtype, least: float = least) -> bool:
            return parameter.dtype == dtype and ratio < least

        yield from _judged(evidence, "GT117", lost, min, f"below {least:.2g}, what {dtype} rounds away")


def _judged(
    evidence: ModelEvidence,
    code: str,
    guilty: Callable[[Parameter, float], bool],
    extreme: Callable[[list[float]], float],
    bound: str,
    remedy: str = "",
) -> Iterator[Finding]:
    """One finding for all parameters whose ratio is guilty, with the extreme one."""
    ratios = {p.name: ratio for p in trainable(evidence) if (ratio := update_ratio(evidence, p)) is not None}
    known = [p for p in trainable(evidence) if p.name in ratios]
    hit = [p for p in known if guilty(p, ratios[p.name])]
    if hit and evidence.optimizer:
        where, named = group_of(hit, known, "weight matrices")
        most = extreme([ratios[p.name] for p in hit])
        rate = next(p.rate for p in hit if ratios[p.name] == most)
        rate = evidence.optimizer.rate if rate is None else rate
        size = f"{'times' if most > REPLACED else 'of'} {'its' if len(hit) == 1 else 'their'} size"
        told = f"a step of {evidence.optimizer.kind} at rate {rate:g} moves {named} by {_times(most)} {size}, {bound}"
        seen = _harm(evidence) and most > REPLACED
        severity = "warning" if code == "GT115" and not seen else ""
        yield finding(code, where, told, remedy, severity=severity)


def _times(ratio: float) -> str:
    return f"{ratio:.2g}" if ratio < 100 else f"{ratio:,.0f}" if ratio < 1e6 else f"{ratio:.1e}"


def _was_due(evidence: ModelEvidence, parameter: Parameter) -> bool:
    """Whether an optimizer should hold it by now. In a program of TensorFlow each holds what it has been given.

    What is None is not given to it, and behind an exception nothing is any more.
    """
    if evidence.framework != "tensorflow" or evidence.route != "script":
        return True
    return parameter.gradient is not None and all(incident.what != "raised" for incident in evidence.incidents)


def _is_nameless(parameter: Parameter) -> bool:
    """Whether the program has no name for it: beside a cut, it is what nn.Parameter(h) or requires_grad_() began."""
    return not parameter.layer and parameter.name.startswith("leaf ")


def not_in_optimizer(evidence: ModelEvidence) -> Iterator[Finding]:
    """GT120: trainable parameters in no group, where the optimizer is known to hold something."""
    optimizer = evidence.optimizer
    if optimizer is None:
        return
    parameters = trainable(evidence)
    cut = any(cause.kind not in WHOLE_CAUSES for cause in causes_of(evidence, "none"))
    hit = [
        p for p in parameters
        if p.group is None and not p.held_in and _was_due(evidence, p) and not (cut and _is_nameless(p))
    ]  # fmt: skip
    holds = optimizer.foreign > 0 or any(p.group is not None for p in evidence.parameters)
    if hit and holds:
        where, named = group_of(hit, parameters)
        told = f"{optimizer.kind} does not hold {named}"
        lost = len(hit) == len(parameters) and optimizer.foreign
        cause = next((one for one in causes_of(evidence, "none") if one.kind == "not_in_optimizer"), None)
        source = cause.line.source if cause else optimizer.source
        yield finding("GT120", where, told, severity="" if lost else "warning", source=source, cause=cause)


def foreign_in_optimizer(evidence: ModelEvidence) -> Iterator[Finding]:
    """GT121: tensors in the optimizer that are not the model's."""
    optimizer = evidence.optimizer
    if optimizer is not None and optimizer.foreign:
        tensors = "1 tensor" if optimizer.foreign == 1 else f"{optimizer.foreign} tensors"
        told = f"{optimizer.kind} holds {tensors} that the model does not"
        yield finding("GT121", WHOLE, told, source=optimizer.source)


KEPT = "Let the sums begin anew after each step: total = [tf.zeros_like(v) for v in model.trainable_variables]."


def not_zeroed(evidence: ModelEvidence) -> Iterator[Finding]:
    """GT130: the second step of a training script moves along the gradients of its first, too."""
    if evidence.zeroed is False:
        told = "the second step's backward pass added to the gradients of the first"
        yield finding("GT130", WHOLE, told, source=evidence.loss.source)
    for incident in evidence.incidents:
        if incident.what == "kept":
            told = f"the second step of {incident.who} is given the gradients of the first once more, added to its own"
            yield finding("GT130", WHOLE, told, KEPT, source=incident.source)
