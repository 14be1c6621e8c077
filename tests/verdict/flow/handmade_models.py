"""Evidence on models, made by hand: a healthy chain of layers, to be made ill one figure at a time."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from gradtool.evidence import Layer, Loss, ModelEvidence, Optimizer, Parameter, Statistics, Weights
from gradtool.verdict.flow.judgement import judge
from gradtool.verdict.record import Finding

WIDTH = 64
SGD, ADAM = Optimizer("SGD", 0.01, first=1.0), Optimizer("Adam", 1e-3, adaptive=True, first=1.0)
WEAK = 0.1
"""A rate that moves weights of deviation 1/8, by a gradient of norm 0.1, by about a thousandth."""


def numbers(norm: float, count: int = WIDTH * WIDTH, **cells: Any) -> Statistics:
    """Figures of a tensor whose largest number is three times its root mean square."""
    return Statistics(count, norm, 3 * norm / math.sqrt(count), **{"zeros": 0 if norm else count, **cells})


def weight(layer: str, gradient: float | None = 0.1, gain: float = 1.4, **cells: Any) -> Parameter:
    """A square matrix whose gain is ``gain``; ``gradient`` is its gradient's norm."""
    norm = gain * math.sqrt(WIDTH)
    given = {
        "weights": Weights(WIDTH * WIDTH, norm),
        "gradient": None if gradient is None else numbers(gradient),
        "kind": "Linear",
    }
    row = {"shape": (WIDTH, WIDTH), "dtype": "float32", "trainable": True, "fan_in": WIDTH, **given, **cells}
    return Parameter(name=f"{layer}.weight", layer=layer, **row)


def bias(layer: str, gradient: float | None = 0.1, **cells: Any) -> Parameter:
    """A bias that starts at 0."""
    given = {
        "weights": Weights(WIDTH, 0.0, mean=0.0),
        "gradient": None if gradient is None else numbers(gradient, WIDTH),
    }
    row = {"shape": (WIDTH,), "dtype": "float32", "kind": "Linear", "trainable": True, **given, **cells}
    return Parameter(name=f"{layer}.bias", layer=layer, **row)


def layer(name: str, place: int, gradient: float | None = 1.0, **cells: Any) -> Layer:
    """A linear layer."""
    row = {"kind": "Linear", "calls": 1, "shape": (32, WIDTH), "inner": False, "rms": 1.0, "least": -3.0, **cells}
    return Layer(name=name, place=place, gradient=gradient, **{"largest": 3.0, "nonfinite": 0, **row})


def relu(name: str, place: int, gradient: float | None = 1.0, dead: int = 0, **cells: Any) -> Layer:
    """A rectifier of 64 units on 32 samples."""
    row = {"kind": "ReLU", "activation": "relu", "units": WIDTH, "dead": dead, "samples": 32, **cells}
    return layer(name, place, gradient, **row)


def chain(depth: int = 6, gain: float = 1.0, activation: str = "relu", weights: float = 1.4) -> ModelEvidence:
    """``depth`` linear layers ``0``, ``2``, ... with activations ``1``, ``3``, ... between; the last is the head.

    The gradient is multiplied by ``gain`` at every one of them on its way back.
    """
    layers, parameters = [], []
    last = 2 * depth - 2
    for place in range(last + 1):
        norm = gain ** (last - place)
        if place % 2:
            layers.append(relu(str(place), place, norm, activation=activation, kind=activation.title()))
        else:
            layers.append(layer(str(place), place, norm))
            parameters += [weight(str(place), norm / 10, weights), bias(str(place), norm / 10)]
    return model(layers, parameters)


def model(layers: Sequence[Layer], parameters: Sequence[Parameter], **cells: Any) -> ModelEvidence:
    """Evidence of a PyTorch model on a batch of 32."""
    row = {
        "key": 0, "framework": "torch", "version": "2", "path": "model.py", "model": "model", "kind": "Sequential",
        "route": "name", "dtype": "float32", "device": "cpu", "mode": "train", "seed": 0, "assumed": [],
        "loss": Loss(2.3, "cross_entropy", "model.py:20"), "norm": 1.0, "batch": 32, **cells,
    }  # fmt: skip
    return ModelEvidence(layers=list(layers), parameters=list(parameters), **row)


def held(evidence: ModelEvidence, optimizer: Optimizer = ADAM) -> ModelEvidence:
    """The same with every parameter in the optimizer."""
    parameters = [replace(parameter, group=0) for parameter in evidence.parameters]
    return replace(evidence, parameters=parameters, optimizer=optimizer)


def with_layers(evidence: ModelEvidence, changes: Mapping[str, Mapping[str, Any]]) -> ModelEvidence:
    """The same with figures of some layers changed, by name."""
    return replace(evidence, layers=[replace(row, **changes.get(row.name, {})) for row in evidence.layers])


def with_parameters(evidence: ModelEvidence, change: Callable[[Parameter], Mapping[str, Any]]) -> ModelEvidence:
    """The same with figures of parameters changed."""
    return replace(evidence, parameters=[replace(row, **change(row)) for row in evidence.parameters])


def scaled(evidence: ModelEvidence, factor: float) -> ModelEvidence:
    """What the same model would testify if its loss were multiplied by ``factor``."""

    def larger(figures: Statistics | None) -> Statistics | None:
        return figures and replace(figures, norm=figures.norm * factor, largest=figures.largest * factor)

    def norm(size: float | None) -> float | None:
        return None if size is None else size * factor

    descent, loss, accumulated = evidence.descent, evidence.loss, evidence.accumulated
    return replace(
        evidence,
        loss=replace(
            loss,
            value=loss.value * factor,
            terms=[replace(term, value=term.value * factor, norm=term.norm * factor) for term in loss.terms],
        ),
        parameters=[replace(row, gradient=larger(row.gradient)) for row in evidence.parameters],
        layers=[
            replace(row, gradient=norm(row.gradient), last_gradient=norm(row.last_gradient)) for row in evidence.layers
        ],
        norm=evidence.norm * factor,
        descent=descent
        and replace(
            descent,
            before=descent.before * factor,
            after=descent.after * factor,
            promised=descent.promised * factor,
        ),
        accumulated=accumulated
        and replace(
            accumulated,
            full=accumulated.full * factor,
            summed=accumulated.summed * factor,
            difference=accumulated.difference * factor,
        ),
        steps=[replace(step, loss=step.loss * factor, norm=step.norm * factor) for step in evidence.steps],
    )


def found(evidence: ModelEvidence, **options: Any) -> list[Finding]:
    """The findings; none may change with the scale of the loss unless an optimizer makes a step of it."""
    findings, checklist = judge(evidence, **options)
    if not evidence.optimizer and not options:
        for factor in (1e-4, 1e4):
            others, items = judge(scaled(evidence, factor))
            assert [told(finding) for finding in others] == [told(finding) for finding in findings]
            assert [(item.title, item.state) for item in items] == [(item.title, item.state) for item in checklist]
    return list(findings)


def told(finding: Finding) -> tuple[str, str, str]:
    """What a test asks for: code, severity and place."""
    return finding.code, finding.severity, finding.where
