"""TensorFlow's finders: of a model that we run ourselves: it is run again."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import numpy as np
import tensorflow as tf

from gradtool.evidence import Cause
from gradtool.witness.causes.replay import Wanted
from gradtool.witness.tensorflow.causes.around import NoneFinder
from gradtool.witness.tensorflow.model.parameters import Named
from gradtool.witness.tensorflow.model.subject import Subject

__all__ = ["SubjectFinders"]


class SubjectFinders:
    """The finders of a model that we run: each runs it once more, from the same random numbers."""

    def __init__(self, one: Subject, rows: Sequence[Named]) -> None:
        self.one, self.rows = one, rows

    def none(self, asked: Wanted) -> list[Cause]:
        """Why parameters have no gradient, and which paths are missing from those that are there."""
        with NoneFinder() as finder, _undisturbed(self.one):
            with tf.GradientTape(persistent=True) as tape:
                loss = self.one.loss()
            return finder.told([tape], [loss], self.rows, asked)

    def zero(self, asked: Wanted) -> list[Cause]:
        """Where gradients became exactly zero."""
        del asked
        return []

    def nonfinite(self, asked: Wanted) -> list[Cause]:
        """Where the first NaN or infinity was born."""
        del asked
        return []


@contextmanager
def _undisturbed(one: Subject) -> Iterator[None]:
    """A time behind which the random numbers and what isn't trained are as they were before."""
    python, numbers = random.getstate(), np.random.get_state()  # noqa: NPY002  # the state that Keras sets
    before = [(variable, tf.identity(variable)) for variable, _ in one.states]
    try:
        yield
    finally:
        for variable, value in before:
            variable.assign(value)
        random.setstate(python)
        np.random.set_state(numbers)  # noqa: NPY002
