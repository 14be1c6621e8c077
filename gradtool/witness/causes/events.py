"""What flowed where in one pass, with the edges that no gradient comes back through.

A node is a tensor in one state (writing into it makes another node), or a number that has left the framework. An
event is one operation; where no gradient can come back through it, its ``kind`` says why, whatever it is given.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from gradtool.witness.causes.lines import Spot

__all__ = ["COMMON", "FLAT", "LEAVING", "LOOKED_AT", "Event", "Flow"]

LEAVING = frozenset({"item", "numpy", "tolist", "float", "left"})
"""Cuts by which numbers leave the framework."""

FLAT = frozenset({"integer", "comparison", "argmax"})
"""Cuts whose derivative is 0 wherever it exists: beside another path none is missing there."""

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
    region: int = 0
    """Cuts in one stretch in which nothing was recorded share a number: to undo one is to undo all of them."""
    stopped: frozenset[int] = frozenset()
    settles: bool = False
    """Whether it makes or sets a parameter: a step of its own, behind which no path is missing."""
    lawful: bool = False
    """Whether a library cuts here, which knows what it does: no path is missing where another one is left."""
    scores: bool = False
    """Whether a distribution computes the logarithm of a probability by it."""
    reads: bool = False
    """Whether it only hands out the value of a parameter."""


@dataclass(slots=True)
class Flow:
    """What a recorder writes down. Nodes are counted from 0; nothing of a framework is kept."""

    events: list[Event] = field(default_factory=list)
    unconnected: set[int] = field(default_factory=set)
    """Nodes from which autograd leads back to no parameter at all."""
    strangers: list[Event] = field(default_factory=list)
    """Events by which numbers of unknown origin came in, behind the first that left."""
    any_left: bool = False
    """Whether numbers have left, so that those that come in are worth a look."""
    _nodes: int = 0
    _made: dict[int, list[Event]] = field(default_factory=dict)
    _used: dict[int, list[Event]] = field(default_factory=dict)
    _left: dict[float, int] = field(default_factory=dict)
    _same: dict[int, tuple[float, int]] = field(default_factory=dict)
    """The very objects that left, by ``id``, which tells common numbers apart too."""

    def node(self, *, connected: bool = True) -> int:
        """A new node."""
        self._nodes += 1
        if not connected:
            self.unconnected.add(self._nodes - 1)
        return self._nodes - 1

    def add(
        self,
        operation: str,
        inputs: Iterable[int],
        outputs: Iterable[int],
        spot: Spot,
        kind: str = "",
        *,
        told: str = "",
        region: int = 0,
    ) -> Event:
        """Write down an operation. With outputs of several kinds (values and indices) call this once for each kind."""
        event = Event(len(self.events), operation, tuple(inputs), tuple(outputs), spot, kind, told, region)
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

    def leave(self, operation: str, node: int, spot: Spot, kind: str, numbers: Iterable[float]) -> Event:
        """The numbers of ``node`` leave the framework; they are known again when they come back."""
        outside = self.node(connected=False)
        self.any_left = True
        event = self.add(operation, [node], [outside], spot, kind)
        for number, _ in zip(numbers, range(LOOKED_AT), strict=False):
            self._same[id(number)] = number, outside
            if number not in COMMON:
                self._left[number] = self._left[-number] = outside
        return event

    def came_back(self, numbers: Iterable[float]) -> list[int]:
        """The nodes outside whose numbers these are."""
        seen = (number for number, _ in zip(numbers, range(LOOKED_AT), strict=False))
        known = (self._same[id(one)][1] if id(one) in self._same else self._left.get(one) for one in seen)
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
