"""Where numbers go in and out of TensorFlow without an operation: patched while somebody listens, on any thread.

TensorFlow's callbacks tell of operations and of nothing else. What hands numbers out, tensors made of numbers, the
variables that a compiled call reads by itself, and gradients that are recorded apart from the operation
(``tf.custom_gradient``) are seen here. A listener hears its own thread only.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from tensorflow.python.eager import execute, tape
from tensorflow.python.framework import constant_op
from tensorflow.python.ops.resource_variable_ops import BaseResourceVariable

from gradtool.witness.causes.patches import Patches, put
from gradtool.witness.tensorflow.causes import leaving
from gradtool.witness.tensorflow.causes.listeners import Listener, recording

__all__ = ["listening"]


@contextmanager
def listening(listener: Listener) -> Iterator[None]:
    """A time in which ``listener`` is told; listeners may be nested, and listen on several threads at once."""
    with _PATCHES.on(listener), recording(functools.partial(_recorded, listener)):
        yield


def _install(patches: Patches[Listener]) -> None:
    leaving.install(patches)
    patches.replace(constant_op, "convert_to_eager_tensor", _convert)
    put(patches.undo, BaseResourceVariable, "_handle", _Handle())
    patches.replace(tape, "push_new_tape", _push)
    patches.replace(tape, "pop_tape", functools.partial(_pause, paused=True))
    patches.replace(tape, "push_tape", functools.partial(_pause, paused=False))
    patches.replace(execute, "record_gradient", _record_gradient)


_PATCHES = Patches(_install)


def _convert(own: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(own)
    def convert_to_eager_tensor(value: Any, *args: Any, **kwargs: Any) -> Any:
        tensor = own(value, *args, **kwargs)
        if tensor is not value:
            for listener in _PATCHES.here():
                listener.entered(value, tensor, sys._getframe(1))  # noqa: SLF001  # the documented way to a caller
        return tensor

    return convert_to_eager_tensor


class _Handle:
    """Stands before the attribute in which a variable keeps its handle: a compiled call takes it from there."""

    def __get__(self, variable: Any, kind: type | None = None) -> Any:
        if variable is None:
            return self
        listeners = _PATCHES.here()
        if listeners and "/gen_" in sys._getframe(1).f_code.co_filename:  # noqa: SLF001
            for listener in listeners:
                listener.read(variable)
        try:
            return vars(variable)["_handle"]
        except KeyError:
            raise AttributeError("_handle") from None

    def __set__(self, variable: Any, value: Any) -> None:
        vars(variable)["_handle"] = value


def _recorded(listener: Listener, run: Callable[..., Any], name: Any, outputs: Any, inputs: Any, *rest: Any) -> Any:
    done = run(name, outputs, inputs, *rest)
    listener.recorded(str(name), inputs, outputs, sys._getframe(1))  # noqa: SLF001
    return done


def _record_gradient(own: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(own)
    def record_gradient(name: Any, inputs: Any, attrs: Any, outputs: Any) -> Any:
        done = own(name, inputs, attrs, outputs)
        for listener in _PATCHES.here():
            listener.late(outputs)
        return done

    return record_gradient


def _push(own: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(own)
    def push_new_tape(*args: Any, **kwargs: Any) -> Any:
        for listener in _PATCHES.here():
            listener.opened_tape(sys._getframe(1))  # noqa: SLF001
        return own(*args, **kwargs)

    return push_new_tape


def _pause(own: Callable[..., Any], *, paused: bool) -> Callable[..., Any]:
    @functools.wraps(own)
    def moved(*args: Any, **kwargs: Any) -> Any:
        caller = sys._getframe(1).f_back  # noqa: SLF001  # behind GradientTape._pop_tape
        if not paused or (caller is not None and caller.f_code.co_name == "stop_recording"):
            for listener in _PATCHES.here():
                listener.paused_tape(paused=paused)
        return own(*args, **kwargs)

    return moved
