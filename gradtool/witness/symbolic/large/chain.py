"""The chain rule for rows that work number by number, on arrays, and what each product may be off by."""

from __future__ import annotations

import numpy as np

from gradtool.target.operations import OPERATIONS
from gradtool.witness.symbolic.large.bounds import as_computed, beyond, change, faint, lost_by
from gradtool.witness.symbolic.large.cell import NOTHING, Cell, Losses, relative, scaled, worse
from gradtool.witness.symbolic.large.numbers import Floats, Numbers, boxed, sizes
from gradtool.witness.symbolic.large.rows import Formula, row
from gradtool.witness.symbolic.large.share import Share
from gradtool.witness.symbolic.large.walk import Forward

__all__ = ["chained"]


def chained(walk: Forward, cell: Cell, place: int, magnitude: Floats) -> Share:
    """The product of the adjoint, of this ``magnitude``, with the local derivative by one argument, and its bound."""
    local = cell.locals[place]
    assert local is not None and cell.adjoint is not None  # noqa: S101, PT018  # an active argument has one
    product = boxed(cell.adjoint * local)
    if not walk.bounds:
        return Share(product, NOTHING, NOTHING, None)
    slope = cell.slopes[place]
    lost_units, lost_excess = _local_error(walk, cell, place, local, slope)
    losses = _losses(walk.unit, cell, place, slope, lost_units, lost_excess)
    size = sizes(product)
    units = scaled(slope, cell.adjoint_units) + scaled(magnitude, lost_units)
    excess = scaled(slope, cell.adjoint_excess) + scaled(magnitude, lost_excess)
    units = units + np.where(slope == 1, 0.0, size)
    if (small := faint(slope, walk.tiny) & (size >= walk.tiny)).any():
        excess = excess + np.where(small, walk.tiny * np.maximum(1.0, magnitude), 0.0)
    if (large := beyond(slope, walk.arithmetic) & (size >= walk.tiny)).any():
        excess = np.where(large, np.inf, excess)
        losses = Losses.offer(losses, np.asarray(np.inf), large, cell.place, "backward_overflow")
    for stake in cell.stakes:
        if stake.singular and place in stake.places:
            units, excess = np.where(stake.where, 0.0, units), np.where(stake.where, 0.0, excess)
    return Share(product, units, excess, losses)


def _local_error(walk: Forward, cell: Cell, place: int, local: Numbers, slope: Floats) -> tuple[Floats, Floats]:
    """What the dtype may get wrong in a local derivative, as (units, excess)."""
    functions, table = row(cell.step.operation), OPERATIONS[cell.step.operation]
    derivative = functions.derivatives[place]
    values = [argument.value for argument in cell.arguments]
    units, excess = NOTHING, NOTHING
    own = not functions.trivial[place] and len(values) == 1
    is_argument = isinstance(derivative, Formula) and derivative.root < len(derivative.parameters)
    for other in functions.depends[place]:
        argument = cell.arguments[other]
        if is_argument:
            units, excess = units + argument.units, excess + argument.excess
        elif argument.inexact or own:
            rate = change(derivative, values, other, local)
            units = units + lost_by(rate, argument.units, argument)
            units = units + np.where(argument.size > 0, sizes(rate), 0.0) if own else units
            excess = excess + lost_by(rate, argument.excess, argument)
    if not functions.trivial[place]:
        units = units + 4 * slope
    if backward := table.backward.get(walk.framework):
        more_units, more_excess = as_computed(backward[place], cell, walk.arithmetic)
        units, excess = units + more_units, excess + more_excess
    return units, excess


def _losses(unit: float, cell: Cell, place: int, slope: Floats, units: Floats, excess: Floats) -> Losses | None:
    """Digits lost upstream, in whatever the local derivative is computed from, and in itself."""
    functions = row(cell.step.operation)
    losses = cell.blame
    if not functions.trivial[place]:
        losses = worse(losses, cell.loss)
    for other in functions.depends[place]:
        losses = worse(losses, cell.arguments[other].loss)
    before = np.maximum.reduce(
        np.broadcast_arrays(*(relative(unit, a.units, a.excess, a.size) for a in cell.arguments))
    )
    factor = relative(unit, units, excess, slope) / np.maximum(before, unit)
    return Losses.offer(losses, factor, np.ones((), dtype=np.bool_), cell.place, "backward")
