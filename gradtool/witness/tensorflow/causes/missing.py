"""Why a variable has no gradient, and which paths are missing from one that is there, out of what was written down."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import tensorflow as tf

from gradtool.evidence import Cause, CodeLine
from gradtool.witness.causes.dataflow import Event, Found, Walk
from gradtool.witness.causes.further import further_cuts
from gradtool.witness.causes.lines import NOWHERE, Spot, code_line
from gradtool.witness.tensorflow.causes.recorder import Recorder
from gradtool.witness.tensorflow.model.parameters import Named
from gradtool.witness.tensorflow.model.sources import Sources

__all__ = ["frozen", "missing", "none"]

_GRADIENT = tf.GradientTape.gradient
"""Of the class as it was, since the tapes of a program are watched."""


def none(
    recorder: Recorder, sources: Sources, tapes: Sequence[Any], losses: Iterable[Any], sought: Iterable[Named]
) -> list[Cause]:
    """The causes for the variables or tensors ``sought``, none of which has a gradient of ``losses``.

    Of what is frozen ``sources`` may know the line. ``tapes`` are persistent and have recorded the pass; a few small
    gradients are asked of them.
    """
    walk = Walk(recorder.flow, [recorder.loss(one) for one in losses])
    found: dict[tuple[str, Spot, str], tuple[list[Found], list[str]]] = {}
    known = _Tapes(recorder, walk, tapes)
    for row in sought:
        if row.trainable:
            one, operation, place = _why(recorder, walk, known, row.tensor)
        else:
            one, operation, place = Found("frozen", None), "", sources.frozen(row.tensor)
        if one.kind:  # empty where this pass did give it a gradient
            alike, names = found.setdefault((one.kind, place, operation), ([], []))
            alike.append(one)
            names.append(row.name)
    return [
        Cause(
            "none", kind, operation, code_line(place), names, further=further_cuts(alike, partial(_line_of, recorder))
        )
        for (kind, place, operation), (alike, names) in found.items()
    ]


def frozen(sources: Sources, rows: Iterable[Named]) -> list[Cause]:
    """Where those of ``rows`` that do not learn were frozen, as far as that is known."""
    found: dict[Spot, list[str]] = {}
    for row in rows:
        if not row.trainable and (place := sources.frozen(row.tensor)) != NOWHERE:
            found.setdefault(place, []).append(row.name)
    return [Cause("none", "frozen", "", code_line(place), names) for place, names in found.items()]


def missing(recorder: Recorder, losses: Iterable[Any], held: Iterable[Named]) -> list[Cause]:
    """The cuts in the way of variables that have a gradient by another way."""
    walk = Walk(recorder.flow, [recorder.loss(one) for one in losses])
    names = {node: row.name for row in held if (node := recorder.nodes.of(row.tensor)) is not None}
    causes = []
    for found, nodes in walk.missing(names):
        event = found.event
        if event is not None and found.kind not in _LAWFUL:
            before = [names[node] for node in nodes]
            causes.append(Cause("cut", found.kind, event.operation, _line_of(recorder, event), before))
    return causes


_LAWFUL = ("nondifferentiable", "frozen", "not_watched")
"""Beside another path these are no news: what has no gradient misses none."""


def _line_of(recorder: Recorder, event: Event) -> CodeLine:
    return code_line(recorder.spot_of(event))


def _why(recorder: Recorder, walk: Walk, tapes: _Tapes, tensor: Any) -> tuple[Found, str, Spot]:
    """What was found, the operation, and where."""
    node = recorder.nodes.of(tensor)
    if node is None:
        found = Found("unused", None)
    else:
        tapes.look(node)
        found = walk.none(node)
    if found.kind == "unused" and (place := _recreated(recorder, walk, tensor)):
        return Found("recreated", None), "tf.Variable", place
    event = found.event
    kind = found.kind
    if not isinstance(tensor, tf.Variable):
        kind = "not_watched" if node in recorder.flow.unconnected else kind
    elif kind == "not_watched" and not tensor.trainable:
        kind = "frozen"
    place = NOWHERE if event is None else recorder.spot_of(event)
    return replace(found, kind=kind), event.operation if event else "", place


class _Tapes:
    """What the tapes say of single operations, each of which is asked once."""

    def __init__(self, recorder: Recorder, walk: Walk, tapes: Sequence[Any]) -> None:
        self.recorder, self.walk, self.tapes = recorder, walk, tapes
        self._asked: set[int] = set()
        self._led_back = self._from_losses()

    def look(self, start: int) -> None:
        """Find the operations that a tape took note of and whose gradient is None all the same, as of ``tf.floor``.

        Where the tapes seem to lead back from a loss to ``start``, every operation on the way is asked for the
        gradient of its outputs by its inputs.
        """
        if start not in self._led_back:
            return
        flow = self.recorder.flow
        below = _closed(
            [start], lambda node: (one for event in flow.used_by(node) for one in self._passed(event, node))
        )
        for event in {event.place: event for node in below & self._led_back for event in flow.made_by(node)}.values():
            if event.place not in self._asked and not event.kind:
                self._asked.add(event.place)
                event.stopped |= frozenset(self._without(event.inputs, event.outputs))
        self._led_back = self._from_losses()

    def _from_losses(self) -> set[int]:
        """The nodes to which the tapes lead back from a loss, as far as is known."""
        flow, gone = self.recorder.flow, self.recorder.flow.unconnected
        return _closed(
            (node for node in self.walk.losses if node not in gone),
            lambda node: (
                one for event in flow.made_by(node) if not event.kind for one in event.inputs
                if one not in gone and one not in event.stopped
            ),
        )  # fmt: skip

    def _passed(self, event: Event, node: int) -> Iterator[int]:
        if not event.kind and node not in event.stopped:
            yield from (below for below in event.outputs if below not in self.recorder.flow.unconnected)

    def _without(self, inputs: Sequence[int], outputs: Sequence[int]) -> Iterator[int]:
        """Those of ``inputs`` that get None."""
        tensor = self.recorder.nodes.tensor
        kept = [(node, tensor(node)) for node in dict.fromkeys(inputs) if tensor(node) is not None]
        kept = [(node, one) for node, one in kept if one.dtype.is_floating or one.dtype.is_complex]
        made = [one for one in map(tensor, outputs) if one is not None]
        if kept and made:
            found = [_GRADIENT(tape, made, [one for _, one in kept]) for tape in self.tapes]
            yield from (node for (node, _), *given in zip(kept, *found, strict=True) if not any(map(_there, given)))


def _closed(start: Iterable[int], steps: Callable[[int], Iterable[int]]) -> set[int]:
    """Everything that is reached by steps from ``start``."""
    seen: set[int] = set()
    pending = list(start)
    while pending:
        node = pending.pop()
        if node not in seen:
            seen.add(node)
            pending += steps(node)
    return seen


def _there(gradient: Any) -> bool:
    return gradient is not None


def _recreated(recorder: Recorder, walk: Walk, tensor: Any) -> Spot | None:
    """Where a variable of the same shape was made on the way to the loss, while the one asked for is unused."""
    for node, place in recorder.born.items():
        if recorder.shapes.get(node) == tensor.shape and walk.reaches(node):
            return place
    return None
