"""What a framework's room does for one side of a comparison of two models, and what a pass through a model gives."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from gradtool.evidence import SideLayer, SideRequest
from gradtool.witness.model.discovery import Kind
from gradtool.witness.model.exchange import Arrays
from gradtool.witness.model.pair_file import Loaded

__all__ = ["Call", "Passed", "Room"]


@dataclass(slots=True)
class Call:
    """One call of a layer, with its output and what came back to it; both None where there is no such number."""

    layer: SideLayer
    value: NDArray[Any] | None = None
    gradient: NDArray[Any] | None = None


@dataclass(slots=True)
class Passed:
    """A forward pass, and a backward pass where a loss was given."""

    calls: list[Call]
    outputs: list[NDArray[Any]]
    loss: float = 0.0
    gradients: Arrays = field(default_factory=dict)
    keys: list[str] = field(default_factory=list)
    by_inputs: list[NDArray[Any] | None] = field(default_factory=list)
    """The gradients by the inputs, of a model that trains nothing."""

    def arrays(self) -> Arrays:
        """All that is compared, by the names under which it travels."""
        arrays: Arrays = {"loss": np.float64(self.loss)}  # type: ignore[dict-item]
        for place, call in enumerate(self.calls):
            if call.value is not None:
                arrays[f"value:{place}"] = call.value
            if call.gradient is not None:
                arrays[f"gradient:{place}"] = call.gradient
        for place, output in enumerate(self.outputs):
            arrays[f"output:{place}"] = output
        arrays.update({f"fed:{k}": array for k, array in enumerate(self.by_inputs) if array is not None})
        arrays.update({f"parameter:{name}": array for name, array in self.gradients.items()})
        return arrays


class Room(Protocol):
    """A framework: what one side can't do without it."""

    framework: str
    version: str
    kind: Kind
    targets_first: bool
    """Whether the framework's own losses take the targets before the output."""

    def begin(self, request: SideRequest) -> None:
        """Settle seed and dtype before the file runs."""

    def settle(self, loaded: Loaded, request: SideRequest) -> None:
        """Take the model over: its mode, dropout off, its dtype; and draw inputs where its shapes say which."""

    def channels_last(self) -> bool:
        """How the model lays out images."""

    def weights(self) -> Arrays:
        """Every array of the model by its name: parameters, and what normalisations remember."""

    def trained(self) -> list[str]:
        """The names of those that get a gradient."""

    def give(self, weights: Mapping[str, NDArray[Any]]) -> None:
        """Set the arrays."""

    def arranged(self, inputs: list[NDArray[Any]], request: SideRequest, /) -> list[NDArray[Any]]:
        """The inputs as this side's model takes them."""

    def forward(self, inputs: list[NDArray[Any]], seed: int = 0) -> Passed:
        """Run the model and look at its layers; what draws numbers draws others from another seed."""

    def backward(self, inputs: list[NDArray[Any]], projections: Sequence[NDArray[Any]], loaded: Loaded) -> Passed:
        """Run the model and its loss (the file's own, else the projection of the outputs), and then back."""
