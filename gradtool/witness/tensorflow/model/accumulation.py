"""Micro-batches against the full batch: the gradient that accumulation leaves, and why it differs where it does."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import keras
import tensorflow as tf

from gradtool.evidence import Accumulated
from gradtool.witness.model.user_file import UserFileError
from gradtool.witness.tensorflow.model.head import batch_of
from gradtool.witness.tensorflow.model.parameters import Named, layer_names
from gradtool.witness.tensorflow.model.statistics import figures, numbers
from gradtool.witness.tensorflow.model.subject import Subject

__all__ = ["accumulated"]


def accumulated(parts: int, one: Subject, rows: Sequence[Named]) -> Accumulated:
    """The sum of the gradients of each micro-batch's loss over their number, beside the gradient of the whole batch."""
    size = batch_of(one.batch)
    if size < parts:
        raise UserFileError(
            f"a batch of {size} can't be cut into {parts}", "give a larger one with --input, or a smaller K"
        )
    held = [row for row in rows if row.gradient is not None]
    sizes = [size // parts + (place < size % parts) for place in range(parts)]
    full = [tf.convert_to_tensor(row.gradient) for row in held]
    summed = _summed(one, held, sizes, size)
    whole = [figures(numbers(gradient)).norm for gradient in full]
    apart = [figures(numbers(a - b)).norm for a, b in zip(summed, full, strict=True)]
    worst = max(range(len(held)), key=lambda place: apart[place] / whole[place] if whole[place] else 0.0)
    return Accumulated(
        parts,
        sizes,
        math.hypot(*whole),
        math.hypot(*(figures(numbers(gradient)).norm for gradient in summed)),
        math.hypot(*apart),
        held[worst].name,
        apart[worst] / whole[worst] if whole[worst] else 0.0,
        _reasons(one, sizes),
    )


def _summed(one: Subject, held: Sequence[Named], sizes: Sequence[int], size: int) -> list[Any]:
    tensors = [row.tensor for row in held]
    found = [tf.zeros(tensor.shape, tensor.dtype) for tensor in tensors]
    start = 0
    for length in sizes:
        one.rewind()
        batch, targets, weights = (_cut(value, start, length, size) for value in (one.batch, one.targets, one.weights))
        with tf.GradientTape() as tape:
            loss = one.loss_of(batch, targets, weights) / len(sizes)
        gradients = tape.gradient(loss, tensors, unconnected_gradients=tf.UnconnectedGradients.ZERO)
        found = [total + tf.convert_to_tensor(gradient) for total, gradient in zip(found, gradients, strict=True)]
        start += length
    return found


def _cut(value: Any, start: int, length: int, size: int) -> Any:
    """The samples from ``start`` on; what is not as long as the batch belongs to every part."""
    if isinstance(value, Mapping):
        return {name: _cut(part, start, length, size) for name, part in value.items()}
    if isinstance(value, tuple | list):
        return type(value)(_cut(part, start, length, size) for part in value)
    if not hasattr(value, "shape") or not len(value.shape) or value.shape[0] != size:
        return value
    return value[start : start + length]


def _reasons(one: Subject, sizes: Sequence[int]) -> list[str]:
    """What is known to make the two differ."""
    found = []
    layers = one.model._flatten_layers() if isinstance(one.model, keras.layers.Layer) and one.training else ()  # noqa: SLF001
    names = layer_names({"": one.model})
    kinds = [(type(layer).__name__, names.get(id(layer), layer.name), layer) for layer in layers]
    if norm_layers := [name for kind, name, _ in kinds if "BatchNorm" in kind]:
        found.append(f"BatchNorm takes its mean and variance from each micro-batch: {', '.join(norm_layers[:3])}")
    if len(set(sizes)) > 1:
        found.append(
            f"the micro-batches are unequal ({min(sizes)} and {max(sizes)} samples), and each mean counts alike"
        )
    if dropped := [name for kind, name, layer in kinds if "Dropout" in kind and layer.rate]:
        found.append(f"Dropout draws anew for each micro-batch: {', '.join(dropped[:3])}")
    return found
