"""Why parameters have no gradient, and which paths are missing from those that have one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

import torch

from gradtool.evidence import Cause, CodeLine
from gradtool.witness.causes.dataflow import Found, Walk
from gradtool.witness.causes.events import Event
from gradtool.witness.causes.further import further_cuts
from gradtool.witness.causes.lines import NOWHERE, Spot, code_line
from gradtool.witness.causes.replay import Wanted
from gradtool.witness.pytorch.causes.eager import eagerly
from gradtool.witness.pytorch.causes.recorder import DataFlow
from gradtool.witness.pytorch.causes.unseen import shown
from gradtool.witness.pytorch.model.parameters import Named

__all__ = ["MissingFinder"]


ELSEWHERE = (
    "modules were called in another thread, where no operation is followed: call them in the thread of the backward "
    "pass to see why their parameters have no gradient"
)


class MissingFinder:
    """Looks on from the forward pass to the backward pass, and tells why gradients are None."""

    def __init__(self) -> None:
        self.flow = DataFlow()
        self.notes: list[str] = []
        self._losses: list[int] = []
        self._open = ExitStack()

    def __enter__(self) -> MissingFinder:
        with ExitStack() as stack:
            stack.enter_context(eagerly(self.notes))
            stack.enter_context(shown(self.flow))
            stack.enter_context(self.flow)
            self._open = stack.pop_all()
        return self

    def __exit__(self, *_raised: object) -> None:
        self._open.close()

    @contextmanager
    def aside(self) -> Iterator[None]:
        """Inside, what is computed is not the program's."""
        asleep, self.flow.asleep = self.flow.asleep, True
        try:
            yield
        finally:
            self.flow.asleep = asleep

    def clear(self) -> None:
        """A new iteration begins."""
        self.flow.clear()
        self._losses = []

    def before(self, tensors: Sequence[torch.Tensor]) -> None:
        """A backward pass from these is about to begin."""
        self._losses += [node for tensor in tensors if (node := self.flow.node_of(tensor)) is not None]

    def told(self, rows: Sequence[Named], _loss: Any, asked: Wanted) -> list[Cause]:
        """The causes, one for each place, of the parameters in ``asked.none``, and the missing paths of the others."""
        self.notes += [f"{name} could not be followed: {why}" for name, why in self.flow.failed.items()]
        with self.aside():
            return self._told(rows, asked)

    def _told(self, rows: Sequence[Named], asked: Wanted) -> list[Cause]:
        walk = Walk(self.flow.flow, self._losses)
        found: dict[tuple[Any, ...], tuple[list[Found], Spot, list[str]]] = {}
        for row in rows:
            if row.name in asked.none:
                one, place = self._why(row, walk)
                key = (one.kind, place, one.event.operation if one.event and not one.event.region else "")
                alike, _, names = found.setdefault(key, ([], place, []))
                alike.append(one)
                names.append(row.name)
        causes = [_cause("none", alike, place, names) for alike, place, names in found.values() if alike[0].kind]
        known = {one.event.place for alike, _, _ in found.values() for one in alike if one.event is not None}
        there = {node: row.name for row in rows if row.name not in asked.none and (node := self._node(row)) is not None}
        cuts: dict[tuple[str, Spot], tuple[Found, set[int]]] = {}
        for one, nodes in walk.missing(there):
            if nodes and one.event is not None and one.event.place not in known:
                cuts.setdefault((one.kind, one.event.spot), (one, set()))[1].update(nodes)
        for (_, place), (one, before) in cuts.items():
            causes.append(_cause("cut", [one], place, [name for node, name in there.items() if node in before]))
        return causes

    def _node(self, row: Named) -> int | None:
        return self.flow.node_of(row.tensor) if row.tensor.requires_grad else None

    def _why(self, row: Named, walk: Walk) -> tuple[Found, Spot]:
        """What was found, and where."""
        if id(row.tensor) in self.flow.nodes.frozen:
            return Found("frozen", None), self.flow.nodes.frozen[id(row.tensor)]
        if not row.tensor.requires_grad:
            return Found("frozen", None), self.flow.froze(row.tensor)
        node = self._node(row)
        one = Found("unused", None) if node is None else walk.none(node)
        if one.kind == "unused" and id(row.tensor) in self.flow.elsewhere:
            self.notes += [ELSEWHERE] if ELSEWHERE not in self.notes else []
            return Found("", None), NOWHERE
        if one.kind == "unused":
            return one, self.flow.created.get(id(row.tensor), NOWHERE)
        return one, one.event.spot if one.event else NOWHERE


def _cause(fate: str, alike: Sequence[Found], place: Spot, names: list[str]) -> Cause:
    """The record of a cause that was found for each of ``names``, perhaps with other cuts behind it."""
    event = alike[0].event
    told = [event.told] if event and event.told else []
    if event and event.stopped and not event.kind:
        told.append("its backward() returns None for it")
    operation = event.operation if event else ""
    further = further_cuts(alike, _line_of)
    return Cause(fate, alike[0].kind, operation, code_line(place), names, told="; ".join(told), further=further)


def _line_of(event: Event) -> CodeLine:
    return code_line(event.spot)
