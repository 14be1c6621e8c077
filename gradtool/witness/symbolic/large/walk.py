"""The exact walk over large arrays, forward: values as arrays of balls, and a bound on what rounding does to each.

The mathematics is that of ``exact.py``; each step is a few operations on whole arrays. Every branch is computed for
every entry, and only afterwards is asked which entries the value needs: what is outside its domain elsewhere is NaN
and does no harm.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from flint import arb

from gradtool.target.dtype import FORMATS, rounded
from gradtool.target.operations import OPERATIONS
from gradtool.witness.symbolic.large.bounds import as_computed, beyond, faint
from gradtool.witness.symbolic.large.cell import (
    NONE,
    NOTHING,
    Cell,
    Losses,
    Stake,
    any_of,
    relative,
    scaled,
    times,
    worse,
)
from gradtool.witness.symbolic.large.gathered import extreme, multiply, running, summed
from gradtool.witness.symbolic.large.kinks import look_at_edges, look_at_kinks
from gradtool.witness.symbolic.large.numbers import (
    NAN,
    ZERO,
    Floats,
    Numbers,
    bits,
    boxed,
    finite,
    is_exact,
    is_nan,
    sizes,
)
from gradtool.witness.symbolic.large.rows import Row, row
from gradtool.witness.symbolic.large.shapes import VIEWS, view
from gradtool.witness.walk import Step

__all__ = ["Forward"]

ENDLESS = ("min", "max", "clip")
"""Rows that may be given infinity."""

EXACT_RESULTS = ("add", "subtract", "multiply", "divide", "sqrt", "pow")
"""Rows whose result may be a number of the dtype."""


class Forward:
    """The steps at a point (``values``, arrays of balls by name), at the current precision of flint.

    Without ``bounds`` values and local derivatives only. ``labels`` are the rows' chosen columns of a ``_pick`` step.
    """

    def __init__(
        self,
        steps: Sequence[Step],
        framework: str,
        dtype: str,
        values: Mapping[str, Numbers],
        wrt: Sequence[str],
        labels: Mapping[int, Sequence[int]],
        *,
        bounds: bool = True,
    ) -> None:
        self.steps, self.framework, self.values, self.bounds = steps, framework, values, bounds
        self.arithmetic, self.dtype, self.labels = FORMATS[dtype], dtype, labels
        self.unit, self.tiny = self.arithmetic.unit, 2.0**self.arithmetic.low
        self.active = frozenset(wrt)
        self.cells: list[Cell] = []
        with np.errstate(over="ignore", invalid="ignore", under="ignore", divide="ignore"):
            for place, step in enumerate(steps):
                self.cells.append(self._cell(place, step))

    def _cell(self, place: int, step: Step) -> Cell:
        arguments = tuple(self.cells[argument] for argument in step.arguments)
        if step.operation == "variable":
            return self._variable(place, step)
        if not step.operation:
            return self._number(place, step)
        if step.operation in VIEWS:
            return self._view(place, step, arguments)
        special: Mapping[str, Callable[..., Cell]] = {
            "where": _chosen, "logical_and": _joined, "logical_or": _joined, "logical_not": _joined,
            "sum": summed, "amax": extreme, "amin": extreme, "_top": extreme, "cumsum": running, "matmul": multiply,
        }  # fmt: skip
        if make := special.get(step.operation):
            cell = make(Cell(step, place, arguments, arguments[0].value, any(a.active for a in arguments)), self)
            if make not in (_chosen, _joined):
                self._finish(cell)
            return cell
        return self._applied(Cell(step, place, arguments, arguments[0].value, any(a.active for a in arguments)))

    # ---- leaves and views

    def _variable(self, place: int, step: Step) -> Cell:
        """A variable; TensorFlow takes a subnormal coordinate for 0."""
        value = self.values[step.name]
        cell = Cell(step, place, (), value, step.name in self.active)
        if self.bounds:
            cell.size = sizes(value)
        if self.bounds and self.framework == "tensorflow":
            flushed = (cell.size > 0) & (cell.size < self.tiny)
            if flushed.any():
                cell.excess = np.where(flushed, cell.size, 0.0)
                cell.offer(np.asarray(np.inf), flushed, "flushed")
        return cell

    def _number(self, place: int, step: Step) -> Cell:
        """A literal is the dtype's number nearest to it; in a row's formula pi is the true pi, rounded."""
        true_pi = step.inlined and step.name == "pi"
        value = boxed(arb.pi() if true_pi else arb(rounded(step.value, self.dtype)))
        size = sizes(value)
        return Cell(step, place, (), value, active=False, size=size, units=size if true_pi else NOTHING)

    def _view(self, place: int, step: Step, arguments: tuple[Cell, ...]) -> Cell:
        labels = self.labels.get(place, ())

        def moved(part: Callable[[Cell], Any]) -> Any:
            arrays = [np.asarray(part(argument)) for argument in arguments]
            if not any(array.any() for array in arrays):
                return np.zeros((), arrays[0].dtype)
            whole = [np.broadcast_to(array, argument.step.shape) for array, argument in zip(arrays, arguments)]  # noqa: B905
            return view(step, whole, labels)

        value = view(step, [argument.value for argument in arguments], labels)
        cell = Cell(step, place, arguments, value, any(argument.active for argument in arguments))
        if self.bounds:
            cell.size = view(step, [argument.size for argument in arguments], labels)
            cell.units, cell.excess = moved(lambda a: a.units), moved(lambda a: a.excess)
            if any(argument.loss for argument in arguments):
                factor = moved(lambda a: a.loss.factor if a.loss else np.zeros(()))
                codes = moved(lambda a: a.loss.codes if a.loss else np.zeros((), dtype=np.int32))
                cell.loss = Losses(np.asarray(factor), np.asarray(codes))
        return cell

    # ---- rows that work number by number

    def _applied(self, cell: Cell) -> Cell:
        """A row of the table on arrays."""
        functions, arguments = row(cell.step.operation), cell.arguments
        values = [argument.value for argument in arguments]
        if OPERATIONS[cell.step.operation].logical:
            cell.value, cell.active = functions.value(*values), False
            if self.bounds:
                self._take_losses(cell)
                look_at_kinks(cell, functions, self.unit)
            return cell
        cell.value = functions.value(*values)
        self._settle(cell, functions)
        if self.bounds:
            self._take_losses(cell)
            if functions.domain_floats:
                look_at_edges(cell, functions, self.unit)
            look_at_kinks(cell, functions, self.unit)
        if cell.active or any(argument.inexact for argument in arguments):
            self._differentiate(cell, functions)
        if self.bounds:
            self._bound(cell)
            self._finish(cell)
        return cell

    def _settle(self, cell: Cell, functions: Row) -> None:
        """Find the entries outside the domain, and those that more digits might put inside."""
        values = [argument.value for argument in cell.arguments]
        known = finite(cell.value)
        inside = functions.domain(*values) if functions.domain else np.ones((), dtype=np.bool_)
        if not (known.all() and inside.all()):
            given = [finite(value) for value in values]
            both = np.logical_and.reduce(np.broadcast_arrays(*given))
            endless = any_of([~good & ~is_nan(value) for good, value in zip(given, values, strict=True)])
            allowed = cell.step.operation in ENDLESS
            cell.undefined = (both & ~inside) | (endless & (not allowed))
            exact = np.logical_and.reduce(np.broadcast_arrays(*(is_exact(value) for value in values)))
            cell.vague = both & (~known | cell.undefined) & ~exact
            keep = (known & inside) | (allowed & ~is_nan(cell.value))
            cell.value = np.where(keep, cell.value, NAN)
        if self.bounds:
            cell.size = sizes(cell.value)

    def _take_losses(self, cell: Cell) -> None:
        for argument in cell.arguments:
            cell.loss = worse(cell.loss, argument.loss)

    def _differentiate(self, cell: Cell, functions: Row) -> None:
        """The local derivatives; a stake where one is infinite or does not exist."""
        values = [argument.value for argument in cell.arguments]
        for place, argument in enumerate(cell.arguments):
            if not (argument.active or argument.inexact):
                cell.locals.append(None)
                cell.slopes.append(NOTHING)
                continue
            local = functions.derivatives[place](*values)
            known = finite(local)
            if not known.all():
                wide = np.broadcast_to(~known, cell.step.shape)
                if argument.active:
                    cell.stakes.append(Stake(wide, (place,), singular=True))
                    cell.vague = cell.vague | (wide & ~is_exact(argument.value))
                local = np.where(known, local, ZERO)
            cell.locals.append(local)
            cell.slopes.append(np.where(known, sizes(local), np.inf) if self.bounds else NOTHING)

    def _bound(self, cell: Cell) -> None:
        """``delta(v) = sum |dv/da| delta(a) + u |v|``, or what the framework's own formula loses."""
        if forward := OPERATIONS[cell.step.operation].forward.get(self.framework):
            cell.units, cell.excess = as_computed(forward, cell, self.arithmetic)
        else:
            for argument, slope in zip(cell.arguments, cell.slopes, strict=False):
                cell.units = cell.units + scaled(slope, argument.units)
                cell.excess = cell.excess + scaled(slope, argument.excess)
        cell.units = cell.units + self._rounding(cell)

    def _rounding(self, cell: Cell) -> Floats:
        """The magnitude of the value, or 0 where the dtype holds it exactly.

        In a product of many, which partial products are exact depends on the order, so none counts as exact.
        """
        operation = cell.step.operation
        if cell.step.caller == "prod":
            return cell.size
        if OPERATIONS[operation].group in ("choice", "step") or operation == "negative":
            return NOTHING
        if operation in EXACT_RESULTS:
            exact = is_exact(cell.value) & (bits(cell.value) <= self.arithmetic.precision)
            if operation == "pow":
                exact = exact & np.asarray(cell.arguments[1].value == arb(2))
            return np.where(exact, 0.0, cell.size)
        return cell.size

    def _finish(self, cell: Cell) -> None:
        """Underflow, overflow and lost digits of a value."""
        if not self.bounds:
            return
        size = cell.size
        small = faint(size, self.tiny)
        if small.any():
            cell.excess = cell.excess + np.where(small, self.tiny, 0.0)
            cell.offer(times(np.asarray(self.tiny), size * self.unit), small, "underflow")
        if (large := beyond(size, self.arithmetic) & finite(cell.value)).any():
            cell.excess = np.where(large, np.inf, cell.excess)
            cell.offer(np.asarray(np.inf), large, "overflow")
        if any(argument.inexact for argument in cell.arguments):
            before = _before(cell, self.unit)
            after = relative(self.unit, cell.units, cell.excess, size)
            cause = "cancellation" if cell.step.operation in ("add", "subtract", "sum", "matmul") else "amplification"
            cell.offer(after / np.maximum(before, self.unit), np.asarray(size > 0), cause)


