"""The findings on two models: one rule each."""

from __future__ import annotations

import math
from collections.abc import Iterator

from gradtool.evidence import ComparedLayer, Distance, PairEvidence
from gradtool.verdict.pairing.parting import (
    APART,
    FEW,
    apart,
    backward,
    deciding,
    differs,
    forward,
    limit,
    parts,
)
from gradtool.verdict.pairing.words import because, both_names, framework, parameter_names, remedy, shown, source
from gradtool.verdict.record import Finding
from gradtool.verdict.rules import finding

__all__ = ["judge_pair"]

CONSTANTS = 1e-11
"""That from which more than the order of sums is at work."""
SENSITIVE = 1e-3
"""A threshold above this hides faults that matter."""


def judge_pair(evidence: PairEvidence) -> tuple[Finding, ...]:
    """The findings, causes before what follows from them."""
    causes = [*_where(evidence)]
    follows = [*_unpaired(evidence), *_one_sided(evidence)]
    if causes or any(one.code == "GT324" for one in follows):
        return (*causes, *follows)
    return (*follows, *_too_sensitive(evidence), *_beyond_rounding(evidence), *_constants(evidence))


def _where(evidence: PairEvidence) -> Iterator[Finding]:
    """The place where the two part."""
    if not differs(evidence):
        return
    first = forward(evidence)
    if first is not None:
        yield _at_layer(evidence, first)
    elif parts(evidence, evidence.loss):
        yield _at_loss(evidence)
    else:
        yield _on_the_way_back(evidence)


def _on_the_way_back(evidence: PairEvidence) -> Finding:
    """Where gradients part behind equal outputs: at a layer's own parameter, or between two layers."""
    wrong = [one for one in evidence.parameters if parts(evidence, one.gradients)]
    worst = max((d.difference for one in wrong for d in one.gradients[:1]), default=0.0)
    told = f"outputs agree, and gradients differ by up to {worst:.2g}: they part "
    place = backward(evidence)
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


def _at_layer(evidence: PairEvidence, layer: ComparedLayer) -> Finding:
    figure = deciding(evidence, layer.outputs)
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
    floors = [(where, one.floor or 0.0) for where, found in compared if (one := deciding(evidence, found))]
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
