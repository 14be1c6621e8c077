"""What a model is built of, as far as its layers tell: what a remedy has to fit."""

from __future__ import annotations

import math
import re
import statistics
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

from gradtool.evidence import ModelEvidence, Parameter, Statistics, Weights

__all__ = [
    "FLAT", "IDEAL_GAIN", "Structure", "gain_of", "is_bias", "is_norm", "recurrent_matrix", "rms", "structure_at",
    "structure_of",
]  # fmt: skip

FLAT = frozenset({"sigmoid", "tanh", "softmax", "log_softmax", "softsign", "hard_sigmoid", "hard_tanh"})
"""Activations whose slope goes to 0 on both sides."""

STATES = "weight_hh|recurrent_kernel"
"""What the weights that multiply the previous state are called."""

RECURRENT = ("RNN", "LSTM", "GRU")
"""Words in the class of a recurrent layer."""

_ROOT2 = math.sqrt(2.0)

IDEAL_GAIN: Mapping[str, float] = MappingProxyType(
    {
        "relu": _ROOT2, "relu6": _ROOT2, "leaky_relu": _ROOT2, "elu": _ROOT2, "gelu": _ROOT2, "silu": _ROOT2,
        "tanh": 5 / 3, "sigmoid": 1.0, "selu": 1.0,
    }
)  # fmt: skip
"""The gain (deviation times the root of the fan-in) that keeps the size of signals: He 2015, and PyTorch's table."""

LINEAR_GAIN = 1.0
"""That of a layer without an activation: LeCun."""


@dataclass(frozen=True, slots=True)
class Structure:
    """What bears on the size of the gradient.

    ``activation`` is the most frequent one, ``flat`` says that most layers apply one that saturates on both sides,
    ``recurrent`` that layers run in a loop over time. ``gain`` is the median over the weight matrices, ``ideal`` what
    the activation asks for; of a single matrix ``matrix`` is the name.
    """

    activation: str
    flat: bool
    normalised: bool
    recurrent: bool
    gain: float | None
    ideal: float
    matrix: str = ""


def structure_of(evidence: ModelEvidence) -> Structure:
    """The structure seen in the layers and weights of the model."""
    used = Counter(layer.activation for layer in evidence.layers if layer.activation)
    most = used.most_common(1)[0][0] if used else ""
    gains = [gain for parameter in evidence.parameters if (gain := gain_of(parameter))]
    return Structure(
        activation=most,
        flat=sum(number for name, number in used.items() if name in FLAT) > sum(used.values()) / 2,
        normalised=any(is_norm(layer.kind) for layer in evidence.layers),
        recurrent=any(word in layer.kind for layer in evidence.layers for word in RECURRENT)
        or any(layer.calls > 1 and not layer.inner and not layer.activation for layer in evidence.layers),
        gain=statistics.median(gains) if gains else None,
        ideal=IDEAL_GAIN.get(most, LINEAR_GAIN),
    )


def structure_at(evidence: ModelEvidence, layer: str) -> Structure:
    """The same with the gain of the layer's own matrix, where it has one."""
    seen = structure_of(evidence)
    own = [(p.name, gain) for p in evidence.parameters if p.layer == layer and (gain := gain_of(p))]
    return replace(seen, matrix=own[0][0], gain=own[0][1]) if own else seen


def recurrent_matrix(evidence: ModelEvidence, layer: str) -> tuple[Parameter, float] | None:
    """The matrix by which a layer called ``layer``, or the module around it, multiplies its own state, and its gain.

    It is called so (weight_hh, recurrent_kernel), or square; of several the one with the largest gain.
    """
    around = {layer, re.sub(r"[./]?[^./]*$", "", layer)}
    own = [p for p in evidence.parameters if p.layer in around and len(p.shape) == 2]
    named = [p for p in own if re.search(STATES, p.name)] or [p for p in own if p.shape[0] == p.shape[1]]
    gains = [(p, rms(p.weights) * math.sqrt(min(p.shape))) for p in named]
    return max(gains, key=lambda pair: pair[1], default=None)


def is_norm(kind: str) -> bool:
    """Whether the class is that of a normalisation layer."""
    return "norm" in kind.lower()


def is_bias(name: str) -> bool:
    """Whether a parameter is added, by its name: PyTorch's end with ``.bias``, Keras' with ``/bias`` or ``/beta``."""
    return re.split(r"[./]", name)[-1] in {"bias", "beta"}


def rms(numbers: Statistics | Weights) -> float:
    """The root mean square of a tensor's numbers."""
    return numbers.norm / math.sqrt(numbers.count) if numbers.count else 0.0


def gain_of(parameter: Parameter) -> float | None:
    """The root mean square of a weight matrix times the root of its fan-in; None for what is no matrix of weights.

    Glorot and Bengio 2010, He et al. 2015: signals keep their size where it matches the activation. Embeddings sum
    over nothing, norms and biases are no matrices.
    """
    embedding = "embed" in parameter.kind.lower()
    if parameter.fan_in < 1 or len(parameter.shape) < 2 or embedding or is_norm(parameter.kind):
        return None
    return rms(parameter.weights) * math.sqrt(parameter.fan_in)
