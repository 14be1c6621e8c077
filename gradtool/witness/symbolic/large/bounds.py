"""How errors travel through elementwise rows, on arrays: slopes by differences, and a framework's own formulas.

The mathematics is that of ``node.slope_of`` and ``as_computed.py``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from flint import arb, ctx

from gradtool.target.dtype import Format
from gradtool.target.expression import Number, Tree, Variable, parse_row_text
from gradtool.target.operations import OPERATIONS
from gradtool.witness.symbolic.large.cell import NOTHING, Cell, scaled
from gradtool.witness.symbolic.large.numbers import (
    ONE,
    SMALLEST,
    ZERO,
    Floats,
    Function,
    Mask,
    Numbers,
    boxed,
    finite,
    floats,
    sizes,
)
from gradtool.witness.symbolic.large.rows import row

INFINITE: Any = arb("inf")
SMALL = 1e-290

__all__ = ["as_computed", "beyond", "change", "faint", "lost_by"]


def change(function: Function, values: Sequence[Numbers], place: int, centre: Numbers | None = None) -> Numbers:
    """``d function / d log|x|`` for the argument x at ``place``, or ``d/dx`` where x is 0.

    A difference over half the digits; on the other side where the function has no value on the first; infinite where
    it has none on either. ``centre`` is the function at ``values`` where that is known.
    """
    half = ctx.prec // 2
    step, back = arb(2) ** -half, arb(2) ** half
    argument = values[place]
    here = function(*values) if centre is None else centre
    found: Any = boxed(INFINITE)
    for way in (step, -step):
        moved = boxed(argument * (ONE + way))
        if (zero := np.asarray(floats(argument) == 0)).any():
            moved = np.where(zero & np.asarray(argument == ZERO), boxed(way), moved)
        there = function(*values[:place], moved, *values[place + 1 :])
        moves = boxed(boxed(there - here) * back)
        known = finite(moves)
        if known.all():
            return np.asarray(moves if found.shape == () else np.where(finite(found), found, moves), dtype=np.object_)
        found = np.where(finite(found), found, np.where(known, moves, INFINITE))
    return found  # type: ignore[no-any-return]


def lost_by(rates: Numbers, error: Floats, argument: Cell) -> Floats:
    """By how much an ``error`` of an argument moves what changes with it at the ``rates`` that ``change`` gives.

    The quotient by the argument is taken first: the second derivative of 1/x at 1e-200 alone would overflow. For an
    argument below the range of floats, whose relative error would overflow, it is the other way round.
    """
    if not error.any():
        return NOTHING
    rate, size = sizes(rates), argument.size
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        share = error / np.where(size == 0, 1.0, np.where(size <= SMALLEST, 0.0, size))
    lost = scaled(rate, np.where(error == 0, 0.0, np.where(np.isinf(error), np.inf, share)))
    if (small := faint(size, SMALL)).any():
        slope = boxed(rates / np.where(small, argument.value, ONE))
        direct = scaled(np.where(finite(slope), sizes(slope), np.inf), error)
        lost = np.where(small, np.minimum(lost, direct), lost)
    return lost


def faint(size: Floats, tiny: float) -> Mask:
    """Which magnitudes are not 0, but below the smallest normal number."""
    return np.asarray((size < tiny) & (size > 0))


def beyond(size: Floats, arithmetic: Format) -> Mask:
    """Which magnitudes overflow in ``arithmetic``."""
    return np.asarray(size > arithmetic.largest)


def as_computed(text: str, cell: Cell, arithmetic: Format) -> tuple[Floats, Floats]:
    """The error bound, as (units, excess), of ``text`` at the arguments and the value of ``cell``."""
    parameters = OPERATIONS[cell.step.operation].parameters
    known = {name: (a.value, a.units, a.excess) for name, a in zip(parameters, cell.arguments, strict=True)}
    out = (cell.value, cell.units, cell.excess)
    return _rounded(parse_row_text(text, (*parameters, "out")), {**known, "out": out}, arithmetic)[1:]


def _rounded(
    tree: Tree, known: Mapping[str, tuple[Any, Floats, Floats]], arithmetic: Format
) -> tuple[Any, Floats, Floats]:
    if isinstance(tree, Variable):
        return known[tree.name]
    if isinstance(tree, Number):
        exact = tree.name != "pi"
        return boxed(arb(tree.value) if exact else arb.pi()), NOTHING if exact else np.asarray(np.pi), NOTHING
    parts = [_rounded(argument, known, arithmetic) for argument in tree.arguments]
    values = [part[0] for part in parts]
    functions = row(tree.operation)
    if tree.operation == "where":
        return (
            functions.value(*values),
            np.where(values[0], parts[1][1], parts[2][1]),
            np.where(values[0], parts[1][2], parts[2][2]),
        )
    value = functions.value(*values)
    if OPERATIONS[tree.operation].logical:
        return value, NOTHING, NOTHING
    size = sizes(value)
    units, excess = size, NOTHING
    for derivative, (_, part_units, part_excess) in zip(functions.derivatives, parts, strict=True):
        if part_units.any() or part_excess.any():
            local = derivative(*values)
            slope = np.where(finite(local), sizes(local), np.inf)
            units = units + scaled(slope, part_units)
            excess = excess + scaled(slope, part_excess)
    if (small := faint(size, 2.0**arithmetic.low)).any():
        excess = excess + np.where(small, 2.0**arithmetic.low, 0.0)
    if (large := beyond(size, arithmetic)).any():
        excess = np.where(large, np.inf, excess)
    return value, units, excess
