"""THE table of activations: where each is flat, whether its units can die, which axis it normalises over."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

__all__ = ["ROWS", "Activation", "activation_row"]


@dataclass(frozen=True, slots=True)
class Activation:
    """``flat`` bounds the outputs between which the slope is more than about a hundredth of its largest.

    ``dies``: a unit whose output is 0 for every sample passes no gradient. ``axis`` is that of a softmax.
    """

    name: str
    flat: tuple[float, float] | None = None
    dies: bool = False
    axis: int | None = None


ROWS: Mapping[str, Activation] = {
    row.name: row
    for row in (
        Activation("relu", dies=True),
        Activation("relu6", dies=True),
        Activation("hardtanh", flat=(-0.98, 0.98)),
        Activation("sigmoid", flat=(0.01, 0.99)),
        Activation("hard_sigmoid", flat=(0.01, 0.99)),
        Activation("tanh", flat=(-0.98, 0.98)),
        Activation("softmax"),
        Activation("log_softmax"),
        Activation("gelu"),
        Activation("silu"),
        Activation("elu"),
        Activation("selu"),
        Activation("leaky_relu"),
        Activation("softplus"),
    )
}
_OVER_AN_AXIS = ("softmax", "log_softmax")


def activation_row(name: str, axis: Any = None) -> Activation | None:
    """The row of ``name``, over ``axis`` or the last one; None for a name that is not known."""
    row = ROWS.get(name)
    if row is None or name not in _OVER_AN_AXIS:
        return row
    return replace(row, axis=axis if isinstance(axis, int) else -1)
