"""The forward half of the exact walk: values in high precision, with a bound on what rounding can do to them."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from typing import Any

from mpmath import mp

from gradtool.target.dtype import FORMATS, rounded
from gradtool.target.operations import OPERATIONS
from gradtool.witness.symbolic import gathered
from gradtool.witness.symbolic.as_computed import as_computed
from gradtool.witness.symbolic.node import (
    BeyondError,
    Loss,
    Node,
    Stake,
    UndefinedError,
    is_exactly,
    left_over,
    relative_error,
    scaled,
    slope_of,
    worst_of,
)
from gradtool.witness.symbolic.program import GATHERED
from gradtool.witness.symbolic.rows import functions
from gradtool.witness.walk import Step

__all__ = ["MAX_MAGNITUDE", "Forward"]

MAX_MAGNITUDE = 1 << 18
"""Numbers of 2 to this power and more are beyond any computer: sines and exponentials of them would not end."""


class Forward:
    """One forward walk at the current mpmath precision; without ``bounds`` values and local derivatives only.

    The steps work on single numbers; ``root`` is the place of the one that is differentiated. ``base`` is a walk at
    a point that differs in the variables of ``wrt`` only, and ``moved`` the steps that depend on them: all others are
    taken from it. ``order`` are steps to begin with, so that a long chain needs no deep recursion. Raises
    UndefinedError or BeyondError, and TimeoutError after the ``deadline`` on the clock of ``time.monotonic``.

    Afterwards ``root`` is the value's node; ``stakes`` are the kinks and singular derivatives that the point stands
    on, ``near`` the steps within the dtype's rounding of one, ``thin`` whether more digits are needed to tell, and
    ``absorbing`` the sums in which the dtype loses the smaller term altogether.
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
        self.steps, self.framework, self.values, self.bounds = steps, framework, values, bounds
        self.base, self.moved, self.deadline = base, moved, deadline
        self.dtype, self.arithmetic = dtype, FORMATS[dtype]
        self.unit = mp.ldexp(mp.mpf(1), -self.arithmetic.precision)
        self.tiny = mp.ldexp(mp.mpf(1), self.arithmetic.low)
        self.least = mp.mpf(self.arithmetic.least)
        self.coarse = self.arithmetic.coarse
        self.weight = 100 / min(100, 1 << self.arithmetic.precision // 2)  # where half the digits are less than two
        self.active = frozenset(wrt)
        self.nodes: dict[int, Node] = {}
        self.stakes: list[Stake] = []
        self.near: list[Step] = []
        self.absorbing: list[Step] = []
        self.thin = False
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

    def _look_at_domain(self, node: Node, domain: Any) -> None:
        """Within rounding of the edge of its domain the dtype may find no value."""
        values = [argument.value for argument in node.arguments]
        for place, argument in enumerate(node.arguments):
            for reach, cause in ((2 * self.unit * argument.units, "edge"), (argument.excess, "underflow")):
                for moved in (argument.value - reach, argument.value + reach) if reach and mp.isfinite(reach) else ():
                    if not domain(*values[:place], moved, *values[place + 1 :]):
                        node.offer(mp.inf, cause)

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

    def _bound_value(self, node: Node, inexact: list[Node]) -> None:
        size = abs(node.value)
        if not mp.isfinite(size):
            return
        if forward := OPERATIONS[node.step.operation].forward.get(self.framework):
            node.units, node.excess = as_computed(forward, node, self.arithmetic)
        elif inexact:
            for argument, local in zip(node.arguments, node.locals, strict=True):
                slope = mp.inf if local is None else abs(local)
                node.units += scaled(slope, argument.units)
                node.excess += scaled(slope, argument.excess)
            node.excess += self._bend(node)
        if not self._is_exact(node):
            node.units += size
        if node.step.operation in ("add", "subtract"):
            smaller, larger = sorted(abs(argument.value) for argument in node.arguments)
            if 0 < smaller < larger * self.unit / 2:
                self.absorbing.append(node.step)
        self._note_value_losses(node, inexact)

    def _note_value_losses(self, node: Node, inexact: list[Node]) -> None:
        """Underflow, overflow and lost digits of a value."""
        size = abs(node.value)
        if 0 < size < self.tiny:
            node.excess += self.least
            node.offer(self.least / (size * self.unit), "underflow")
        elif size and self._overflows(size + self.unit * node.units + node.excess):
            node.excess = mp.inf
            node.offer(mp.inf, "overflow")
        if size and inexact:
            before = max(relative_error(self.unit, a.units, a.excess, a.value) for a in node.arguments)
            after = relative_error(self.unit, node.units, node.excess, node.value)
            cause = "cancellation" if node.step.operation in ("add", "subtract", "sum") else "amplification"
            node.offer(self.weight * after / max(before, self.unit), cause)

    def _bend(self, node: Node) -> Any:
        """What the first order leaves out where rounding units are coarse: the operation bends within its errors."""
        if not self.coarse or OPERATIONS[node.step.operation].group == "choice":
            return mp.mpf(0)
        function, values, total = functions(node.step.operation).value, [a.value for a in node.arguments], mp.mpf(0)
        for place, (argument, slope) in enumerate(zip(node.arguments, node.locals, strict=True)):
            reach = self.unit * argument.units + argument.excess
            total += left_over(function, values, place, reach, mp.inf if slope is None else abs(slope))
        return total

    def _overflows(self, size: Any) -> bool:
        return bool(mp.mag(size) > self.arithmetic.high)

    def _is_exact(self, node: Node) -> bool:
        """Whether the dtype computes this value without rounding, given exact arguments."""
        group = OPERATIONS[node.step.operation].group
        if group in ("choice", "step") or node.step.operation == "negative":
            return True
        values = [argument.value for argument in node.arguments]
        if node.value and node.value.bc > self.arithmetic.precision:
            return False
        return is_exactly(node.step.operation, node.value, *values)

    def _look_at_kinks(self, node: Node) -> None:
        arguments = node.arguments
        values = [argument.value for argument in arguments]
        for kink in functions(node.step.operation).kinks:
            distance = kink(*values)
            noise_units, noise_excess = mp.mpf(0), mp.mpf(0)
            for place, argument in enumerate(arguments):
                if argument.units or argument.excess:
                    slope = slope_of(kink, values, place)
                    noise_units += scaled(slope, argument.units)
                    noise_excess += scaled(slope, argument.excess)
            if abs(distance) <= 4 * (self.unit * noise_units + noise_excess) and (noise_units or noise_excess):
                self.near.append(node.step)
                node.doubtful = True
                node.offer(mp.inf, "branch")
            if abs(distance) <= noise_units * mp.eps:
                self.stakes.append(Stake(node, tuple(range(len(arguments))), singular=False))
                self.thin |= bool(noise_units)
