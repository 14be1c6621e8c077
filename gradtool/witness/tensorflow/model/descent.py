"""One small step along -g, and one by the optimizer: does the loss go down?"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import tensorflow as tf

from gradtool.evidence import Descent, ModelEvidence, Stepped
from gradtool.witness.model.conventions import SHORT, SHRINK, TRIES
from gradtool.witness.model.steps import first_steps
from gradtool.witness.tensorflow.model.parameters import Named
from gradtool.witness.tensorflow.model.subject import Subject

__all__ = ["descent", "stepped"]


def descent(one: Subject, rows: list[Named], evidence: ModelEvidence) -> Descent | None:
    """One small step along -g. The random numbers are those of the first run, so dropout drops the same units."""
    before, square = evidence.loss.value, evidence.norm * evidence.norm
    if not 0 < square < math.inf or not math.isfinite(before):
        return None
    held = [row for row in rows if row.gradient is not None]
    step = SHORT * max(abs(before), 1e-12) / square
    for _ in range(TRIES):
        found = Descent(step, before, _loss_at(one, [(row.tensor, row.gradient, step) for row in held]), step * square)
        if found.after < before:
            return found
        step /= SHRINK
    return found


def stepped(one: Subject, rows: list[Named], evidence: ModelEvidence) -> Stepped | None:
    """The first step of the optimizer, by its formula, and the loss behind it on the same batch."""
    factors = first_steps(evidence)
    held = [row for row in rows if row.name in factors and row.gradient is not None]
    if not held or evidence.optimizer is None:
        return None
    turned = _sign if evidence.optimizer.adaptive else _same
    moves = [(row.tensor, turned(row.gradient), factors[row.name]) for row in held]
    return Stepped(evidence.loss.value, _loss_at(one, moves), same=True)


def _loss_at(one: Subject, moves: Sequence[tuple[Any, Any, float]]) -> float:
    """The loss where each variable is moved by a factor times its gradient, downwards; they are put back afterwards."""
    kept = [variable.read_value() for variable, _, _ in moves]  # TensorFlow copies their memory when the step is taken
    try:
        for variable, gradient, size in moves:
            _subtract(variable, gradient, size)
        return float(one.loss())
    finally:
        for (variable, _, _), old in zip(moves, kept, strict=True):
            variable.assign(old)


def _same(gradient: Any) -> Any:
    return gradient


def _sign(gradient: Any) -> Any:
    if isinstance(gradient, tf.IndexedSlices):
        return tf.IndexedSlices(tf.sign(gradient.values), gradient.indices, gradient.dense_shape)
    return tf.sign(gradient)


def _subtract(tensor: Any, gradient: Any, step: float) -> None:
    if isinstance(gradient, tf.IndexedSlices):
        moved = tf.cast(step, gradient.dtype) * gradient.values
        tensor.scatter_sub(tf.IndexedSlices(moved, gradient.indices, gradient.dense_shape))
    else:
        tensor.assign_sub(tf.cast(step, gradient.dtype) * gradient)
