"""Looks on at every operation that TensorFlow runs eagerly, and on the way back at the gradient of each of them.

Three doors of TensorFlow are watched: its operation callbacks, the function that differentiates an operation, and the
functions of ``tf.custom_gradient``. Operations are known by the numbers that TensorFlow gives to tensors (``_id``,
never used twice), so nothing is kept alive but the inputs of a few operations that the tape lets go of.
"""

from __future__ import annotations

import functools
import sys
import threading
import weakref
from collections.abc import Callable, Collection, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

import tensorflow as tf
from tensorflow.python import pywrap_tfe  # no public way to these
from tensorflow.python.autograph.core import ag_ctx
from tensorflow.python.eager import backprop, execute, imperative_grad, record
from tensorflow.python.framework import op_callbacks

from gradtool.witness.causes.lines import Spot
from gradtool.witness.tensorflow.causes.places import place
from gradtool.witness.tensorflow.model.recorder import Sources, no_sources

__all__ = ["Operation", "Passing", "tensors"]

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
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    backward: bool
    """Whether it ran on the way back, in the user's own gradient function."""
    kept: tuple[Any, ...]
    """For each input something that gives it when called, or None where it is gone."""

    def given(self) -> list[Any]:
        """The inputs, None where they are gone."""
        return [one() for one in self.kept]


def tensors(found: Any) -> list[Any]:
    """The tensors of what a gradient function returns or is given, in their places; rows for a sparse gradient."""
    parts = found if isinstance(found, list | tuple) else [found]
    return [one.values if isinstance(one, tf.IndexedSlices) else one if _eager(one) else None for one in parts]


def _eager(one: Any) -> bool:
    return isinstance(one, tf.Tensor) and hasattr(one, "_id")


