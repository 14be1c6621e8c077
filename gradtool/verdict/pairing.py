"""What comparing two models means: where they part first, in execution order, and why. Pure functions on evidence.

In float64 pairs that agree are apart by 1e-13, or by some 1e-8 where Keras keeps constants in float32, and another
epsilon, slope or order moves what comes out by 1e-6 and more; what a model makes of a small move of its weights and
inputs is measured and allowed for. In a lower precision it is told where more than half of the digits are gone that
moving weights and inputs by one rounding unit leaves.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

from gradtool.evidence import ComparedLayer, Distance, Failure, PairEvidence
from gradtool.problem import ExitCode
from gradtool.verdict.pairing_words import because, both_names, framework, parameter_names, remedy, shown, source
from gradtool.verdict.record import Finding
from gradtool.verdict.rules import finding

__all__ = [
    "APART",
    "FEW",
    "ModelComparison",
    "accused",
    "agree",
    "apart",
    "differs",
    "exit_code",
    "first_apart",
    "judge_pair",
    "limit",
    "parts",
]

APART = 1e-7
"""Relative difference in float64 from which two models are not the same function."""
CONSTANTS = 1e-11
"""That from which more than the order of sums is at work."""
FEW = 10.0
"""So many times what a small move does is the same function still; the largest of three draws is an estimate."""
SENSITIVE = 1e-3
"""A threshold above this hides faults that matter."""
UNITS: Mapping[str, float] = MappingProxyType(
    {"float64": 2.0**-52, "float32": 2.0**-23, "float16": 2.0**-10, "bfloat16": 2.0**-7}
)


@dataclass(frozen=True, slots=True)
class ModelComparison:
    """Two models. Without ``evidence``, ``failures`` say why there is none.

    ``dtype`` is that of the second run, ``command`` what repeats both. ``untold`` counts the findings that --select and
    --ignore leave out. ``code`` has programs, by the name of the idiom and the framework, where they are asked for.
    """

    target: str
    evidence: PairEvidence | None
    findings: tuple[Finding, ...]
    failures: tuple[Failure, ...]
    seed: int = 0
    seconds: float = 0.0
    dtype: str = ""
    mode: str = ""
    command: str = ""
    untold: int = 0
    code: Mapping[str, Mapping[str, str]] = field(default_factory=dict)


def exit_code(record: ModelComparison, *, strict: bool) -> ExitCode:
    """What the shell is told: findings before what could not be run, that before a witness that failed."""
    severities = {"error", "warning"} if strict else {"error"}
    if any(one.severity in severities for one in record.findings):
        return ExitCode.FINDING
    if any(failure.reason == "file" for failure in record.failures):
        return ExitCode.UNUSABLE
    return ExitCode.NO_VERDICT if record.failures or record.evidence is None else ExitCode.OK


def limit(one: Distance) -> float:
    """The distance that small moves of weights and inputs explain, and at least half the digits of a lower precision.

    Sums over thousands of terms that cancel, as in the gradient of a bias, lose a few digits more than such a move.
    """
    least = APART if one.dtype == "float64" else UNITS.get(one.dtype, 1.0) ** 0.5
    return max(least, FEW * one.floor) if one.floor is not None and math.isfinite(one.floor) else least


def apart(one: Distance) -> bool:
    """Whether a distance is more than that, or no number."""
    return not one.difference <= limit(one)


def judge_pair(evidence: PairEvidence) -> tuple[Finding, ...]:
    """The findings, causes before what follows from them."""
    causes = [*_where(evidence)]
    follows = [*_unpaired(evidence), *_one_sided(evidence)]
    if causes or any(one.code == "GT324" for one in follows):
        return (*causes, *follows)
    return (*follows, *_too_sensitive(evidence), *_beyond_rounding(evidence), *_constants(evidence))


def _deciding(evidence: PairEvidence, found: Sequence[Distance]) -> Distance | None:
    """The distance in float64, or in the other dtype where a side would not run in float64."""
    wide = evidence.left.dtype == evidence.right.dtype == "float64"
    return None if not found else found[0] if wide else found[-1]


def parts(evidence: PairEvidence, found: Sequence[Distance]) -> bool:
    """Whether the two are not the same here, by the distance in float64 if both sides ran in it."""
    one = _deciding(evidence, found)
    return one is not None and apart(one)


def differs(evidence: PairEvidence) -> bool:
    """Whether the models are different functions of their inputs and weights: by output, loss or gradient.

    A layer that differs, and nothing that follows from it does, is no difference between the models.
    """
    outcomes = [layer.outputs for layer in evidence.layers[-1:]] + [one.gradients for one in evidence.parameters]
    return any(parts(evidence, found) for found in (*outcomes, evidence.loss))


def agree(evidence: PairEvidence) -> bool:
    """Whether the models are the same: nothing differs, and every parameter has a partner and learns on both sides."""
    return not accused(evidence) and all(one.left and one.right for one in evidence.parameters)


def accused(evidence: PairEvidence) -> bool:
    """Whether other partners could be the answer: outputs, losses or gradients differ, or are on one side alone."""
    return differs(evidence) or any(one.missing for one in evidence.parameters)


def _forward(evidence: PairEvidence) -> ComparedLayer | None:
    """The first layer in execution order whose output differs, in its numbers or its shape."""
    shapes = ("output shape",)
    return next(
        (
            layer
            for layer in evidence.layers
            if parts(evidence, layer.outputs) or any(one.name in shapes for one in layer.settings)
        ),
        None,
    )


def first_apart(evidence: PairEvidence) -> ComparedLayer | None:
    """The first layer in execution order whose output differs, else the first on the way back whose gradient does."""
    if not differs(evidence):
        return None
    forward = _forward(evidence)
    if forward is not None or parts(evidence, evidence.loss):
        return forward
    place = _backward(evidence)
    return None if place is None else evidence.layers[place]


def _where(evidence: PairEvidence) -> Iterator[Finding]:
    """The place where the two part."""
    if not differs(evidence):
        return
    forward = _forward(evidence)
    if forward is not None:
        yield _at_layer(evidence, forward)
    elif parts(evidence, evidence.loss):
        yield _at_loss(evidence)
    else:
        yield _on_the_way_back(evidence)


def _on_the_way_back(evidence: PairEvidence) -> Finding:
    """Where gradients part behind equal outputs: at a layer's own parameter, or between two layers."""
    wrong = [one for one in evidence.parameters if parts(evidence, one.gradients)]
    worst = max((d.difference for one in wrong for d in one.gradients[:1]), default=0.0)
    told = f"outputs agree, and gradients differ by up to {worst:.2g}: they part "
    place = _backward(evidence)
    if place is None:
        names = ", ".join(parameter_names(one) for one in wrong[:3])
        return finding("GT322", parameter_names(wrong[0]), f"{told}on the way back to {names}")
    layer = evidence.layers[place]
    before = next((one for one in reversed(evidence.layers[:place]) if one.gradients), None)
    own = any(one.layer == layer.left for one in wrong)
    if own or before is None or not parts(evidence, before.gradients):
        where = f"on the way back through {shown(layer)}"
    else:
        where = f"on the way back through {shown(layer)}, or between it and {shown(before)}"
    reason = because(evidence, layer)
    advice = remedy(layer) if layer.settings or layer.alone else ""
    return finding("GT322", both_names(layer), f"{told}{where}{reason}", advice, source=source(layer))


