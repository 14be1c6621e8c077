"""Where the numbers of a tensor leave TensorFlow: its own methods that hand them out, and NumPy's functions."""

from __future__ import annotations

import dis
import functools
import sys
from collections.abc import Callable, Sequence
from types import FrameType
from typing import Any

import numpy as np
from tensorflow.python.framework.ops import EagerTensor

from gradtool.witness.causes.patches import Patches, put
from gradtool.witness.model.user_file import ROOT
from gradtool.witness.tensorflow.causes.listeners import Listener

__all__ = ["install"]

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

Here = Callable[[], Sequence[Listener]]
"""Those who listen on this thread."""


def install(patches: Patches[Listener]) -> None:
    """Patch everything by which numbers leave."""
    for name, kind in METHODS.items():
        patches.replace(EagerTensor, name, functools.partial(_method, patches.here, name, kind))
    for name in NUMPY:
        patches.replace(np, name, functools.partial(_array, patches.here, name))
    put(patches.undo, EagerTensor, "__array_ufunc__", _ufunc(patches.here))
    put(patches.undo, EagerTensor, "__array_function__", _function(patches.here))


def _leave(
    listeners: Sequence[Listener], tensors: Sequence[Any], kind: str, told: str, value: Any, frame: FrameType
) -> None:
    name = frame.f_code.co_filename
    if not listeners or name.startswith(ROOT) or name.endswith(_PRIVATE):
        return
    if name.endswith("script_ops.py"):
        kind, told = "left", "tf.numpy_function"
    for listener in listeners:
        listener.left(tensors, kind, told, value, frame)


def _method(here: Here, name: str, kind: str, own: Callable[..., Any]) -> Callable[..., Any]:
    told = f"{name.strip('_')}()" if name.startswith("__") else f".{name}()"

    @functools.wraps(own)
    def method(tensor: Any, *args: Any, **kwargs: Any) -> Any:
        value = own(tensor, *args, **kwargs)
        _leave(here(), [tensor], kind, told, None if name == "__bool__" else value, sys._getframe(1))  # noqa: SLF001  # the documented way to a caller
        return value

    return method


def _array(here: Here, name: str, own: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(own)
    def array(*args: Any, **kwargs: Any) -> Any:
        found = own(*args, **kwargs)
        listeners = here()
        if listeners and args and (tensors := _tensors(args[0])):
            _leave(listeners, tensors, "numpy", f"np.{name}", found, sys._getframe(1))  # noqa: SLF001
        return found

    return array


def _tensors(value: Any) -> list[Any]:
    """The tensors in a value, or in a list of them."""
    parts = [value] if isinstance(value, EagerTensor) else value if isinstance(value, list | tuple) else ()
    return [part for part in parts if isinstance(part, EagerTensor)]


def _ufunc(here: Here) -> Callable[..., Any]:
    def ufunc_of(tensor: Any, ufunc: Any, method: str, *inputs: Any, **kwargs: Any) -> Any:
        """A ufunc of a tensor. Behind an operator the tensor has the word, as it has where nobody listens."""
        frame, name = sys._getframe(1), ufunc.__name__  # noqa: SLF001
        if method == "__call__" and name in REFLECTED and inputs[0] is not tensor and not _called(ufunc, frame):
            return getattr(tensor, REFLECTED[name])(inputs[0])
        tensors = [one for one in inputs if isinstance(one, EagerTensor)]
        numbers = (one._numpy() if isinstance(one, EagerTensor) else one for one in inputs)  # noqa: SLF001  # nobody is told
        value = getattr(ufunc, method)(*numbers, **kwargs)
        _leave(here(), tensors, "left", f"np.{name}", value, frame)
        return value

    return ufunc_of


def _called(ufunc: Any, frame: FrameType) -> bool:
    """Whether the caller called the ufunc by its name, and wrote no operator."""
    code = frame.f_code
    return dis.opname[code.co_code[frame.f_lasti]].startswith("CALL") and ufunc.__name__ in code.co_names


def _function(here: Here) -> Callable[..., Any]:
    def function_of(_tensor: Any, function: Any, _types: Any, args: Any, kwargs: Any) -> Any:
        """Any other function of NumPy's that is given a tensor."""
        value = function._implementation(*args, **kwargs)  # noqa: SLF001  # what NumPy itself runs where nobody listens
        tensors = [one for part in (*args, *kwargs.values()) for one in _tensors(part)]
        _leave(here(), tensors, "left", f"np.{function.__name__}", value, sys._getframe(1))  # noqa: SLF001
        return value

    return function_of
