"""TensorFlow's testimony on an expression: GradientTape, and finite differences of its own forward function."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
import tensorflow as tf

from gradtool.evidence import Autodiff, Record, Request
from gradtool.target.expression import parse
from gradtool.target.operations import OPERATIONS
from gradtool.witness.finite_difference import Array, differences
from gradtool.witness.walk import Step, bind, compile_tree, evaluate

__all__ = ["answer"]

_DTYPES = {"float64": tf.float64, "float32": tf.float32}

tf.config.threading.set_intra_op_parallelism_threads(1)
tf.config.threading.set_inter_op_parallelism_threads(1)


def answer(record: Record) -> Iterator[Record]:
    """The value and gradient of the expression in a Request, with finite differences; None where unconnected."""
    if not isinstance(record, Request):
        return
    began = time.perf_counter()
    steps, dtype = compile_tree(parse(record.expression, record.point).tree, "tensorflow"), _DTYPES[record.dtype]
    leaves = {name: tf.constant(value, dtype=dtype) for name, value in record.point.items()}
    with tf.GradientTape() as tape:
        tape.watch([leaves[name] for name in record.wrt])
        value = _run(steps, leaves, dtype)
    found = tape.gradient(value, {name: leaves[name] for name in record.wrt})
    gradients = {name: None if gradient is None else float(gradient) for name, gradient in found.items()}
    bars = differences(_forward(steps, dtype), record.point, gradients, record.dtype)
    seconds = time.perf_counter() - began
    yield Autodiff(record.key, "tensorflow", tf.__version__, float(value), gradients, bars, seconds)


def _forward(steps: list[Step], dtype: Any) -> Callable[[Mapping[str, Array]], Array]:
    def forward(arrays: Mapping[str, Array]) -> Array:
        shape = next(iter(arrays.values())).shape
        leaves = {name: tf.constant(array, dtype=dtype) for name, array in arrays.items()}
        # Constants in the shape of the points: clip_by_value does not broadcast its first argument.
        values = evaluate(steps, _function, leaves, lambda number: tf.constant(number, dtype=dtype, shape=shape))
        return np.asarray(values.numpy(), dtype=np.float64)

    return forward


def _run(steps: list[Step], leaves: Mapping[str, Any], dtype: Any) -> Any:
    return evaluate(steps, _function, leaves, lambda number: tf.constant(number, dtype=dtype))


@functools.cache
def _function(name: str) -> Callable[..., Any]:
    return bind(OPERATIONS[name], "tensorflow", tf)
