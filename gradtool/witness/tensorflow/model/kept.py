"""Sums of gradients that a loop adds up by itself, and whether they begin anew with a step."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from gradtool.witness.tensorflow.model.parameters import Named, tensor_of
from gradtool.witness.tensorflow.model.statistics import merged, numbers, size_of

__all__ = ["Kept", "is_same", "some"]

SAMPLES = 1024
"""So many numbers of each gradient are compared."""

AGREE = 1e-3
"""The relative difference within which what is applied is still the sum of the gradients."""


class Kept:
    """What the first step was given, for the second to be compared with."""

    def __init__(self) -> None:
        self._first: dict[int, Any] | None = None
        self._done = False

    def look(self, pairs: Sequence[tuple[Any, Any]], rows: Sequence[Named]) -> bool:
        """Whether this is the second step, and is given what the first was beside the gradients of ``rows`` since."""
        if self._done:
            return False
        given = {id(tensor_of(variable)): some(gradient) for gradient, variable in pairs if gradient is not None}
        if self._first is None:
            self._first = given
            return False
        first, self._first, self._done = self._first, None, True
        since = {id(row.tensor): some(row.gradient) for row in rows if row.gradient is not None}
        both = [(given[key], first[key], since[key]) for key in given.keys() & first.keys() & since.keys()]
        grew = any(_size(before) > AGREE * _size(now) for now, before, _ in both)
        return grew and is_same([(before + own, now) for now, before, own in both])


def is_same(pairs: Sequence[tuple[Any, Any]]) -> bool:
    """Whether both are the same in each pair of arrays but for rounding, and there is a number other than 0."""
    alike = all(np.allclose(one, other, AGREE, AGREE * _size(other)) for one, other in pairs)
    return alike and any(_size(other) for _, other in pairs)


def some(gradient: Any) -> Any:
    """Numbers of a gradient at places that its size alone decides; 0 in the rows that a sparse one has not."""
    gradient = merged(gradient)
    size = size_of(gradient)
    places = np.arange(0, size, max(1, size // SAMPLES))
    if not isinstance(gradient, tf.IndexedSlices) or not size:
        return numbers(gradient)[places]
    rows = {int(row): place for place, row in enumerate(gradient.indices.numpy())}
    width = size // int(gradient.dense_shape[0])
    values = numbers(gradient).reshape(len(rows), width)
    return np.array([values[rows[at // width], at % width] if at // width in rows else 0.0 for at in places.tolist()])


def _size(array: Any) -> float:
    return float(np.abs(array).max()) if array.size else 0.0
