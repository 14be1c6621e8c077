"""What is told of what TensorFlow does: of operations by its own callbacks, of all else by patches of ours."""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from types import FrameType
from typing import Any, Protocol

from tensorflow.python.eager import execute, record  # no public way to these
from tensorflow.python.framework import op_callbacks

from gradtool.witness.causes.patches import Patches

__all__ = ["Listener", "hearing", "recording"]


class Listener(Protocol):
    """Told of everything on the thread on which it listens."""

    def left(self, tensors: Sequence[Any], kind: str, operation: str, value: Any, frame: FrameType) -> None:
        """Numbers of ``tensors`` went out as ``value``, None where they only decide something."""

    def entered(self, value: Any, tensor: Any, frame: FrameType) -> None:
        """``value`` became the new ``tensor``."""

    def read(self, variable: Any) -> None:
        """A compiled call is about to read a variable."""

    def recorded(self, operation: str, inputs: Sequence[Any], outputs: Sequence[Any], frame: FrameType) -> None:
        """A tape was told that the gradient of ``outputs`` goes to ``inputs``."""

    def late(self, outputs: Sequence[Any]) -> None:
        """The tapes have been told of the operation that made ``outputs``, after the callbacks."""

    def opened_tape(self, frame: FrameType) -> None:
        """A tape begins to record."""

    def paused_tape(self, *, paused: bool) -> None:
        """A tape stops recording for a while, or goes on."""


_lock = threading.Lock()
_hearers = 0


@contextmanager
def hearing(callback: Callable[..., Any]) -> Iterator[None]:
    """A time in which ``callback`` is told of every operation that this thread runs."""
    global _hearers  # noqa: PLW0603  # one switch of TensorFlow's serves all threads
    with _lock:
        op_callbacks.add_op_callback(callback)
        _hearers += 1
    try:
        yield
    finally:
        with _lock:
            _hearers -= 1
            op_callbacks.remove_op_callback(callback)
            if _hearers:  # the last callback of one thread has made those of all others deaf
                execute.execute = execute.execute_with_callbacks


def recording(around: Callable[..., Any]) -> AbstractContextManager[None]:
    """A time in which gradients that are recorded apart from operations (``tf.custom_gradient``) go through ``around``.

    That is given what records, or the next of them, then the operation's name, its outputs, inputs and gradient
    function. It is one patch for listeners of all kinds, since they leave in whatever order.
    """
    return _RECORDING.on(around)


def _record_operation(
    own: Callable[..., Any],
    op_type: str,
    output_tensors: Any,
    input_tensors: Any,
    backward_function: Any,
    forward_function: Any = None,
) -> Any:
    run = own
    for around in _RECORDING.here():
        run = functools.partial(around, run)
    return run(op_type, output_tensors, input_tensors, backward_function, forward_function)


_RECORDING: Patches[Callable[..., Any]] = Patches(
    lambda patches: patches.replace(record, "record_operation", lambda own: functools.partial(_record_operation, own))
)
