"""The variables that a pass reads, also where TensorFlow reads them without an operation."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from types import TracebackType
from typing import Any, Self

import numpy as np
import tensorflow as tf
from tensorflow.python.eager import record  # no public way to the variables that are read

from gradtool.witness.tensorflow.model.parameters import Named

__all__ = ["Variables"]


class Variables:
    """A context; ``rows`` are those whose names are known, others have TensorFlow's own."""

    def __init__(self, rows: Sequence[Named]) -> None:
        self._watcher = record.VariableWatcher()
        self._names: dict[Hashable, str] = {key: row.name for row in rows if (key := _handle(row.tensor)) is not None}
        self._rows = [row.tensor for row in rows if isinstance(row.tensor, tf.Variable)]

        self._watching = False

    def __enter__(self) -> Self:
        self._watcher.__enter__()
        self._watching = True
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._rows, self._watching = list(self._all()), False  # one that is not entered must not be asked
        self._watcher.__exit__(kind, error, trace)

    def names(self) -> dict[Hashable, str]:
        """The names of all that are trained, by the number of the variable's handle."""
        found: dict[Hashable, str] = {
            key: str(one.name).partition(":")[0] for one in self._all() if (key := _handle(one)) is not None
        }
        return found | self._names

    def behind(self, tensor: Any) -> int | None:
        """The variable whose memory the tensor shows, by the number of its handle; None if it shows none."""
        place = np.asarray(tensor).ctypes.data
        with record.stop_recording():
            read = [(one, one.read_value()) for one in self._all()]
        return next((_handle(one) for one, value in read if np.asarray(value).ctypes.data == place), None)

    def _all(self) -> Iterator[Any]:
        yield from self._rows
        if self._watching:
            yield from self._watcher.watched_variables()


def _handle(tensor: Any) -> int | None:
    return tensor.handle._id if isinstance(tensor, tf.Variable) else None  # noqa: SLF001  # TensorFlow's own number
