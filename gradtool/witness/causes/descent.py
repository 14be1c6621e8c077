"""From what is not finite back to its births, operation by operation."""

from __future__ import annotations

from collections import deque
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from gradtool.evidence import Operand, Waypoint
from gradtool.witness.causes.lines import Spot, code_line
from gradtool.witness.causes.operands import Call

__all__ = ["Link", "all_meant", "born", "explained", "stops", "ways"]

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

    def belongs_to(self, call: Call) -> bool:
        """Whether it is a part of the same operation, in the same phase."""
        return (self.operation, self.phase, self.place) == (call.of or call.operation, call.phase, call.place)


def all_meant(parents: Iterable[Link]) -> bool:
    """Whether all that came in was meant: no birth lies behind it."""
    return all(parent.meant for parent in parents)


def born(parents: Iterable[Link]) -> str:
    """Where the infinity was born that is the cause only where it is multiplied by 0."""
    pending = [parent for parent in parents if not parent.meant]
    while pending:
        link = pending.pop()
        if link.kind:
            line = code_line(link.place).source
            return f"the infinity comes from {link.operation}{line and f' of {line}'}"
        pending += link.parents
    return ""


def explained(met: Link) -> bool:
    """Whether the infinity is the fault, and not that it met a 0.

    A number was to keep it away, and was lost; or y*log(p) of the same line has a p of 0, whatever y is.
    """
    product = met.kind == "zero_times_inf"
    pending, seen = list(met.parents), set[Link]()
    while pending:
        link = pending.pop()
        if link.kind == "tiny_epsilon" or (product and link.kind == "log_of_zero" and link.place == met.place):
            return True
        if link not in seen:
            seen.add(link)
            pending.extend(link.parents)
    return False


def ways(ends: Iterable[Link]) -> list[list[Link]]:
    """From each birth behind ``ends`` to the nearest of them, the oldest birth first."""
    after: dict[Link, Link | None] = {}
    roots: list[Link] = []
    pending: deque[tuple[Link, Link | None]] = deque((link, None) for link in ends)
    while pending:  # in breadth, so that each way is the shortest
        link, behind = pending.popleft()
        if link in after:
            continue
        after[link] = behind
        if link.kind and (link.stands or all_meant(link.parents)):
            roots.append(link)
        else:
            pending.extend((parent, link) for parent in link.parents)
    return [_way(root, after) for root in sorted(_blamed(roots), key=lambda link: link.number)[:MOST]]


def _blamed(roots: Sequence[Link]) -> list[Link]:
    """Those that the program did not intend, if there are any; the slopes of several operands are one trap."""
    blamed = [link for link in roots if not link.intended] or roots
    traps = {(link.operation, link.place) for link in blamed if link.kind == "where_trap"}
    return [
        link
        for link in blamed
        if link.kind == "where_trap" or link.phase == "forward" or (link.operation, link.place) not in traps
    ]


def _way(root: Link, after: Mapping[Link, Link | None]) -> list[Link]:
    way = [root]
    while (behind := after[way[-1]]) is not None:
        way.append(behind)
    return way


def stops(way: Sequence[Link]) -> list[Waypoint]:
    """The operations of a way that are told, each line once."""
    found: list[Waypoint] = []
    for link in way:
        stop = Waypoint(link.operation, link.phase, code_line(link.place))
        if (link is way[0] or link.operation not in SILENT) and stop not in found[-1:]:
            found.append(stop)
    return found
