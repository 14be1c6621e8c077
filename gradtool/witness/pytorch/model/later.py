"""Parameters that the first pass gives no gradient, and a later one does: the head of another task, an idle expert."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gradtool.witness.pytorch.model.observed import Observed

__all__ = ["Later"]

PATIENCE = 4
"""Backward passes behind the last that was asked for, within which their turn is waited for."""


class Later:
    """Those parameters of ``seen``; a search for causes has nothing to wait for."""

    def __init__(self, seen: Observed, *, waits: bool) -> None:
        self.seen = seen
        self._patience = PATIENCE if waits else 0

    def look(self, inputs: Sequence[Any], found: Sequence[Any]) -> None:
        """Behind a later backward pass, which left ``found`` by ``inputs``, or gradients in the parameters."""
        self._patience -= 1
        there = {id(one) for one, gradient in zip(inputs, found, strict=True) if gradient is not None}
        late = {row.name for row in self.seen.rows if row.tensor.grad is not None or id(row.tensor) in there}
        self.seen.parameters = [
            replace(one, late=True) if one.gradient is None and one.name in late else one
            for one in self.seen.parameters
        ]

    def waited_for(self) -> bool:
        """Whether the turn of one may still come."""
        return self._patience > 0 and any(
            one.trainable and one.gradient is None and not one.late for one in self.seen.parameters
        )