def _before(cell: Cell, unit: float) -> Floats:
    """The largest relative error of what an entry is computed from."""
    parts = [relative(unit, a.units, a.excess, a.size) for a in cell.arguments]
    if cell.step.operation in OPERATIONS and OPERATIONS[cell.step.operation].shape == "broadcast":
        return np.asarray(np.maximum.reduce(np.broadcast_arrays(*parts)))
    return np.asarray(max(part.max(initial=0.0) for part in parts))


def _chosen(cell: Cell, walk: Forward) -> Cell:
    """``where``: of each entry the branch that the condition names, with its bound."""
    condition, yes, no = cell.arguments
    value = condition.value
    cell.value, cell.active = np.where(value, yes.value, no.value), yes.active or no.active
    if not walk.bounds:
        return cell
    cell.size = np.where(value, yes.size, no.size)
    cell.units, cell.excess = np.where(value, yes.units, no.units), np.where(value, yes.excess, no.excess)
    chosen = [_masked(yes.loss, value), _masked(no.loss, ~np.asarray(value))]
    cell.loss = worse(worse(condition.loss, chosen[0]), chosen[1])
    return cell


def _masked(losses: Losses | None, where: Any) -> Losses | None:
    return losses and Losses(np.where(where, losses.factor, 0.0), np.where(where, losses.codes, np.int32(0)))


def _joined(cell: Cell, walk: Forward) -> Cell:
    """``and``, ``or`` and ``not`` of conditions."""
    del walk
    first = cell.arguments[0]
    cell.value, cell.active = row(cell.step.operation).value(*(a.value for a in cell.arguments)), False
    cell.loss = first.loss
    if len(cell.arguments) > 1:
        decides = np.asarray(first.value) == (cell.step.operation == "logical_or")
        cell.loss = worse(cell.loss, _masked(cell.arguments[1].loss, ~decides))
    cell.doubtful = NONE
    return cell
