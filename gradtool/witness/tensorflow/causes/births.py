"""The first number that is not finite, in a program of TensorFlow: one sum for each operation that runs."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from types import TracebackType
from typing import Any, Self

import numpy as np
import tensorflow as tf

from gradtool.evidence import Cause
from gradtool.witness.causes.births import Births as Record
from gradtool.witness.causes.births import Target
from gradtool.witness.causes.operands import FINITE, INFINITE, NAN, Array, Call, Given, level_of
from gradtool.witness.causes.replay import Wanted
from gradtool.witness.tensorflow.causes.history import Operation
from gradtool.witness.tensorflow.causes.passing import Passing
from gradtool.witness.tensorflow.causes.variables import Variables
from gradtool.witness.tensorflow.causes.words import word
from gradtool.witness.tensorflow.model.parameters import Named
from gradtool.witness.tensorflow.model.sources import Sources

__all__ = ["Births", "array", "level"]

FEW = 64
"""Where much is NaN, the first numbers tell."""
KEEPING = frozenset(
    ("Identity", "Reshape", "ExpandDims", "Squeeze", "BroadcastTo", "Transpose", "StopGradient", "Tile", "Pack",
     "Unpack", "ConcatV2", "Split", "SplitV", "Slice", "StridedSlice", "GatherV2", "Relu", "ReluGrad", "Neg", "Abs",
     "Sigmoid", "Tanh", "Erf", "Softmax", "MaxPool")
)  # fmt: skip
"""Operations that make finite numbers of finite ones, as long as the dtype is the same."""
ASSIGNING = {"AssignVariableOp", "AssignAddVariableOp", "AssignSubVariableOp"}


class Births(Passing):
    """A context around a forward and a backward pass; ``told`` gives the births behind what is not finite.

    ``rows`` are the parameters, as far as they are known before. The cost is one sum over every output.
    """

    def __init__(self, sources: Sources | None = None, rows: Sequence[Named] = ()) -> None:
        super().__init__(sources)
        self._variables = Variables(rows)
        self._record = Record()
        self._owners: dict[int, int] = {}
        """The variable that each tensor was read from."""
        self._levels: dict[int, int] = {}
        """How bad each tensor is, by TensorFlow's own number: its numbers never change."""

    def __enter__(self) -> Self:
        super().__enter__()
        self._variables.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._variables.__exit__(kind, error, trace)
        super().__exit__(kind, error, trace)

    # ---- what is seen

    def ran(
        self, operation: Operation, inputs: Sequence[Any], outputs: Sequence[Any], of: Operation | None = None
    ) -> None:
        """Look at the outputs."""
        if operation.name == "ReadVariableOp":
            self._owners[operation.outputs[0]] = operation.inputs[0]
        if operation.name in ASSIGNING:
            self._assigned(operation, inputs)
            return
        self._look(operation, inputs, outputs, "" if of is None else word(of, self.history))

    def mixed(self, operation: Operation, inputs: Sequence[Any], outputs: Sequence[Any]) -> None:
        """Look at the sum of several contributions to one gradient."""
        self._look(operation, inputs, outputs, "")

    def _assigned(self, operation: Operation, inputs: Sequence[Any]) -> None:
        """A variable is written to; numbers that nothing computed, as those of a file, are its own."""
        given = next((self._given(one) for one in inputs[1:] if _floats(one)), None)
        if given is None:
            return
        handle = operation.inputs[0]
        target = Given(handle, given.level, given.numbers, given.dtype, given.shape)
        computed = self.history.numbered(operation.inputs[1]) is not None
        self._note(operation, "assign", [given if computed else target], [target], "")

    def _look(self, operation: Operation, inputs: Sequence[Any], outputs: Sequence[Any], of: str) -> None:
        known = [(self._levels.get(one._id), one.dtype) for one in inputs if _floats(one)]  # noqa: SLF001
        found = [self._found(operation.name, known, one) for one in outputs if _floats(one)]
        if found:
            given = [self._given(one) for one in inputs if _floats(one)]
            if any(one.level for one in found):
                given += [self._held(one, found[0]) for one in inputs if one.dtype == tf.resource]
                if not any(one.level for one in given):  # a birth: its operands are to have their names
                    for one in inputs:
                        self._find_owner(one)
                    given = [self._given(one) for one in inputs if _floats(one)]
            self._note(operation, word(operation, self.history), given, found, of)

    def _note(self, operation: Operation, name: str, given: list[Given], found: list[Given], of: str) -> None:
        phase = "backward" if operation.backward else "forward"
        if any(one.level for one in found):
            self._record.bad(Call(name, operation.place, given, found, phase, of))
            return
        plain = [float(np.real(one.numbers())) for one in given if one.key is None]
        if plain and name in {"maximum", "minimum"}:
            name = "clamp"
        keys = [one.key for one in given]
        outputs = [one.key for one in found]
        self._record.good(name, keys, outputs, phase=phase, of=of, numbers=plain, dtype=found[0].dtype)

    def _found(self, name: str, inputs: Sequence[tuple[int | None, Any]], tensor: Any) -> Given:
        """An output of the operation ``name``; of the inputs it is known how bad they are, and their dtypes."""
        number = tensor._id  # noqa: SLF001  # TensorFlow's own number
        if name in KEEPING and all(one == (FINITE, tensor.dtype) for one in inputs):
            bad = FINITE
        else:
            bad = level(tensor, suspect=any(one == NAN for one, _ in inputs))
        self._levels[number] = bad
        return Given(number, bad, functools.partial(array, tensor), tensor.dtype.name, tuple(tensor.shape))

    def _given(self, tensor: Any) -> Given:
        """An input; a single number that no operation made is a number of the program."""
        number = tensor._id  # noqa: SLF001  # TensorFlow's own number
        key = self._owners.get(number, number)
        made = self.history.is_made(tensor)
        bad = self._levels.get(number)
        if bad is None and (key in self._record or not made):
            bad = self._levels[number] = level(tensor)
            if bad and not made and key not in self._record:
                self._came_in(tensor, bad)
                key = self._owners.get(number, number)
        plain = not made and key == number and tensor.shape.rank == 0
        numbers = functools.partial(array, tensor)
        return Given(None if plain else key, bad or FINITE, numbers, tensor.dtype.name, tuple(tensor.shape))

    def _find_owner(self, tensor: Any) -> None:
        """Find out what variable was read, where TensorFlow did that without an operation."""
        number = tensor._id  # noqa: SLF001  # TensorFlow's own number
        if self.history.made(tensor) is None and number not in self._owners and tensor.shape.rank:
            handle = self._variables.behind(tensor)
            if handle is not None:
                self._owners[number] = handle

    def _held(self, handle: Any, found: Given) -> Given:
        """A variable that is read: as bad as what was found in it."""
        key = handle._id  # noqa: SLF001  # TensorFlow's own number
        self._owners[key] = key
        return Given(key, found.level, found.numbers, found.dtype, found.shape)

    def _came_in(self, tensor: Any, bad: int) -> None:
        """A tensor that is not finite and that no operation made: a variable's value, a mask, or data."""
        handle = self._variables.behind(tensor)
        if handle is not None:
            self._owners[tensor._id] = handle  # noqa: SLF001
        elif bad == INFINITE and not np.isposinf(array(tensor)).any():
            self._record.is_meant(tensor._id)  # noqa: SLF001

    # ---- what is told

    def told(self, tapes: Sequence[Any], losses: Sequence[Any], rows: Sequence[Named], asked: Wanted) -> list[Cause]:
        """The births behind the losses, or behind the gradients of those of ``rows`` that are ``asked`` for."""
        del tapes
        for handle, name in self._variables.names().items():
            self._record.is_weight(handle, name)
        targets = [Target("", loss._id, level(loss)) for loss in losses]  # noqa: SLF001
        wanted = set(asked.nonfinite)
        found = [(row.name, one) for row in rows if row.name in wanted for one in self.history.gradients(row.tensor)]
        targets.extend(Target(name, one._id, level(one)) for name, one in found)  # noqa: SLF001
        return self._record.causes(targets)


def array(tensor: Any) -> Array:
    """The numbers, without a copy where they lie in memory that NumPy can read."""
    found: Array = np.asarray(tensor.numpy() if tensor.shape.rank == 0 else tensor)
    return found if found.dtype.kind in "fciub" else found.astype(np.float32)


def level(tensor: Any, *, suspect: bool = False) -> int:
    """FINITE, INFINITE or NAN. Of finite numbers only the sum is looked at; of a ``suspect``, the first ones before."""
    if not _floats(tensor):
        return FINITE
    values = array(tensor)
    if suspect and np.isnan(values.reshape(-1)[:FEW]).any():
        return NAN
    with np.errstate(all="ignore"):
        total = values.sum(dtype=np.float32 if values.dtype == np.float16 else None)
        return FINITE if np.isfinite(total) else level_of(values)


def _floats(tensor: Any) -> bool:
    return bool(tensor.dtype.is_floating or tensor.dtype.is_complex)
