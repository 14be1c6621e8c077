"""Writes down what a function does with symbolic values, operation by operation, as text of the expression language."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import EllipsisType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradtool.target.expression import MAX_LENGTH
from gradtool.target.operation import Operation
from gradtool.target.operations import OPERATIONS
from gradtool.target.shapes import ShapeError, result_shape
from gradtool.target.tree import Number, Passed, Tree, Variable
from gradtool.values import Array, Shape, Value
from gradtool.witness.callable.part import Part, joined, number

__all__ = ["MAX_CONSTANT", "Recorder", "Untraceable", "shown"]

MAX_CONSTANT = 10_000
"""Most entries of an array that the function brings along."""


class Untraceable(TypeError):  # noqa: N818  # said of the function, which is in no error
    """What a function does that no expression can say; the message goes on after "it"."""


Adapter = Callable[[Any], NDArray[np.generic] | None]
"""The numbers of what a framework holds as a constant; None if it is nothing of the kind."""


@dataclass
class Recorder:
    """One trace. ``symbol`` makes the room's symbolic value of a part, ``array`` the numbers of its constants.

    ``look`` refuses a state in which nothing may be recorded; ``held`` knows the symbolic value of an input that the
    function reaches by itself.

    ``constants`` are the arrays that the function brings along, by the names that they get; ``refusals`` the
    decisions on values that were refused, which the function may have caught and gone on; ``forward_only`` says that
    only the value counts, because the function's own backward is what is checked; ``left_out`` are outputs that the
    function itself calls not differentiable.
    """

    symbol: Callable[[Recorder, Part], Any]
    array: Adapter
    look: Callable[[Recorder], None] = lambda _: None
    held: Callable[[Any], Any] = lambda _: None
    inputs: tuple[str, ...] = ()
    constants: dict[str, Value] = field(default_factory=dict)
    refusals: list[str] = field(default_factory=list)
    left_out: list[Any] = field(default_factory=list)
    forward_only: bool = False

    def variable(self, name: str, shape: Shape) -> Any:
        """The symbolic value of an input."""
        return self.symbol(self, Part(name, shape=shape))

    def record(self, operation: str, *values: Any, **options: Any) -> Any:
        """A row of the operation table applied to symbolic values and constants; raises Untraceable."""
        self.look(self)
        row = OPERATIONS[operation]
        logical = row.name in ("logical_and", "logical_or", "logical_not")
        parts = [self._argument(value, wanted=logical or name == "condition", labels=name == "labels")
                 for value, name in zip(values, _names(row, len(values)), strict=True)]  # fmt: skip
        options = {name: self.setting(value) if name != "key" else value for name, value in options.items()}
        try:
            shape, full = result_shape(row, [part.shape for part in parts], options)
            if row.shape == "broadcast":
                parts = [self._spared(row, parts, place, shape) for place in range(len(parts))]
        except ShapeError as error:
            raise Untraceable(f"gives {row.name} what the table's row does not take: {error.message}") from None
        options = {
            name: full[name] if name in ("shape", "axes") and value is not None else value
            for name, value in options.items()
        }
        made = joined(row, [self._named(part) for part in parts], options, shape)
        if len(made.text) > MAX_LENGTH:
            raise Untraceable(f"takes more than {MAX_LENGTH} characters to write as one expression")
        return self.symbol(self, made)

    def told(self, tree: Tree, values: Mapping[str, Any]) -> Any:
        """A formula in the table's own language, over ``values`` for its names and its options."""
        if isinstance(tree, Number):
            return tree.value
        if isinstance(tree, Variable):
            return values[tree.name]
        given = [self.told(argument, values) for argument in tree.arguments]
        options = {name: values[value.name] if isinstance(value, Passed) else value for name, value in tree.options}
        if OPERATIONS[tree.operation].gather and len(given) == 1 and isinstance(given[0], list | tuple):
            given = list(given[0])
        return self.record(tree.operation, *given, **options)

    def lifted(self, value: Any) -> Any:
        """``value`` as a symbolic value."""
        return self.symbol(self, self._part(value))

    def number_of(self, part: Part) -> Part:
        """A condition as 1 where it holds and 0 elsewhere; numbers as they are."""
        if not part.logical:
            return part
        made: Part = self.record("where", self.symbol(self, part), 1.0, 0.0).part
        return made

    def key(self, key: Any) -> tuple[Any, ...]:
        """An index of whole numbers, slices, ... and None; raises Untraceable where it depends on values."""
        return tuple(self._key_part(part) for part in (key if isinstance(key, tuple) else (key,)))

    def setting(self, value: Any) -> Any:
        """An axis, a shape, or a flag, as plain Python writes it."""
        if value is None or isinstance(value, bool | np.bool_):
            return value if value is None else bool(value)
        if isinstance(value, list | tuple):
            return tuple(self.setting(part) for part in value)
        array = np.asarray(value) if isinstance(value, int | np.generic | np.ndarray) else self.array(value)
        if array is None or array.dtype.kind not in "iub" or array.ndim > 1:
            raise Untraceable(f"takes {shown(value)} where whole numbers must be written out")
        return int(array) if array.ndim == 0 else tuple(map(int, array))

    # ---- arguments

    def _argument(self, value: Any, *, wanted: bool, labels: bool) -> Part:
        part = self._part(value)
        if labels:
            if part.array is None:
                raise Untraceable("calculates the class labels")
            return self._called(part.array)
        if wanted and not part.logical:
            if part.array is None:
                raise Untraceable(f"takes the numbers {_short(part.text)} for a condition")
            name = self._called(part.array)
            return Part(f"{name.text} > 0.5", 4, name.shape, logical=True)
        return part if wanted else self.number_of(part)

    def _part(self, value: Any) -> Part:
        value = value if (own := self.held(value)) is None else own
        known = getattr(value, "part", None)
        if isinstance(known, Part):
            if value.recorder is not self:
                raise Untraceable("keeps values from one call to the next")
            return known
        if isinstance(value, list | tuple) and any(isinstance(getattr(one, "part", None), Part) for one in value):
            packed: Part = self.record("stack", *value).part
            return packed
        plain = isinstance(value, bool | int | float | list | tuple | np.ndarray | np.generic)
        array = np.asarray(value) if plain else self.array(value)
        if array is None or array.dtype.kind not in "fiub":
            raise Untraceable(f"calculates with {shown(value)}")
        numbers = array.astype(np.float64)
        if np.isnan(numbers).any():
            raise Untraceable("calculates with NaN")
        if not numbers.size or numbers.size > MAX_CONSTANT:
            told = f"brings along an array of {numbers.size} entries"
            raise Untraceable(f"{told}; at most {MAX_CONSTANT} are written as a constant")
        if numbers.ndim:
            return Part("", shape=numbers.shape, array=numbers)
        return number(float(numbers), numbers)

    def _spared(self, row: Operation, parts: Sequence[Part], place: int, shape: Shape) -> Part:
        """One number in place of an array that holds nothing else, where the result has its shape without it too."""
        part = parts[place]
        if part.array is None or not part.shape or part.logical or (part.array != part.array.flat[0]).any():
            return part
        shapes = [() if one is part else other.shape for one, other in zip(parts, parts, strict=True)]
        try:
            alike = result_shape(row, shapes, {})[0] == shape
        except ShapeError:
            alike = False
        return number(float(part.array.flat[0])) if alike else part

    def _named(self, part: Part) -> Part:
        return part if part.text or part.array is None else self._called(part.array)

    def _called(self, array: NDArray[np.float64]) -> Part:
        """The constant of these numbers, by the name that it has or gets."""
        value = Array.of(array.shape, array.ravel().tolist()) if array.ndim else float(array)
        name = next((name for name, known in self.constants.items() if known == value), "")
        if not name:
            free = (f"c{count}" for count in range(1, len(self.constants) + len(self.inputs) + 2))
            name = next(one for one in free if one not in self.constants and one not in self.inputs)
            self.constants[name] = value
        return Part(name, shape=array.shape)

    def _key_part(self, part: Any) -> Any:
        if part is None or isinstance(part, EllipsisType):
            return part
        if isinstance(part, slice):
            ends = (None if end is None else self._whole(end) for end in (part.start, part.stop, part.step))
            start, stop, step = ends
            if step is not None and step < 1:
                raise Untraceable("steps backwards through an array")
            return slice(start, stop, step)
        return self._whole(part)

    def _whole(self, value: Any) -> int:
        if isinstance(value, bool) or getattr(value, "ndim", 0) != 0 or isinstance(getattr(value, "part", None), Part):
            raise Untraceable("indexes with an array, or with a value that it calculates")
        try:
            return operator.index(value)
        except TypeError:
            raise Untraceable(f"indexes with {shown(value)}") from None


def _names(row: Operation, count: int) -> tuple[str, ...]:
    return (row.parameters[0],) * count if row.gather else row.parameters


def shown(value: Any) -> str:
    """A value in a reason: itself where it is short, else what it is."""
    return f"a {type(value).__name__}" if len(repr(value)) > 40 else repr(value)


def _short(text: str) -> str:
    return text if len(text) <= 60 else f"{text[:57]}..."
