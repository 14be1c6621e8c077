"""Why TensorFlow's gradient of a callable is None or not finite, by the finders of models."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

import tensorflow as tf
from tensorflow.python.eager.polymorphic_function.polymorphic_function import Function  # what tf.function returns

from gradtool.witness.callable.causes import Sought
from gradtool.witness.callable.subject import Floats
from gradtool.witness.causes.patches import patch
from gradtool.witness.causes.replay import Wanted
from gradtool.witness.tensorflow.callable.subject import TensorFlowSubject
from gradtool.witness.tensorflow.causes.around import Finders
from gradtool.witness.tensorflow.model.parameters import Named
from gradtool.witness.tensorflow.model.sources import Sources

__all__ = ["causes"]

EAGERLY = "the cause was looked for with what tf.function compiles run eagerly, line by line"


def causes(subject: TensorFlowSubject, upstream: Sequence[Floats], asked: Wanted) -> Sought:
    """The callable once more at its own point, with the finders on."""
    finders = Finders(asked.fates(), Sources())
    with _line_by_line() as compiled, subject.placed(subject.point) as leaves:
        watched = subject.watched(leaves)
        rows = [Named(name, leaf, "", "") for name, leaf in zip(subject.active, watched, strict=True)]
        with finders:
            with tf.GradientTape(persistent=True) as tape:
                tape.watch(watched)
                outputs = subject.run(leaves)
                parts = [
                    tf.cast(tf.reduce_sum(output * tf.constant(weights, output.dtype)), tf.float64)
                    for output, weights in zip(outputs, upstream, strict=True)
                ]
                total = tf.add_n(parts)
            tape.gradient(total, watched)
            found = finders.told([tape], [total], rows, asked)
    return Sought(found, [EAGERLY] if found and compiled else [])


@contextmanager
def _line_by_line() -> Iterator[list[str]]:
    """A time in which compiled functions run as they are written; the names of those that did."""
    before = tf.config.functions_run_eagerly()
    names: list[str] = []

    def noted(own: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(own)
        def __call__(function: Any, *args: Any, **kwargs: Any) -> Any:  # noqa: N807
            names.append(function.name)
            return own(function, *args, **kwargs)

        return __call__

    with ExitStack() as stack:
        tf.config.run_functions_eagerly(True)
        stack.callback(tf.config.run_functions_eagerly, before)
        patch(stack, Function, "__call__", noted)
        yield names
