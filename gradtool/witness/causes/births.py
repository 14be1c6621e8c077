"""Where the first number that is not finite was born, and the way from there to the loss or to a gradient.

An operation gives birth if its output is worse than all of its inputs, in the order finite, infinite, NaN. Whatever
is not finite is followed by the memory that holds it, so the way is the one that was taken, and what was masked out
before the loss is never met. Infinities that the program states itself (a mask of -inf) are no births.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from gradtool.evidence import Cause
from gradtool.witness.causes.descent import Link, all_meant, born, explained, stops, ways
from gradtool.witness.causes.lines import Spot, code_line
from gradtool.witness.causes.marks import Marks
from gradtool.witness.causes.operands import FINITE, INFINITE, NAN, Call, Given, operand
from gradtool.witness.causes.patterns import CONSTANT, is_left_out, is_mask, kind_of, taken

__all__ = ["Births", "Target"]


@dataclass(frozen=True, slots=True)
class Target:
    """What is not finite in the end: the loss, whose ``name`` is empty, or the gradient of a parameter."""

    name: str
    key: Hashable
    level: int


class Births:
    """The record of one pass. A framework calls ``good`` or ``bad`` after every operation, in their order.

    What is a weight, and which infinities are meant, may be told later than that.
    """

    def __init__(self) -> None:
        self._weights: dict[Hashable, str] = {}
        """The names of the parameters."""
        self._meant: set[Hashable] = set()
        self._origins: dict[Hashable, tuple[Link, ...]] = {}
        self._marks = Marks()
        self._count = 0

    def __contains__(self, key: Hashable) -> bool:
        """Whether something is kept of it, so that its key must not be given away again."""
        return key in self._origins or key in self._marks

    def level_behind(self, key: Hashable) -> int:
        """How bad a birth has made what is held there: all of it, or a part."""
        return max((link.level for link in self._origins.get(key, ()) if not link.meant), default=FINITE)

    # ---- what a framework tells

    def is_weight(self, key: Hashable, name: str) -> None:
        """What is held there is a parameter; those of a program are known only afterwards."""
        self._weights[key] = name

    def is_meant(self, key: Hashable) -> None:
        """An infinity that is held there is meant, as in a mask."""
        self._meant.add(key)

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
        self._marks.good(operation, inputs, outputs, phase, of, numbers, dtype)

    def bad(self, call: Call) -> None:
        """An operation with an output that is not finite."""
        self._count += 1
        worst = max(given.level for given in call.outputs)
        reached = max((given.level for given in call.inputs), default=FINITE)
        parents = self._parents(call)
        if worst <= reached:  # a NaN came from a NaN
            parents = tuple(parent for parent in parents if parent.level >= worst)
        link = Link(self._count, call.of or call.operation, call.phase, call.place, worst, parents)
        self._judge(link, call, reached)
        self._marks.bad(call)
        for given in call.outputs:
            if given.level == FINITE:
                self._origins.pop(given.key, None)
            else:
                beside = self._origins.get(given.key, ()) if call.partial else ()
                self._origins[given.key] = (*beside, link)

    # ---- what follows for an operation

    def _parents(self, call: Call) -> tuple[Link, ...]:
        found: list[Link] = []
        for given in taken(call):
            if given.level == FINITE or given.key is None:
                continue
            if given.key not in self._origins:
                self._origins[given.key] = (self._came_in(call, given),)
            found.extend(self._origins[given.key])
        return tuple(dict.fromkeys(found))

    def _came_in(self, call: Call, given: Given) -> Link:
        """What was there before anyone looked."""
        link = Link(0, call.of or call.operation, call.phase, call.place, given.level, (), "given")
        link.operands, link.keys = [operand(given)], [given.key]
        link.intended = link.meant = given.level == INFINITE and (given.key in self._meant or is_mask(given))
        return link

    def _judge(self, link: Link, call: Call, reached: int) -> None:
        """Settle whether the operation gives birth, and to what; ``reached`` is how bad its inputs are."""
        parents = link.parents
        own = all(parent.own and parent.belongs_to(call) for parent in parents)
        if _states(call) and link.level <= INFINITE:
            link.kind, link.intended, link.told = "given", True, "the program states the infinity itself"
        elif call.operation in CONSTANT:
            link.kind, link.intended = "given", link.level <= INFINITE
        elif (
            link.level > reached
            or (all_meant(parents) and _is_new(call))
            or (own and parents and is_left_out(call, self._marks.of))  # a slope meets the 0 of what was not selected
        ):
            link.kind, told, stands = kind_of(call, self._marks.of)
            link.stands = stands and not explained(link)
            link.told = told or (born(parents) if link.stands else "")
            operands = [given for given in call.inputs if given.key is not None]
            link.operands, link.keys = [operand(given) for given in operands], [given.key for given in operands]
        link.meant = link.intended if link.kind else all_meant(parents)
        link.own = bool(link.operands) or (not link.kind and own)

    # ---- what is told afterwards

    def causes(self, targets: Sequence[Target]) -> list[Cause]:
        """The births behind the targets. If the loss is not finite, it is the loss whose births are told."""
        loss = [target for target in targets if not target.name and target.level and target.key in self._origins]
        spoilt = [target for target in targets if target.name and target.level]
        found: dict[tuple[str, Spot, str], Cause] = {}
        for target in loss or spoilt:
            names = [one.name for one in spoilt] if loss else [target.name]
            for way in ways(self._origins.get(target.key, ())):
                root = way[0]
                known = (root.kind, root.place, root.operation)
                if known not in found:
                    found[known] = self._cause(way, target.level)
                found[known].parameters.extend(name for name in names if name not in found[known].parameters)
        return list(found.values())

    def _cause(self, way: Sequence[Link], level: int) -> Cause:
        root = way[0]
        fate = "nan" if level == NAN else "inf"
        kind = "weights" if root.kind == "given" and any(key in self._weights for key in root.keys) else root.kind
        operands = [
            replace(one, name=self._weights.get(key, "")) for one, key in zip(root.operands, root.keys, strict=True)
        ]
        line = code_line(root.place)
        return Cause(fate, kind, root.operation, line, [], root.phase, operands, stops(way), told=root.told)


def _states(call: Call) -> bool:
    """Whether an infinity is among the plain numbers that the operation was given."""
    return any(given.key is None and given.level == INFINITE for given in call.inputs)


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
