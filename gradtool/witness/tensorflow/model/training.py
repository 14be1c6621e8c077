"""N optimizer steps on the batch, looked at one by one."""

from __future__ import annotations

import math
import time
from collections.abc import Generator, Sequence
from dataclasses import replace
from typing import Any

import keras
import tensorflow as tf

from gradtool.evidence import Cause, ModelRequest, Progress, Record, TrainingStep
from gradtool.values import indices, label
from gradtool.witness.causes.replay import Wanted
from gradtool.witness.model import figures
from gradtool.witness.model.conventions import FEW, MOST, OFTEN
from gradtool.witness.model.user_file import blamed
from gradtool.witness.tensorflow.causes.finders import SubjectFinders
from gradtool.witness.tensorflow.model.optimizers import holds
from gradtool.witness.tensorflow.model.parameters import Named, nonfinite, norm_of_rows, tensor_of
from gradtool.witness.tensorflow.model.recorder import Recorder
from gradtool.witness.tensorflow.model.statistics import merged, numbers, size_of
from gradtool.witness.tensorflow.model.subject import Subject

__all__ = ["born", "trained"]


def trained(
    request: ModelRequest, one: Subject, rows: Sequence[Named], optimizer: Any, finders: SubjectFinders
) -> Generator[Record, None, tuple[list[TrainingStep], TrainingStep | None]]:
    """The loss before each step, the global norm, what clipping leaves of it, and how far the weights move.

    Then the loss and the norm behind the last. It begins at the weights as they were found, and ends early where a
    gradient is not finite; ``finders`` then know how that step began.
    """
    total = request.training.steps if request.training else 0
    steps: list[TrainingStep] = []
    told = time.monotonic()
    own = [row for row in rows if row.trainable and holds(optimizer, row.tensor)]
    # Weights that begin at 0, as fresh biases do, move by more than their size for long; that says nothing.
    sized = [row.tensor for row in own if figures.norm(numbers(row.tensor)) > 0]
    measured = sum(map(size_of, sized)) <= MOST
    few = list(rows) if sum(size_of(row.tensor) for row in rows) <= FEW else []
    one.rewind()
    for number in range(1, total + 1):
        finders.begin(request.seed + number)
        keras.utils.set_random_seed(request.seed + number)
        loss, dead = _backward(one, own)
        norm, now = norm_of_rows(own), _numbers(few)
        clipped = _clipped(own, request.clip)
        bad = nonfinite(own, norm)
        before = [tensor.read_value() for tensor in sized] if measured else []
        if not bad:
            _apply(optimizer, one.model, own)
        ratio = _ratio(sized, before) if measured else None
        steps.append(TrainingStep(number, loss, norm, clipped, ratio, dead, bad, *now))
        if bad:
            break
        if time.monotonic() - told > OFTEN:
            told = time.monotonic()
            yield Progress(request.key, "training, step", number, total)
    if steps and steps[-1].nonfinite:
        return steps, None
    keras.utils.set_random_seed(request.seed + total + 1)
    loss, _ = _backward(one, own)
    point, gradient = _numbers(few)
    return steps, TrainingStep(total + 1, loss, norm_of_rows(own), point=point, gradient=gradient)


def born(step: TrainingStep, rows: Sequence[Named], finders: SubjectFinders) -> list[Cause]:
    """Where the first number that is not finite was born in the last step, whose weights are still those before it."""
    own = [row for row in rows if row.trainable and row.gradient is not None]
    bad = [row.name for row in own if not math.isfinite(figures.norm(numbers(row.gradient)))]
    asked = Wanted(nonfinite=bad, loss=not math.isfinite(step.loss))
    return [replace(cause, step=step.step) for cause in finders.nonfinite(asked)]


def _backward(one: Subject, own: Sequence[Named]) -> tuple[float, float]:
    """The loss, and the largest share of dead units; the gradients go into the rows."""
    recorder = Recorder()
    with tf.GradientTape() as tape, recorder:
        loss = one.loss_of(one.batch, one.targets, one.weights)
    for row, gradient in zip(own, tape.gradient(loss, [row.tensor for row in own]), strict=True):
        row.gradient = merged(gradient)
    return float(loss), max((seen.dead / seen.units for seen in recorder.layers({}) if seen.units), default=0.0)


def _numbers(rows: Sequence[Named]) -> tuple[dict[str, float], dict[str, float]]:
    """The point and the gradient, number by number."""
    point: dict[str, float] = {}
    gradient: dict[str, float] = {}
    for row in rows:
        names = [label(row.name, index) for index in indices(tuple(row.tensor.shape))]
        point.update(zip(names, map(float, numbers(row.tensor)), strict=True))
        if row.gradient is not None:
            gradient.update(zip(names, map(float, numbers(tf.convert_to_tensor(row.gradient))), strict=True))
    return point, gradient


def _clipped(own: Sequence[Named], limit: float | None) -> float | None:
    if limit is None:
        return None
    cut, _ = tf.clip_by_global_norm([row.gradient for row in own], limit)
    for row, gradient in zip(own, cut, strict=True):
        row.gradient = gradient
    return norm_of_rows(own)


def _apply(optimizer: Any, model: Any, own: Sequence[Named]) -> None:
    """One step by the optimizer; one that scales the loss hands over to the one inside."""
    wrapped = {id(tensor_of(variable)): variable for variable in model.trainable_variables}
    pairs = [(row.gradient, wrapped.get(id(row.tensor), row.tensor)) for row in own if row.gradient is not None]
    with blamed("the optimizer's step failed"):
        getattr(optimizer, "inner_optimizer", optimizer).apply_gradients(pairs)


def _ratio(sized: Sequence[Any], before: Sequence[Any]) -> float | None:
    """The largest root mean square of an update over that of its weights; weights of 0 have none."""
    found = []
    for tensor, old in zip(sized, before, strict=True):
        was = numbers(old)
        if weight := figures.norm(was):
            found.append(figures.norm(numbers(tensor) - was) / weight)
    return max(found, default=None)
