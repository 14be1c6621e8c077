"""TensorFlow's modes: reverse, forward, many points at once, recomputed in the backward pass, graph and XLA."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import tensorflow as tf

from gradtool.witness.modes import BATCH, Gradient, Memory, Run, Subject, Way
from gradtool.witness.testimony import Framework
from gradtool.witness.timing import How

__all__ = ["TensorFlowModes"]

UNCOUNTED = "not measured: TensorFlow keeps no account of memory on a CPU"


def _gradient(function: Callable[..., Any], tensors: Sequence[Any], weights: Any) -> Gradient:
    with tf.GradientTape() as tape:
        tape.watch(tensors)
        value = function(*tensors)
    return value, tape.gradient(value, list(tensors), output_gradients=weights)


def _reverse(subject: Subject) -> Run:
    return _differentiated(subject.function, subject)


def _differentiated(function: Callable[..., Any], subject: Subject) -> Run:
    return lambda: _gradient(function, subject.active, subject.weights)


def _called(function: Callable[..., Any], subject: Subject) -> Callable[[], Any]:
    return lambda: function(*subject.active)


def _graph(function: Callable[..., Any], subject: Subject, *, xla: bool) -> Callable[[], Any]:
    """The value as a graph; with ``xla`` compiled."""
    return _called(tf.function(function, jit_compile=xla, autograph=False), subject)


def _gradient_graph(function: Callable[..., Any], subject: Subject, *, xla: bool) -> Run:
    """Value and gradient as one graph, from which a None stays None."""
    graph = tf.function(
        lambda *tensors: _gradient(function, tensors, subject.weights), jit_compile=xla, autograph=False
    )
    return lambda: graph(*subject.active)


def _traced(*, xla: bool) -> Callable[[Subject], Run]:
    return lambda subject: _gradient_graph(subject.function, subject, xla=xla)


def _forward(subject: Subject) -> Run:
    """tf.autodiff.ForwardAccumulator along every unit vector."""
    basis = list(subject.basis())

    def run() -> Gradient:
        slopes = []
        for tangents in basis:
            value, tangent = _pushed(subject, tangents)
            slopes.append(tf.zeros([], value.dtype) if tangent is None else tf.reduce_sum(tangent * subject.weights))
        parts = tf.split(tf.stack(slopes), [int(tf.size(tensor)) for tensor in subject.active])
        return value, [tf.reshape(part, tensor.shape) for part, tensor in zip(parts, subject.active, strict=True)]

    return run


def _pushed(subject: Subject, tangents: Sequence[Any]) -> tuple[Any, Any]:
    with tf.autodiff.ForwardAccumulator(list(subject.active), list(tangents)) as accumulator:
        value = subject.function(*subject.active)
    return value, accumulator.jvp(value)


def _loop(subject: Subject) -> Run:
    """One point after the other."""
    points = subject.batch()

    def run() -> Gradient:
        found = [_gradient(subject.function, point, subject.weights) for point in points]
        values = tf.stack([value for value, _ in found])
        rows = [[tf.zeros_like(t) if g is None else g for g, t in zip(gradients, point, strict=True)]
                for (_, gradients), point in zip(found, points, strict=True)]  # fmt: skip
        return values, [tf.stack(column) for column in zip(*rows, strict=True)]

    return run


def _vmap(subject: Subject) -> Run:
    """tf.vectorized_map of the tape, in a graph: outside of one it would be traced again for every call."""
    stacked = [tf.stack(column) for column in zip(*subject.batch(), strict=True)]

    def one(tensors: Any) -> Any:
        value, gradients = _gradient(subject.function, tensors, subject.weights)
        return value, [tf.zeros_like(t) if g is None else g for g, t in zip(gradients, tensors, strict=True)]

    @tf.function(autograph=False)  # type: ignore[untyped-decorator]  # TensorFlow has no types
    def mapped(*columns: Any) -> Any:
        return tf.vectorized_map(one, list(columns), fallback_to_while_loop=False)

    def run() -> Gradient:
        values, gradients = mapped(*stacked)
        return values, gradients

    return run


def _checkpointed(subject: Subject) -> Run:
    function = tf.recompute_grad(subject.function)
    return lambda: _gradient(function, subject.active, subject.weights)


class TensorFlowModes:
    """TensorFlow as ``witness.modes.Modes``."""

    ways: Sequence[Way] = (
        Way("reverse", "tf.GradientTape", _reverse),
        Way("forward", "tf.autodiff.ForwardAccumulator", _forward),
        Way("loop", "tf.GradientTape, point by point", _loop, BATCH),
        Way("vmap", "tf.vectorized_map in tf.function", _vmap, BATCH),
        Way("checkpoint", "tf.recompute_grad", _checkpointed),
        Way("graph", "tf.function", _traced(xla=False)),
        Way("compiled", "tf.function(jit_compile=True)", _traced(xla=True)),
    )

    hows: Sequence[How] = (
        How("eager", "TensorFlow", _called, _differentiated),
        How("graph", "tf.function", partial(_graph, xla=False), partial(_gradient_graph, xla=False)),
        How("compiled", "tf.function(jit_compile=True)", partial(_graph, xla=True),
            partial(_gradient_graph, xla=True)),
    )  # fmt: skip

    def __init__(self, framework: Framework) -> None:
        self.framework = framework

    def products(self, subject: Subject, tangents: Sequence[Any], cotangent: Any) -> tuple[Any, Sequence[Any]]:
        """J v by ForwardAccumulator, and J^T w by GradientTape."""
        _, forward = _pushed(subject, tangents)
        _, back = _gradient(subject.function, subject.active, cotangent)
        return forward, back

    def memory(self, subject: Subject, way: Way) -> Memory:
        """Unknown."""
        del subject, way
        return None, None, UNCOUNTED

    def excuse(self, error: BaseException) -> str:
        """What XLA or vectorized_map has no form of; forward mode goes through the backward pass' own derivative."""
        if missing := re.search(r"gradient registry has no entry for: (\w+)", str(error)):
            return f"TensorFlow has no derivative of its backward pass {missing[1]}, which forward mode needs"
        lines = str(error).splitlines()
        told = next((line for line in lines if "unsupported operations" in line or "No pfor vectorization" in line), "")
        return f"there is no such form of it: {told.strip()[:200]}" if told else ""
