"""Models that ran, but that neither the first loss reaches nor its optimizer holds: another step should be theirs.

It is waited for, since a model whose own optimizer steps without any gradient is cut off from its loss: a generator,
say, whose output was detached for the discriminator and then used again.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from gradtool.evidence import Layer, Parameter
from gradtool.witness.pytorch.model.optimizers import alive
from gradtool.witness.pytorch.model.parameters import Named, groups_of

if TYPE_CHECKING:
    from gradtool.witness.pytorch.model.observed import Observed

__all__ = ["Bystanders"]

PATIENCE = 25
"""Backward passes behind the last that was asked for, within which their step is waited for: critics take several."""


@dataclass(frozen=True, slots=True)
class _Bystander:
    """A model, what was told of it before it was left out, and the sentence that says so."""

    model: nn.Module
    rows: list[Named]
    parameters: list[Parameter]
    layers: list[Layer]
    note: str


class Bystanders:
    """The models that were left out of ``seen``, until their own optimizer steps."""

    def __init__(self, seen: Observed) -> None:
        self.seen = seen
        self._waiting: dict[str, _Bystander] = {}
        self._patience = PATIENCE

    def leave_out(self, optimizer: Any) -> None:
        """Drop them at the first step, that of ``optimizer``; those that another one holds are waited for."""
        seen, held = self.seen, groups_of([optimizer])
        others = groups_of(one for one in alive(torch.optim.Optimizer) if one is not optimizer)
        for name, model in list(seen.models.items()):
            if not any(id(p) in held or p.grad is not None for p in model.parameters()):
                one = self._left_out(name, model, type(optimizer).__name__)
                if any(id(p) in others for p in model.parameters()):
                    self._waiting[name] = one

    def _left_out(self, name: str, model: nn.Module, kind: str) -> _Bystander:
        seen, own = self.seen, {id(p) for p in model.parameters()}
        pairs = list(zip(seen.rows, seen.parameters, strict=True))
        theirs = [pair for pair in pairs if id(pair[0].tensor) in own]
        layers = [layer for layer in seen.layers if layer.name.partition(".")[0] == name]
        note = f"{name} ran too; this loss does not reach it, and this {kind} does not hold it"
        del seen.models[name]
        seen.rows = [row for row, _ in pairs if id(row.tensor) not in own]
        seen.parameters = [parameter for row, parameter in pairs if id(row.tensor) not in own]
        seen.layers = [layer for layer in seen.layers if layer.name.partition(".")[0] != name]
        seen.notes.append(note)
        return _Bystander(model, [row for row, _ in theirs], [parameter for _, parameter in theirs], layers, note)

    def steps(self, optimizer: Any) -> None:
        """What ``optimizer`` holds gets its step: without any gradient it takes its place among what is told."""
        held = groups_of([optimizer])
        for name, one in list(self._waiting.items()):
            own = [p for p in one.model.parameters() if id(p) in held and p.requires_grad]
            if own:
                del self._waiting[name]
            if own and all(p.grad is None for p in own):
                self._take_back(name, one, type(optimizer).__name__)

    def _take_back(self, name: str, one: _Bystander, kind: str) -> None:
        seen = self.seen
        known = {id(row.tensor) for row in seen.rows}
        seen.models = {name: one.model} | seen.models
        seen.rows = [*(row for row in one.rows if id(row.tensor) not in known), *seen.rows]
        seen.parameters, seen.layers = [*one.parameters, *seen.parameters], [*one.layers, *seen.layers]
        seen.notes.remove(one.note)
        seen.notes.append(f"{kind} took a step for {name} although no gradient had reached it from any loss")

    def waited_for(self) -> bool:
        """Whether a step of theirs is still to come."""
        return bool(self._waiting)

    def passed(self) -> bool:
        """Whether it is not waited for any longer, at one more backward pass."""
        self._patience -= 1
        return self._patience <= 0 or not self._waiting
