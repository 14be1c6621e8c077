"""The leaves by which a program goes backward: which are parameters, and what they were behind the last pass."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from types import FrameType
from typing import Any

import torch

from gradtool.witness.model.figures import global_norm
from gradtool.witness.pytorch.model.leaves import held_beside, leaves_of, models_of, names_of
from gradtool.witness.pytorch.model.observed import Observed
from gradtool.witness.pytorch.model.optimizers import alive
from gradtool.witness.pytorch.model.parameters import Named, groups_of

__all__ = ["Rows"]

SAMPLES = 64
"""Numbers of each tensor that are looked at to see whether it has changed."""


class Rows:
    """Names the rows of ``seen``; ``pending`` are the leaves of the backward pass that began last."""

    def __init__(self, seen: Observed) -> None:
        self.seen = seen
        self.pending: list[torch.Tensor] = []
        self._data: dict[int, torch.Tensor] = {}
        """Leaves by which the program differentiates on the way; kept, so that no other tensor gets their ``id``."""
        self._held: set[int] = set()
        """What optimizers that have stepped hold, by ``id``."""
        self._before: list[tuple[int, int, float]] = []

    def is_on_the_way(
        self, outputs: Sequence[torch.Tensor], asked: Sequence[Any], ran: Sequence[torch.Tensor], *, graph: bool
    ) -> bool:
        """Whether a derivative is no training's own: a part of a loss to come, as in a penalty, or one by the data.

        ``ran`` are the parameters of the modules that were called.
        """
        own = {id(parameter) for parameter in ran}
        by_data = not any(id(one) in own for one in asked)
        if graph or not all(getattr(one, "is_leaf", False) for one in asked):
            self._data |= {id(one): one for one in asked if by_data and getattr(one, "is_leaf", False)}
            return True
        return by_data and any(id(leaf) in own for output in outputs for leaf in leaves_of(output))

    def own(self, leaves: Sequence[torch.Tensor]) -> set[int]:
        """The leaves by ``id`` without the data."""
        return {id(leaf) for leaf in leaves} - (self._data.keys() - self._held)

    def find(self, frame: FrameType, ran: Callable[[], Sequence[torch.Tensor]]) -> None:
        """Name the pending leaves, and the parameters of the modules that ``ran`` beside them."""
        seen = self.seen
        if self._held:
            own = self.own(self.pending)
            self.pending = [leaf for leaf in self.pending if id(leaf) in own]
        known = [row.tensor for row in seen.rows]
        if known and {id(leaf) for leaf in self.pending} <= {id(one) for one in known}:
            return
        seen.models = models_of(frame, [*self.pending, *ran()]) | seen.models
        stray = [] if known else held_beside(frame, self.pending, alive(torch.optim.Optimizer))
        seen.rows = names_of(seen.models, frame, [*known, *self.pending, *stray])

    def course(self, first: Any) -> list[Named]:
        """The rows whose gradients the steps tell of: behind the first, none that only another optimizer holds.

        A step of its own has left gradients there. ``first`` is the optimizer that stepped first.
        """
        if not self.seen.steps or first is None:
            return self.seen.rows
        theirs = self._held - groups_of([first]).keys()
        return [row for row in self.seen.rows if id(row.tensor) not in theirs]

    def left_over(self, leaves: Sequence[torch.Tensor]) -> bool:
        """Whether gradients of the step before are still there, of what the optimizer holds if there is one."""
        own = self.own(leaves) & (self._held or self.own(leaves))
        return any(id(leaf) in own and leaf.grad is not None and bool(leaf.grad.any()) for leaf in leaves)

    def hold(self, optimizer: Any) -> None:
        """The optimizer steps."""
        self._held |= groups_of([optimizer]).keys()

    def leave_out_data(self, optimizer: Any) -> None:
        """Drop leaves by which the program differentiated on the way, and which no optimizer moves."""
        seen, held = self.seen, groups_of([optimizer]).keys()
        stray = {row.name for row in seen.rows if id(row.tensor) in self._data.keys() - held}
        if stray:
            seen.parameters = [parameter for parameter in seen.parameters if parameter.name not in stray]
            seen.rows = [row for row in seen.rows if row.name not in stray]
            seen.norm = global_norm(seen.parameters)
            self.remember()

    def remember(self) -> None:
        """A backward pass is over: the weights are as it found them."""
        self._before = [_fingerprint(row.tensor) for row in self.seen.rows]

    def forget(self) -> None:
        """An iteration is over."""
        self._before = []

    @property
    def remembered(self) -> bool:
        """Whether there was a backward pass in this iteration."""
        return bool(self._before)

    def moved(self) -> bool:
        """Whether weights are not as the last backward pass found them."""
        return self._before != [_fingerprint(row.tensor) for row in self.seen.rows]


def _fingerprint(tensor: torch.Tensor) -> tuple[int, int, float]:
    """What changes with the weights: in place, behind autograd's back (``.data``), or as another tensor."""
    flat = tensor.detach().reshape(-1)
    some = flat[:: max(1, flat.numel() // SAMPLES)]
    return tensor._version, tensor.data_ptr(), float(some.double().sum())  # noqa: SLF001  # what counts changes in place
