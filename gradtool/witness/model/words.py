"""The words in which both frameworks' layers are described, so that their configurations can be laid side by side."""

from __future__ import annotations

from typing import Any

__all__ = ["ACTIVATIONS", "RENAMED", "told"]

ACTIVATIONS = (
    "relu", "relu6", "hardtanh", "sigmoid", "hard_sigmoid", "tanh", "softmax", "log_softmax", "gelu", "silu", "elu",
    "selu", "leaky_relu", "softplus", "softsign", "mish", "celu", "glu", "log_sigmoid", "hard_silu", "prelu",
)  # fmt: skip
"""Functions of one tensor that count as a layer."""

RENAMED = {
    "hard_tanh": "hardtanh", "swish": "silu", "hard_swish": "hard_silu", "hardswish": "hard_silu",
    "hardsigmoid": "hard_sigmoid", "logsigmoid": "log_sigmoid", "logsoftmax": "log_softmax", "leakyrelu": "leaky_relu",
}  # fmt: skip
"""What a function is called elsewhere."""


def told(value: Any) -> str:
    """A setting as text that is the same for the same value, whichever framework holds it."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int | float):
        return f"{value:.10g}"
    if isinstance(value, list | tuple):
        return ", ".join(told(part) for part in value)
    return str(value)
