"""The forward half of the exact walk: values in high precision, with a bound on what rounding can do to them."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from typing import Any

from mpmath import mp

from gradtool.target.dtype import rounded
from gradtool.target.operations import OPERATIONS
from gradtool.witness.symbolic import gathered
from gradtool.witness.symbolic.bounds import Rounding
from gradtool.witness.symbolic.node import BeyondError, Loss, Node, Stake, UndefinedError, worst_of
from gradtool.witness.symbolic.program import GATHERED
from gradtool.witness.symbolic.rows import functions
from gradtool.witness.walk import Step

__all__ = ["MAX_MAGNITUDE", "Forward"]

MAX_MAGNITUDE = 1 << 18
"""Numbers of 2 to this power and more are beyond any computer: sines and exponentials of them would not end."""


class Forward(Rounding):
    """One forward walk at the current mpmath precision; without ``bounds`` values and local derivatives only.

    The steps work on single numbers; ``root`` is the place of the one that is differentiated. ``base`` is a walk at
    a point that differs in the variables of ``wrt`` only, and ``moved`` the steps that depend on them: all others are
    taken from it. ``order`` are steps to begin with, so that a long chain needs no deep recursion. Raises
    UndefinedError or BeyondError, and TimeoutError after the ``deadline`` on the clock of ``time.monotonic``.

    Afterwards ``root`` is the value's node.
    """

    def __init__(
        self,
        steps: Sequence[Step],
        framework: str,
        dtype: str,
        values: Mapping[str, Any],
        wrt: Sequence[str],
        *,
        bounds: bool = True,
        root: int = -1,
        base: Forward | None = None,
        moved: frozenset[int] = frozenset(),
        order: Sequence[int] = (),
        deadline: float = math.inf,
    ) -> None:
        super().__init__(framework, dtype)
        self.steps, self.values, self.bounds = steps, values, bounds
        self.base, self.moved, self.deadline = base, moved, deadline
        self.active = frozenset(wrt)
        self.nodes: dict[int, Node] = {}
        for index in order:
            self._node(index)
        self.root = self._node(root % len(steps))

    def keep_time(self) -> None:
        """Raise TimeoutError after the deadline; asked at every node, because a single walk may be slow."""
        if time.monotonic() > self.deadline:
            raise TimeoutError

    # ---- forward

    def _node(self, index: int) -> Node:
        if index not in self.nodes:
            self.keep_time()
            node = self._copied(index) or self._computed(self.steps[index])
            self.nodes[index] = node  # after its arguments: the dictionary's order is an order of evaluation
        return self.nodes[index]

    def _copied(self, index: int) -> Node | None:
        if self.base is None or index in self.moved or (known := self.base.nodes.get(index)) is None:
            return None
        return Node(known.step, (), known.value, active=False, units=known.units, excess=known.excess, loss=known.loss)

    def _computed(self, step: Step) -> Node:
        if step.operation == "variable":
            return self._variable(step)
        if not step.operation:
            return self._number(step)
        if step.operation == "where":
            condition, yes, no = step.arguments
            decision = self._node(condition)
            chosen = self._node(yes if decision.value else no)
            node = Node(step, (chosen,), chosen.value, chosen.active, chosen.units, chosen.excess, [mp.mpf(1)])
            node.loss = decision.loss.worse(chosen.loss)
            return node
        first = self._node(step.arguments[0])
        if step.operation in ("logical_and", "logical_or") and bool(first.value) == (step.operation == "logical_or"):
            return Node(step, (first,), first.value, active=False, loss=first.loss)
        arguments = (first, *(self._node(index) for index in step.arguments[1:]))
        if step.operation in ("logical_and", "logical_or"):
            return Node(step, arguments, arguments[1].value, active=False, loss=first.loss.worse(arguments[1].loss))
        return self._gathered(step, arguments) if step.operation in GATHERED else self._applied(step, arguments)

    def _variable(self, step: Step) -> Node:
        """A coordinate of the point; TensorFlow takes a subnormal one for 0."""
        node = Node(step, (), self.values[step.name], step.name in self.active)
        if self.bounds and self.framework == "tensorflow" and 0 < abs(node.value) < self.least:
            node.excess = abs(node.value)
            node.loss = Loss(mp.inf, step, "flushed")
        return node

    def _number(self, step: Step) -> Node:
        """A literal is exactly the dtype's number nearest to it; in a row's formula pi is the true pi, rounded."""
        if step.inlined and step.name == "pi":
            return Node(step, (), +mp.pi, active=False, units=+mp.pi)
        return Node(step, (), mp.mpf(rounded(step.value, self.dtype)), active=False)

    def _gathered(self, step: Step, arguments: tuple[Node, ...]) -> Node:
        """A sum or an extreme of many."""
        values = [argument.value for argument in arguments]
        if any(not mp.isfinite(value) for value in values):
            raise UndefinedError(step, arguments)
        value = gathered.value_of(step.operation, values)
        active = step.operation != "_top" and any(argument.active for argument in arguments)
        node = Node(step, arguments, value, active, locals=gathered.locals_of(step.operation, values, value))
        node.loss = worst_of(arguments)
        if not self.bounds:
            return node
        if step.operation == "sum":
            node.units = mp.fsum(argument.units for argument in arguments)
            node.excess = mp.fsum(argument.excess for argument in arguments)
            if not gathered.is_exact_sum(values, self.arithmetic.precision):
                node.units += gathered.sum_units(values)
        else:
            node.units = max(argument.units for argument in arguments)
            node.excess = max(argument.excess for argument in arguments)
            exact, near = gathered.tied(arguments, value, self.unit)
            if active and len(exact) > 1:
                self.stakes.append(Stake(node, tuple(exact), singular=False))
                self.thin |= any(bool(arguments[place].units) for place in exact)
            elif active and len(near) > 1:
                self.near.append(step)
                node.doubtful = True
        self._note_value_losses(node, [a for a in arguments if a.units or a.excess])
        return node

    def _applied(self, step: Step, arguments: tuple[Node, ...]) -> Node:
        row = functions(step.operation)
        values = [argument.value for argument in arguments]
        if OPERATIONS[step.operation].logical:
            node = Node(step, arguments, row.value(*values), active=False, loss=worst_of(arguments))
            if self.bounds:
                self._look_at_kinks(node)
            return node
        if any(not mp.isfinite(value) for value in values) and step.operation not in ("min", "max", "clip"):
            raise UndefinedError(step, arguments)
        if row.domain and not row.domain(*values):
            raise UndefinedError(step, arguments)
        value = self._checked(step, row.value, arguments)
        active = any(argument.active for argument in arguments)
        node = Node(step, arguments, value, active, loss=worst_of(arguments))
        if self.bounds:
            if row.domain:
                self._look_at_domain(node, row.domain)
            self._look_at_kinks(node)
        inexact = [argument for argument in arguments if argument.units or argument.excess]
        if node.active or inexact:
            node.locals = [self._local(node, place) for place in range(len(arguments))]
        if self.bounds:
            self._bound_value(node, inexact)
        return node

    def _checked(self, step: Step, function: Any, arguments: tuple[Node, ...]) -> Any:
        try:
            value = function(*(argument.value for argument in arguments))
        except (ZeroDivisionError, ValueError):
            raise UndefinedError(step, arguments) from None
        except OverflowError:
            raise BeyondError(step) from None
        if isinstance(value, mp.mpc):
            raise UndefinedError(step, arguments)
        if mp.isfinite(value) and value and mp.mag(value) > MAX_MAGNITUDE:
            raise BeyondError(step)
        return value

    def _local(self, node: Node, place: int) -> Any:
        """The local derivative by argument ``place``; None where it is infinite or does not exist."""
        if not (node.active or node.arguments[place].units or node.arguments[place].excess):
            return mp.mpf(0)
        try:
            local = functions(node.step.operation).derivatives[place](*(a.value for a in node.arguments))
        except (ArithmeticError, ValueError):
            local = None
        if local is None or isinstance(local, mp.mpc) or not mp.isfinite(local):
            if node.arguments[place].active:
                self.stakes.append(Stake(node, (place,), singular=True))
                self.thin |= any(bool(argument.units) for argument in node.arguments)
            return None
        return local
