"""Looks on at every operation that TensorFlow runs eagerly, and on the way back at the gradient of each of them."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, ExitStack, nullcontext
from types import TracebackType
from typing import Any, Self

from tensorflow.python import pywrap_tfe  # no public way to these
from tensorflow.python.autograph.core import ag_ctx

from gradtool.witness.causes.lines import NOWHERE, Spot
from gradtool.witness.tensorflow.causes.differentiation import ENDS, watching
from gradtool.witness.tensorflow.causes.history import History, Operation, is_eager, tensors
from gradtool.witness.tensorflow.causes.listeners import hearing
from gradtool.witness.tensorflow.causes.places import place
from gradtool.witness.tensorflow.model.sources import Sources

__all__ = ["Passing"]


class Passing:
    """A context in which this thread's operations are seen: subclasses say what is to be learnt from them.

    It may be entered inside another, and in several threads at once; the last one out leaves TensorFlow as it was.
    """

    def __init__(self, sources: Sources | None = None) -> None:
        self.sources = Sources() if sources is None else sources
        self.history = History()
        self.backwards = 0
        """How many backward passes, one inside another, are going on."""
        self._on = ExitStack()
        self._inside: list[Operation | None] = []
        """The operations whose gradient is being taken; None for one of ``tf.custom_gradient``."""
        self._customs: list[Operation] = []
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
        with ExitStack() as stack:
            stack.enter_context(watching(self))
            stack.enter_context(hearing(self._called))
            # AutoGraph would run a copy of the user's code, from a file of its own.
            stack.enter_context(ag_ctx.ControlStatusCtx(ag_ctx.Status.DISABLED))
            self._on = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._on.close()

    def restart(self) -> None:
        """Forget the operations and the gradients: another iteration begins."""
        self.history, self._stale = History(), False

    def backward(self, losses: Sequence[Any]) -> AbstractContextManager[None]:
        """The time in which a gradient of ``losses`` is taken."""
        del losses
        return nullcontext()

    # ---- operations, by TensorFlow's callbacks

    def _called(self, name: Any, inputs: Any, attrs: Any, outputs: Any, op_name: Any = None, graph: Any = None) -> None:
        del attrs, op_name
        if self._busy or graph is not None or not all(map(is_eager, outputs)):
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
            self.mixed(self.history.between(name, inputs, outputs), inputs, outputs)
            return
        if where is None:
            within = self._customs[-1] if self._customs else None  # the gradient function is TensorFlow's own
            where = within.place if within else NOWHERE
        backward = within is not None or (self.backwards > 0 and not taped)
        operation = self.history.note(name, where, inputs, outputs, backward=backward, taped=taped)
        self.ran(operation, inputs, outputs, within)

    def _place(self, frame: Any) -> Spot | None:
        return place(frame, self.sources, ENDS if self.backwards else ())

    # ---- the way back, by patches

    def went_back(self, sources: Sequence[Any], run: Callable[[], Any]) -> Any:
        """A backward pass, to the tensors and the variables' handles in ``sources``."""
        if not self.backwards:
            self.history.starts_backward()
            self._stale = True
        self.backwards += 1
        inside, self._inside = self._inside, []
        try:
            found = run()
        finally:
            self.backwards -= 1
            self._inside = inside
        if not self.backwards:
            self.history.asked(sources, tensors(found))
        return found

    def differentiated(
        self, name: str, inputs: Sequence[Any], outputs: Sequence[Any], upstream: Any, run: Callable[[], Any]
    ) -> Any:
        """Run the gradient function of one operation, and look at what it made."""
        operation = self.history.differentiated(name, inputs, outputs, tensors(upstream))
        self._inside.append(operation)
        try:
            results = run()
        finally:
            self._inside.pop()
        found = tensors(results)
        self.history.passed(operation, found)
        if not self._inside or self._inside[-1] is None:
            self.passed(operation, [*tensors(inputs), *tensors(outputs)], tensors(upstream), found)
        return results

    def custom(self, name: str, outputs: Any, inputs: Any) -> Operation:
        """What has the user's own gradient function ran."""
        where = self._place(sys._getframe(2)) or NOWHERE  # noqa: SLF001  # the way to a caller
        given, made = ([one for one in part if is_eager(one)] for part in (inputs, outputs))
        return self.history.note(name, where, given, made, backward=False, taped=self._taped)

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
        self.history.passed(operation, found)
        self.passed(operation, [], tensors(upstream), found)
        return results