def _backward(evidence: PairEvidence) -> int | None:
    """The layer nearest to the output whose way back differs: its input's gradient, or a parameter's of its own."""
    compared = [place for place, layer in enumerate(evidence.layers) if layer.gradients or layer.kind == "output"]
    wrong = [place for place in compared if parts(evidence, evidence.layers[place].gradients)]
    behind = [next((later for later in compared if later > place), place) for place in wrong[-1:]]
    owners = {layer.left: place for place, layer in enumerate(evidence.layers)}
    own = [owners[p.layer] for p in evidence.parameters if p.layer in owners and parts(evidence, p.gradients)]
    return max([*behind, *own], default=None)


def _at_layer(evidence: PairEvidence, layer: ComparedLayer) -> Finding:
    figure = _deciding(evidence, layer.outputs)
    size = f"{figure.difference:.2g} in {figure.dtype}" if figure else ""
    what = f"differs by {size}" if size else "has another shape"
    place = next(place for place, one in enumerate(evidence.layers) if one is layer)
    compared = any(one.outputs for one in evidence.layers[:place])
    before = "everything before agrees, and " if compared or not place else "no layer before can be compared, and "
    message = f"{before}the output of {shown(layer)} {what}{because(evidence, layer)}"
    others = sum(parts(evidence, one.gradients) for one in evidence.parameters)
    if others:
        message += f"; {others} of {len(evidence.parameters)} parameters get another gradient"
    return finding("GT320", both_names(layer), message, remedy(layer), source=source(layer))