class Passing:
    """A context in which this thread's operations are seen: subclasses say what is to be learnt from them.

    It may be entered inside another, and in several threads at once; the last one out restores TensorFlow's doors.
    """

    def __init__(self, sources: Sources | None = None) -> None:
        self.sources = no_sources() if sources is None else sources
        self.backwards = 0
        """How many backward passes, one inside another, are going on."""
        self._thread = 0
        self._plain = ag_ctx.ControlStatusCtx(ag_ctx.Status.DISABLED)
        """AutoGraph would run a copy of the user's code, from a file of its own."""
        self._made: dict[int, Operation] = {}
        self._users: dict[tuple[str, int, int], list[Operation]] = {}
        self._named: dict[str, list[Operation]] = {}
        self._towards: dict[int, frozenset[int]] = {}
        """The tensors that each gradient may be the gradient of."""
        self._gradients: dict[int, list[Any]] = {}
        """The gradients that were asked for, by the number of the tensor or of the variable's handle."""
        self._inside: list[Operation | None] = []
        """The operations whose gradient is being taken; None for one of ``tf.custom_gradient``."""
        self._customs: list[Operation] = []
        self._done: set[int] = set()
        self._stale = self._taped = self._busy = False

    # ---- what subclasses learn

    def ran(
        self, operation: Operation, inputs: Sequence[Any], outputs: Sequence[Any], of: Operation | None = None
    ) -> None:
        """An operation of the forward pass, of the user's own gradient function, or inside TensorFlow's of ``of``."""

    def passed(
        self, operation: Operation, known: Sequence[Any], upstream: Sequence[Any], results: Sequence[Any]
    ) -> None:
        """The gradient of an operation: of its inputs and outputs those ``known``, and None for what there is not."""

    def mixed(self, operation: Operation, inputs: Sequence[Any], outputs: Sequence[Any]) -> None:
        """An operation between two gradients, as the sum of several contributions; named after that which it is for."""

    # ---- the context

    def __enter__(self) -> Self:
        self._thread = threading.get_ident()
        _doors.open(self)
        op_callbacks.add_op_callback(self._called)
        self._plain.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._plain.__exit__(kind, error, trace)
        op_callbacks.remove_op_callback(self._called)
        _doors.close(self)

    def restart(self) -> None:
        """Forget the operations and the gradients: another iteration begins."""
        self._made, self._users, self._named, self._towards = {}, {}, {}, {}
        self._done, self._stale, self._gradients = set(), False, {}

    def backward(self, losses: Sequence[Any]) -> AbstractContextManager[None]:
        """The time in which a gradient of ``losses`` is taken."""
        del losses
        return nullcontext()

    # ---- what they may ask

    def maker(self, operation: Operation, through: Collection[str] = ()) -> Operation | None:
        """The operation that made its first input; of those in ``through`` what they were made of."""
        made = self._made.get(operation.inputs[0]) if operation.inputs else None
        return self.maker(made, through) if made is not None and made.name in through else made

    def made(self, tensor: Any) -> Operation | None:
        """The operation that made the tensor; None for constants, inputs and some reads of variables."""
        return self.numbered(tensor._id)  # noqa: SLF001  # TensorFlow's own number

    def numbered(self, number: int) -> Operation | None:
        """The operation that made the tensor with this number."""
        return self._made.get(number)

    def gradients(self, variable: Any) -> list[Any]:
        """The gradients by a variable, one for each time that it was asked for; rows of a sparse one."""
        asked = variable.handle if isinstance(variable, tf.Variable) else variable
        return self._gradients.get(asked._id, [])  # noqa: SLF001

    # ---- TensorFlow's doors

    def _called(self, name: Any, inputs: Any, attrs: Any, outputs: Any, op_name: Any = None, graph: Any = None) -> None:
        del attrs, op_name
        if self._busy or graph is not None or not all(map(_eager, outputs)):
            return
        self._busy = True  # what is done to look at an operation is none itself
        try:
            self._see(name, inputs, outputs)
        finally:
            self._busy = False

    def _see(self, name: Any, inputs: Any, outputs: Any) -> None:
        name = name.decode() if isinstance(name, bytes) else name
        taped = not pywrap_tfe.TFE_Py_TapeSetIsEmpty()
        if taped and not self._taped and self._stale and not self.backwards:
            self.restart()
        self._taped = taped
        within = self._inside[-1] if self._inside else None
        where = within.place if within else self._place(sys._getframe(2))  # noqa: SLF001  # the way to a caller
        if self.backwards and where is None and not self._inside:
            self._between(name, inputs, outputs)
            return
        if where is None:
            within = self._customs[-1] if self._customs else None  # the gradient function is TensorFlow's own
            where = within.place if within else ("", 0, "")
        operation = self._noted(
            name, where, inputs, outputs, backward=within is not None or (self.backwards > 0 and not taped)
        )
        self.ran(operation, inputs, outputs, within)

    def _place(self, frame: Any) -> Spot | None:
        return place(frame, self.sources, _ENDS if self.backwards else ())

    def _noted(self, name: str, where: Spot, inputs: Any, outputs: Any, *, backward: bool) -> Operation:
        few = self._taped and name in DROPPED
        kept = tuple(
            functools.partial(_same, one) if few and _size(one) <= SMALL else weakref.ref(one) for one in inputs
        )
        ids = tuple(one._id for one in inputs)  # noqa: SLF001  # TensorFlow's own number
        made = Operation(name, where, ids, tuple(one._id for one in outputs), backward, kept)  # noqa: SLF001
        self._made.update((number, made) for number in made.outputs)
        for position, number in enumerate(ids):
            self._users.setdefault((name, position, number), []).append(made)
        self._named.setdefault(name, []).append(made)
        return made

    def _between(self, name: str, inputs: Any, outputs: Any) -> None:
        towards = [self._towards.get(one._id) for one in inputs]  # noqa: SLF001
        common = frozenset[int]().union(*(one for one in towards if one))
        for one in towards:
            common &= one or common
        for one in outputs:
            self._towards[one._id] = common  # noqa: SLF001
        maker = next((self._made[number] for number in common if number in self._made), None)
        where = maker.place if maker else ("", 0, "")
        numbers = tuple(one._id for one in inputs)  # noqa: SLF001
        kept = tuple(weakref.ref(one) for one in inputs)
        self.mixed(Operation(name, where, numbers, (), True, kept), inputs, outputs)

    def differentiated(
        self, name: str, inputs: Sequence[Any], outputs: Sequence[Any], upstream: Any, run: Callable[[], Any]
    ) -> Any:
        """Run the gradient function of one operation, and look at what it made."""
        operation = self._looked_up(name, inputs, outputs, tensors(upstream))
        self._inside.append(operation)
        try:
            results = run()
        finally:
            self._inside.pop()
        found = tensors(results)
        self._lead(operation, found)
        outer = self._inside[-1] if self._inside else None
        if outer is None:
            self.passed(operation, [*tensors(inputs), *tensors(outputs)], tensors(upstream), found)
        return results

    def _lead(self, operation: Operation, found: Sequence[Any]) -> None:
        """Note what the gradients found are the gradients of."""
        for number, one in zip(operation.inputs, found, strict=False):
            if one is not None:
                self._towards[one._id] = self._towards.get(one._id, frozenset()) | {number}  # noqa: SLF001
        self._done.add(id(operation))

    def _looked_up(
        self, name: str, inputs: Sequence[Any], outputs: Sequence[Any], upstream: Sequence[Any]
    ) -> Operation:
        """The operation that is differentiated, by its outputs, its inputs, and what the gradient is the gradient of.

        TensorFlow gives of both only those that the derivative needs.
        """
        made = [self._made.get(one._id) for one in outputs if _eager(one)]  # noqa: SLF001
        if made and made[0] is not None:
            return made[0]
        led = [
            operation
            for one in upstream
            if one is not None
            for number in self._towards.get(one._id, ())  # noqa: SLF001
            if (operation := self._made.get(number)) is not None and operation.name == name
        ]
        used = [
            self._users.get((name, position, one._id), [])  # noqa: SLF001
            for position, one in enumerate(inputs)
            if _eager(one)
        ]
        common = [one for one in (used[0] if used else led) if all(one in row for row in used)] or led
        both = [one for one in common if one in led] or common or self._named.get(name, [])[::-1]
        left = [one for one in reversed(both) if id(one) not in self._done] or both
        return left[0] if left else Operation(name, ("", 0, ""), (), (), False, ())

    def custom(self, name: str, outputs: Any, inputs: Any, backward: Callable[..., Any]) -> Callable[..., Any]:
        """The user's own gradient function, watched."""
        where = self._place(sys._getframe(2)) or ("", 0, "")  # noqa: SLF001  # the way to a caller
        kept = [one for one in inputs if _eager(one)]
        operation = self._noted(name, where, kept, [one for one in outputs if _eager(one)], backward=False)
        return functools.partial(_custom, self, operation, backward)

    def within(self, operation: Operation, upstream: Sequence[Any], run: Callable[[], Any]) -> Any:
        """Run the gradient function that ``tf.custom_gradient`` was given for ``operation``."""
        self._inside.append(None)
        self._customs.append(operation)
        try:
            results = run()
        finally:
            self._inside.pop()
            self._customs.pop()
        found = tensors(results)
        self._lead(operation, found)
        self.passed(operation, [], tensors(upstream), found)
        return results

    def went_back(self, sources: Sequence[Any], run: Callable[[], Any]) -> Any:
        """A backward pass, to the tensors and the variables' handles in ``sources``."""
        if not self.backwards:
            self._done, self._stale = set(), True
        self.backwards += 1
        inside, self._inside = self._inside, []
        try:
            found = run()
        finally:
            self.backwards -= 1
            self._inside = inside
        if not self.backwards:
            for source, gradient in zip(sources, tensors(found), strict=True):
                if gradient is not None:
                    self._gradients.setdefault(source._id, []).append(gradient)  # noqa: SLF001
        return found


