"""A TensorFlow function as expressions: symbolic values that TensorFlow's dispatch hands over to.

TensorFlow asks its global dispatchers where a function of its own has failed on its arguments, innermost function
first. So what the table does not have is refused with a TypeError, and the function around it is asked next: a row if
it is one (tf.reduce_logsumexp around tf.stop_gradient), otherwise refused under its own name.
"""

from __future__ import annotations

import functools
import inspect
import operator
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from types import MappingProxyType
from typing import Any, NoReturn

import numpy as np
import tensorflow as tf
from tensorflow.python.ops import custom_gradient

from gradtool.values import Shape
from gradtool.witness.callable.part import Part
from gradtool.witness.callable.recorder import Recorder, Untraceable
from gradtool.witness.callable.spelling import Spelling, found
from gradtool.witness.callable.symbol import Symbol
from gradtool.witness.callable.traced import NotTraced, Traced, run
from gradtool.witness.tensorflow.callable.spellings import SPELLINGS

__all__ = ["spellings", "traced"]


def traced(
    function: Callable[..., Any],
    inputs: Mapping[str, Shape],
    fixed: Mapping[str, Any] | None = None,
    dtype: Any = tf.float64,
) -> Traced | NotTraced:
    """``function`` as one expression for each of its differentiable outputs, or why it is none.

    A function under ``tf.custom_gradient`` is the value that it gives, whatever its gradient function says; so is each
    call of such a one inside a function. A ``tf.function`` is the Python that it was made of. ``inputs`` are the
    shapes of the arguments that are differentiated, ``fixed`` all other arguments, ``dtype`` is what ``x.dtype`` says.
    The function is called twice; compare the trace with its numbers (``witness.callable.traced.disagreement``).
    """

    def symbol(recorder: Recorder, part: Part) -> Symbol:
        return TensorFlowSymbol(recorder, part, tf.as_dtype(dtype))

    _dispatched()
    with _patched():
        called = getattr(function, "python_function", function)
        return run(called, inputs, fixed or {}, lambda: Recorder(symbol, _array))


class TensorFlowSymbol(Symbol):
    """A symbolic value with the attributes of a tensor."""

    def __init__(self, recorder: Recorder, part: Part, dtype: Any) -> None:
        super().__init__(recorder, part)
        self.dtype = tf.bool if part.logical else dtype
        self.own = dtype

    @property
    def shape(self) -> Any:
        """The lengths of the axes."""
        return tf.TensorShape(self.part.shape)

    @property
    def ndim(self) -> int:
        """How many axes there are."""
        return len(self.part.shape)

    def get_shape(self) -> Any:
        """The lengths of the axes."""
        return self.shape

    def numpy(self) -> NoReturn:
        """Refused: the numbers are not known."""
        raise Untraceable("asks for the number that a value is: x.numpy()")


class _Dispatcher(tf.__internal__.dispatch.GlobalOpDispatcher):  # type: ignore[misc]  # TensorFlow has no types
    """What TensorFlow asks where a function of its own does not take an argument."""

    def handle(self, op: Any, args: Any, kwargs: Any) -> Any:
        """The row of the table; raises Untraceable where there is none."""
        recorder = next(_recorders((*args, *kwargs.values())), None)
        if recorder is None:
            return self.NOT_SUPPORTED
        known = _by_function().get(inspect.unwrap(op))
        if known is None:
            raise Untraceable(f"calls {_name(op)}, which the table does not have")
        return known.meant(recorder, args, {name: value for name, value in kwargs.items() if name != "name"})


@functools.cache
def _dispatched() -> None:
    """Once in a process: there is no way to take a dispatcher back. It has no say without a symbolic value."""
    _Dispatcher().register()


@functools.cache
def spellings() -> dict[str, Spelling]:
    """Every call that is a row of the table, by its dotted name."""
    return found("tensorflow", _parameters, SPELLINGS)


@functools.cache
def _by_function() -> dict[Any, Spelling]:
    table = {}
    for name, known in spellings().items():
        function = _function(name)
        if function is not None:
            table[function] = known
    return table


def _function(name: str) -> Any:
    """What stands behind TensorFlow's decorators; None where this TensorFlow has no such function."""
    try:
        return inspect.unwrap(operator.attrgetter(name.removeprefix("tf."))(tf))
    except AttributeError:
        return None


def _parameters(name: str) -> Mapping[str, Any] | None:
    function = _function(name)
    if function is None:
        return None
    known = inspect.signature(function).parameters.values()
    return MappingProxyType({one.name: one.default for one in known if one.name != "name"})


def _name(function: Any) -> str:
    """What people call a function: its public name, the shortest of several."""
    names = getattr(inspect.unwrap(function), "_tf_api_names", None) or ()
    return f"tf.{min(names, key=len)}" if names else f"TensorFlow's {getattr(function, '__name__', 'function')}"


def _recorders(values: Any) -> Iterator[Recorder]:
    for value in values:
        if isinstance(value, Symbol):
            yield value.recorder
        elif isinstance(value, list | tuple):
            yield from _recorders(value)


def _array(value: Any) -> Any:
    if isinstance(value, tf.Variable):
        value = value.read_value()
    if not isinstance(value, tf.Tensor) or not hasattr(value, "numpy"):
        return None
    if value.dtype.is_complex:
        raise Untraceable("calculates with complex numbers")
    return np.asarray(value.numpy(), dtype=np.float64) if value.dtype.is_floating else np.asarray(value.numpy())


@contextmanager
def _patched() -> Iterator[None]:
    """Custom gradients give their value alone, and tf.experimental.numpy, which is not dispatched, is asked first."""
    native = custom_gradient._eager_mode_decorator  # noqa: SLF001  # where every custom gradient goes through
    custom_gradient._eager_mode_decorator = functools.partial(_value_alone, native)  # noqa: SLF001
    numpy, kept = tf.experimental.numpy, {}
    for name, known in spellings().items():
        module, _, last = name.rpartition(".")
        if module == "tf.experimental.numpy":
            kept[last] = getattr(numpy, last)
            setattr(numpy, last, functools.partial(_meant, known, kept[last]))
    try:
        yield
    finally:
        custom_gradient._eager_mode_decorator = native  # noqa: SLF001
        for name, function in kept.items():
            setattr(numpy, name, function)


def _value_alone(native: Callable[..., Any], function: Callable[..., Any], args: Any, kwargs: Any) -> Any:
    recorder = next(_recorders((*args, *kwargs.values())), None)
    if recorder is None:
        return native(function, args, kwargs)
    before, recorder.forward_only = recorder.forward_only, True
    try:
        return function(*args, **kwargs)[0]
    finally:
        recorder.forward_only = before


def _meant(known: Spelling, native: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    recorder = next(_recorders((*args, *kwargs.values())), None)
    return native(*args, **kwargs) if recorder is None else known.meant(recorder, args, kwargs)
