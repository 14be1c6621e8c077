"""The walk through what flowed in one pass: from a parameter to the losses, to where the gradient is lost."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property

from gradtool.witness.causes.events import FLAT, LEAVING, Event, Flow
from gradtool.witness.causes.purposes import Purposes

__all__ = ["FLAT", "LEAVING", "Event", "Flow", "Found", "Walk"]


@dataclass(frozen=True, slots=True)
class Found:
    """The event at which the gradient is lost, the kind of that, and the cuts that stand behind it on the way."""

    kind: str
    event: Event | None
    further: tuple[Event, ...] = ()
    beside: tuple[Event, ...] = ()
    """The cuts of the other ways."""


Connected = Callable[[int], bool]


@dataclass(frozen=True, slots=True)
class _Step:
    """The next step towards a loss: how many cuts are left, the event's place, what it makes, and the region there."""

    cuts: int
    place: int
    below: int
    region: int


def _told(event: Event, further: tuple[Event, ...]) -> Found:
    first, *rest = _without_detours((event, *further))
    return Found(first.kind or "nondifferentiable", first, tuple(rest))


def _without_detours(cuts: tuple[Event, ...]) -> Iterator[Event]:
    """Numbers that leave the framework are detached first, and come back as a new tensor: the leaving is the cause."""
    for before, cut, after in zip((None, *cuts), cuts, (*cuts[1:], None), strict=False):
        leaves = cut.kind in ("detach", "data") and after is not None and after.kind in LEAVING
        comes_back = cut.kind == "new_tensor" and before is not None and before.kind in LEAVING
        if not (leaves and _is_given(after, cut)) and not (comes_back and _is_given(cut, before)):
            yield cut


def _is_given(event: Event | None, by: Event | None) -> bool:
    return event is not None and by is not None and not set(by.outputs).isdisjoint(event.inputs)


def _is_usual(cut: Event) -> bool:
    """Whether programs cut so rightly: flat functions have no derivative, and libraries know what they do."""
    return cut.kind in FLAT or cut.lawful or cut.settles


SETTLED = 4
"""So many cuts a way counts that leads through the values that a parameter was given: it was hardly meant to learn."""


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
                more = SETTLED * event.settles or (bool(event.kind) and (not event.region or event.region != region))
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
            _, (event, node) = min(ranked, key=lambda one: one[0])
            return replace(_told(event, self._further(event, node)), beside=self._beside(event, cuts))
        if any(node in live for node in self.losses):
            return Found("", None)
        if (event_out := self._left_for_good(parameter)) is not None:
            return Found(event_out.kind, event_out)
        inside = [event for node in live for event in self._inner(node)]
        out = self._last_to_leave(live)
        if out is not None and all(event.reads or event.spot == out.spot for event in inside):
            return Found(out.kind, out)
        return Found("dead_branch", max(inside, key=lambda event: event.place, default=None))

    def missing(self, parameters: Collection[int], connected: Connected | None = None) -> list[tuple[Found, list[int]]]:
        """The cuts behind which a way to a loss is open, each with those of ``parameters`` that lie before it.

        Each of ``parameters`` is known to have a gradient, by another way to the same loss: from a loss of its own that
        another part learns by, none is missing. Flat functions are none of these cuts, nor those that a method wants.
        """
        found: dict[int, tuple[Found, set[int]]] = {}
        for loss in dict.fromkeys(self.losses):
            for one, own in Walk(self.flow, [loss])._missing_from(loss, parameters, connected):  # noqa: SLF001
                place = one.event.place if one.event else -1
                found.setdefault(place, (one, set()))[1].update(own)
        return [(one, sorted(own)) for _, (one, own) in sorted(found.items(), key=lambda item: item[0])]

    def _missing_from(
        self, loss: int, parameters: Collection[int], connected: Connected | None
    ) -> Iterator[tuple[Found, set[int]]]:
        joined = connected or (lambda node: node not in self.flow.unconnected)
        purposes = Purposes(self.flow, joined, self._opens)
        live, learning = self._live(parameters, connected), self._above([loss], connected) & set(parameters)
        seen: set[int] = set()
        for event, node in self._edge_of(live, connected) if learning else ():
            drawn = event.kind == "draw"
            if event.place in seen or (_is_usual(event) and not drawn) or not self.reaches(node):
                continue
            if self._behind(event, node)[0]:
                continue
            seen.add(event.place)
            own = self._above([node for node in event.inputs if node in live], connected) & learning
            if own and not purposes.wants(event):
                yield _told(event, ()), own

    def _opens(self, node: int, undone: int) -> bool:
        """Whether a way leads from it to a loss without a cut, once those of the region ``undone`` are none."""
        ways = self._ways.get(node, {}).items()
        return any(not step.cuts - (region > 0 and region == undone) for region, step in ways)

    def _beside(self, first: Event, cuts: Iterable[tuple[Event, int]]) -> tuple[Event, ...]:
        """The cuts of the other ways, those of a line once: not of one that is usually cut, where ``first`` is not."""
        found: dict[int, Event] = {}
        known = {(first.kind, first.spot)}
        for event, node in cuts:
            if (event.kind, event.spot) not in known and not (event.region and event.region == first.region):
                way = (event, *self._further(event, node))
                if _is_usual(first) or not any(map(_is_usual, way)):
                    known.add((event.kind, event.spot))
                    found.update({cut.place: cut for cut in _without_detours(way)})
        return tuple(found[place] for place in sorted(found))

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

    def _last_to_leave(self, nodes: Iterable[int]) -> Event | None:
        left = (event for node in nodes for event in self.flow.used_by(node) if event.kind in LEAVING)
        return max(left, key=lambda event: event.place, default=None)

    def _inner(self, node: int) -> Iterator[Event]:
        """What was computed of a node, inside the framework."""
        return (event for event in self.flow.used_by(node) if event.kind not in LEAVING)

    def _above(self, start: Iterable[int], connected: Connected | None) -> set[int]:
        """The nodes that a gradient comes back to from ``start``."""
        seen: set[int] = set()
        pending = list(start)
        while pending:
            node = pending.pop()
            if node in seen:
                continue
            seen.add(node)
            for maker in self.flow.made_by(node):
                pending += [above for above in maker.inputs if node in self._passed(maker, above, connected)]
        return seen
