"""TensorFlow's finders for a model that we run ourselves: it is run again."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import keras
import tensorflow as tf

from gradtool.evidence import Cause
from gradtool.witness.causes.replay import UNLIKE, Wanted
from gradtool.witness.tensorflow.callable.randomness import random_kept
from gradtool.witness.tensorflow.causes.around import NoneFinder
from gradtool.witness.tensorflow.causes.births import Births
from gradtool.witness.tensorflow.causes.deaths import Deaths
from gradtool.witness.tensorflow.model.parameters import Named
from gradtool.witness.tensorflow.model.sources import Sources
from gradtool.witness.tensorflow.model.subject import Subject

__all__ = ["SubjectFinders"]


class SubjectFinders:
    """The finders of a model that we run: each runs it once more, from the same random numbers."""

    def __init__(self, one: Subject, rows: Sequence[Named], sources: Sources) -> None:
        self.one, self.rows, self.sources = one, rows, sources
        self.notes: list[str] = []
        self._seed: int | None = None
        self._states: list[tuple[Any, Any]] = []

    def begin(self, seed: int) -> None:
        """A training step begins here, with these random numbers: this is the pass that is run again from now on."""
        self._seed = seed
        self._states = [(variable, tf.identity(variable)) for variable, _ in self.one.states]

    def none(self, asked: Wanted) -> list[Cause]:
        """Why parameters have no gradient, and which paths are missing from those that are there."""
        with NoneFinder(self.sources) as finder, _undisturbed(self.one):
            with tf.GradientTape(persistent=True) as tape:
                loss = self._loss()
            return finder.told([tape], [loss], self.rows, asked)

    def zero(self, asked: Wanted) -> list[Cause]:
        """Where gradients became exactly zero."""
        return self._again(Deaths(self.sources, self.rows), asked, asked.zero)

    def nonfinite(self, asked: Wanted) -> list[Cause]:
        """Where the first NaN or infinity was born."""
        return self._again(Births(self.sources, self.rows), asked, asked.nonfinite)

    def _again(self, finder: Births | Deaths, asked: Wanted, names: Sequence[str]) -> list[Cause]:
        with finder, _undisturbed(self.one):
            with tf.GradientTape() as tape:
                loss = self._loss()
            tape.gradient(loss, [row.tensor for row in self.rows if row.trainable])
            found = finder.told([tape], [loss], self.rows, asked)
        if not found and (names or asked.loss):
            self.notes.append(UNLIKE)
        return found

    def _loss(self) -> Any:
        if self._seed is None:
            return self.one.loss()
        keras.utils.set_random_seed(self._seed)
        for variable, value in self._states:
            variable.assign(value)
        return self.one.loss_of(self.one.batch, self.one.targets, self.one.weights)


@contextmanager
def _undisturbed(one: Subject) -> Iterator[None]:
    """A time behind which the random numbers and what isn't trained are as they were before."""
    before = [(variable, tf.identity(variable)) for variable, _ in one.states]
    with random_kept(one.seed):
        try:
            yield
        finally:
            for variable, value in before:
                variable.assign(value)
