"""Keras on TensorFlow: tensors and gradient tapes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from gradtool.evidence import Record
from gradtool.witness.keras.room import KerasRoom, testify

__all__ = ["answer"]


class TensorFlow:
    """As in ``room.Backend``."""

    title = "Keras"
    version = f"TensorFlow {tf.__version__}"
    places: Sequence[Any] = (tf.nn, tf, tf.math)
    notes: Sequence[str] = ()

    def tensor(self, array: NDArray[Any]) -> Any:
        """A constant."""
        return tf.constant(array)

    def array(self, tensor: Any) -> NDArray[Any]:
        """The numbers, of slices of a large tensor too."""
        return np.array(tf.convert_to_tensor(tensor).numpy())

    def is_tensor(self, value: Any) -> bool:
        """Whether it is a floating-point tensor with numbers."""
        return isinstance(value, tf.Tensor) and value.dtype.is_floating and not tf.is_symbolic_tensor(value)

    def begin(self, seed: int) -> None:
        """Without graphs, so that layers can be looked at."""
        tf.config.run_functions_eagerly(True)
        keras.utils.set_random_seed(seed)

    def gradients(
        self, run: Callable[[], tuple[Any, list[Any]]], variables: list[Any], fed: list[Any]
    ) -> tuple[float, list[Any], list[Any]]:
        """By one tape, asked once."""
        with tf.GradientTape() as tape:
            tape.watch(fed)
            loss, tensors = run()
        by_variables, by_tensors = tape.gradient(loss, ([v.value for v in variables], tensors))
        return float(tf.reshape(loss, ())), by_variables, by_tensors


_ROOM = KerasRoom(TensorFlow())


def answer(record: Record) -> Iterator[Record]:
    """One step of a comparison."""
    return testify(_ROOM, record)
