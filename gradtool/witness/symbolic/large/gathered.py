"""Steps of the large exact walk that make one entry of many: sums, extremes, running sums and matrix products."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from gradtool.values import Shape
from gradtool.witness.symbolic.large.cell import NONE, NOTHING, Cell, Losses, Stake
from gradtool.witness.symbolic.large.numbers import ZERO, Floats, Mask, Numbers, boxed, floats, is_exact, sign, sizes
from gradtool.witness.symbolic.large.products import (
    Factor,
    exact_bits,
    lowest_bits,
    matrices,
    multiplied,
    product_bounds,
    product_losses,
)
from gradtool.witness.symbolic.large.shapes import lines, rounding_of_sums, stretched, worst_of_lines

if TYPE_CHECKING:
    from gradtool.witness.symbolic.large.walk import Forward

__all__ = ["axes_of", "extreme", "factor_of", "first_extremes", "multiply", "running", "summed"]


def axes_of(cell: Cell) -> tuple[int, ...]:
    """The axes that a reduction works along."""
    axes: Any = cell.options("axis")
    return tuple(axes)


def summed(cell: Cell, walk: Forward) -> Cell:
    """A sum along axes."""
    (argument,), axes, shape = cell.arguments, axes_of(cell), cell.step.shape
    rows = lines(argument.value, axes)
    if not rows.shape[-1]:
        cell.value = np.full(shape, ZERO, dtype=np.object_)
        cell.size = np.zeros(shape)
        return cell
    cell.value = boxed(np.add.reduce(rows, axis=-1)).reshape(shape)
    if walk.bounds:
        cell.size = sizes(cell.value)
        whole = argument.step.shape
        cell.loss = worst_of_lines(argument.loss, axes, whole, shape)
        cell.units = _added(argument.units, axes, whole, shape)
        cell.excess = _added(argument.excess, axes, whole, shape)
        total = np.broadcast_to(_added(argument.size, axes, whole, shape), shape)
        exact = _is_exact_sum(rows, total, walk.arithmetic.precision).reshape(shape)
        cell.units = cell.units + np.where(exact, 0.0, rounding_of_sums(rows.shape[-1], total))
    return cell


def _added(bound: Floats, axes: tuple[int, ...], whole: Shape, shape: Shape) -> Floats:
    if not bound.any():
        return NOTHING
    return np.asarray(lines(np.broadcast_to(bound, whole), axes).sum(axis=-1)).reshape(shape)


def _is_exact_sum(rows: Numbers, total: Floats, precision: int) -> Mask:
    """Whether every partial sum, in any order, is a number of ``precision`` bits."""
    width = exact_bits(rows)
    if width.min(axis=-1).max() > precision:
        return np.zeros(total.shape, dtype=np.bool_)
    lowest = lowest_bits(rows, width, 53).min(axis=-1).reshape(total.shape)
    return np.asarray((np.frexp(total)[1] - lowest <= precision) & np.isfinite(total))


def extreme(cell: Cell, walk: Forward) -> Cell:
    """The largest or smallest entry along axes; entries that tie for it are a kink."""
    (argument,), axes, shape = cell.arguments, axes_of(cell), cell.step.shape
    whole = argument.step.shape
    cell.active = argument.active and cell.step.operation != "_top"
    cell.value = _extremes(lines(argument.value, axes), cell.step.operation != "amin").reshape(shape)
    if not walk.bounds:
        return cell
    cell.size = sizes(cell.value)
    cell.loss = worst_of_lines(argument.loss, axes, whole, shape)
    for name in ("units", "excess"):
        bound: Floats = getattr(argument, name)
        if bound.any():
            worst = np.asarray(lines(np.broadcast_to(bound, whole), axes).max(axis=-1)).reshape(shape)
            setattr(cell, name, worst)
    if cell.active and math.prod(whole) > math.prod(shape):
        _look_at_ties(cell, argument, axes, walk.unit)
    return cell


def _look_at_ties(cell: Cell, argument: Cell, axes: tuple[int, ...], unit: float) -> None:
    whole = argument.step.shape
    distance = boxed(argument.value - stretched(cell.value, axes, whole))
    ties = sign(distance) == 0
    several = np.asarray(lines(ties, axes).sum(axis=-1) > 1).reshape(cell.step.shape)
    tied = ties & stretched(several, axes, whole)
    if tied.any():
        cell.stakes.append(Stake(tied, (0,), singular=False))
        vague = tied & ~is_exact(distance)
        cell.vague = np.asarray(lines(vague, axes).any(axis=-1)).reshape(cell.step.shape)
    if not argument.inexact:
        return
    error = np.broadcast_to(unit * argument.units + argument.excess, whole)
    best = np.asarray(lines(np.where(ties, error, 0.0), axes).max(axis=-1)).reshape(cell.step.shape)
    near = sizes(distance) <= 4 * (error + stretched(best, axes, whole))
    close = np.asarray(lines(near, axes).sum(axis=-1) > 1).reshape(cell.step.shape)
    cell.doubtful = close & ~several


def _extremes(rows: Numbers, largest: bool) -> Numbers:  # one of two
    """Of each row the extreme: the only one whose nearest float is the extreme, else by comparing the balls."""
    near = floats(rows) if largest else -floats(rows)
    flat_near, flat = near.reshape(-1, near.shape[-1]), rows.reshape(-1, rows.shape[-1])
    top = np.fmax.reduce(flat_near, axis=-1, initial=-np.inf)
    candidates = (flat_near == top[:, None]) | np.isnan(flat_near)
    first = candidates.argmax(axis=-1)
    found = flat[np.arange(len(flat)), first]
    for place in np.flatnonzero(candidates.sum(axis=-1) > 1):
        for other in np.flatnonzero(candidates[place])[1:]:
            one, two = found[place], flat[place, other]
            if one.is_nan() or two.is_nan():
                found[place] = one if one.is_nan() else two
            elif (two > one) if largest else (two < one):
                found[place] = two
    return np.asarray(found.reshape(rows.shape[:-1]))


def first_extremes(cell: Cell) -> Mask:
    """The first entry of each line that attains the extreme: where the walk sends the adjoint."""
    (argument,), axes = cell.arguments, axes_of(cell)
    whole = argument.step.shape
    attained = sign(boxed(argument.value - stretched(cell.value, axes, whole))) == 0
    rows = lines(attained, axes)
    chosen = rows & (rows.cumsum(axis=-1) == 1)
    kept = [axis for axis in range(len(whole)) if axis not in axes]
    order = (*kept, *axes)
    back = chosen.reshape([whole[axis] for axis in order])
    return np.transpose(back, np.argsort(order)) if order else back


def running(cell: Cell, walk: Forward) -> Cell:
    """A running sum: one addition for each entry after the first."""
    (argument,), axis = cell.arguments, cell.options("axis")
    assert isinstance(axis, int)  # noqa: S101  # the shape rule made it one
    whole = cell.step.shape
    cell.value = boxed(np.add.accumulate(argument.value, axis=axis)) if whole else argument.value
    cell.size = sizes(cell.value)
    if not walk.bounds or not whole:
        cell.units, cell.excess, cell.loss = argument.units, argument.excess, argument.loss
        return cell
    width = exact_bits(cell.value)
    rounds = np.where(width <= walk.arithmetic.precision, 0.0, cell.size)
    np.moveaxis(rounds, axis, 0)[:1] = 0.0
    units = np.broadcast_to(argument.units, whole) + rounds
    cell.units = np.add.accumulate(units, axis=axis)
    cell.excess = np.add.accumulate(np.broadcast_to(argument.excess, whole), axis=axis)
    cell.loss = argument.loss
    return cell


def factor_of(cell: Cell, place: int) -> Factor:
    """An argument of a matrix product, as matrices."""
    whole = cell.step.shape
    parts = (
        cell.value,
        np.broadcast_to(cell.size, whole),
        np.broadcast_to(cell.units, whole),
        np.broadcast_to(cell.excess, whole),
    )
    return Factor(*(matrices(part, place) for part in parts))


def multiply(cell: Cell, walk: Forward) -> Cell:
    """A matrix product; see ``products.py``."""
    left, right = (factor_of(argument, place) for place, argument in enumerate(cell.arguments))
    shape = cell.step.shape
    cell.value = multiplied(left.value, right.value).reshape(shape)
    if walk.bounds:
        cell.size = sizes(cell.value)
        units, excess = product_bounds(left, right, walk.arithmetic)
        cell.units, cell.excess = units.reshape(shape), excess.reshape(shape)
        losses = product_losses((cell.arguments[0], cell.arguments[1]))
        if losses:
            losses = losses.lined(units.shape)
            cell.loss = Losses(losses.factor.reshape(shape), losses.codes.reshape(shape))
    cell.doubtful = NONE
    return cell
