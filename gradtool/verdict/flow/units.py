"""Findings on the units of layers: dead, saturated, without spread, in another mode than training's."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from gradtool.evidence import Layer, ModelEvidence
from gradtool.verdict.flow.groups import called, listed
from gradtool.verdict.flow.structure import FLAT, gain_of, structure_of
from gradtool.verdict.record import Finding
from gradtool.verdict.rules import finding

__all__ = [
    "DEAD", "HALF_DEAD", "batchnorm_of_one", "blocking", "dead_units", "eval_mode", "saturated_units", "softmax_of_one",
]  # fmt: skip

DEAD, HALF_DEAD = 0.8, 0.5
"""Shares of a layer's units that are 0 for every sample: an error, and a warning."""

FEW_SAMPLES = 8
"""On fewer samples a healthy rectifier is off for all of them too often: a batch of 1 accuses most fresh models."""

CHANCE = 1.5
"""Deep in a fresh model all samples look alike, so each unit is off for all of them with a chance of one half. Three
deviations of that share are 3 * 0.5 over the root of the number of units."""

TRAINING = {
    "torch": "Call model.train() before the forward pass.",
    "tensorflow": "Call the model with training=True: without it Keras evaluates.",
}
"""How each framework is put into the mode of training."""

SATURATED = 0.5
"""The share of outputs in the flat part of their activation."""


def softmax_of_one(evidence: ModelEvidence) -> Iterator[Finding]:
    """GT111: a softmax over an axis of length 1."""
    hit = _constant(evidence)
    if hit:
        told = f"{_named(hit)} applies a softmax over an axis of length 1, so every output is 1, whatever the input"
        yield finding("GT111", hit[0].name, told, source=hit[0].source)


def dead_units(evidence: ModelEvidence) -> Iterator[Finding]:
    """GT108: rectifiers that answer 0 to every sample; one finding for each severity, at the first layer it strikes."""
    groups: dict[str, list[Layer]] = {}
    for layer in _ordered(evidence):
        share = _dead_share(layer)
        if share > min(DEAD, HALF_DEAD + CHANCE / math.sqrt(layer.units or 1)):
            severity = "note" if layer.samples < FEW_SAMPLES else "error" if share > DEAD else "warning"
            groups.setdefault(severity, []).append(layer)
    for severity, hit in groups.items():
        first = hit[0]
        name = called(first.name, first.kind)
        told = f"{first.dead} of {first.units} units of {name} are 0 for all {first.samples} samples"
        if len(hit) > 1:
            others = listed(f"{called(layer.name)} ({_dead_share(layer):.0%})" for layer in hit[1:])
            told += f"; likewise {others}"
        if any(layer.dead == layer.units for layer in hit):
            told += "; no gradient passes, so what lies before gets exactly 0"
        if severity == "note":
            told += f"; fewer than {FEW_SAMPLES} samples say little"
        yield finding("GT108", first.name, told, _revive(evidence), severity=severity, source=first.source)


def _revive(evidence: ModelEvidence) -> str:
    """What wakes the units, by the biases and weights that are seen."""
    low = [p.name for p in evidence.parameters if "bias" in p.name.lower() and (p.weights.mean or 0.0) < -1]
    seen = structure_of(evidence)
    if low:
        return f"Start the biases at 0 ({listed(low)} lie far below)."
    if any((gain_of(p) or 0.0) > 2 * seen.ideal for p in evidence.parameters):
        return f"Start with smaller weights (a gain of {seen.ideal:.2g}), and scale the inputs to mean 0, deviation 1."
    return ""


def blocking(evidence: ModelEvidence) -> list[Layer]:
    """The layers through which no gradient passes at all: every unit is dead, or their output is a constant."""
    return [layer for layer in _ordered(evidence) if _dead_share(layer) == 1.0] + _constant(evidence)


def saturated_units(evidence: ModelEvidence) -> Iterator[Finding]:
    """GT109: hidden layers most of whose outputs are flat. The last one may be: a sure classifier is."""
    ordered = [layer for layer in _ordered(evidence) if not layer.inner]
    hit = [layer for layer in ordered[:-1] if layer.saturated > SATURATED]
    if hit:
        first = hit[0]
        told = (
            f"{first.saturated:.0%} of the outputs of {called(first.name)} ({first.activation or first.kind}) are flat"
        )
        if len(hit) > 1:
            told += f"; likewise {listed(f'{called(layer.name)} ({layer.saturated:.0%})' for layer in hit[1:])}"
        yield finding("GT109", first.name, told, source=first.source)


def batchnorm_of_one(evidence: ModelEvidence) -> Iterator[Finding]:
    """GT122: batch normalisation in training mode on a single sample."""
    norms = [layer for layer in _ordered(evidence) if _is_batchnorm(layer)]
    if norms and evidence.mode == "train" and evidence.batch == 1:
        told = f"{_named(norms)} normalises over a batch of one sample"
        yield finding("GT122", norms[0].name, told, source=norms[0].source)


def eval_mode(evidence: ModelEvidence) -> Iterator[Finding]:
    """GT123: layers that differ between the modes, in evaluation mode; a warning where the program trains so."""
    layers = [layer for layer in _ordered(evidence) if _is_batchnorm(layer) or "dropout" in layer.kind.lower()]
    if layers and evidence.mode == "eval":
        trains = evidence.route == "script" or bool(evidence.steps)
        told = f"the model is in evaluation mode, and {_named(layers)} behave otherwise in training"
        severity = "warning" if trains else "note"
        remedy = TRAINING[evidence.framework]
        yield finding("GT123", layers[0].name, told, remedy, severity=severity, source=layers[0].source)


def _ordered(evidence: ModelEvidence) -> list[Layer]:
    return sorted((layer for layer in evidence.layers if layer.name), key=lambda layer: layer.place)


def _dead_share(layer: Layer) -> float:
    """Of a rectifier; a linear layer that starts at zero is 0 for every sample too, and nothing is wrong with it."""
    rectifier = layer.activation and layer.activation not in FLAT
    return layer.dead / layer.units if rectifier and layer.units else 0.0


def _constant(evidence: ModelEvidence) -> list[Layer]:
    return [layer for layer in _ordered(evidence) if "softmax" in layer.activation and layer.axis == 1]


def _is_batchnorm(layer: Layer) -> bool:
    return "batchnorm" in layer.kind.lower()


def _named(layers: Sequence[Layer]) -> str:
    return listed(called(layer.name, layer.kind) for layer in layers)
