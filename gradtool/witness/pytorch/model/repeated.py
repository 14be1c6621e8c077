"""A loss that goes backward twice, alone or as a part of another: its gradient counts twice in the sum."""

from __future__ import annotations

import weakref
from collections.abc import Iterator, Sequence

import torch

from gradtool.evidence import Incident
from gradtool.witness.pytorch.graph import nodes

__all__ = ["Repeated"]


class Repeated:
    """The losses whose gradients are still in the sum, as far as the program itself keeps them."""

    def __init__(self) -> None:
        self._gone: list[tuple[weakref.ref[torch.Tensor], str]] = []

    def before(self, losses: Sequence[torch.Tensor], leaves: Sequence[torch.Tensor], line: str) -> Iterator[Incident]:
        """Another backward pass begins on ``line``."""
        if not any(leaf.grad is not None and bool(leaf.grad.any()) for leaf in leaves):
            self._gone = []
        alive = [(loss, earlier) for ref, earlier in self._gone if (loss := ref()) is not None]
        if not alive:
            return
        for loss, earlier in alive:
            if any(one is loss for one in losses):
                yield Incident("twice", "loss", earlier, source=line)
                return
        inside = set(nodes(losses))
        for loss, earlier in alive:
            if loss.grad_fn is not None and loss.grad_fn in inside:
                yield Incident("twice", "part", earlier, source=line)
                return

    def after(self, losses: Sequence[torch.Tensor], leaves: Sequence[torch.Tensor], line: str) -> None:
        """It is over. Where a graph of the gradients was made, the loss may be a part of what penalises them."""
        if not any(leaf.grad is not None and leaf.grad.requires_grad for leaf in leaves):
            self._gone += [(weakref.ref(loss), line) for loss in losses]

    def step(self) -> None:
        """The sum has been used."""
        self._gone = []
