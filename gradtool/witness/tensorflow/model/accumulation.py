"""Micro-batches against the full batch."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import keras
import tensorflow as tf

from gradtool.evidence import Accumulated
from gradtool.witness.model.accumulation import accumulation, micro_batches, sizes_of
from gradtool.witness.tensorflow.model.parameters import Named, layer_names
from gradtool.witness.tensorflow.model.statistics import numbers
from gradtool.witness.tensorflow.model.subject import Subject

__all__ = ["accumulated"]


def accumulated(parts: int, one: Subject, rows: Sequence[Named]) -> Accumulated:
    """The sum of the gradients of each micro-batch's loss over their number, beside the gradient of the whole batch."""
    sizes = sizes_of(one.batch, parts)
    held = [row for row in rows if row.gradient is not None]
    pairs = {
        row.name: (numbers(gradient), numbers(tf.convert_to_tensor(row.gradient)))
        for row, gradient in zip(held, _summed(one, [row.tensor for row in held], sizes), strict=True)
    }
    return accumulation(sizes, pairs, _active(one, "BatchNorm"), _active(one, "Dropout"))


def _summed(one: Subject, tensors: Sequence[Any], sizes: Sequence[int]) -> list[Any]:
    found = [tf.zeros(tensor.shape, tensor.dtype) for tensor in tensors]
    for batch, targets, weights in micro_batches([one.batch, one.targets, one.weights], sizes):
        one.rewind()
        with tf.GradientTape() as tape:
            loss = one.loss_of(batch, targets, weights) / len(sizes)
        gradients = tape.gradient(loss, tensors, unconnected_gradients=tf.UnconnectedGradients.ZERO)
        found = [total + tf.convert_to_tensor(gradient) for total, gradient in zip(found, gradients, strict=True)]
    return found


def _active(one: Subject, kind: str) -> list[str]:
    """The names of the layers of a kind that make a difference now."""
    layers = one.model._flatten_layers() if isinstance(one.model, keras.layers.Layer) and one.training else ()  # noqa: SLF001  # Keras shows only models'
    names = layer_names({"": one.model})
    found: Iterable[Any] = (layer for layer in layers if kind in type(layer).__name__)
    return [names.get(id(layer), layer.name) for layer in found if getattr(layer, "rate", 1)]
