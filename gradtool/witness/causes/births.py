"""Where the first number that is not finite was born, and the way from there to the loss or to a gradient.

An operation gives birth if its output is worse than all of its inputs, in the order finite, infinite, NaN. Whatever
is not finite is followed by the memory that holds it, so the way is the one that was taken, and what was masked out
before the loss is never met. Infinities that the program states itself (a mask of -inf) are no births.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from gradtool.evidence import Cause, Operand, Waypoint
from gradtool.witness.causes.lines import Spot, code_line
from gradtool.witness.causes.operands import FINITE, INFINITE, NAN, Call, Given, operand
from gradtool.witness.causes.patterns import (
    CONSTANT,
    MARKING,
    PASSING,
    SELECTING,
    epsilon_lost,
    is_left_out,
    is_mask,
    kind_of,
    taken,
)

__all__ = ["Births", "Target"]

MOST = 3
"""So many births are told of one loss or one gradient, the oldest first."""
SILENT = frozenset(("copy", "view"))
"""Operations that are no stop on the way."""


@dataclass(slots=True, eq=False)
class Link:
    """An operation whose output is not finite; ``parents`` are those that its inputs come from."""

    number: int
    operation: str
    phase: str
    place: Spot
    level: int
    parents: tuple[Link, ...] = ()
    kind: str = ""
    """Of a birth, or ``given`` for what came in; empty where it was only passed on."""
    told: str = ""
    operands: list[Operand] = field(default_factory=list)
    intended: bool = False
    stands: bool = False
    """Whether it is the cause although an infinity that came in is older: that was meant to be left out."""
    meant: bool = False
    """Whether no birth lies behind it, only infinities that the program states."""
    own: bool = False
    """Whether all births behind it belong to the same operation's slope."""
    keys: list[Hashable] = field(default_factory=list)
    """Of the operands."""


@dataclass(frozen=True, slots=True)
class Target:
    """What is not finite in the end: the loss, whose ``name`` is empty, or the gradient of a parameter."""

    name: str
    key: Hashable
    level: int


