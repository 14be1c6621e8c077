"""Targets where the file has none: drawn from the seed, of the kind that the loss takes and the model can reach."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import tensorflow as tf

from gradtool.witness.model.assumed import Assumptions
from gradtool.witness.model.user_file import UserFileError
from gradtool.witness.tensorflow.model.head import plain_name

__all__ = ["drawn_for_all", "drawn_targets"]

KINDS = ("classes", "onehot", "binary", "signs", "normal")

_LOSSES = (
    ("sparse", "classes", "the loss takes the number of a class"),
    ("binary", "binary", "the loss takes 0 or 1"),
    ("bce", "binary", "the loss takes 0 or 1"),
    ("sigmoidcross", "binary", "the loss takes 0 or 1"),
    ("categoricalhinge", "onehot", "the loss takes one-hot vectors"),
    ("hinge", "signs", "the loss takes -1 or 1"),
    ("categorical", "onehot", "the loss takes one-hot vectors"),
    ("softmaxcross", "onehot", "the loss takes one-hot vectors"),
    ("kldivergence", "onehot", "the loss takes probabilities"),
    ("crossentropy", "classes", "the loss takes the number of a class"),
)
"""What a loss takes, by a part of its name; the first row that fits counts."""

_ENDS = {
    "softmax": ("classes", "the model ends with softmax"),
    "log_softmax": ("classes", "the model ends with log_softmax"),
    "sigmoid": ("binary", "the model ends with sigmoid"),
}


def drawn_for_all(outputs: Any, losses: Any, names: list[str], labels: str, final: str, assumed: Assumptions) -> Any:
    """Targets for each of several outputs, by the compiled loss of each, in the structure of the outputs."""
    if isinstance(outputs, Mapping):
        pick = {name: losses.get(name) if isinstance(losses, Mapping) else losses for name in outputs}
        return {name: drawn_targets(one, pick[name], labels, "", assumed) for name, one in outputs.items()}
    if isinstance(outputs, list | tuple):
        if isinstance(losses, Mapping):
            losses = [losses.get(name) for name in names]
        each = losses if isinstance(losses, list | tuple) else [losses] * len(outputs)
        return [drawn_targets(one, loss, labels, "", assumed) for one, loss in zip(outputs, each, strict=False)]
    if isinstance(losses, Mapping):
        losses = next(iter(losses.values()), None)
    if isinstance(losses, list | tuple):
        losses = losses[0] if losses else None
    return drawn_targets(outputs, losses, labels, final, assumed)


def drawn_targets(head: Any, loss: Any, labels: str, final: str, assumed: Assumptions) -> Any:
    """Targets for the output ``head``: as ``--labels`` says, else as the ``loss`` or the ``final`` activation."""
    kind, _, count = labels.partition(":")
    if (kind and kind not in KINDS) or (count and not (count.isdigit() and int(count))):
        raise UserFileError(f"--labels {labels} is not known", "classes, classes:10, onehot, binary, signs or normal")
    kind, why = (kind, "--labels") if kind else _kind("" if loss is None else plain_name(loss), final)
    shape = tuple(head.shape)
    classes = int(count) if count else shape[-1] if shape else 1
    if kind == "classes":
        assumed.add("targets", f"{classes} classes, drawn", why, "--labels")
        return tf.random.uniform(shape[:-1], 0, classes, tf.int32)
    if kind == "onehot":
        assumed.add("targets", f"{classes} classes, drawn, as one-hot vectors", why, "--labels")
        return tf.one_hot(tf.random.uniform(shape[:-1], 0, classes, tf.int32), shape[-1], dtype=head.dtype)
    bits = tf.cast(tf.random.uniform(shape, 0, 2, tf.int32), head.dtype)
    if kind == "binary":
        assumed.add("targets", "0 or 1, drawn", why, "--labels")
        return bits
    if kind == "signs":
        assumed.add("targets", "-1 or 1, drawn", why, "--labels")
        return 2 * bits - 1
    return _reachable(head, final, why, assumed)


def _reachable(head: Any, final: str, why: str, assumed: Assumptions) -> Any:
    numbers = tf.cast(tf.random.normal(tuple(head.shape), dtype=tf.float64), head.dtype)
    bounded = {"tanh": tf.tanh, "hardtanh": tf.tanh, "sigmoid": tf.sigmoid, "softmax": tf.nn.softmax}
    if final in bounded:
        assumed.add("targets", f"numbers that {final} reaches, drawn", why, "--labels")
        return bounded[final](numbers)
    if final in {"relu", "relu6", "softplus"}:
        assumed.add("targets", "positive numbers, drawn", why, "--labels")
        return tf.abs(numbers)
    assumed.add("targets", "normal numbers, drawn", why, "--labels")
    return numbers


def _kind(loss: str, final: str) -> tuple[str, str]:
    """The kind of targets, and why."""
    for part, kind, why in _LOSSES:
        if part in loss:
            return kind, why
    if not loss and final in _ENDS:
        return _ENDS[final]
    return "normal", "no data was found"
