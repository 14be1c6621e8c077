"""Findings on the model's output beside the targets and the loss."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from types import MappingProxyType

from gradtool.evidence import Head, ModelEvidence
from gradtool.values import Shape
from gradtool.verdict.record import Finding
from gradtool.verdict.rules import finding

__all__ = ["broadcasts", "loss_head_mismatch", "output_range", "same_shapes", "shapes_broadcast", "softmax_axis"]

RANGES: Mapping[str, tuple[float, float]] = MappingProxyType(
    {
        "sigmoid": (0.0, 1.0), "hard_sigmoid": (0.0, 1.0), "softmax": (0.0, 1.0), "log_softmax": (-math.inf, 0.0),
        "tanh": (-1.0, 1.0), "softsign": (-1.0, 1.0), "hard_tanh": (-1.0, 1.0), "relu": (0.0, math.inf),
        "relu6": (0.0, 6.0), "softplus": (0.0, math.inf), "exp": (0.0, math.inf), "elu": (-1.0, math.inf),
    }
)  # fmt: skip
"""What an activation can answer."""

SLACK = 1e-3
"""Targets beyond the range by less than this share of it are rounding, as of pixels scaled to 0 to 1."""

PROBABILITIES = frozenset({"softmax", "sigmoid", "hard_sigmoid"})


def output_range(evidence: ModelEvidence) -> Iterator[Finding]:
    """GT110: targets beyond what the last activation can answer."""
    head = evidence.head
    if head is None or head.activation not in RANGES or head.target_least is None or head.target_largest is None:
        return
    low, high = RANGES[head.activation]
    span = high - low if math.isfinite(high - low) else max(abs(head.target_least), abs(head.target_largest))
    beyond = max(low - head.target_least, head.target_largest - high)
    if not _compares_directly(head) or beyond <= SLACK * span:
        return
    told = (
        f"{head.activation} answers {_interval(low, high)}, but the targets range from {head.target_least:.4g} to "
        f"{head.target_largest:.4g}"
    )
    remedy = f"Drop the last {head.activation}, or scale the targets into its range."
    if head.classes > 2:
        remedy = f"Give the model {head.classes} outputs, one for each class, and a cross-entropy."
    yield finding("GT110", "output", told, remedy, source=evidence.loss.source)


def _compares_directly(head: Head) -> bool:
    """Whether outputs are compared with targets as numbers: classes are, where there is but one output for them."""
    return not head.classes or not head.shape or head.shape[-1] == 1


def _interval(low: float, high: float) -> str:
    if math.isinf(high):
        return f"nothing below {low:g}"
    return f"nothing above {high:g}" if math.isinf(low) else f"only {low:g} to {high:g}"


WORDS: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        "torch": {
            "softmax": "give NLLLoss the logarithm, by log_softmax",
            "sigmoid": "use BCELoss, which takes probabilities",
            "logits": "CrossEntropyLoss, BCEWithLogitsLoss",
        },
        "tensorflow": {
            "softmax": "tell the loss that it gets probabilities (from_logits=False)",
            "sigmoid": "tell the loss that it gets probabilities (from_logits=False)",
            "logits": "from_logits=True",
        },
    }
)
"""What each framework calls the loss that fits an output."""


def loss_head_mismatch(evidence: ModelEvidence) -> Iterator[Finding]:
    """GT112: probabilities where the loss takes logits, or the reverse."""
    head = evidence.head
    if head is None:
        return
    told = remedy = ""
    words = WORDS[evidence.framework]
    if head.expects == "logits" and head.activation in PROBABILITIES:
        told = f"the loss applies its own softmax or sigmoid, and the output already is one of {head.activation}"
        fitting = words["softmax" if head.activation == "softmax" else "sigmoid"]
        remedy = f"Drop the last {head.activation}, or {fitting}."
    elif head.expects == "probabilities" and head.activation not in PROBABILITIES and not _within_unit(head):
        told = f"the loss takes probabilities, and the output ranges from {head.least:.4g} to {head.largest:.4g}"
        remedy = f"Use the loss that takes logits ({words['logits']}), or end in a softmax or sigmoid."
    elif head.expects == "log_probabilities" and head.activation != "log_softmax" and head.largest > 0:
        told = f"the loss takes logarithms of probabilities, and the output reaches {head.largest:.4g}, above 0"
        remedy = "End in log_softmax, or use CrossEntropyLoss, which takes logits."
    if told:
        yield finding("GT112", "output", told, remedy, source=evidence.loss.source)


def softmax_axis(evidence: ModelEvidence) -> Iterator[Finding]:
    """GT136: probabilities that sum to 1 along another axis than the one that the loss takes for the classes."""
    head = evidence.head
    if head is None or head.class_axis is None or head.class_axis in head.sums_to_one:
        return
    if not head.sums_to_one and "softmax" not in head.activation:
        return
    told = (
        f"the loss takes axis {head.class_axis} of {_shape(head.shape)} for the {head.shape[head.class_axis]} classes, "
        "and the probabilities do not sum to 1 along it"
    )
    if head.sums_to_one:
        told += f", but along axis {head.sums_to_one[0]}"
    word = "dim" if evidence.framework == "torch" else "axis"
    remedy = f"Let the softmax run over the classes: {word}={head.class_axis} of what the loss is given."
    made = [layer for layer in evidence.layers if "softmax" in layer.activation]
    last = max(made, key=lambda layer: layer.place, default=None)
    yield finding("GT136", "output", told, remedy, source=last.source if last else evidence.loss.source)


def _within_unit(head: Head) -> bool:
    return head.least >= -SLACK and head.largest <= 1 + SLACK


def same_shapes(head: Head) -> bool:
    """Whether output and targets fit entry by entry, or as scores of classes."""
    return bool(head.classes) or not head.target_shape or head.shape == head.target_shape


def broadcasts(head: Head) -> bool:
    """Whether an element-wise loss on the two compares every output with every target: (N, 1) beside (N)."""
    return head.shape == (*head.target_shape, 1) or head.target_shape == (*head.shape, 1)


def shapes_broadcast(evidence: ModelEvidence) -> Iterator[Finding]:
    """GT135: an output of (N, 1) against targets of (N), or the reverse; Keras' own losses align them first."""
    head = evidence.head
    if head is None or same_shapes(head) or not broadcasts(head):
        return
    if head.source or evidence.framework == "torch":
        told = f"the output has shape {_shape(head.shape)}, the targets {_shape(head.target_shape)}"
        if head.source:
            told += f": their difference has {head.shape[0]} x {head.shape[0]} numbers"
        yield finding("GT135", "output", told, source=head.source or evidence.loss.source)


def _shape(shape: Shape) -> str:
    return f"({', '.join(map(str, shape))}{',' * (len(shape) == 1)})"
