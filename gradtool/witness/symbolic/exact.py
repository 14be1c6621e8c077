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

import functools
from collections.abc import Mapping, Sequence
from typing import Any

from mpmath import mp

from gradtool.target.dtype import FORMATS, rounded
from gradtool.target.expression import Number, Tree, Variable, parse_row_text
from gradtool.target.operations import OPERATIONS
from gradtool.witness.symbolic.node import (
    BeyondError,
    Loss,
    Node,
    UndefinedError,
    is_exactly,
    relative_error,
    scaled,
    slope_of,
)
from gradtool.witness.symbolic.rows import functions
from gradtool.witness.walk import Step

__all__ = ["MAX_MAGNITUDE", "Walk"]

MAX_MAGNITUDE = 1 << 18
"""Numbers of 2 to this power and more are beyond any computer: sines and exponentials of them would not end."""


FLAT_GROUPS = ("choice", "step", "activation")
"""Operations that are constant on whole intervals, or nearly so."""


class Walk:
    """One forward and backward walk at the current mpmath precision; without ``bounds`` values and slopes only.

    Raises UndefinedError or BeyondError. Afterwards ``root`` is the value's node, ``gradient(name)`` an adjoint with
    its bound, ``touched`` the steps standing exactly on a kink or a singular derivative, ``near`` those within the
    dtype's rounding of one, ``thin`` whether more digits are needed to tell. ``flat`` are the choices and steps whose
    local derivative is 0, ``absorbing`` the sums in which the dtype loses the smaller term altogether.
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
    ) -> None:
        self.steps, self.framework, self.values, self.bounds = steps, framework, values, bounds
        self.dtype, self.arithmetic = dtype, FORMATS[dtype]
        self.unit = mp.ldexp(mp.mpf(1), -self.arithmetic.precision)
        self.tiny = mp.ldexp(mp.mpf(1), self.arithmetic.low)
        self.active = frozenset(wrt)
        self.nodes: dict[int, Node] = {}
        self.touched: list[Step] = []
        self.near: list[Step] = []
        self.flat: list[Step] = []
        self.absorbing: list[Step] = []
        self.thin = False
        self.loss = Loss()
        self.links: list[tuple[Any, Step]] = []
        self.root = self._node(len(steps) - 1)
        self.root.adjoint = mp.mpf(1)
        for node in reversed(list(self.nodes.values())):
            self._spread(node)

    def gradient(self, name: str) -> tuple[Any, Any, Any]:
        """The derivative by ``name``, and its bound as (units, excess)."""
        for node in self.nodes.values():
            if node.step.operation == "variable" and node.step.name == name:
                return node.adjoint, node.adjoint_units, node.adjoint_excess
        return mp.mpf(0), mp.mpf(0), mp.mpf(0)

    # ---- forward

    def _node(self, index: int) -> Node:
        if index not in self.nodes:
            node = self._computed(self.steps[index])
            self.nodes[index] = node  # after its arguments: the dictionary's order is an order of evaluation
        return self.nodes[index]

    def _computed(self, step: Step) -> Node:
        if step.operation == "variable":
            return self._variable(step)
        if not step.operation:
            return self._number(step)
        if step.operation == "where":
            condition, yes, no = step.arguments
            chosen = self._node(yes if self._node(condition).value else no)
            return Node(step, (chosen,), chosen.value, chosen.active, chosen.units, chosen.excess, [mp.mpf(1)])
        first = self._node(step.arguments[0])
        if step.operation in ("logical_and", "logical_or") and bool(first.value) == (step.operation == "logical_or"):
            return Node(step, (first,), first.value, active=False)
        arguments = (first, *(self._node(index) for index in step.arguments[1:]))
        if step.operation in ("logical_and", "logical_or"):
            return Node(step, arguments, arguments[1].value, active=False)
        return self._applied(step, arguments)

    def _variable(self, step: Step) -> Node:
        """A coordinate of the point; TensorFlow takes a subnormal one for 0."""
        node = Node(step, (), self.values[step.name], step.name in self.active)
        if self.bounds and self.framework == "tensorflow" and 0 < abs(node.value) < self.tiny:
            node.excess = abs(node.value)
            self.loss.offer(mp.inf, step, "flushed")
        return node

    def _number(self, step: Step) -> Node:
        """A literal is exactly the dtype's number nearest to it; in a row's formula pi is the true pi, rounded."""
        if step.inlined and step.name == "pi":
            return Node(step, (), +mp.pi, active=False, units=+mp.pi)
        return Node(step, (), mp.mpf(rounded(step.value, self.dtype)), active=False)

    def _applied(self, step: Step, arguments: tuple[Node, ...]) -> Node:
        row = functions(step.operation)
        values = [argument.value for argument in arguments]
        if OPERATIONS[step.operation].logical:
            if self.bounds:
                self._look_at_kinks(step, arguments)
            return Node(step, arguments, row.value(*values), active=False)
        if any(not mp.isfinite(value) for value in values) and step.operation not in ("min", "max", "clip"):
            raise UndefinedError(step, arguments)
        if row.domain:
            self._look_at_domain(step, row.domain, arguments)
        value = self._checked(step, row.value, arguments)
        node = Node(step, arguments, value, any(argument.active for argument in arguments))
        if self.bounds:
            self._look_at_kinks(step, arguments)
        inexact = [argument for argument in arguments if argument.units or argument.excess]
        if node.active or inexact:
            node.locals = [self._local(node, place) for place in range(len(arguments))]
        if self.bounds:
            self._bound_value(node, inexact)
        return node

    def _look_at_domain(self, step: Step, domain: Any, arguments: tuple[Node, ...]) -> None:
        """Outside the domain there is no value; within rounding of its edge the dtype may find none."""
        values = [argument.value for argument in arguments]
        if not domain(*values):
            raise UndefinedError(step, arguments)
        for place, argument in enumerate(arguments):
            for reach, cause in ((2 * self.unit * argument.units, "edge"), (argument.excess, "underflow")):
                for moved in (argument.value - reach, argument.value + reach) if reach and mp.isfinite(reach) else ():
                    if not domain(*values[:place], moved, *values[place + 1 :]):
                        self.loss.offer(mp.inf, step, cause)

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
                self.touched.insert(0, node.step)  # before kinks: an infinite slope is the graver of the two
                self.thin |= any(bool(argument.units) for argument in node.arguments)
            return None
        if not local and node.arguments[place].active and OPERATIONS[node.step.operation].group in FLAT_GROUPS:
            self.flat.append(node.step)
        return local

    def _bound_value(self, node: Node, inexact: list[Node]) -> None:
        size = abs(node.value)
        if not mp.isfinite(size):
            return
        if forward := OPERATIONS[node.step.operation].forward.get(self.framework):
            node.units, node.excess = self._as_computed(forward, node)
        elif inexact:
            for argument, local in zip(node.arguments, node.locals, strict=True):
                slope = mp.inf if local is None else abs(local)
                node.units += scaled(slope, argument.units)
                node.excess += scaled(slope, argument.excess)
        if not self._is_exact(node):
            node.units += size
        if 0 < size < self.tiny:
            node.excess += self.tiny
            self.loss.offer(self.tiny / (size * self.unit), node.step, "underflow")
        elif size and mp.mag(size) > self.arithmetic.high:
            node.excess = mp.inf
            self.loss.offer(mp.inf, node.step, "overflow")
        if node.step.operation in ("add", "subtract"):
            smaller, larger = sorted(abs(argument.value) for argument in node.arguments)
            if 0 < smaller < larger * self.unit / 2:
                self.absorbing.append(node.step)
        if size and inexact:
            before = max(relative_error(self.unit, a.units, a.excess, a.value) for a in node.arguments)
            after = relative_error(self.unit, node.units, node.excess, node.value)
            cause = "cancellation" if node.step.operation in ("add", "subtract") else "amplification"
            self.loss.offer(after / max(before, self.unit), node.step, cause)

    def _as_computed(self, text: str, node: Node) -> tuple[Any, Any]:
        """The error bound, as (units, excess), of ``text``: a framework's own way over the parameters and ``out``."""
        parameters = OPERATIONS[node.step.operation].parameters
        known = {name: (a.value, a.units, a.excess) for name, a in zip(parameters, node.arguments, strict=True)}
        tree = _as_computed_tree(text, parameters)
        return self._rounded(tree, {**known, "out": (node.value, node.units, node.excess)})[1:]

    def _rounded(self, tree: Tree, known: Mapping[str, tuple[Any, Any, Any]]) -> tuple[Any, Any, Any]:
        """Value and forward error bound of ``tree`` from those of its names, as (value, units, excess)."""
        if isinstance(tree, Variable):
            return known[tree.name]
        if isinstance(tree, Number):
            return (+mp.pi, +mp.pi, mp.mpf(0)) if tree.name == "pi" else (mp.mpf(tree.value), mp.mpf(0), mp.mpf(0))
        if tree.operation == "where":
            condition, yes, no = tree.arguments
            return self._rounded(yes if self._rounded(condition, known)[0] else no, known)
        row = functions(tree.operation)
        parts = [self._rounded(argument, known) for argument in tree.arguments]
        values = [part[0] for part in parts]
        value = row.value(*values)
        if OPERATIONS[tree.operation].logical:
            return value, mp.mpf(0), mp.mpf(0)
        units, excess = abs(value), mp.mpf(0)
        for derivative, (_, part_units, part_excess) in zip(row.derivatives, parts, strict=True):
            slope = abs(derivative(*values))
            units += scaled(slope, part_units)
            excess += scaled(slope, part_excess)
        if 0 < abs(value) < self.tiny:
            excess += self.tiny
        elif value and mp.mag(value) > self.arithmetic.high:
            excess = mp.inf
        return value, units, excess

    def _is_exact(self, node: Node) -> bool:
        """Whether the dtype computes this value without rounding, given exact arguments."""
        group = OPERATIONS[node.step.operation].group
        if group in ("choice", "step") or node.step.operation == "negative":
            return True
        values = [argument.value for argument in node.arguments]
        if node.value and node.value.bc > self.arithmetic.precision:
            return False
        return is_exactly(node.step.operation, node.value, *values)

    def _look_at_kinks(self, step: Step, arguments: tuple[Node, ...]) -> None:
        values = [argument.value for argument in arguments]
        for kink in functions(step.operation).kinks:
            distance = kink(*values)
            noise_units, noise_excess = mp.mpf(0), mp.mpf(0)
            for place, argument in enumerate(arguments):
                if argument.units or argument.excess:
                    slope = slope_of(kink, values, place)
                    noise_units += scaled(slope, argument.units)
                    noise_excess += scaled(slope, argument.excess)
            if abs(distance) <= 4 * (self.unit * noise_units + noise_excess) and (noise_units or noise_excess):
                self.near.append(step)
                self.loss.offer(mp.inf, step, "branch")
            if abs(distance) <= noise_units * mp.eps:
                self.touched.append(step)
                self.thin |= bool(noise_units)

    # ---- backward

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
            units, excess = self._local_error(node, place, local)
            size = abs(product)
            units = abs(local) * node.adjoint_units + abs(node.adjoint) * units
            excess = scaled(abs(local), node.adjoint_excess) + scaled(abs(node.adjoint), excess)
            units += 0 if abs(local) == 1 else size
            if size and (size < self.tiny or abs(local) < self.tiny):
                excess += self.tiny * max(1, abs(node.adjoint))
                self.loss.offer(self.tiny / (size * self.unit), node.step, "underflow")
            elif size and max(mp.mag(product), mp.mag(local)) > self.arithmetic.high:
                excess = mp.inf
                self.loss.offer(mp.inf, node.step, "backward_overflow")
            if size:
                argument.best_relative = max(argument.best_relative, relative_error(self.unit, units, excess, product))
            repeated = bool(argument.adjoint)
            argument.adjoint += product
            argument.adjoint_units += units + (abs(argument.adjoint) if repeated else 0)
            argument.adjoint_excess += excess
            self._note_link(node, local)

    def _bound_adjoint(self, node: Node) -> None:
        """Note the cancellation where several paths met in ``node``."""
        if node.adjoint and node.best_relative:
            after = relative_error(self.unit, node.adjoint_units, node.adjoint_excess, node.adjoint)
            self.loss.offer(after / max(node.best_relative, self.unit), node.step, "adjoint")

    def _local_error(self, node: Node, place: int, local: Any) -> tuple[Any, Any]:
        """What the dtype may get wrong in a local derivative, as (units, excess)."""
        step = node.step
        if step.operation == "where":
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
        if not row.trivial[place]:
            units += 4 * abs(local)
        if backward := table.backward.get(self.framework):
            more_units, more_excess = self._as_computed(backward[place], node)
            units, excess = units + more_units, excess + more_excess
        relative = relative_error(self.unit, units, excess, local) if local else 0
        before = max(relative_error(self.unit, a.units, a.excess, a.value) for a in node.arguments)
        self.loss.offer(relative / max(before, self.unit), step, "backward")
        return units, excess

    def _note_link(self, node: Node, local: Any) -> None:
        """Remember how strongly this link scales the gradient; a product with a constant is a change of units."""
        scales_units = node.step.operation in ("multiply", "divide") and not all(a.active for a in node.arguments)
        if local and not scales_units:
            self.links.append((abs(local), node.step))


@functools.cache
def _as_computed_tree(text: str, parameters: tuple[str, ...]) -> Tree:
    return parse_row_text(text, (*parameters, "out"))
