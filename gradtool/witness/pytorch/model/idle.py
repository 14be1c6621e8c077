"""Optimizers that hold what the gradients are taken by, and never step."""

from __future__ import annotations

from typing import Any

import torch

from gradtool.evidence import Incident
from gradtool.witness.pytorch.model.observed import Observed
from gradtool.witness.pytorch.model.optimizers import alive, with_groups
from gradtool.witness.pytorch.model.parameters import groups_of, optimizer_record

__all__ = ["Idle"]


class Idle:
    """The optimizers that there were at the second backward pass without a step, else those at the program's end."""

    def __init__(self) -> None:
        self._found: list[Any] = []
        """Kept, since those of a function are gone when it has returned."""

    def look(self, seen: Observed) -> None:
        """One more backward pass is to come, and nothing has stepped since the last."""
        if seen.backwards == 1:
            self._found = _holding(seen)

    def over(self, seen: Observed, *, scaled: bool) -> None:
        """No step came: the optimizer is told of all the same, and that it never stepped.

        One whose step a scaler may have left out, as it does where a gradient is not finite, is not blamed: ``scaled``.
        """
        found = self._found or _holding(seen)
        if not found:
            return
        seen.optimizer = optimizer_record(found[0], seen.rows)
        seen.parameters = with_groups(seen.parameters, seen.rows, found)
        if not scaled:
            seen.incidents.append(Incident("unstepped", type(found[0]).__name__, count=seen.backwards))


def _holding(seen: Observed) -> list[Any]:
    """Every optimizer that holds one of the leaves."""
    own = {id(row.tensor) for row in seen.rows}
    return [one for one in alive(torch.optim.Optimizer) if own & groups_of([one]).keys()]