def _same(one: Any) -> Any:
    return one


def _size(one: Any) -> int:
    return int(one.shape.num_elements() or 0)


class _Doors:
    """The places of TensorFlow that are replaced while anyone watches, in whichever thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._watching: list[Passing] = []
        self._gradient = backprop._gradient_function  # noqa: SLF001  # what TensorFlow registers itself
        self._backward, self._record = imperative_grad.imperative_grad, record.record_operation

    def open_here(self) -> list[Passing]:
        """Those that watch this thread, the innermost last."""
        here = threading.get_ident()
        return [one for one in self._watching if one._thread == here]  # noqa: SLF001

    def open(self, one: Passing) -> None:
        with self._lock:
            if not self._watching:
                self._backward, self._record = imperative_grad.imperative_grad, record.record_operation
                pywrap_tfe.TFE_Py_RegisterGradientFunction(_gradient_function)
                imperative_grad.imperative_grad = _imperative_grad
                record.record_operation = _record_operation
            self._watching.append(one)

    def close(self, one: Passing) -> None:
        with self._lock:
            self._watching.remove(one)
            if self._watching:
                execute.execute = execute.execute_with_callbacks  # which the thread that leaves has taken away
                return
            pywrap_tfe.TFE_Py_RegisterGradientFunction(self._gradient)
            imperative_grad.imperative_grad = self._backward
            record.record_operation = self._record

    def gradient(self, *given: Any) -> Any:
        return self._gradient(*given)

    def backward(self, *given: Any, **named: Any) -> Any:
        return self._backward(*given, **named)

    def record(self, *given: Any, **named: Any) -> Any:
        return self._record(*given, **named)


_doors = _Doors()


def _gradient_function(name: str, attrs: Any, count: int, inputs: Any, outputs: Any, upstream: Any, *rest: Any) -> Any:
    run = functools.partial(_doors.gradient, name, attrs, count, inputs, outputs, upstream, *rest)
    if tf.executing_eagerly():
        for one in _doors.open_here():
            run = functools.partial(one.differentiated, name, inputs or (), outputs or (), upstream, run)
    return run()


def _imperative_grad(tape: Any, target: Any, sources: Any, *given: Any, **named: Any) -> Any:
    run = functools.partial(_doors.backward, tape, target, sources, *given, **named)
    for one in _doors.open_here():
        run = functools.partial(one.went_back, sources, run)
    return run()


def _record_operation(name: str, outputs: Any, inputs: Any, backward: Any, forward: Any = None) -> Any:
    if tf.executing_eagerly():
        for one in _doors.open_here():
            backward = one.custom(name, outputs, inputs, backward)
    return _doors.record(name, outputs, inputs, backward, forward)


def _custom(one: Passing, operation: Operation, backward: Callable[..., Any], *upstream: Any) -> Any:
    run = functools.partial(backward, *upstream)
    return one.within(operation, upstream, run) if one in _doors.open_here() else run()


_ENDS = frozenset({_imperative_grad.__code__, _custom.__code__})
"""Above these stands the line that asks for the gradient, which is not that of the operations inside."""
