"""The exact walk: value and gradient of an expression AS WRITTEN, in high precision, with a running error analysis.

Forward, every node carries its exact value v and a first-order bound on what a framework's rounding can do to it:

    delta(v) = sum_j |dv/da_j| delta(a_j) + u |v|

Backward, every adjoint carries a bound of its own: the adjoint's error travels by the local derivatives, and each
local derivative is off by |d2v| delta(a), by a few units of its own rounding, and by what the framework's way of
computing it loses. Bounds are kept as a pair: ``units`` (to be multiplied by the unit roundoff u of any arithmetic,
also of the high-precision one: this is how the number of digits is chosen) and ``excess`` (overflow and underflow of
the dtype). Cost: about ten high-precision operations a node. See N. J. Higham, Accuracy and Stability of Numerical
Algorithms (2002), section 3.3, for running error analysis.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mpmath import mp

from gradtool.target.operations import OPERATIONS
from gradtool.witness.symbolic.as_computed import as_computed
from gradtool.witness.symbolic.forward import MAX_MAGNITUDE, Forward
from gradtool.witness.symbolic.node import (
    Node,
    Stake,
    left_over,
    relative_error,
    scaled,
    slope_of,
)
from gradtool.witness.symbolic.program import GATHERED
from gradtool.witness.symbolic.rows import functions
from gradtool.witness.walk import Step

__all__ = ["MAX_MAGNITUDE", "Walk"]

FLAT_GROUPS = ("choice", "step", "activation")
"""Operations that are constant on whole intervals, or nearly so."""


class Walk(Forward):
    """A forward walk and the backward walk after it; see ``Forward`` for what it takes.

    Afterwards ``variable(name)`` is the node of a variable, with its adjoint and what is to be said about it, and
    ``links`` says how strongly each step scales the gradient, and ``doubted`` names the variables of branches between
    which rounding decides.
    """

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.links: list[tuple[Any, Step]] = []
        self.doubted: set[str] = set()
        self.root.adjoint = mp.mpf(1)
        backward = list(reversed(self.nodes.values()))
        for node in backward:
            self.keep_time()
            self._spread(node)
        self._mark(backward)
        self._variables = {node.step.name: node for node in backward if node.step.operation == "variable"}

    def variable(self, name: str) -> Node:
        """The node of a variable; one without an adjoint where the value does not depend on it."""
        return self._variables.get(name) or Node(Step((0, 0), "variable", name=name), (), mp.mpf(0), active=True)

    def _spread(self, node: Node) -> None:
        """Hand the adjoint of ``node`` to its arguments, with its error."""
        self._bound_adjoint(node)
        if not node.active or not node.arguments:
            return
        for place, (argument, local) in enumerate(zip(node.arguments, node.locals, strict=True)):
            if not argument.active or local is None:
                continue
            product = node.adjoint * local
            if not self.bounds:
                argument.adjoint += product
                continue
            self._blame(node, place, argument)
            if not local:
                self._note_flat(node, argument)
            units, excess = self._local_error(node, place, local)
            size = abs(product)
            units = scaled(abs(local), node.adjoint_units) + scaled(abs(node.adjoint), units)
            excess = scaled(abs(local), node.adjoint_excess) + scaled(abs(node.adjoint), excess)
            units += 0 if abs(local) == 1 else size
            if size and (size < self.tiny or abs(local) < self.tiny):
                excess += self.tiny * max(1, abs(node.adjoint))
                argument.blame = argument.blame.offered(self.tiny / (size * self.unit), node.step, "underflow")
            elif size and self._overflows(max(size + self.unit * units + excess, abs(local))):
                excess = mp.inf
                argument.blame = argument.blame.offered(mp.inf, node.step, "backward_overflow")
            if size:
                argument.best_relative = max(argument.best_relative, relative_error(self.unit, units, excess, product))
            repeated = bool(argument.adjoint)
            argument.adjoint += product
            argument.adjoint_units += units + (abs(argument.adjoint) if repeated else 0)
            argument.adjoint_excess += excess
            self._note_link(node, local)

    def _blame(self, node: Node, place: int, argument: Node) -> None:
        """Digits lost upstream, and in whatever the local derivative is computed from."""
        argument.blame = argument.blame.worse(node.blame)
        if node.step.operation == "where" or node.step.operation in GATHERED:
            if node.step.operation != "sum":
                argument.blame = argument.blame.worse(node.loss)
            return
        row = functions(node.step.operation)
        if not row.trivial[place]:
            argument.blame = argument.blame.worse(node.loss)
        for other in row.depends[place]:
            argument.blame = argument.blame.worse(node.arguments[other].loss)

    @staticmethod
    def _note_flat(node: Node, argument: Node) -> None:
        """Remember the choice or step whose local derivative is 0."""
        if node.step.operation in GATHERED or OPERATIONS[node.step.operation].group in FLAT_GROUPS:
            argument.flat = argument.flat or node.step

    def _bound_adjoint(self, node: Node) -> None:
        """Note the cancellation where several paths met in ``node``."""
        if node.adjoint and node.best_relative:
            after = relative_error(self.unit, node.adjoint_units, node.adjoint_excess, node.adjoint)
            factor = self.weight * after / max(node.best_relative, self.unit)
            node.blame = node.blame.offered(factor, node.step, "adjoint")

    def _local_error(self, node: Node, place: int, local: Any) -> tuple[Any, Any]:
        """What the dtype may get wrong in a local derivative, as (units, excess)."""
        step = node.step
        if step.operation == "where" or step.operation in GATHERED:
            return mp.mpf(0), mp.mpf(0)
        row, table = functions(step.operation), OPERATIONS[step.operation]
        derivative = row.derivatives[place]
        values = [argument.value for argument in node.arguments]
        units, excess = mp.mpf(0), mp.mpf(0)
        for other, argument in enumerate(node.arguments):
            own = not row.trivial[place] and len(values) == 1
            if argument.units or argument.excess or own:
                second = slope_of(derivative, values, other)
                units += scaled(second, argument.units) + (scaled(second, abs(values[0])) if own else 0)
                excess += scaled(second, argument.excess)
                if self.coarse:
                    reach = self.unit * argument.units + argument.excess
                    excess += left_over(derivative, values, other, reach, second)
        if not row.trivial[place]:
            units += 4 * abs(local)
        for cells in (table.backward.get(self.framework), table.loses.get(self.framework)):
            more_units, more_excess = as_computed(cells[place], node, self.arithmetic) if cells else (0, 0)
            units, excess = units + more_units, excess + more_excess
        relative = relative_error(self.unit, units, excess, local) if local else 0
        before = max(relative_error(self.unit, a.units, a.excess, a.value) for a in node.arguments)
        argument = node.arguments[place]
        argument.blame = argument.blame.offered(self.weight * relative / max(before, self.unit), step, "backward")
        return units, excess

    def _note_link(self, node: Node, local: Any) -> None:
        """Remember how strongly this link scales the gradient; a product with a constant is a change of units."""
        scales_units = node.step.operation in ("multiply", "divide") and not all(a.active for a in node.arguments)
        if local and not scales_units:
            self.links.append((abs(local), node.step))

    # ---- what concerns which variable

    def _mark(self, order: Sequence[Node]) -> None:
        """Tell every node whether a kink, a doubtful condition or a flat step lies on its way to the value."""
        stakes: dict[int, list[Stake]] = {}
        for stake in sorted(self.stakes, key=lambda stake: not stake.singular):  # an infinite slope is the graver
            stakes.setdefault(id(stake.node), []).append(stake)
        for node in order:
            for stake in stakes.get(id(node), ()):
                if stake.singular or node.touched or node.matters:
                    for place in stake.places:
                        node.arguments[place].touched = node.arguments[place].touched or node.step
            if node.step.operation == "where" and _undecided(self.nodes[node.step.arguments[0]]):
                self.doubted |= self._variables_under(node.step.arguments)
            for argument in node.arguments:
                argument.touched = argument.touched or node.touched
                argument.doubtful |= node.doubtful
                argument.flat = argument.flat or node.flat

    def _variables_under(self, places: Sequence[int]) -> set[str]:
        """The names of all variables from which the steps at ``places`` are computed, in whichever branch."""
        waiting, seen, names = list(places), set[int](), set[str]()
        while waiting:
            place = waiting.pop()
            if place not in seen:
                seen.add(place)
                waiting += self.steps[place].arguments
                if self.steps[place].operation == "variable":
                    names.add(self.steps[place].name)
        return names


def _undecided(condition: Node) -> bool:
    """Whether rounding decides the condition, or one that it is joined from."""
    joined = condition.step.operation.startswith("logical_")
    return condition.doubtful or (joined and any(_undecided(part) for part in condition.arguments))
