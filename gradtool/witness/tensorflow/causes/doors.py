"""Where numbers go in and out of TensorFlow without an operation: patched while somebody listens, on any thread.

TensorFlow's callbacks tell of operations and of nothing else. ``.numpy()``, ``float()``, NumPy's functions, which read
a tensor's memory, the variables that a compiled call reads by itself, and gradients that are recorded apart from
the operation (``tf.custom_gradient``) are seen here. A listener hears its own thread only.
"""

from __future__ import annotations

import contextlib
import dis
import functools
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from types import FrameType
from typing import Any, Protocol

import numpy as np
from tensorflow.python.eager import execute, record, tape
from tensorflow.python.framework import constant_op, ops
from tensorflow.python.ops import resource_variable_ops

from gradtool.witness.model.user_file import ROOT

__all__ = ["Listener", "anybody", "listening"]

METHODS = {
    "numpy": "numpy",
    "__array__": "numpy",
    "__float__": "float",
    "__int__": "float",
    "__index__": "float",
    "__complex__": "float",
    "__bool__": "float",
    "__dlpack__": "left",
}
"""Methods of a tensor that hand out its numbers, and the kind of that."""
NUMPY = ("array", "asarray", "asanyarray", "ascontiguousarray")
"""NumPy's functions that read a tensor's memory and ask nobody."""
REFLECTED = {
    "add": "__radd__", "subtract": "__rsub__", "multiply": "__rmul__", "divide": "__rtruediv__",
    "floor_divide": "__rfloordiv__", "remainder": "__rmod__", "power": "__rpow__", "matmul": "__rmatmul__",
    "less": "__gt__", "less_equal": "__ge__", "greater": "__lt__", "greater_equal": "__le__",
    "equal": "__eq__", "not_equal": "__ne__", "bitwise_and": "__rand__", "bitwise_or": "__ror__",
}  # fmt: skip
"""What Python asks a tensor for where a NumPy array stands on the left of an operator."""
_PRIVATE = ("/tensor_util.py", "/framework/ops.py")
"""Files of TensorFlow that look at a tensor's numbers for themselves, as at those of a shape."""


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


_here = threading.local()
_lock = threading.Lock()
_patches = ExitStack()
_listeners = 0


@contextlib.contextmanager
def listening(listener: Listener) -> Iterator[None]:
    """A time in which ``listener`` is told; listeners may be nested, and listen on several threads at once."""
    global _listeners  # noqa: PLW0603  # one set of patches serves all
    with _lock:
        if not _listeners:
            _patch()
        _listeners += 1
    stack = _stack()
    stack.append(listener)
    try:
        yield
    finally:
        stack.remove(listener)
        with _lock:
            _listeners -= 1
            if not _listeners:
                _patches.close()


def anybody() -> bool:
    """Whether somebody listens, on whatever thread."""
    return _listeners > 0


def _stack() -> list[Listener]:
    if not hasattr(_here, "listeners"):
        _here.listeners = []
    found: list[Listener] = _here.listeners
    return found


def _replace(place: Any, name: str, new: Any) -> None:
    there, own = name in vars(place), getattr(place, name, None)
    setattr(place, name, new)
    undo = functools.partial(setattr, place, name, own) if there else functools.partial(delattr, place, name)
    _patches.callback(undo)


def _patch() -> None:
    for name, kind in METHODS.items():
        _replace(ops.EagerTensor, name, _method(name, kind, getattr(ops.EagerTensor, name)))
    for name in NUMPY:
        _replace(np, name, _array(name, getattr(np, name)))
    _replace(ops.EagerTensor, "__array_ufunc__", _ufunc)
    _replace(ops.EagerTensor, "__array_function__", _function)
    _replace(constant_op, "convert_to_eager_tensor", _convert(constant_op.convert_to_eager_tensor))
    _replace(resource_variable_ops.BaseResourceVariable, "_handle", _Handle())
    _replace(record, "record_operation", _record(record.record_operation))
    _replace(tape, "push_new_tape", _push(tape.push_new_tape))
    _replace(tape, "pop_tape", _pause(tape.pop_tape, paused=True))
    _replace(tape, "push_tape", _pause(tape.push_tape, paused=False))
    _replace(execute, "record_gradient", _record_gradient(execute.record_gradient))


