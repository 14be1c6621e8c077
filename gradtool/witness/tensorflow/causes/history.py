"""The operations of a pass and the gradients between them, by the numbers that TensorFlow gives to tensors.

The numbers (``_id``) are never used twice, so nothing is kept alive but the inputs of a few operations that the tape
lets go of.
"""

from __future__ import annotations

import functools
import weakref
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import tensorflow as tf

from gradtool.witness.causes.lines import NOWHERE, Spot

__all__ = ["History", "Operation", "is_eager", "tensors"]

DROPPED = frozenset(
    {"Sqrt", "Rsqrt", "Exp", "Expm1", "Sigmoid", "Tanh", "Softmax", "LogSoftmax", "Relu", "Relu6", "Elu", "Selu"}
    | {"Reciprocal", "AddV2", "Add", "Sub", "Sum", "Mean", "Softplus", "Sign"}
)
"""Operations whose derivative needs no input, so that the tape keeps none."""

SMALL = 1 << 16
"""Inputs of more numbers are not kept alive."""


@dataclass(slots=True, eq=False)
class Operation:
    """An operation that ran: its ``place``, and its tensors by their numbers."""

    name: str
    place: Spot
    inputs: tuple[int, ...] = ()
    outputs: tuple[int, ...] = ()
    backward: bool = False
    """Whether it ran on the way back, in the user's own gradient function."""
    kept: tuple[Callable[[], Any], ...] = ()
    """For each input what gives it when called, or None where it is gone."""

    def given(self) -> list[Any]:
        """The inputs, None where they are gone."""
        return [one() for one in self.kept]


def is_eager(one: Any) -> bool:
    """Whether it is a tensor that has a number."""
    return isinstance(one, tf.Tensor) and hasattr(one, "_id")


def tensors(found: Any) -> list[Any]:
    """The tensors of what a gradient function returns or is given, in their places; rows for a sparse gradient."""
    parts = found if isinstance(found, list | tuple) else [found]
    return [one.values if isinstance(one, tf.IndexedSlices) else one if is_eager(one) else None for one in parts]


class History:
    """What is known of one iteration: which operation made a tensor, and what a gradient is the gradient of."""

    def __init__(self) -> None:
        self._made: dict[int, Operation] = {}
        self._users: dict[tuple[str, int, int], list[Operation]] = {}
        self._named: dict[str, list[Operation]] = {}
        self._towards: dict[int, frozenset[int]] = {}
        """The tensors that each gradient may be the gradient of."""
        self._gradients: dict[int, list[Any]] = {}
        """The gradients that were asked for, by the number of the tensor or of the variable's handle."""
        self._done: set[int] = set()
        """The operations through which the backward pass has gone, by ``id``."""

    # ---- operations

    def maker(self, operation: Operation, through: Collection[str] = ()) -> Operation | None:
        """The operation that made its first input; of those in ``through`` what they were made of."""
        made = self._made.get(operation.inputs[0]) if operation.inputs else None
        return self.maker(made, through) if made is not None and made.name in through else made

    def made(self, tensor: Any) -> Operation | None:
        """The operation that made the tensor; None for constants, inputs and some reads of variables."""
        return self.numbered(_number(tensor))

    def is_made(self, tensor: Any) -> bool:
        """Whether an operation made it, or TensorFlow itself on the way back, as it adds up gradients."""
        return _number(tensor) in self._made or _number(tensor) in self._towards

    def numbered(self, number: int) -> Operation | None:
        """The operation that made the tensor with this number."""
        return self._made.get(number)

    def note(
        self, name: str, place: Spot, inputs: Sequence[Any], outputs: Iterable[Any], *, backward: bool, taped: bool
    ) -> Operation:
        """An operation ran, which a tape took note of if ``taped``."""
        few = taped and name in DROPPED
        kept = tuple(
            functools.partial(_same, one) if few and _size(one) <= SMALL else weakref.ref(one) for one in inputs
        )
        made = Operation(name, place, tuple(map(_number, inputs)), tuple(map(_number, outputs)), backward, kept)
        self._made.update((number, made) for number in made.outputs)
        for position, number in enumerate(made.inputs):
            self._users.setdefault((name, position, number), []).append(made)
        self._named.setdefault(name, []).append(made)
        return made

    # ---- gradients

    def between(self, name: str, inputs: Sequence[Any], outputs: Iterable[Any]) -> Operation:
        """An operation of TensorFlow's own between two gradients, at the place of that which they are gradients of."""
        towards = [self._towards.get(_number(one)) for one in inputs]
        common = frozenset[int]().union(*(one for one in towards if one))
        for one in towards:
            common &= one or common
        for one in outputs:
            self._towards[_number(one)] = common
        maker = next((self._made[number] for number in common if number in self._made), None)
        kept = tuple(weakref.ref(one) for one in inputs)
        place = maker.place if maker else NOWHERE
        return Operation(name, place, tuple(map(_number, inputs)), backward=True, kept=kept)

    def passed(self, operation: Operation, found: Iterable[Any]) -> None:
        """The backward pass has gone through the operation: ``found`` are the gradients of its inputs."""
        for number, one in zip(operation.inputs, found, strict=False):
            if one is not None:
                self._towards[_number(one)] = self._towards.get(_number(one), frozenset()) | {number}
        self._done.add(id(operation))

    def differentiated(
        self, name: str, inputs: Sequence[Any], outputs: Sequence[Any], upstream: Iterable[Any]
    ) -> Operation:
        """The operation whose gradient is taken, by its outputs, its inputs, and what ``upstream`` is the gradient of.

        TensorFlow gives of both only those that the derivative needs.
        """
        made = [self._made.get(_number(one)) for one in outputs if is_eager(one)]
        if made and made[0] is not None:
            return made[0]
        led = [
            operation
            for one in upstream
            if one is not None
            for number in self._towards.get(_number(one), ())
            if (operation := self._made.get(number)) is not None and operation.name == name
        ]
        used = [
            self._users.get((name, position, _number(one)), []) for position, one in enumerate(inputs) if is_eager(one)
        ]
        common = [one for one in (used[0] if used else led) if all(one in row for row in used)] or led
        both = [one for one in common if one in led] or common or self._named.get(name, [])[::-1]
        left = [one for one in reversed(both) if id(one) not in self._done] or both
        return left[0] if left else Operation(name, NOWHERE)

    def starts_backward(self) -> None:
        """A backward pass begins: it may go through every operation once more."""
        self._done = set()

    def asked(self, sources: Iterable[Any], found: Iterable[Any]) -> None:
        """Gradients by tensors or by variables' handles are given to the program."""
        for source, gradient in zip(sources, found, strict=True):
            if gradient is not None:
                self._gradients.setdefault(_number(source), []).append(gradient)

    def gradients(self, variable: Any) -> list[Any]:
        """The gradients by a variable, one for each time that it was asked for; rows of a sparse one."""
        return self._gradients.get(_number(variable.handle if isinstance(variable, tf.Variable) else variable), [])


def _number(one: Any) -> int:
    return one._id  # type: ignore[no-any-return]  # noqa: SLF001  # TensorFlow's own number


def _same(one: Any) -> Any:
    return one


def _size(one: Any) -> int:
    return int(one.shape.num_elements() or 0)
