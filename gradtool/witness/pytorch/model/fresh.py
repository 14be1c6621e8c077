"""Gradients that no step has used yet: an optimizer that steps when they are all cleared learns nothing."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch

from gradtool.witness.pytorch.model.parameters import groups_of

__all__ = ["Fresh", "is_there"]

SOME = 64
"""Numbers that are looked at first: most gradients have one among them that is not 0, and need not be read whole."""


class Fresh:
    """The leaves that a backward pass has reached since their optimizer's last step."""

    def __init__(self) -> None:
        self._reached: set[int] = set()

    def reached(self, leaves: Iterable[torch.Tensor]) -> None:
        """Take note of those that have a gradient now, behind a backward pass."""
        self._reached |= {id(leaf) for leaf in leaves if is_there(leaf)}

    def stepped(self, optimizer: Any) -> bool:
        """Whether the optimizer, about to step, finds none of the gradients that were there; they are used then.

        One that no backward pass has reached yet finds nothing that was cleared.
        """
        held = groups_of([optimizer]).keys() & self._reached
        self._reached -= held
        return bool(held) and not any(is_there(p) for group in optimizer.param_groups for p in group["params"])


def is_there(leaf: torch.Tensor) -> bool:
    """Whether a gradient is there that is not 0 throughout, as ``zero_grad(set_to_none=False)`` leaves it."""
    gradient = leaf.grad
    if gradient is None:
        return False
    values = gradient.coalesce().values() if gradient.is_sparse else gradient
    return bool(values.reshape(-1)[:SOME].any()) or bool(values.any())