class Births:
    """The record of one pass. A framework calls ``good`` or ``bad`` after every operation, in their order.

    ``names`` are the parameters, buffers and inputs by key; ``weights`` those of them that are parameters, and
    ``buffers`` those in which an infinity is meant. All three may be known later.
    """

    def __init__(
        self,
        names: Mapping[Hashable, str] | None = None,
        weights: Iterable[Hashable] = (),
        buffers: Iterable[Hashable] = (),
    ) -> None:
        self.names = dict(names or {})
        self._weights, self._buffers = set(weights), set(buffers)
        self._origins: dict[Hashable, tuple[Link, ...]] = {}
        self._marks: dict[Hashable, dict[str, str]] = {}
        self._count = 0

    def __contains__(self, key: Hashable) -> bool:
        """Whether something is kept of it, so that its key must not be given away again."""
        return key in self._origins or key in self._marks

    def level_behind(self, key: Hashable) -> int:
        """How bad a birth has made what is held there: all of it, or a part."""
        return max((link.level for link in self._origins.get(key, ()) if not link.meant), default=FINITE)

    # ---- what a framework tells

    def good(
        self,
        operation: str,
        inputs: Sequence[Hashable],
        outputs: Sequence[Hashable],
        *,
        phase: str = "forward",
        of: str = "",
        numbers: Sequence[float] = (),
        dtype: str = "",
    ) -> None:
        """An operation whose outputs are finite; ``numbers`` are the plain ones among its operands."""
        if self._origins:
            for key in outputs:
                self._origins.pop(key, None)
        marks: dict[str, str] = {}
        if self._marks:
            marks = self._passed(operation, inputs, phase, numbers=bool(numbers))
        if phase == "backward":
            if of in SELECTING:
                marks["selected"] = ""
        else:
            if operation in MARKING:
                marks[MARKING[operation]] = ""
            if numbers and (lost := epsilon_lost(operation, numbers, dtype)):
                marks["epsilon"] = lost
        for key in outputs:
            if marks:
                self._marks[key] = dict(marks)
            elif self._marks and key not in inputs:
                self._marks.pop(key, None)

    def bad(self, call: Call) -> None:
        """An operation with an output that is not finite."""
        self._count += 1
        worst = max(given.level for given in call.outputs)
        reached = max((given.level for given in call.inputs), default=FINITE)
        parents = self._parents(call)
        if worst <= reached:  # a NaN came from a NaN
            parents = tuple(parent for parent in parents if parent.level >= worst)
        link = Link(self._count, call.of or call.operation, call.phase, call.place, worst, parents)
        if _states(call) and worst <= INFINITE:
            link.kind, link.intended, link.told = "given", True, "the program states the infinity itself"
        elif call.operation in CONSTANT:
            link.kind, link.intended = "given", worst <= INFINITE
        elif worst > reached or (_meant(parents) and _is_new(call)) or self._trapped(call, parents):
            link.kind, told, stands = kind_of(call, self._marks_of)
            link.stands = stands and not _is_explained(link)
            link.told = call.told or told or (_born(parents) if link.stands else "")
            link.operands = [operand(given) for given in call.inputs if given.key is not None]
            link.keys = [given.key for given in call.inputs if given.key is not None]
        plain = [given for given in call.inputs if given.key is None]
        link.meant = link.intended if link.kind else _meant(parents)
        link.own = bool(link.operands) or (
            not link.kind and all(parent.own and _same(parent, call) for parent in parents)
        )
        marks = self._passed(call.operation, [given.key for given in call.inputs], call.phase, numbers=bool(plain))
        if call.phase == "backward" and call.of in SELECTING:
            marks["selected"] = ""
        for given in call.outputs:
            if given.level == FINITE:
                self._origins.pop(given.key, None)
            else:
                beside = self._origins.get(given.key, ()) if call.partial else ()
                self._origins[given.key] = (*beside, link)
            if marks:
                self._marks[given.key] = marks

    def _passed(self, operation: str, inputs: Iterable[Hashable], phase: str, *, numbers: bool) -> dict[str, str]:
        """The marks of the outputs that those of the inputs leave."""
        passing = operation in PASSING or (operation == "mul" and numbers)
        return {
            mark: told
            for key in inputs
            for mark, told in self._marks.get(key, {}).items()
            if passing or (mark == "selected" and phase == "backward")
        }

    def _marks_of(self, given: Given) -> Mapping[str, str]:
        return self._marks.get(given.key, {})

    def _parents(self, call: Call) -> tuple[Link, ...]:
        found: list[Link] = []
        for given in taken(call):
            if given.level == FINITE or given.key is None:
                continue
            if given.key not in self._origins:
                self._origins[given.key] = (self._came_in(call, given),)
            found.extend(self._origins[given.key])
        return tuple(dict.fromkeys(found))

    def _trapped(self, call: Call, parents: Sequence[Link]) -> bool:
        """Whether a slope that is not finite itself meets the gradient of 0 of what was not selected."""
        if call.phase != "backward" or not parents:
            return False
        own = all(parent.own and _same(parent, call) for parent in parents)
        return own and is_left_out(call, self._marks_of)

    def _came_in(self, call: Call, given: Given) -> Link:
        """What was there before anyone looked."""
        link = Link(0, call.of or call.operation, call.phase, call.place, given.level, (), "given")
        link.operands, link.keys = [operand(given)], [given.key]
        link.intended = given.level == INFINITE and (given.key in self._buffers or is_mask(given))
        link.meant = link.intended
        return link

    def is_weight(self, key: Hashable, name: str) -> None:
        """What is held there is a parameter; those of a program are known only afterwards."""
        self._weights.add(key)
        self.names[key] = name

    def is_meant(self, key: Hashable) -> None:
        """An infinity that is held there is meant, as in a mask."""
        self._buffers.add(key)

    # ---- what is told afterwards

    def causes(self, targets: Sequence[Target], step: int = 0) -> list[Cause]:
        """The births behind the targets. If the loss is not finite, it is the loss whose births are told."""
        loss = [target for target in targets if not target.name and target.level and target.key in self._origins]
        spoilt = [target for target in targets if target.name and target.level]
        found: dict[tuple[str, Spot, str], Cause] = {}
        for target in loss or spoilt:
            names = [one.name for one in spoilt] if loss else [target.name]
            for way in self._ways(target.key):
                root = way[0]
                known = (root.kind, root.place, root.operation)
                if known not in found:
                    found[known] = self._cause(way, target.level, step)
                found[known].parameters.extend(name for name in names if name not in found[known].parameters)
        return list(found.values())

    def _ways(self, key: Hashable) -> list[list[Link]]:
        """From each birth behind the tensor to the tensor, the oldest birth first."""
        after: dict[int, tuple[Link, Link | None]] = {}
        roots: dict[int, Link] = {}
        ends = self._origins.get(key, ())
        pending: deque[tuple[Link, Link | None]] = deque((link, None) for link in ends)
        while pending:  # in breadth, so that each way is the shortest
            link, behind = pending.popleft()
            if id(link) in after:
                continue
            after[id(link)] = (link, behind)
            older = link.parents
            if link.kind and (link.stands or _meant(older)):
                roots[id(link)] = link
            else:
                pending.extend((parent, link) for parent in older)
        blamed = [link for link in roots.values() if not link.intended] or list(roots.values())
        traps = {(link.operation, link.place) for link in blamed if link.kind == "where_trap"}
        blamed = [  # the slopes of several operands are one trap
            link
            for link in blamed
            if link.kind == "where_trap" or link.phase == "forward" or (link.operation, link.place) not in traps
        ]
        ways: list[list[Link]] = []
        for root in sorted(blamed, key=lambda link: link.number)[:MOST]:
            way = [root]
            while (behind := after[id(way[-1])][1]) is not None:
                way.append(behind)
            ways.append(way)
        return ways

    def _cause(self, way: Sequence[Link], level: int, step: int) -> Cause:
        root = way[0]
        stops: list[Waypoint] = []
        for link in way:
            stop = Waypoint(link.operation, link.phase, code_line(link.place))
            if (link is root or link.operation not in SILENT) and stop not in stops[-1:]:
                stops.append(stop)
        fate, names = "nan" if level == NAN else "inf", [self.names.get(key, "") for key in root.keys]
        kind = "weights" if root.kind == "given" and self._weights.intersection(root.keys) else root.kind
        operands = [replace(one, name=name) for one, name in zip(root.operands, names, strict=True)]
        return Cause(
            fate, kind, root.operation, code_line(root.place), [], root.phase, operands, stops, step, root.told
        )


