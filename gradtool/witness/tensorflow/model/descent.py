"""One small step along -g: does the loss go down as the gradient says?"""

from __future__ import annotations

import math
from typing import Any

import tensorflow as tf

from gradtool.evidence import Descent, ModelEvidence
from gradtool.witness.model.conventions import SHORT, SHRINK, TRIES
from gradtool.witness.tensorflow.model.parameters import Named
from gradtool.witness.tensorflow.model.subject import Subject

__all__ = ["descent"]


def descent(one: Subject, rows: list[Named], evidence: ModelEvidence) -> Descent | None:
    """One small step along -g. The random numbers are those of the first run, so dropout drops the same units."""
    before, square = evidence.loss.value, evidence.norm * evidence.norm
    if not 0 < square < math.inf or not math.isfinite(before):
        return None
    held = [row for row in rows if row.gradient is not None]
    weights = [row.tensor.read_value() for row in held]  # TensorFlow copies their memory when the step is taken
    step = SHORT * max(abs(before), 1e-12) / square
    try:
        for _ in range(TRIES):
            for row in held:
                _subtract(row.tensor, row.gradient, step)
            found = Descent(step, before, float(one.loss()), step * square)
            for row, old in zip(held, weights, strict=True):
                row.tensor.assign(old)
            if found.after < before:
                return found
            step /= SHRINK
    finally:
        for row, old in zip(held, weights, strict=True):
            row.tensor.assign(old)
    return found


def _subtract(tensor: Any, gradient: Any, step: float) -> None:
    if isinstance(gradient, tf.IndexedSlices):
        moved = tf.cast(step, gradient.dtype) * gradient.values
        tensor.scatter_sub(tf.IndexedSlices(moved, gradient.indices, gradient.dense_shape))
    else:
        tensor.assign_sub(tf.cast(step, gradient.dtype) * gradient)
