"""The walk through what flowed in one pass: from a parameter to the losses, to where the gradient is lost."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property

from gradtool.witness.causes.events import LEAVING, Event, Flow

__all__ = ["FLAT", "LEAVING", "Event", "Flow", "Found", "Walk"]

FLAT = frozenset({"integer", "comparison", "argmax"})
"""Cuts whose derivative is 0 wherever it exists: beside another path none is missing there."""


@dataclass(frozen=True, slots=True)
class Found:
    """The event at which the gradient is lost, the kind of that, and the cuts that stand behind it on the way."""

    kind: str
    event: Event | None
    further: tuple[Event, ...] = ()
    beside: tuple[Event, ...] = ()
    """Cuts of other ways, each of which alone would bring the gradient back as well."""


Connected = Callable[[int], bool]


@dataclass(frozen=True, slots=True)
class _Step:
    """The next step towards a loss: how many cuts are left, the event's place, what it makes, and the region there."""

    cuts: int
    place: int
    below: int
    region: int


def _told(event: Event, further: tuple[Event, ...]) -> Found:
    """Numbers that leave the framework are detached first, as they must be: the leaving is the cause."""
    first = further[0] if further else event
    if event.kind in ("detach", "data") and first.kind in LEAVING and set(event.outputs) & set(first.inputs):
        return Found(first.kind, first, further[1:])
    return Found(event.kind or "nondifferentiable", event, further)


class Walk:
    """The ways through ``flow`` that end in one of ``losses``."""

    def __init__(self, flow: Flow, losses: Iterable[int]) -> None:
        self.flow = flow
        self.losses = list(losses)

    @cached_property
    def _ways(self) -> dict[int, dict[int, _Step]]:
        """For each node that the losses are made of, the first step of the way with the fewest cuts.

        There is one for each region in which the way may begin; 0 stands for none.
        """
        found: dict[int, dict[int, _Step]] = {}
        pending = [(0, node, 0, -1, -1, 0) for node in self.losses]
        while pending:
            cuts, node, region, *step = heapq.heappop(pending)
            if region in found.setdefault(node, {}):
                continue
            found[node][region] = _Step(cuts, *step)
            for event in self.flow.made_by(node):
                more = event.settles or (bool(event.kind) and (not event.region or event.region != region))
                for above in event.inputs:
                    if event.region not in found.get(above, ()):
                        heapq.heappush(pending, (cuts + more, above, event.region, event.place, node, region))
        return found

    def reaches(self, node: int) -> bool:
        """Whether a loss is made of it, by whatever way."""
        return node in self._ways

    def _behind(self, event: Event, node: int) -> tuple[int, int]:
        """How many cuts are left behind ``event``, which makes ``node``, once it is undone; and the way's region."""
        own = event.region
        return min((step.cuts - (own > 0 and own == region), region) for region, step in self._ways[node].items())

    def _further(self, event: Event, node: int) -> tuple[Event, ...]:
        """Those cuts, one of each region."""
        region, within = self._behind(event, node)[1], event.region
        cuts: list[Event] = []
        while (step := self._ways[node][region]).place >= 0:
            below = self.flow.events[step.place]
            if below.kind and (not below.region or below.region != within):
                cuts.append(below)
            node, region, within = step.below, step.region, below.region
        return tuple(cuts)

    def none(self, parameter: int, connected: Connected | None = None) -> Found:
        """Why nothing comes back to ``parameter``, of which it is known that nothing does.

        ``connected`` says of a node whether autograd leads back from it to this parameter; without it what the
        recorder knew counts, which is whether it leads back to any. Among several cuts one that alone would bring the
        gradient back is preferred, then the first. The kind is empty where no cut was recorded.
        """
        if not self.flow.used_by(parameter):
            return Found("unused", None)
        live = self._live([parameter], connected)
        cuts = [(event, node) for event, node in self._edge_of(live, connected) if self.reaches(node)]
        if cuts:
            # A cut that can't be undone, as a comparison, counts as two.
            ranked = [((self._behind(*cut)[0] + (cut[0].kind in FLAT), cut[0].place), cut) for cut in cuts]
            (left, _), (event, node) = min(ranked, key=lambda one: one[0])
            one = _told(event, self._further(event, node))
            same = {id(cut): cut for (more, _), (cut, _) in ranked if more == left and cut is not event}
            return replace(one, beside=tuple(sorted(same.values(), key=lambda cut: cut.place)))
        if any(node in live for node in self.losses):
            return Found("", None)
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
            if event.place in found or event.lawful or event.settles or event.kind in FLAT or not self.reaches(node):
                continue
            if not self._behind(event, node)[0]:
                own = self._before(event, live, connected)
                found[event.place] = (_told(event, ()), sorted(own & set(parameters)))
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

    def _left_for_good(self, parameter: int) -> Event | None:
        """The last event by which numbers made of ``parameter`` left before strange ones came in towards a loss."""
        came = [event.place for event in self.flow.strangers if any(map(self.reaches, event.outputs))]
        if not came:
            return None
        left = self._leaving(parameter, max(came), FLAT) or self._leaving(parameter, max(came), frozenset())
        return max(left, key=lambda event: event.place, default=None)

    def _leaving(self, parameter: int, until: int, without: Collection[str]) -> list[Event]:
        """The events by which numbers made of ``parameter`` leave before ``until``, other than through such cuts."""
        seen: set[int] = set()
        pending, left = [parameter], []
        while pending:
            node = pending.pop()
            if node not in seen:
                seen.add(node)
                for event in self.flow.used_by(node):
                    pending += event.outputs if event.kind not in without else ()
                    if event.kind in LEAVING and event.place < until:
                        left.append(event)
        return left

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
