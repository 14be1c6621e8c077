"""TensorFlow's testimony on an expression: GradientTape of every order, and differences of its own forward."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from gradtool.evidence import MeasureRequest, Record, Request
from gradtool.target.dtype import rounded
from gradtool.target.operations import OPERATIONS
from gradtool.witness.answering import answers
from gradtool.witness.checked import Tool
from gradtool.witness.tensorflow.gradcheck import gradcheck
from gradtool.witness.testimony import Floats, Function
from gradtool.witness.tracing import Kept
from gradtool.witness.walk import Step, bind, evaluate, evaluate_all

__all__ = ["TensorFlow", "answer"]

_DTYPES = {
    "float64": tf.float64, "float32": tf.float32, "float16": tf.float16, "bfloat16": tf.bfloat16, "int64": tf.int64,
}  # fmt: skip
_CHECKERS: dict[str, Tool] = {"gradcheck": gradcheck}


class TensorFlow:
    """TensorFlow as ``witness.testimony.Framework``."""

    name = "tensorflow"
    version = tf.__version__

    def tensor(self, value: Any, dtype: str) -> Any:
        """A constant."""
        return tf.constant(np.asarray(value), dtype=_DTYPES[dtype])

    def numbers(self, tensor: Any) -> Floats:
        """The tensor's numbers as float64."""
        return np.asarray(tf.convert_to_tensor(tensor).numpy(), dtype=np.float64)

    def run(self, steps: Sequence[Step], leaves: Mapping[str, Any], dtype: str) -> Any:
        """The value of ``steps``, literals as tensors of ``dtype``, rounded once: bfloat16 goes by way of float32."""
        kind = _DTYPES[dtype]
        # Single numbers at many points: clip_by_value does not broadcast its first argument.
        shape = () if any(step.shape for step in steps) else next(iter(leaves.values())).shape
        return evaluate(
            steps, _function, leaves, lambda number: tf.constant(rounded(number, dtype), dtype=kind, shape=shape)
        )

    def pullback(
        self, function: Function, leaves: Mapping[str, Any], wrt: Sequence[str]
    ) -> tuple[Any, Callable[[Floats], dict[str, Floats | None]]]:
        """One forward pass under a persistent tape, and as many backward passes as are asked for."""
        active = {name: leaves[name] for name in wrt}
        with tf.GradientTape(persistent=True) as tape:
            tape.watch(active)
            value = function(leaves)

        def pull(upstream: Floats) -> dict[str, Floats | None]:
            weights = tf.constant(upstream, dtype=value.dtype)
            found = tape.gradient(value, active, output_gradients=weights)
            return {name: None if gradient is None else self.numbers(gradient) for name, gradient in found.items()}

        return value, pull

    def gradient_of(self, function: Function, name: str) -> Function:
        """The gradient by a tape of its own, which outer tapes record; zeros where it is None."""

        def gradient(leaves: Mapping[str, Any]) -> Any:
            with tf.GradientTape() as tape:
                tape.watch(leaves[name])
                value = function(leaves)
            found = tape.gradient(value, leaves[name])
            return tf.zeros_like(leaves[name]) if found is None else tf.convert_to_tensor(found)

        return gradient

    def kept(self, steps: Sequence[Step], leaves: Mapping[str, Any], request: Request, upstream: Floats | None) -> Kept:
        """One pass under a tape, asked for the gradient of every tensor, and the names of a graph's operations."""
        kind = _DTYPES[request.dtype]
        with tf.GradientTape() as tape:
            tape.watch({name: leaves[name] for name in request.wrt})
            values = evaluate_all(
                steps, _function, leaves, lambda number: tf.constant(rounded(number, request.dtype), dtype=kind)
            )
        floating = [value for value in values if value.dtype == kind]
        weights = None if upstream is None else tf.constant(upstream, dtype=kind)
        found = iter(tape.gradient(values[-1], floating, output_gradients=weights))
        gradients = [next(found) if value.dtype == kind else None for value in values]
        names = ["tape.watch" if step.name in request.wrt else name for step, name in _names(steps, leaves, kind)]
        numbers = [None if gradient is None else self.numbers(gradient) for gradient in gradients]
        return [self.numbers(value) for value in values], numbers, names


def answer(record: Record) -> Iterator[Record]:
    """What TensorFlow says to a request (``answering.answers``), or what can be measured (``measured.measured``)."""
    _on_one_thread()
    if isinstance(record, MeasureRequest):
        from gradtool.witness.measured import measured  # noqa: PLC0415  # few runs need these
        from gradtool.witness.tensorflow.modes import TensorFlowModes  # noqa: PLC0415

        return measured(TensorFlowModes(TensorFlow()), record)
    return answers(TensorFlow(), record, _CHECKERS)


def _on_one_thread() -> None:
    """Expressions are small. Not at import: models bring this class along too, and they have the whole machine."""
    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)


def _names(steps: Sequence[Step], leaves: Mapping[str, Any], kind: Any) -> list[tuple[Step, str]]:
    """The operation that each step is in a graph, such as Sin; what is several is called by its own name."""
    made: list[str] = []

    def column(name: str) -> Callable[..., Any]:
        def named(*arguments: Any, **options: Any) -> Any:
            before = len(graph.get_operations())
            value = _function(name)(*arguments, **options)
            new = [operation.type for operation in graph.get_operations()[before:] if operation.type != "Const"]
            own = re.findall(r"(tf(?:\.\w+)+)\(", OPERATIONS[name].tensorflow)
            made.append(new[0] if len(new) == 1 else ", ".join(reversed(own)))
            return value

        return named

    with tf.Graph().as_default() as graph:
        inputs = {name: tf.compat.v1.placeholder(leaf.dtype, leaf.shape) for name, leaf in leaves.items()}
        evaluate_all(steps, column, inputs, lambda number: tf.constant(number, dtype=kind))
    found = iter(made)
    return [(step, next(found) if step.operation not in {"", "variable"} else "") for step in steps]


@functools.cache
def _function(name: str) -> Callable[..., Any]:
    return bind(OPERATIONS[name], "tensorflow", tf)