def _at_loss(evidence: PairEvidence) -> Finding:
    mine, yours = evidence.values[0]
    ratio = f", {max(mine / yours, yours / mine):.4g} times as much" if mine * yours > 0 else ""
    told = f"{mine:.6g} in {framework(evidence, 0)} and {yours:.6g} in {framework(evidence, 1)}{ratio}"
    return finding("GT321", "loss", f"the outputs agree, and the loss is {told}")


def _unpaired(evidence: PairEvidence) -> Iterator[Finding]:
    for one in evidence.parameters:
        if one.left and one.right:
            continue
        mine, other = (0, 1) if one.left else (1, 0)
        layer = next((x for x in evidence.layers if one.layer == (x.left, x.right)[mine]), None)
        where = one.left or one.right
        shape = "x".join(map(str, one.left_shape or one.right_shape))
        yield finding(
            "GT323", both_names(layer) if layer else where,
            f"{where} ({shape}) of {framework(evidence, mine)} has no partner in {framework(evidence, other)}",
            source=source(layer) if layer else "",
        )  # fmt: skip


def _one_sided(evidence: PairEvidence) -> Iterator[Finding]:
    for one in evidence.parameters:
        if one.missing:
            names = framework(evidence, 0), framework(evidence, 1)
            without, having = names if one.missing == "left" else names[::-1]
            yield finding(
                "GT324", one.left, f"{one.left} / {one.right} gets a gradient in {having} and none in {without}"
            )


def _too_sensitive(evidence: PairEvidence) -> Iterator[Finding]:
    """Where agreement says little: a small move of weights and inputs changes what is compared by much."""
    compared = [
        ("output", evidence.layers[-1].outputs),
        *((parameter_names(p), p.gradients) for p in evidence.parameters),
    ]
    floors = [(where, one.floor or 0.0) for where, found in compared if (one := _deciding(evidence, found))]
    where, worst = max(floors, key=lambda row: row[1], default=("", 0.0))
    if not FEW * worst <= SENSITIVE:
        told = f"a relative move of 2**-27 in weights and inputs changes it by {worst:.2g}, and a difference below "
        yield finding("GT327", where, f"{told}{FEW * worst:.2g} is not told")


def _beyond_rounding(evidence: PairEvidence) -> Iterator[Finding]:
    """The first parameter, in the order of the model, that is too far apart in the dtype asked for."""
    found = [(one, d) for one in evidence.parameters for d in one.gradients[-1:] if d.dtype != "float64" and apart(d)]
    if found:
        one, worst = max(found, key=lambda row: _many(row[1]))
        others = f"; so do those of {len(found) - 1} other parameters" if len(found) > 1 else ""
        told = f"its gradients differ by {worst.difference:.2g} in {worst.dtype}{_who(evidence, worst)}{others}"
        if not math.isfinite(worst.difference):
            sides = "either side" if math.isnan(worst.difference) else "one side alone"
            told = f"its gradient is NaN or infinite in {worst.dtype} on {sides}, and is not compared{others}"
        yield finding("GT325", parameter_names(one), told)


def _many(one: Distance) -> float:
    """How many times its limit a distance is; what is no number is more than any."""
    return math.inf if math.isnan(one.difference) else one.difference / limit(one)


def _who(evidence: PairEvidence, one: Distance) -> str:
    """Which side it is that loses digits, by its own gradient in float64."""
    if one.left_error is None or one.right_error is None:
        return ""
    errors = sorted([(one.left_error, framework(evidence, 0)), (one.right_error, framework(evidence, 1))])
    (small, right), (large, wrong) = errors
    return f": {wrong} is {large:.2g} from its own in float64, {right} {small:.2g}"


def _constants(evidence: PairEvidence) -> Iterator[Finding]:
    """A difference in float64 that is too large for rounding and too small for another function."""
    for layer in evidence.layers:
        for one in layer.outputs[:1]:
            if one.dtype == "float64" and CONSTANTS < one.difference <= APART:
                yield finding(
                    "GT326", both_names(layer),
                    f"from {shown(layer)} on the outputs differ by {one.difference:.2g} in float64",
                    source=source(layer),
                )  # fmt: skip
                return
