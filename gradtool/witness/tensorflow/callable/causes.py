"""Why TensorFlow's gradient of a callable is None or not finite, by the finders of models."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack

import tensorflow as tf

from gradtool.evidence import Cause
from gradtool.witness.callable.causes import Sought
from gradtool.witness.callable.subject import Floats
from gradtool.witness.causes.replay import Wanted
from gradtool.witness.tensorflow.callable.subject import TensorFlowSubject
from gradtool.witness.tensorflow.causes.around import program_finders
from gradtool.witness.tensorflow.model.parameters import Named
from gradtool.witness.tensorflow.model.recorder import no_sources

__all__ = ["causes"]


def causes(subject: TensorFlowSubject, upstream: Sequence[Floats], asked: Wanted) -> Sought:
    """The callable once more at its own point, with the finders on."""
    found: list[Cause] = []
    finders = program_finders(asked.fates(), no_sources())
    with subject.placed(subject.point) as leaves, ExitStack() as on:
        watched = subject.watched(leaves)
        rows = [Named(name, leaf, "", "") for name, leaf in zip(subject.active, watched, strict=True)]
        for finder in finders:
            on.enter_context(finder)
        with tf.GradientTape(persistent=True) as tape:
            tape.watch(watched)
            outputs = subject.run(leaves)
            parts = [
                tf.cast(tf.reduce_sum(output * tf.constant(weights, output.dtype)), tf.float64)
                for output, weights in zip(outputs, upstream, strict=True)
            ]
            total = tf.add_n(parts)
        tape.gradient(total, watched)
        for finder in finders:
            found += finder.told([tape], [total], rows, asked)
    return Sought(found)
