"""TensorFlow's testimony on the callables of a file."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import tensorflow as tf

from gradtool.evidence import CallableEvidence, CallableRequest, Record
from gradtool.witness.callable.live import live_subject, weights
from gradtool.witness.callable.randomness import set_random
from gradtool.witness.callable.testimony import Examined, answers
from gradtool.witness.tensorflow.callable.room import looked_at
from gradtool.witness.tensorflow.callable.targets import TensorFlowCallables
from gradtool.witness.tensorflow.callable.tensors import numbers
from gradtool.witness.tensorflow.model import BACKEND
from gradtool.witness.testimony import value_of

__all__ = ["answer", "live", "testified"]

Inputs = Sequence[Any] | Mapping[str, Any]


def answer(record: Record) -> Iterator[Record]:
    """The evidence on each callable that a CallableRequest asks for."""
    if isinstance(record, CallableRequest):
        yield from testified(record, looked_at)


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


def live(
    function: Any, arguments: Inputs, keywords: Mapping[str, Any], request: CallableRequest, upstream: Any
) -> CallableEvidence:
    """The evidence on a function that the caller holds, at its arguments. Raises TypeError inside a tf.function."""
    if not tf.executing_eagerly():
        raise TypeError("inside a tf.function tensors have no numbers yet: call gradtool.check outside of it")
    subject = live_subject(TensorFlowCallables(), function, arguments, keywords, request)
    given = weights(upstream, subject, numbers)
    return looked_at(subject, request if given is None else replace(request, upstream=value_of(given)))
