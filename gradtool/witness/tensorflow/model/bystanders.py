"""Models by whose variables a gradient is asked for only behind the first step: which of them are cut off.

A model whose optimizer is handed nothing but None is cut off from its own loss: a generator, say, whose output went
through ``tf.stop_gradient`` for the discriminator and then was used again.
"""

from __future__ import annotations

import sys
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from types import FrameType
from typing import TYPE_CHECKING, Any

import keras
import tensorflow as tf

from gradtool.witness.model.frames import names_of_values, scopes
from gradtool.witness.tensorflow.model.leaves import models_of, names_of
from gradtool.witness.tensorflow.model.optimizers import rate_of
from gradtool.witness.tensorflow.model.parameters import Named, layer_names, parameters
from gradtool.witness.tensorflow.model.recorder import Recorder

if TYPE_CHECKING:
    from gradtool.witness.tensorflow.model.observed import Observed

__all__ = ["Bystanders"]

PATIENCE = 25
"""Gradients behind the last that was asked for, within which that of another model is waited for."""


class Bystanders:
    """What is seen of other models behind the first step of those that ``seen`` tells of."""

    def __init__(self, seen: Observed, recorder: Recorder) -> None:
        self.seen, self.recorder = seen, recorder
        self._places: Mapping[int, int] = {}
        self.cut: list[Named] = []
        """The variables of another model by none of which there is a gradient, until its optimizer has them."""
        self._models: dict[str, Any] = {}
        self._patience = PATIENCE

    def remember(self) -> None:
        """Take note of where each layer ran, for those that turn out to be theirs."""
        self._places = self.recorder.places()

    def waited_for(self, stepped: Sequence[Any]) -> bool:
        """Whether the program knows an optimizer that is none of those that have ``stepped``, nor inside one."""
        known = {id(one) for optimizer in stepped for one in (optimizer, getattr(optimizer, "inner_optimizer", None))}
        found = names_of_values(sys._getframe(1), _is_optimizer, lambda _: False)  # noqa: SLF001  # the way to a caller
        return self._patience > 0 and not known >= found.keys()

    def look(self, asked: Mapping[int, tuple[Any, Any]], frame: FrameType) -> None:
        """A gradient behind the first step: where it is another model's, it is a whole one, or there is none at all."""
        self._patience -= 1
        known = {id(row.tensor) for row in self.seen.rows}
        new = [tensor for key, (tensor, _) in asked.items() if key not in known and isinstance(tensor, tf.Variable)]
        if not new:
            return
        if any(gradient is not None for _, gradient in asked.values()):
            self._patience = 0
            return
        self._models = {self._title(name, one, frame): one for name, one in models_of(frame, new).items()}
        wanted = {id(tensor) for tensor in new}
        rows = names_of(self.seen.models | self._models, frame, new, self.recorder.ran())
        self.cut = [row for row in rows if id(row.tensor) in wanted]

    def _title(self, name: str, model: Any, frame: FrameType) -> str:
        """Its name, or another of its names where a function calls every model the same."""
        taken = self.seen.models
        names = (other for other, value in scopes(frame) if value is model and other not in {*taken, "self"})
        return name if name not in taken else next(names, f"{name}_2")

    def step(self, optimizer: Any, given: Collection[int]) -> None:
        """An optimizer is handed variables, by ``id``: those that are cut off take their place among what is told.

        So do they where it is handed nothing, as behind a filter of what is None.
        """
        if not self.cut or (given and not any(id(row.tensor) in given for row in self.cut)):
            return
        seen, models, cut = self.seen, self._models, self.cut
        self.cut, self._patience = [], 0
        place, rate = 1 + max((p.group or 0 for p in seen.parameters), default=0), rate_of(optimizer)
        found = [replace(p, group=place, rate=rate) for p in parameters(cut)]
        names = {key: name for key, name in layer_names(seen.models | models).items() if name.split("/")[0] in models}
        outside = self.recorder.outside({key: name for key, name in names.items() if key not in self._places})
        turns = {self._places[key]: name for key, name in names.items() if key in self._places}
        seen.layers = [*(replace(one, name=turns.get(one.place, one.name)) for one in seen.layers), *outside]
        seen.rows, seen.parameters = [*cut, *seen.rows], [*found, *seen.parameters]
        seen.models = models | seen.models
        seen.notes = [note for note in seen.notes if not note.startswith(tuple(f"{name} ran too" for name in models))]
        name = ", ".join(models) or ", ".join(row.name for row in cut)
        kind = type(optimizer).__name__
        seen.notes.append(f"{kind} was to take a step for {name}, and no gradient had reached it from any loss")


def _is_optimizer(value: Any) -> bool:
    return isinstance(value, keras.optimizers.Optimizer)
