"""The exact walk told node by node: values, local derivatives, and adjoints along every path, with their bounds.

The steps are those of ``derivative.py``, with a copy behind every node of the tree (``walk.compile_marked``): no two
nodes share a step then, so the adjoint of a copy is what comes along its path alone, and that of a variable the sum.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from mpmath import mp

from gradtool.evidence import ExactEntry, ExactNode, ExactTrace, Request
from gradtool.target.chain import Node as ChainNode
from gradtool.target.chain import chain, local_shape
from gradtool.target.expression import parse
from gradtool.target.operations import OPERATIONS
from gradtool.target.tree import Call
from gradtool.values import coordinates, indices, labels, shape_of
from gradtool.witness.symbolic.digits import Task
from gradtool.witness.symbolic.exact import Walk
from gradtool.witness.symbolic.node import BeyondError, Node, UndefinedError
from gradtool.witness.symbolic.program import Places, TooLargeError, scalar_program, weighed
from gradtool.witness.symbolic.told import place_if, text_if, text_of
from gradtool.witness.walk import compile_marked

__all__ = ["trace"]

JUMPS = ("floor", "ceil", "round", "sign", "floor_divide", "remainder")


def trace(request: Request) -> ExactTrace:
    """The nodes of ``request.expression``; without a value somewhere, or with too many steps, only a reason."""
    try:
        return _Tracing(request).traced()
    except UndefinedError as error:
        return ExactTrace(request.key, [], f"{OPERATIONS[error.step.operation].label} has no value here")
    except BeyondError as error:
        return ExactTrace(request.key, [], f"a number beyond any computer arises in {error.step.operation}")
    except TooLargeError:
        return ExactTrace(request.key, [], "too many single steps to be followed in high precision")


class _Tracing:
    """One walk over the marked steps, and what it says about each mark."""

    def __init__(self, request: Request) -> None:
        self.request = request
        expression = parse(request.expression, request.point)
        self.chain = chain(expression, request.point, request.wrt)
        shapes = {name: shape_of(value) for name, value in request.point.items()}
        steps, marks = compile_marked(expression.tree, request.framework, shapes, "stable", apart=True)
        program = scalar_program(steps, request.point)
        self.places: list[Places] = [program.places[mark] for mark in marks]
        self.copies = {int(place) for places in self.places for place in places.ravel()}
        names = list(labels({name: request.point[name] for name in request.wrt}))
        more, root = weighed(program, request.upstream)
        self.coordinates = coordinates(request.point)
        self.task = Task(more, request, names, self.coordinates, root)
        self.walk, self.digits = self.task.settled()

    def traced(self) -> ExactTrace:
        """Every mark, in order."""
        with mp.workdps(self.digits):
            moved = self.task.beside(self.walk.unit)
            nodes = [self._node(mark, moved) for mark in range(len(self.places))]
            for parent in self.chain:
                for mark, local in self._locals(parent).items():
                    nodes[mark].local.extend(local)
        return ExactTrace(self.request.key, nodes)

    # ---- values and adjoints

    def _node(self, mark: int, moved: Sequence[Walk]) -> ExactNode:
        places = self.places[mark]
        nodes = [self.walk.nodes.get(int(place)) for place in places.ravel()]
        entries = [
            self._entry(mark, index, int(place), moved)
            for index, place in zip(indices(places.shape), places.ravel(), strict=True)
        ]
        bounds = ["0" if node is None else text_of(node.units * self.walk.unit + node.excess) for node in nodes]
        return ExactNode([_value(node) for node in nodes], bounds, entries)

    def _entry(self, mark: int, index: tuple[int, ...], place: int, moved: Sequence[Walk]) -> ExactEntry:
        """The derivative of the output by one number; 0 for a branch that is not taken."""
        node = self.walk.nodes.get(place)
        if node is None:
            return ExactEntry(str(mark), "smooth", "0", index=index)
        blame = node.blame.worse(node.loss)
        others = [other.nodes[place].adjoint for other in moved if place in other.nodes]
        sensitivity = max((abs(other - node.adjoint) for other in others), default=mp.mpf(0))
        noise = mp.isfinite(node.adjoint_units) and abs(node.adjoint) <= node.adjoint_units * mp.eps
        return ExactEntry(
            str(mark),
            self._kind(node),
            "0" if noise else text_of(node.adjoint),
            bound=text_of(node.adjoint_units * self.walk.unit + node.adjoint_excess),
            sensitivity=text_of(sensitivity),
            loss=place_if(blame.step),
            cause=blame.cause,
            touched=place_if(node.touched),
            doubtful=node.doubtful,
            index=index,
        )

    def _kind(self, node: Node) -> str:
        if node.touched is None:
            return "smooth"
        if any(stake.singular and stake.node.step is node.touched for stake in self.walk.stakes):
            return "vertical"
        return "jump" if node.touched.operation in JUMPS else "kink"

    # ---- local derivatives

    def _locals(self, parent: ChainNode) -> dict[int, list[str | None]]:
        """For each argument of ``parent`` that has a derivative its mark, and the numbers of the local derivative.

        A number is None where it is infinite or does not exist.
        """
        below = [
            path.mark
            for node in {place: self.chain[place] for place in parent.arguments}.values()
            if node.kind not in {"constant", "condition"} and local_shape(node, parent) is not None
            for path in node.paths
            if self.chain[path.parent] is parent
        ]
        slopes = [self._slopes(int(place)) for place in self.places[parent.mark].ravel()] if below else []
        elementwise = isinstance(parent.tree, Call) and OPERATIONS[parent.tree.operation].shape == "broadcast"
        found = {}
        for mark in below:
            entries = self.places[mark]
            pairs: Iterable[tuple[dict[int, Any], Any]] = itertools.product(slopes, entries.ravel())
            if elementwise:
                pairs = zip(slopes, np.broadcast_to(entries, parent.shape).ravel(), strict=True)
            numbers = [slope.get(int(place), mp.mpf(0)) for slope, place in pairs]
            found[mark] = [text_if(number) for number in numbers]
        return found

    def _slopes(self, top: int) -> dict[int, Any]:
        """The derivative of the step at ``top`` by the copies next below it; none where it has no value."""
        walk = self.walk
        if top not in walk.nodes:  # a branch that is not taken, or an output that nobody asks about
            try:
                other = Task(self.task.steps, self.request, self.task.wrt, self.coordinates, top)
                walk = other.walk(other.point())
            except (UndefinedError, BeyondError):
                return dict.fromkeys(self.copies)
        index = {id(node): place for place, node in walk.nodes.items()}
        pending: dict[int, Any] = {top: mp.mpf(1)}
        found: dict[int, Any] = {}
        while pending:
            place = max(pending)
            slope = pending.pop(place)
            if place != top and place in self.copies:
                found[place] = slope
                continue
            node = walk.nodes[place]
            for argument, local in zip(node.arguments, node.locals, strict=False):
                if argument.active:
                    below = index[id(argument)]
                    known = pending.get(below, mp.mpf(0))
                    kink = argument.touched and argument.touched is node.step
                    broken = slope is None or local is None or known is None or kink
                    pending[below] = None if broken else known + slope * local
        return found


def _value(node: Node | None) -> str | None:
    """A number; a condition is 1 or 0. None where the walk did not pass, as in a branch that is not taken."""
    if node is None:
        return None
    value = mp.mpf(node.value)
    return "0" if abs(value) <= node.units * mp.eps else text_of(value)
