"""Edges of domains and kinks of rows on arrays: where the point stands on one, or within rounding of it."""

from __future__ import annotations

import numpy as np

from gradtool.witness.symbolic.large.bounds import change, lost_by
from gradtool.witness.symbolic.large.cell import NOTHING, Cell, Stake
from gradtool.witness.symbolic.large.numbers import floats, is_exact, sign, sizes
from gradtool.witness.symbolic.large.rows import Row

__all__ = ["look_at_edges", "look_at_kinks"]


def look_at_edges(cell: Cell, functions: Row, unit: float) -> None:
    """Within rounding of the edge of its domain the dtype may find no value."""
    assert functions.domain_floats is not None  # noqa: S101  # asked before
    near = [floats(argument.value) for argument in cell.arguments]
    for place, argument in enumerate(cell.arguments):
        for reach, cause in ((2 * unit * argument.units, "edge"), (argument.excess, "underflow")):
            if not reach.any():
                continue
            for moved in (near[place] - reach, near[place] + reach):
                inside = functions.domain_floats(*near[:place], moved, *near[place + 1 :])
                outside = ~np.asarray(inside) & (reach > 0) & np.isfinite(reach)
                cell.offer(np.asarray(np.inf), outside, cause)


def look_at_kinks(cell: Cell, functions: Row, unit: float) -> None:
    """Mark where the point stands on a kink of the row, and where rounding decides on which side it is."""
    values = [argument.value for argument in cell.arguments]
    for kink, straight in zip(functions.kinks, functions.straight, strict=True):
        distance = kink(*values)
        units, excess = NOTHING, NOTHING
        for place, argument in enumerate(cell.arguments):
            if not argument.inexact:
                continue
            if straight:
                more_units, more_excess = argument.units, argument.excess
            else:
                rate = change(kink, values, place, distance)
                more_units = lost_by(rate, argument.units, argument)
                more_excess = lost_by(rate, argument.excess, argument)
            units, excess = units + more_units, excess + more_excess
        reach = 4 * (unit * units + excess)
        near = (sizes(distance) <= reach) & ((units > 0) | (excess > 0))
        if near.any():
            cell.doubtful = cell.doubtful | near
            cell.offer(np.asarray(np.inf), near, "branch")
        on = sign(distance) == 0
        if on.any():
            cell.stakes.append(Stake(on, tuple(range(len(values))), singular=False))
            cell.vague = cell.vague | (on & ~is_exact(distance))