def _method(name: str, kind: str, own: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(own)
    def method(tensor: Any, *args: Any, **kwargs: Any) -> Any:
        value = own(tensor, *args, **kwargs)
        told = f"{name.strip('_')}()" if name.startswith("__") else f".{name}()"
        _leave([tensor], kind, told, None if name == "__bool__" else value, sys._getframe(1))  # noqa: SLF001  # the documented way to a caller
        return value

    return method


def _leave(tensors: Sequence[Any], kind: str, told: str, value: Any, frame: FrameType) -> None:
    name = frame.f_code.co_filename
    if not _stack() or name.startswith(ROOT) or name.endswith(_PRIVATE):
        return
    if name.endswith("script_ops.py"):
        kind, told = "left", "tf.numpy_function"
    for listener in _stack():
        listener.left(tensors, kind, told, value, frame)


def _array(name: str, own: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(own)
    def array(*args: Any, **kwargs: Any) -> Any:
        found = own(*args, **kwargs)
        if _stack() and args:
            tensors = _tensors(args[0])
            if tensors:
                _leave(tensors, "numpy", f"np.{name}", found, sys._getframe(1))  # noqa: SLF001
        return found

    return array


def _tensors(value: Any) -> list[Any]:
    """The tensors in a value, or in a list of them."""
    parts = [value] if isinstance(value, ops.EagerTensor) else value if isinstance(value, list | tuple) else ()
    return [part for part in parts if isinstance(part, ops.EagerTensor)]


def _ufunc(tensor: Any, ufunc: Any, method: str, *inputs: Any, **kwargs: Any) -> Any:
    """A ufunc of a tensor. Behind an operator the tensor has the word, as it has where nobody listens."""
    frame = sys._getframe(1)  # noqa: SLF001
    if method == "__call__" and ufunc.__name__ in REFLECTED and inputs[0] is not tensor and not _called(ufunc, frame):
        return getattr(tensor, REFLECTED[ufunc.__name__])(inputs[0])
    tensors = [one for one in inputs if isinstance(one, ops.EagerTensor)]
    numbers = (one._numpy() if isinstance(one, ops.EagerTensor) else one for one in inputs)  # noqa: SLF001  # nobody is told
    value = getattr(ufunc, method)(*numbers, **kwargs)
    _leave(tensors, "left", f"np.{ufunc.__name__}", value, frame)
    return value


def _called(ufunc: Any, frame: FrameType) -> bool:
    """Whether the caller called the ufunc by its name, and wrote no operator."""
    code = frame.f_code
    return dis.opname[code.co_code[frame.f_lasti]].startswith("CALL") and ufunc.__name__ in code.co_names


def _function(_tensor: Any, function: Any, _types: Any, args: Any, kwargs: Any) -> Any:
    """Any other function of NumPy's that is given a tensor."""
    value = function._implementation(*args, **kwargs)  # noqa: SLF001  # what NumPy itself runs where nobody listens
    tensors = [one for part in (*args, *kwargs.values()) for one in _tensors(part)]
    _leave(tensors, "left", f"np.{function.__name__}", value, sys._getframe(1))  # noqa: SLF001
    return value


def _convert(own: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(own)
    def convert_to_eager_tensor(value: Any, *args: Any, **kwargs: Any) -> Any:
        tensor = own(value, *args, **kwargs)
        if tensor is not value:
            for listener in _stack():
                listener.entered(value, tensor, sys._getframe(1))  # noqa: SLF001
        return tensor

    return convert_to_eager_tensor


class _Handle:
    """Stands before the attribute in which a variable keeps its handle: a compiled call takes it from there."""

    def __get__(self, variable: Any, kind: type | None = None) -> Any:
        if variable is None:
            return self
        if _stack() and "/gen_" in sys._getframe(1).f_code.co_filename:  # noqa: SLF001
            for listener in _stack():
                listener.read(variable)
        try:
            return vars(variable)["_handle"]
        except KeyError:
            raise AttributeError("_handle") from None

    def __set__(self, variable: Any, value: Any) -> None:
        vars(variable)["_handle"] = value


def _record(own: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(own)
    def record_operation(name: Any, outputs: Any, inputs: Any, *args: Any, **kwargs: Any) -> Any:
        done = own(name, outputs, inputs, *args, **kwargs)
        for listener in _stack():
            listener.recorded(str(name), inputs, outputs, sys._getframe(1))  # noqa: SLF001
        return done

    return record_operation


def _record_gradient(own: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(own)
    def record_gradient(name: Any, inputs: Any, attrs: Any, outputs: Any) -> Any:
        done = own(name, inputs, attrs, outputs)
        for listener in _stack():
            listener.late(outputs)
        return done

    return record_gradient


def _push(own: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(own)
    def push_new_tape(*args: Any, **kwargs: Any) -> Any:
        for listener in _stack():
            listener.opened_tape(sys._getframe(1))  # noqa: SLF001
        return own(*args, **kwargs)

    return push_new_tape


def _pause(own: Callable[..., Any], *, paused: bool) -> Callable[..., Any]:
    @functools.wraps(own)
    def moved(*args: Any, **kwargs: Any) -> Any:
        caller = sys._getframe(1).f_back  # noqa: SLF001  # behind GradientTape._pop_tape
        if not paused or (caller is not None and caller.f_code.co_name == "stop_recording"):
            for listener in _stack():
                listener.paused_tape(paused=paused)
        return own(*args, **kwargs)

    return moved
