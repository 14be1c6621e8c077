"""What is tried on a model beside its one forward and backward pass, in an order in which nothing disturbs the next.

Training comes last: it is the only one that leaves the weights changed.
"""

from __future__ import annotations

import math
from collections.abc import Generator
from dataclasses import replace
from typing import Any

import tensorflow as tf

from gradtool.evidence import Descent, ModelEvidence, ModelRequest, Progress, Record
from gradtool.witness.model.conventions import LARGE, SHORT, SHRINK, TRIES
from gradtool.witness.tensorflow.model.accumulation import accumulated
from gradtool.witness.tensorflow.model.clipping import clipped
from gradtool.witness.tensorflow.model.parameters import Named
from gradtool.witness.tensorflow.model.statistics import size_of
from gradtool.witness.tensorflow.model.subject import Subject
from gradtool.witness.tensorflow.model.training import trained
from gradtool.witness.tensorflow.model.verification import verified

__all__ = ["descent", "experiments"]


def experiments(
    request: ModelRequest, one: Subject, rows: list[Named], optimizer: Any, evidence: ModelEvidence
) -> Generator[Record, None, ModelEvidence]:
    """The evidence with everything that was asked for; progress on the way."""
    if request.clip is not None:
        evidence = replace(evidence, clipped=clipped(rows, request.clip, evidence.norm))
    if sum(size_of(row.tensor) for row in rows) <= LARGE:
        evidence = replace(evidence, descent=descent(one, rows, evidence))
    else:
        told = f"no step along -g was tried, since the model has more than {LARGE:,} numbers; --verify tests more"
        evidence = replace(evidence, notes=[*evidence.notes, told])
    if request.accumulate > 1:
        yield Progress(request.key, f"{request.accumulate} micro-batches against the full batch")
        evidence = replace(evidence, accumulated=accumulated(request.accumulate, one, rows))
    if request.verify:
        yield Progress(request.key, "integrating the gradient along random directions")
        evidence = replace(evidence, verified=verified(request.seed, one, rows))
    if request.training is not None:
        steps, after = yield from trained(request, one, rows, optimizer)
        evidence = replace(evidence, steps=steps, after=after)
    return evidence


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
