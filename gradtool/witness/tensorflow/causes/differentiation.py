"""TensorFlow's way back, patched while anybody looks on.

That is a backward pass, the gradient of each operation in it, and the functions of ``tf.custom_gradient``.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Protocol

import tensorflow as tf
from tensorflow.python import pywrap_tfe  # no public way to these
from tensorflow.python.eager import backprop, imperative_grad

from gradtool.witness.causes.patches import Patches
from gradtool.witness.tensorflow.causes.history import Operation
from gradtool.witness.tensorflow.causes.listeners import recording

__all__ = ["ENDS", "Watcher", "watching"]


class Watcher(Protocol):
    """Runs each step of the way back itself, as ``run`` does, on the thread on which it watches."""

    def went_back(self, sources: Sequence[Any], run: Callable[[], Any]) -> Any:
        """A backward pass, to the tensors and the variables' handles in ``sources``."""

    def differentiated(
        self, name: str, inputs: Sequence[Any], outputs: Sequence[Any], upstream: Any, run: Callable[[], Any]
    ) -> Any:
        """The gradient function of one operation; of its inputs and outputs those that this needs."""

    def custom(self, name: str, outputs: Any, inputs: Any) -> Operation:
        """What has the user's own gradient function ran; the operation that it is for the watcher."""

    def within(self, operation: Operation, upstream: Sequence[Any], run: Callable[[], Any]) -> Any:
        """The gradient function that ``tf.custom_gradient`` was given for ``operation``."""


@contextmanager
def watching(one: Watcher) -> Iterator[None]:
    """A time in which ``one`` is called."""
    with _PATCHES.on(one), recording(functools.partial(_recorded, one)):
        yield


def _install(patches: Patches[Watcher]) -> None:
    pywrap_tfe.TFE_Py_RegisterGradientFunction(_gradient_function)
    own = backprop._gradient_function  # noqa: SLF001  # what TensorFlow registers itself
    patches.undo.callback(pywrap_tfe.TFE_Py_RegisterGradientFunction, own)
    patches.replace(imperative_grad, "imperative_grad", lambda own: functools.partial(_imperative_grad, own))


_PATCHES = Patches(_install)


def _gradient_function(name: str, attrs: Any, count: int, inputs: Any, outputs: Any, upstream: Any, *rest: Any) -> Any:
    own = backprop._gradient_function  # noqa: SLF001
    run = functools.partial(own, name, attrs, count, inputs, outputs, upstream, *rest)
    if tf.executing_eagerly():
        for one in _PATCHES.here():
            run = functools.partial(one.differentiated, name, inputs or (), outputs or (), upstream, run)
    return run()


def _imperative_grad(own: Callable[..., Any], tape: Any, target: Any, sources: Any, *given: Any, **named: Any) -> Any:
    run = functools.partial(own, tape, target, sources, *given, **named)
    for one in _PATCHES.here():
        run = functools.partial(one.went_back, sources, run)
    return run()


def _recorded(
    one: Watcher, run: Callable[..., Any], name: str, outputs: Any, inputs: Any, backward: Any, *rest: Any
) -> Any:
    if tf.executing_eagerly():
        backward = functools.partial(_custom, one, one.custom(name, outputs, inputs), backward)
    return run(name, outputs, inputs, backward, *rest)


def _custom(one: Watcher, operation: Operation, backward: Callable[..., Any], *upstream: Any) -> Any:
    run = functools.partial(backward, *upstream)
    return one.within(operation, upstream, run) if one in _PATCHES.here() else run()


ENDS = frozenset({_imperative_grad.__code__, _custom.__code__})
"""Above these stands the line that asks for the gradient, which is not that of the operations inside."""
