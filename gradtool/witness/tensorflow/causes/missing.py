"""Why a variable has no gradient, and which paths are missing from one that is there, out of what was written down."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import tensorflow as tf

from gradtool.evidence import Cause
from gradtool.witness.causes.dataflow import Found, Walk
from gradtool.witness.causes.lines import Spot, code_line
from gradtool.witness.tensorflow.causes.recorder import Recorder
from gradtool.witness.tensorflow.model.parameters import Named

__all__ = ["missing", "none"]

_GRADIENT = tf.GradientTape.gradient
"""Of the class as it was, since the tapes of a program are watched."""


def none(recorder: Recorder, tapes: Sequence[Any], losses: Iterable[Any], sought: Iterable[Named]) -> list[Cause]:
    """The causes for the variables or tensors ``sought``, none of which has a gradient of ``losses``.

    ``tapes`` are persistent and have recorded the pass; a few small gradients are asked of them.
    """
    walk = Walk(recorder.flow, [recorder.loss(one) for one in losses])
    found: dict[tuple[str, Spot, str], list[str]] = {}
    for row in sought:
        kind, operation, place = _why(recorder, walk, tapes, row)
        if kind:  # empty where this pass did give it a gradient
            found.setdefault((kind, place, operation), []).append(row.name)
    return [
        Cause("none", kind, operation, code_line(place), names) for (kind, place, operation), names in found.items()
    ]


def missing(recorder: Recorder, losses: Iterable[Any], held: Iterable[Named]) -> list[Cause]:
    """The cuts in the way of variables that have a gradient by another way."""
    walk = Walk(recorder.flow, [recorder.loss(one) for one in losses])
    names = {node: row.name for row in held if (node := recorder.node(row.tensor)) is not None}
    causes = []
    for found, nodes in walk.missing(names):
        event = found.event
        if event is not None and event.place not in recorder.inner and found.kind not in _LAWFUL:
            line = code_line(recorder.spot_of(event))
            causes.append(Cause("cut", found.kind, event.operation, line, [names[node] for node in nodes]))
    return causes


_LAWFUL = ("nondifferentiable", "frozen", "not_watched")
"""Beside another path these are no news: what has no gradient misses none."""


def _why(recorder: Recorder, walk: Walk, tapes: Sequence[Any], row: Named) -> tuple[str, str, Spot]:
    tensor = row.tensor
    if not row.trainable:
        return "frozen", "", ("", 0, "")
    node = recorder.node(tensor)
    if node is None:
        found = Found("unused", None)
    else:
        _stop(recorder, walk, tapes, node)
        found = walk.none(node)
    if found.kind == "unused" and (place := _recreated(recorder, walk, tensor)):
        return "recreated", "tf.Variable", place
    event = found.event
    place = ("", 0, "") if event is None else recorder.spot_of(event)
    if not isinstance(tensor, tf.Variable) and node in recorder.flow.unconnected:
        return "not_watched", event.operation if event else "", place
    frozen = found.kind == "not_watched" and isinstance(tensor, tf.Variable) and not tensor.trainable
    return "frozen" if frozen else found.kind, event.operation if event else "", place


def _stop(recorder: Recorder, walk: Walk, tapes: Sequence[Any], start: int) -> None:
    """Find the operations that a tape took note of and whose gradient is None all the same, as of ``tf.floor``.

    One that takes a node from which the gradient comes back is asked for the gradient of its outputs by its inputs.
    """
    flow = recorder.flow
    seen: set[int] = set()
    asked: set[int] = set()
    pending = [start]
    while pending:
        node = pending.pop()
        if node in seen or not walk.reaches(node):
            continue
        seen.add(node)
        for event in flow.used_by(node):
            if event.kind or node in event.stopped:
                continue
            outputs = [below for below in event.outputs if below not in flow.unconnected]
            if outputs and event.place not in asked:
                asked.add(event.place)
                event.stopped |= frozenset(_without(recorder, tapes, event.inputs, outputs))
            if node not in event.stopped:
                pending += outputs


def _without(recorder: Recorder, tapes: Sequence[Any], inputs: Sequence[int], outputs: Sequence[int]) -> Iterator[int]:
    """Those of ``inputs`` that get None."""
    kept = [(node, recorder.tensor(node)) for node in dict.fromkeys(inputs) if recorder.tensor(node) is not None]
    kept = [(node, tensor) for node, tensor in kept if tensor.dtype.is_floating or tensor.dtype.is_complex]
    made = [tensor for tensor in map(recorder.tensor, outputs) if tensor is not None]
    if kept and made:
        found = [_GRADIENT(tape, made, [tensor for _, tensor in kept]) for tape in tapes]
        yield from (node for (node, _), *gradients in zip(kept, *found, strict=True) if not any(map(_there, gradients)))


def _there(gradient: Any) -> bool:
    return gradient is not None


def _recreated(recorder: Recorder, walk: Walk, tensor: Any) -> Spot | None:
    """Where a variable of the same shape was made on the way to the loss, while the one asked for is unused."""
    for node, place in recorder.born.items():
        if recorder.shapes.get(node) == tensor.shape and walk.reaches(node):
            return place
    return None
