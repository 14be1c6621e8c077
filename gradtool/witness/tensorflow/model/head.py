"""The model's output beside the targets, as a loss is given them: what it reaches, what it is taken for."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from tensorflow.python.eager import record  # the only way to ask a tape whether it follows a tensor

from gradtool.evidence import Head
from gradtool.witness.model.classes import normalised_axes
from gradtool.witness.model.figures import figures
from gradtool.witness.model.pairs import paired
from gradtool.witness.tensorflow.model.statistics import numbers

__all__ = ["DIFFERENCES", "FUNCTIONS", "head_seen", "pairs_seen", "plain_name"]

FUNCTIONS: Mapping[tuple[Any, str], str] = {
    (place, name): name
    for place, names in (
        (keras.losses, ("mean_squared_error", "mse", "mean_absolute_error", "mae", "huber", "categorical_crossentropy",
                        "sparse_categorical_crossentropy", "binary_crossentropy", "kl_divergence", "poisson")),
        (tf.keras.losses, ("mean_squared_error", "mse", "mean_absolute_error", "mae", "categorical_crossentropy",
                           "sparse_categorical_crossentropy", "binary_crossentropy", "poisson")),
        (tf.nn, ("softmax_cross_entropy_with_logits", "sparse_softmax_cross_entropy_with_logits",
                 "sigmoid_cross_entropy_with_logits")),
    )
    for name in names
    if hasattr(place, name)
}  # fmt: skip
"""Loss functions by the place where they are found; all take the targets first, then the output."""

DIFFERENCES: Sequence[tuple[Any, str]] = [
    (tf.Tensor, "__sub__"), (tf.Tensor, "__rsub__"), (tf, "subtract"), (tf.math, "subtract"),
    (tf.math, "squared_difference"), (keras.ops, "subtract"),
]  # fmt: skip
"""What subtracts, by the place where it is found."""

PROBABILITIES = ("crossentropy", "kldivergence")


def plain_name(loss: Any) -> str:
    """The name of a loss without underscores: that of a text, a function, or the class of a Loss."""
    name = loss if isinstance(loss, str) else getattr(loss, "__name__", None) or type(loss).__name__
    if name in {"LossFunctionWrapper", "Loss"}:
        name = str(getattr(loss, "name", name))
    return name.lower().replace("_", "")


def head_seen(loss: Any, final: str, targets: Any, output: Any, *, logits: bool = False) -> Head | None:
    """The ranges of what a loss was given; ``final`` is the activation that ran last."""
    name = plain_name(loss)
    if not _has_numbers(output):
        return None
    logits = logits or "withlogits" in name or bool(getattr(loss, "from_logits", False))
    expects = "logits" if logits else "probabilities" if any(part in name for part in PROBABILITIES) else ""
    seen = figures(numbers(output))
    shape = tuple(output.shape)
    if not _has_numbers(targets):
        return Head(shape, seen.least, seen.largest, final, expects=expects)
    goals = figures(numbers(targets))
    integers = "sparse" in name or tf.as_dtype(targets.dtype).is_integer
    classes = int(goals.largest) + 1 if integers and goals.largest < 2**31 else 0
    axes = _class_axes(output) if expects == "probabilities" and "categorical" in name and len(shape) > 1 else {}
    goal_shape = tuple(targets.shape)
    return Head(
        shape, seen.least, seen.largest, final, goal_shape, goals.least, goals.largest, classes, expects, **axes
    )


def _class_axes(given: Any) -> dict[str, Any]:
    """The axis that Keras takes for the classes, the last, and those along which the probabilities sum to 1."""
    shape = tuple(given.shape)
    half = tf.as_dtype(given.dtype).size == 2
    axes = normalised_axes(numbers(given).reshape(shape), len(shape) - 1, half=half)
    return {"class_axis": len(shape) - 1, "sums_to_one": axes}


def pairs_seen(operands: Sequence[Any], final_of: Callable[[Any], str], source: str) -> Head | None:
    """A difference of an output and of targets that pairs each with each: (N, 1) beside (N).

    The output is the one that a tape knows to be computed from what learns; where both are, the pairs are meant.
    """
    given = [one for one in operands[:2] if _has_numbers(one)]
    if len(given) < len(operands[:2]) or not paired(*(tuple(one.shape) for one in given)):
        return None
    learns = [isinstance(one, tf.Tensor) and record.should_record_backprop([one]) for one in given]
    if sum(learns) != 1:
        return None
    output, targets = given if learns[0] else given[::-1]
    seen = head_seen("difference", final_of(output), targets, output)
    return seen and replace(seen, classes=0, source=source)


def _has_numbers(value: Any) -> bool:
    if isinstance(value, np.ndarray):
        return value.dtype.kind in "fiub" and value.size > 0
    eager = isinstance(value, tf.Tensor) and not tf.is_symbolic_tensor(value)
    return bool(eager and value.dtype != tf.string and tf.size(value) > 0)
