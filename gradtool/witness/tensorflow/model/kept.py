"""Sums of gradients that a loop adds up by itself, and whether they begin anew with a step."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from gradtool.witness.tensorflow.model.parameters import Named, tensor_of
from gradtool.witness.tensorflow.model.statistics import merged

__all__ = ["Kept", "alike", "dense"]

AGREE = 1e-3
"""The relative difference within which what is applied is still the sum of the gradients."""


class Kept:
    """What the first step was given, for the second to be compared with; a copy of the gradients until then."""

    def __init__(self) -> None:
        self._first: dict[int, Any] | None = None
        self._done = False

    def look(self, pairs: Sequence[tuple[Any, Any]], rows: Sequence[Named]) -> bool:
        """Whether this is the second step, and is given what the first was beside the gradients of ``rows`` since."""
        if self._done:
            return False
        given = {
            id(tensor_of(variable)): dense(gradient).copy() for gradient, variable in pairs if gradient is not None
        }
        if self._first is None:
            self._first = given
            return False
        first, self._first, self._done = self._first, None, True
        since = {id(row.tensor): dense(row.gradient) for row in rows if row.gradient is not None}
        both = [(given[key], first[key], since[key]) for key in given.keys() & first.keys() & since.keys()]
        grew = any(_size(before) > AGREE * _size(now) for now, before, _ in both)
        return grew and all(alike(before + own, now) for now, before, own in both)


def alike(one: Any, other: Any) -> bool:
    """Whether two arrays are the same but for rounding, as measured by the second."""
    return bool(np.allclose(one, other, AGREE, AGREE * _size(other)))


def dense(gradient: Any) -> Any:
    """The numbers of a gradient as an array; a sparse one with the rows that are missing."""
    return np.asarray(tf.convert_to_tensor(merged(gradient)))


def _size(numbers: Any) -> float:
    return float(np.abs(numbers).max()) if numbers.size else 0.0