def _same(link: Link, call: Call) -> bool:
    return (link.operation, link.phase, link.place) == (call.of or call.operation, call.phase, call.place)


def _born(parents: Iterable[Link]) -> str:
    """Where the infinity was born that is the cause only where it is multiplied by 0."""
    pending = [parent for parent in parents if not parent.meant]
    while pending:
        link = pending.pop()
        if link.kind:
            line = code_line(link.place).source
            return f"the infinity comes from {link.operation}{line and f' of {line}'}"
        pending += link.parents
    return ""


def _states(call: Call) -> bool:
    """Whether an infinity is among the plain numbers that the operation was given."""
    return any(given.key is None and given.level == INFINITE for given in call.inputs)


def _meant(parents: Sequence[Link]) -> bool:
    """Whether all that came in was meant: no birth lies behind it."""
    return all(parent.meant for parent in parents)


def _is_explained(met: Link) -> bool:
    """Whether the infinity is the fault, and not that it met a 0.

    A number was to keep it away, and was lost; or y*log(p) of the same line has a p of 0, whatever y is.
    """
    product = met.kind == "zero_times_inf"
    pending, seen = list(met.parents), set[int]()
    while pending:
        link = pending.pop()
        if link.kind == "tiny_epsilon" or (product and link.kind == "log_of_zero" and link.place == met.place):
            return True
        if id(link) not in seen:
            seen.add(id(link))
            pending.extend(link.parents)
    return False


def _is_new(call: Call) -> bool:
    """Whether an entry is not finite where none of the inputs' is, as far as their shapes tell."""
    inputs = [given.numbers() for given in call.inputs]
    for given in call.outputs:
        output = given.numbers()
        fresh = ~np.isfinite(output) if output.dtype.kind in "fc" else np.zeros(output.shape, bool)
        try:
            for values in inputs:
                if values.dtype.kind in "fc":
                    fresh = fresh & np.broadcast_to(np.isfinite(values), output.shape)
        except ValueError:
            return False
        if inputs and fresh.any():
            return True
    return False
