"""What rounding in a dtype can do to a value of the exact walk, and which kinks and edges lie within its reach."""

from __future__ import annotations

from typing import Any

from mpmath import mp

from gradtool.target.dtype import FORMATS
from gradtool.target.operations import OPERATIONS
from gradtool.witness.symbolic.as_computed import as_computed
from gradtool.witness.symbolic.node import Node, Stake, is_exactly, left_over, relative_error, scaled, slope_of
from gradtool.witness.symbolic.rows import functions
from gradtool.witness.walk import Step

__all__ = ["Rounding"]


class Rounding:
    """A walk as a framework computes it in a dtype; ``unit`` is half the gap between 1 and the next number.

    ``stakes`` are the kinks and singular derivatives that the point stands on, ``near`` the steps within the dtype's
    rounding of one, ``thin`` whether more digits are needed to tell, and ``absorbing`` the sums in which the dtype
    loses the smaller term altogether.
    """

    def __init__(self, framework: str, dtype: str) -> None:
        self.framework, self.dtype, self.arithmetic = framework, dtype, FORMATS[dtype]
        self.unit = mp.ldexp(mp.mpf(1), -self.arithmetic.precision)
        self.tiny = mp.ldexp(mp.mpf(1), self.arithmetic.low)
        self.least = mp.mpf(self.arithmetic.least)
        self.coarse = self.arithmetic.coarse
        self.weight = 100 / min(100, 1 << self.arithmetic.precision // 2)  # where half the digits are less than two
        self.stakes: list[Stake] = []
        self.near: list[Step] = []
        self.absorbing: list[Step] = []
        self.thin = False

    # ---- how large the error may be

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

    # ---- what lies within it

    def _look_at_domain(self, node: Node, domain: Any) -> None:
        """Within rounding of the edge of its domain the dtype may find no value."""
        values = [argument.value for argument in node.arguments]
        for place, argument in enumerate(node.arguments):
            for reach, cause in ((2 * self.unit * argument.units, "edge"), (argument.excess, "underflow")):
                for moved in (argument.value - reach, argument.value + reach) if reach and mp.isfinite(reach) else ():
                    if not domain(*values[:place], moved, *values[place + 1 :]):
                        node.offer(mp.inf, cause)

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
