"""What flowed where in one pass, with the edges that no gradient comes back through, and the walk along it.

A node is a tensor in one state (writing into it makes another node), or a number that has left the framework. An
event is one operation; where no gradient can come back through it, its ``kind`` says why, whatever it is given. The
walk goes from a parameter to the losses and names the event at which the gradient is lost.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from gradtool.witness.causes.lines import Spot

__all__ = ["FLAT", "LEAVING", "Event", "Flow", "Found", "Walk"]

FLAT = frozenset({"integer", "comparison", "argmax"})
"""Cuts whose derivative is 0 wherever it exists: beside another path none is missing there."""

LEAVING = frozenset({"item", "numpy", "tolist", "float", "left"})
"""Cuts by which numbers leave the framework."""

LOOKED_AT = 64
"""So many numbers of an array that left or came back are compared."""

COMMON = frozenset({0.0, 1.0, -1.0, 2.0, 0.5, 10.0})
"""Numbers that programs write themselves: that one of them left proves nothing when it comes back."""


@dataclass(slots=True)
class Event:
    """One operation on nodes. ``place`` is its turn; ``stopped`` are inputs that it gives no gradient to."""

    place: int
    operation: str
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    spot: Spot
    kind: str = ""
    """Why no gradient comes back through it, a word of ``Cause.kind``; empty where one does."""
    told: str = ""
    """A clause for people beside the kind."""
    stopped: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Found:
    """The event at which the gradient is lost, the kind of that, and the cuts that stand behind it on the way."""

    kind: str
    event: Event | None
    further: tuple[Event, ...] = ()


@dataclass(slots=True)
class Flow:
    """What a recorder writes down. Nodes are counted from 0; nothing of a framework is kept."""

    events: list[Event] = field(default_factory=list)
    unconnected: set[int] = field(default_factory=set)
    """Nodes from which autograd leads back to no parameter at all."""
    strangers: list[Event] = field(default_factory=list)
    """Events by which numbers of unknown origin came in, behind the first that left."""
    _nodes: int = 0
    _made: dict[int, list[Event]] = field(default_factory=dict)
    _used: dict[int, list[Event]] = field(default_factory=dict)
    _left: dict[float, int] = field(default_factory=dict)

    def node(self, *, connected: bool = True) -> int:
        """A new node."""
        self._nodes += 1
        if not connected:
            self.unconnected.add(self._nodes - 1)
        return self._nodes - 1

    def add(
        self, operation: str, inputs: Iterable[int], outputs: Iterable[int], spot: Spot, kind: str = "", told: str = ""
    ) -> Event:
        """Write down an operation. With outputs of several kinds (values and indices) call this once for each kind."""
        event = Event(len(self.events), operation, tuple(inputs), tuple(outputs), spot, kind, told)
        self.events.append(event)
        for node in event.inputs:
            self._used.setdefault(node, []).append(event)
        for node in event.outputs:
            self._made.setdefault(node, []).append(event)
        return event

    def unmake(self, node: int) -> None:
        """Nothing that was written down makes ``node``: its gradient was recorded apart from the operations."""
        for event in self._made.pop(node, ()):
            event.outputs = tuple(one for one in event.outputs if one != node)

    def leave(self, operation: str, node: int, spot: Spot, kind: str, numbers: Iterable[float]) -> None:
        """The numbers of ``node`` leave the framework; they are known again when they come back."""
        outside = self.node(connected=False)
        self.add(operation, [node], [outside], spot, kind)
        for number, _ in zip(numbers, range(LOOKED_AT), strict=False):
            if number not in COMMON:
                self._left[number] = outside

    @property
    def any_left(self) -> bool:
        """Whether numbers have left, so that those that come in are worth a look."""
        return bool(self._left) or any(event.kind in LEAVING for event in self.events)

    def came_back(self, numbers: Iterable[float]) -> list[int]:
        """The nodes outside whose numbers these are."""
        known = (self._left.get(number) for number, _ in zip(numbers, range(LOOKED_AT), strict=False))
        return list(dict.fromkeys(node for node in known if node is not None))

    def stranger(self, operation: str, outputs: Iterable[int], spot: Spot) -> None:
        """Numbers of unknown origin come in."""
        self.strangers.append(self.add(operation, (), outputs, spot))

    def made_by(self, node: int) -> Sequence[Event]:
        """The events that a node comes from."""
        return self._made.get(node, ())

    def used_by(self, node: int) -> Sequence[Event]:
        """The events that a node goes into."""
        return self._used.get(node, ())


Connected = Callable[[int], bool]


class Walk:
    """The ways through ``flow`` that end in one of ``losses``."""

    def __init__(self, flow: Flow, losses: Iterable[int]) -> None:
        self.flow = flow
        self.losses = list(losses)

    @cached_property
    def _cuts_to_loss(self) -> dict[int, int]:
        """For each node that the losses are made of, how many cuts stand on the way with the fewest."""
        fewest: dict[int, int] = {}
        pending = [(0, node) for node in self.losses]
        while pending:
            cuts, node = heapq.heappop(pending)
            if node in fewest:
                continue
            fewest[node] = cuts
            for event in self.flow.made_by(node):
                for above in event.inputs:
                    if above not in fewest:
                        heapq.heappush(pending, (cuts + bool(event.kind), above))
        return fewest

    def reaches(self, node: int) -> bool:
        """Whether a loss is made of it, by whatever way."""
        return node in self._cuts_to_loss

    def none(self, parameter: int, connected: Connected | None = None) -> Found:
        """Why nothing comes back to ``parameter``, of which it is known that nothing does.

        ``connected`` says of a node whether autograd leads back from it to this parameter; without it what the
        recorder knew counts, which is whether it leads back to any. Among several cuts one that alone would bring the
        gradient back is preferred, then the first.
        """
        if not self.flow.used_by(parameter):
            return Found("unused", None)
        live = self._live([parameter], connected)
        edge = self._edge_of(live, connected)
        cuts = [(event, node) for event, node in edge if node not in live and self.reaches(node)]
        if cuts:
            event, node = min(cuts, key=lambda cut: (self._left_to_do(*cut), cut[0].place))
            return Found(event.kind or "nondifferentiable", event, self._further(node))
        if (event_out := self._left_for_good(parameter)) is not None:
            return Found(event_out.kind, event_out)
        last = max((event for node in live for event in self._inner(node)), key=lambda event: event.place, default=None)
        return Found("dead_branch", last)

    def missing(self, parameters: Collection[int], connected: Connected | None = None) -> list[tuple[Found, list[int]]]:
        """The cuts behind which a way to a loss is open, each with those of ``parameters`` that lie before it.

        Each of ``parameters`` is known to have a gradient, by another way. Flat functions are none of these cuts.
        """
        live = self._live(parameters, connected)
        found: dict[int, tuple[Found, list[int]]] = {}
        for event, node in self._edge_of(live, connected):
            if event.place not in found and event.kind not in FLAT and self._cuts_to_loss.get(node) == 0:
                own = self._before(event, live, connected)
                found[event.place] = (Found(event.kind or "nondifferentiable", event), sorted(own & set(parameters)))
        return [found[place] for place in sorted(found)]

    # ---- the parts of the walk

    def _live(self, start: Iterable[int], connected: Connected | None) -> set[int]:
        """The nodes from which a gradient comes back to ``start``."""
        seen: set[int] = set()
        pending = list(start)
        while pending:
            node = pending.pop()
            if node not in seen:
                seen.add(node)
                pending += [
                    below for event in self.flow.used_by(node) for below in self._passed(event, node, connected)
                ]
        return seen

    def _passed(self, event: Event, node: int, connected: Connected | None) -> Iterator[int]:
        """The outputs of ``event`` from which a gradient comes back to its input ``node``."""
        if event.kind or node in event.stopped:
            return
        for below in event.outputs:
            if below not in self.flow.unconnected if connected is None else connected(below):
                yield below

    def _edge_of(self, live: set[int], connected: Connected | None) -> Iterator[tuple[Event, int]]:
        """Every event that takes a live node and makes one that no gradient comes back from, with that node."""
        for node in live:
            for event in self.flow.used_by(node):
                passed = set(self._passed(event, node, connected))
                yield from ((event, below) for below in event.outputs if below not in passed)

    def _left_to_do(self, event: Event, node: int) -> int:
        """How many more cuts there are behind this one; one that can't be undone counts as two."""
        return self._cuts_to_loss[node] + (event.kind in FLAT)

    def _further(self, node: int) -> tuple[Event, ...]:
        """The cuts on the way with the fewest from ``node`` to a loss."""
        cuts: list[Event] = []
        known = self._cuts_to_loss
        seen = {node}
        while True:
            steps = (
                (event, below) for event in self.flow.used_by(node) for below in event.outputs
                if below not in seen and known.get(below, -2) + bool(event.kind) == known[node]
            )  # fmt: skip
            step = next(steps, None)
            if step is None:
                return tuple(cuts)
            event, node = step
            seen.add(node)
            if event.kind:
                cuts.append(event)

    def _left_for_good(self, parameter: int) -> Event | None:
        """The last event by which numbers made of ``parameter`` left before strange ones came in towards a loss."""
        came = [event.place for event in self.flow.strangers if any(map(self.reaches, event.outputs))]
        if not came:
            return None
        seen: set[int] = set()
        pending, left = [parameter], []
        while pending:
            node = pending.pop()
            if node not in seen:
                seen.add(node)
                for event in self.flow.used_by(node):
                    pending += event.outputs
                    if event.kind in LEAVING and event.place < max(came):
                        left.append(event)
        return max(left, key=lambda event: event.place, default=None)

    def _inner(self, node: int) -> Iterator[Event]:
        """What was computed of a node, inside the framework."""
        return (event for event in self.flow.used_by(node) if event.kind not in LEAVING)

    def _before(self, event: Event, live: set[int], connected: Connected | None) -> set[int]:
        """The nodes that lead to ``event`` by ways that a gradient comes back on."""
        seen: set[int] = set()
        pending = [node for node in event.inputs if node in live]
        while pending:
            node = pending.pop()
            if node in seen:
                continue
            seen.add(node)
            for maker in self.flow.made_by(node):
                if node in self._passed_any(maker, connected):
                    pending += [above for above in maker.inputs if above in live and above not in maker.stopped]
        return seen

    def _passed_any(self, event: Event, connected: Connected | None) -> set[int]:
        return {below for node in event.inputs for below in self._passed(event, node, connected)}
