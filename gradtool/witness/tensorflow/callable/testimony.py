"""TensorFlow's testimony on the callables of a file."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import tensorflow as tf

from gradtool.evidence import CallableRequest, Record
from gradtool.witness.callable.examine import examined
from gradtool.witness.callable.randomness import set_random
from gradtool.witness.callable.testimony import Examined, answers
from gradtool.witness.tensorflow.callable.room import ROOM
from gradtool.witness.tensorflow.callable.targets import TensorFlowCallables
from gradtool.witness.tensorflow.model import BACKEND

__all__ = ["answer", "testified"]


def answer(record: Record) -> Iterator[Record]:
    """The evidence on each callable that a CallableRequest asks for."""
    if isinstance(record, CallableRequest):
        yield from testified(record, lambda subject, request: examined(subject, request, ROOM))


def testified(request: CallableRequest, examined: Examined) -> Iterator[Record]:
    """The same, by what ``examined`` makes of each."""
    os.environ["KERAS_BACKEND"] = BACKEND
    set_random(request.seed)
    tf.random.set_seed(request.seed)
    _hold(request)
    yield from answers(request, TensorFlowCallables(), examined)


def _hold(request: CallableRequest) -> None:
    """What Keras makes in the file is made in the dtype asked for; a file without Keras is spared its import."""
    file = Path(request.path)
    if request.dtype and file.is_file() and b"keras" in file.read_bytes():
        import keras  # noqa: PLC0415

        keras.config.set_floatx(request.dtype)
        keras.config.set_dtype_policy(request.dtype)
