"""Whether two models are the same function, and where they part first.

In float64 pairs that agree are apart by 1e-13, or by some 1e-8 where Keras keeps constants in float32, and another
epsilon, slope or order moves what comes out by 1e-6 and more; what a model makes of a small move of its weights and
inputs is measured and allowed for. In a lower precision it is told where more than half of the digits are gone that
moving weights and inputs by one rounding unit leaves.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from gradtool.evidence import ComparedLayer, Distance, PairEvidence
from gradtool.target.dtype import FORMATS

__all__ = [
    "APART", "FEW", "accused", "agree", "apart", "backward", "deciding", "differs", "first_apart", "forward", "limit",
    "parts",
]  # fmt: skip

APART = 1e-7
"""Relative difference in float64 from which two models are not the same function."""
FEW = 10.0
"""So many times what a small move does is the same function still; the largest of three draws is an estimate."""


def limit(one: Distance) -> float:
    """The distance that small moves of weights and inputs explain, and at least half the digits of a lower precision.

    Sums over thousands of terms that cancel, as in the gradient of a bias, lose a few digits more than such a move.
    """
    half = (2 * FORMATS[one.dtype].unit) ** 0.5 if one.dtype in FORMATS else 1.0
    least = APART if one.dtype == "float64" else half
    return max(least, FEW * one.floor) if one.floor is not None and math.isfinite(one.floor) else least


def apart(one: Distance) -> bool:
    """Whether a distance is more than that, or no number."""
    return not one.difference <= limit(one)


def deciding(evidence: PairEvidence, found: Sequence[Distance]) -> Distance | None:
    """The distance in float64, or in the other dtype where a side would not run in float64."""
    wide = evidence.left.dtype == evidence.right.dtype == "float64"
    return None if not found else found[0] if wide else found[-1]


def parts(evidence: PairEvidence, found: Sequence[Distance]) -> bool:
    """Whether the two are not the same here, by the distance in float64 if both sides ran in it."""
    one = deciding(evidence, found)
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


def forward(evidence: PairEvidence) -> ComparedLayer | None:
    """The first layer in execution order whose output differs, in its numbers or its shape."""
    for layer in evidence.layers:
        if parts(evidence, layer.outputs) or any(one.name == "output shape" for one in layer.settings):
            return layer
    return None


def first_apart(evidence: PairEvidence) -> ComparedLayer | None:
    """The first layer in execution order whose output differs, else the first on the way back whose gradient does."""
    if not differs(evidence):
        return None
    first = forward(evidence)
    if first is not None or parts(evidence, evidence.loss):
        return first
    place = backward(evidence)
    return None if place is None else evidence.layers[place]


def backward(evidence: PairEvidence) -> int | None:
    """The layer nearest to the output whose way back differs: its input's gradient, or a parameter's of its own."""
    compared = [place for place, layer in enumerate(evidence.layers) if layer.gradients or layer.kind == "output"]
    wrong = [place for place in compared if parts(evidence, evidence.layers[place].gradients)]
    behind = [next((later for later in compared if later > place), place) for place in wrong[-1:]]
    owners = {layer.left: place for place, layer in enumerate(evidence.layers)}
    own = [owners[p.layer] for p in evidence.parameters if p.layer in owners and parts(evidence, p.gradients)]
    return max([*behind, *own], default=None)
