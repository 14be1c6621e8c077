"""The model's gradient as a whole, by the path integral along random directions; where it fails, which entries."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from gradtool.evidence import Survey
from gradtool.witness.directional.survey import surveyed
from gradtool.witness.model.user_file import UserFileError
from gradtool.witness.tensorflow.model.parameters import Named
from gradtool.witness.tensorflow.model.subject import Subject

__all__ = ["verified"]

Floats = NDArray[np.float64]

DTYPES = ("float64", "float32")


def verified(seed: int, one: Subject, rows: Sequence[Named]) -> Survey:
    """``surveyed`` over every trainable parameter that the backward pass reaches.

    Cost: 15 to 30 gradients and as many values for each of three directions; four float64 copies of the parameters.
    """
    held = [row for row in rows if row.trainable and row.gradient is not None]
    kinds = {row.tensor.dtype.name for row in held}
    dtype = "float64" if kinds == {"float64"} else "float32"
    if kinds - set(DTYPES):
        raise UserFileError(f"--verify needs float32 or float64, not {', '.join(sorted(kinds))}", "add --dtype float32")
    tensors = [row.tensor for row in held]
    kept = [tensor.read_value() for tensor in tensors]
    point = {row.name: _numbers(tensor) for row, tensor in zip(held, kept, strict=True)}
    claims: dict[str, Floats | None] = {row.name: _numbers(row.gradient) for row in held}

    def moved(at: Mapping[str, Floats]) -> None:
        for row in held:
            row.tensor.assign(tf.constant(at[row.name], row.tensor.dtype))

    def value(at: Mapping[str, Floats]) -> float:
        moved(at)
        return float(tf.cast(one.loss(), tf.float64))

    def gradient(at: Mapping[str, Floats]) -> dict[str, Floats | None]:
        moved(at)
        with tf.GradientTape() as tape:
            loss = one.loss()
        found = tape.gradient(loss, tensors)
        return {row.name: None if g is None else _numbers(g) for row, g in zip(held, found, strict=True)}

    try:
        return surveyed(value, gradient, claims, point, dtype, seed)
    finally:
        for tensor, old in zip(tensors, kept, strict=True):
            tensor.assign(old)


def _numbers(tensor: Any) -> Floats:
    return np.asarray(tf.convert_to_tensor(tensor), dtype=np.float64)
