"""An optimizer that the program knows and that is never given a gradient."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import keras

from gradtool.evidence import Incident
from gradtool.witness.model.frames import named_values
from gradtool.witness.tensorflow.model.observed import Observed
from gradtool.witness.tensorflow.model.optimizers import holds, optimizer_record, rate_of

__all__ = ["Idle"]


class Idle:
    """The first optimizer among the program's names at the second gradient without a step, else at its end."""

    def __init__(self) -> None:
        self._found: Any = None

    def look(self, names: Iterable[tuple[str, Any]]) -> None:
        """Look among ``names`` and what they stand for, unless one is known already."""
        found = named_values(names, _is_optimizer, lambda _: False).values()
        self._found = self._found or next((one for _, one in found), None)

    def over(self, seen: Observed) -> None:
        """No step came: the optimizer is told of all the same, and that it never stepped."""
        if self._found is None:
            return
        seen.optimizer = optimizer_record(self._found, [row.tensor for row in seen.rows])
        rate = rate_of(self._found)
        seen.parameters = [
            replace(parameter, group=0, rate=rate) if holds(self._found, row.tensor) else parameter
            for parameter, row in zip(seen.parameters, seen.rows, strict=True)
        ]
        kind = seen.optimizer.kind if seen.optimizer else ""
        seen.incidents.append(Incident("unstepped", kind, count=seen.backwards))


def _is_optimizer(value: Any) -> bool:
    return isinstance(value, keras.optimizers.Optimizer)
