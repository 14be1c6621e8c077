"""The variables by which a program asks for gradients: their rows, and the models whose turn it is not."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from types import FrameType
from typing import Any

import numpy as np
import tensorflow as tf

from gradtool.witness.model.user_file import user_line
from gradtool.witness.tensorflow.model.leaves import left_out, models_of, name_of, names_of, owns
from gradtool.witness.tensorflow.model.parameters import Named, tensor_of
from gradtool.witness.tensorflow.model.statistics import merged

__all__ = ["Rows"]


class Rows:
    """Those of every iteration so far, with the gradients of this one; ``models`` are what trains them."""

    def __init__(self) -> None:
        self.all: list[Named] = []
        self.models: dict[str, Any] = {}
        self._asked: dict[int, Any] = {}
        self._beside: dict[int, tuple[Any, str]] = {}
        """Models by whose variables no gradient is asked for, each with the sentence that says so."""
        self._before: list[Any] = []
        """The values behind the last gradient."""

    @property
    def notes(self) -> list[str]:
        """A sentence for each model that is left out."""
        return list(dict.fromkeys(told for _, told in self._beside.values()))

    def take(
        self, asked: Mapping[int, tuple[Any, Any]], used: Sequence[Any], frame: FrameType, ran: Sequence[Any]
    ) -> None:
        """The gradients in ``asked``, by ``id``: (tensor, gradient), beside the variables ``used`` and layers ``ran``.

        Those of several losses are added up.
        """
        self._name([tensor for tensor, _ in asked.values()], used, frame, ran)
        for row in self.all:
            if id(row.tensor) in asked:
                row.gradient = _sum(row.gradient, merged(asked[id(row.tensor)][1]))
        self._before = [_value(row.tensor) for row in self.all]

    def moved(self) -> bool:
        """Whether the program has changed a value since the last gradient."""
        return any(_is_other(row.tensor, old) for row, old in zip(self.all, self._before, strict=True))

    def applied(self, given: Collection[int]) -> bool:
        """Whether all that a gradient was asked for, or taken of, is among ``given``, by ``id``."""
        asked = (row for row in self.all if row.gradient is not None or id(row.tensor) in self._asked)
        return all(id(row.tensor) in given for row in asked)

    def restart(self) -> None:
        """Forget the gradients: another iteration begins. Tensors that are no variables are made anew in it."""
        if not all(isinstance(row.tensor, tf.Variable) for row in self.all):
            self.all = []
        for row in self.all:
            row.gradient = None
        self._before = []

    def _name(self, asked: Sequence[Any], used: Sequence[Any], frame: FrameType, ran: Sequence[Any]) -> None:
        """Rows for what the gradient is taken by, and for what was used beside it."""
        known = {id(row.tensor): row for row in self.all}
        self._asked |= {id(tensor): tensor for tensor in asked if isinstance(tensor, tf.Variable)}
        if all(id(tensor) in known for tensor in [*asked, *used]):
            return
        # A program that asks for nothing has frozen everything.
        self.models = self.models | (models_of(frame, asked) if asked else models_of(frame, used, frozen=True))
        self._leave_out(used, frame)
        theirs = {id(tensor_of(variable)) for model, _ in self._beside.values() for variable in model.variables}
        others = [tensor for tensor in used if id(tensor) not in theirs]
        rows = names_of(self.models, frame, [*(row.tensor for row in self.all), *asked, *others], ran)
        self.all = [row for row in rows if id(row.tensor) not in theirs]
        for row in self.all:
            if id(row.tensor) in known:
                row.gradient = known[id(row.tensor)].gradient

    def _leave_out(self, used: Sequence[Any], frame: FrameType) -> None:
        """Models by whose variables no gradient is asked for, beside the others and inside: another step is theirs."""
        told = f"no gradient by its variables is asked for in {user_line(frame)}"
        ran = models_of(frame, used, frozen=True)
        found = [(one, f"{name} ran too; {told}") for name, one in ran.items() if self.models.get(name) is not one]
        found += [(one, f"{name_of(one, frame)} is left out: {told}") for one in left_out(self.models, self._asked)]
        self._beside = {id(model): (model, sentence) for model, sentence in found} | self._beside
        self._beside = {key: pair for key, pair in self._beside.items() if not owns(pair[0], self._asked, frozen=True)}


def _value(tensor: Any) -> Any:
    """The value now. TensorFlow copies a variable's memory only when it is written to."""
    return tensor.read_value() if isinstance(tensor, tf.Variable) else tensor


def _is_other(tensor: Any, old: Any) -> bool:
    """Whether the value is another now."""
    if not isinstance(tensor, tf.Variable):
        return True  # tensors never change; the program makes new ones
    one, other = np.asarray(old), np.asarray(tensor.read_value())
    return one.ctypes.data != other.ctypes.data and not np.array_equal(one, other)


def _sum(one: Any, other: Any) -> Any:
    """Gradients of several losses together."""
    if one is None or other is None:
        return other if one is None else one
    if isinstance(one, tf.IndexedSlices) and isinstance(other, tf.IndexedSlices):
        values, rows = tf.concat([one.values, other.values], 0), tf.concat([one.indices, other.indices], 0)
        return merged(tf.IndexedSlices(values, rows, one.dense_shape))
    return tf.convert_to_tensor(one) + tf.convert_to_tensor(other)
