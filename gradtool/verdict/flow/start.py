"""Findings on the weights that a model starts with."""

from __future__ import annotations

from collections.abc import Iterator

from gradtool.evidence import ModelEvidence, Parameter
from gradtool.verdict.flow.groups import group_of, trainable
from gradtool.verdict.flow.structure import gain_of, structure_of
from gradtool.verdict.record import Finding
from gradtool.verdict.rules import finding

__all__ = ["initialisation"]

LOW, HIGH = 0.03, 5.0
"""Gains beyond these are outside of what He, Xavier, LeCun and PyTorch's default give, and a deviation of 0.02
as in BERT even to a fan-in of 9, or in GPT-2, over the root of twice its depth, to one of 64."""

EQUAL = 1e-6
"""Numbers are all alike where the largest is their root mean square up to float32 rounding."""


def initialisation(evidence: ModelEvidence) -> Iterator[Finding]:
    """GT125: gains far outside the Xavier and He range, and matrices of numbers that are all alike."""
    known = [(p, gain) for p in trainable(evidence) if (gain := gain_of(p)) and not p.others]
    ideal = structure_of(evidence).ideal
    every = [p for p, _ in known]
    for word, hit, extreme in (
        ("small", [(p, gain) for p, gain in known if gain < LOW], min),
        ("large", [(p, gain) for p, gain in known if gain > HIGH], max),
    ):
        if hit:
            where, named = group_of([p for p, _ in hit], every, "matrices")
            gain = extreme(gain for _, gain in hit)
            told = f"the weights of {named} are {word}: deviation times root of the fan-in is {gain:.2g}"
            yield finding("GT125", where, f"{told}, where {ideal:.2g} keeps the size of signals")
    alike = [p for p in every if _all_alike(p)]
    if alike:
        where, named = group_of(alike, every, "matrices")
        yield finding("GT125", where, f"the weights of {named} are all of the same size: every unit learns the same")


def _all_alike(parameter: Parameter) -> bool:
    """Whether every number has the same size, and there is more than one unit to differ from another."""
    weights, units = parameter.weights, min(n for n in parameter.shape if n) if all(parameter.shape) else 0
    return units > 1 and weights.equal
