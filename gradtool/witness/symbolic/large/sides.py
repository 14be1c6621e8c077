"""One-sided derivatives at kinks of large arrays, where they follow from the one-sided slopes of single steps.

For every entry v of a step, ``right`` is the slope of the result as v grows, ``left`` as v falls. Where v = f(a) grows
with a, the slopes of a on each side are f' times those of v on that side; where it falls, the sides change places; on
a kink of f the slope of f itself is another one on each side. Several ways from an entry to one and the same kink
would have to be weighed together (relu(x - 2*x)); so would conditions, jumps and infinite slopes. There the sides stay
unknown.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from flint import arb, ctx
from numpy.typing import NDArray

from gradtool.target.operations import OPERATIONS
from gradtool.values import Shape
from gradtool.witness.symbolic.large.cell import Cell
from gradtool.witness.symbolic.large.flow import chosen_branch, flow
from gradtool.witness.symbolic.large.gathered import axes_of, first_extremes
from gradtool.witness.symbolic.large.numbers import NAN, ONE, ZERO, Mask, Numbers, boxed, sign
from gradtool.witness.symbolic.large.products import matrices, multiplied
from gradtool.witness.symbolic.large.rows import row
from gradtool.witness.symbolic.large.shapes import REDUCTIONS, VIEWS, collected, lines, stretched, unview
from gradtool.witness.symbolic.large.walk import Forward

__all__ = ["sides"]

CONTINUOUS = ("abs", "relu", "leaky_relu", "selu", "hardtanh", "clip", "max", "min")
"""Rows whose kinks are corners: the value does not jump."""

FAR = np.int64(1) << 62

Ids = NDArray[np.int64]


@dataclass(slots=True)
class _Sides:
    """Slopes on both sides, and which kinks make them differ: the ids ``first`` to ``last``, none where first > last.

    ``lost`` entries can't be told.
    """

    right: Numbers
    left: Numbers
    first: Ids
    last: Ids
    lost: Mask

    @classmethod
    def even(cls, slope: Numbers) -> _Sides:
        """The same slope on both sides."""
        shape = slope.shape
        return cls(slope, slope, np.full(shape, FAR), np.full(shape, -FAR), np.zeros(shape, dtype=np.bool_))

    def mapped(self, function: Callable[[Any, Any], Any]) -> _Sides:
        """``function(part, what stands for nothing there)`` of every part."""
        parts = ((self.right, ZERO), (self.left, ZERO), (self.first, FAR), (self.last, -FAR), (self.lost, False))
        return _Sides(*(np.asarray(function(part, empty)) for part, empty in parts))


def sides(walk: Forward, seed: Numbers) -> dict[str, tuple[Numbers, Numbers]]:
    """The slopes on the left and on the right of every entry of each variable; NaN where they can't be told."""
    found: dict[int, _Sides] = {len(walk.cells) - 1: _Sides.even(seed)}
    told = {}
    for cell in reversed(walk.cells):
        here = found.pop(cell.place, None)
        if cell.step.operation == "variable" and here is not None:
            told[cell.step.name] = (np.where(here.lost, NAN, here.left), np.where(here.lost, NAN, here.right))
            continue
        for place, argument in enumerate(cell.arguments):
            share = _share(walk, cell, here, place)
            if share is not None:
                known = found.get(argument.place)
                found[argument.place] = share if known is None else _together(known, share)
    return told


def _together(one: _Sides, other: _Sides) -> _Sides:
    """Two ways to one entry: the slopes add, unless both lead to the same kink."""
    overlap = np.maximum(one.first, other.first) <= np.minimum(one.last, other.last)
    return _Sides(
        boxed(one.right + other.right),
        boxed(one.left + other.left),
        np.minimum(one.first, other.first),
        np.maximum(one.last, other.last),
        one.lost | other.lost | overlap,
    )


def _share(walk: Forward, cell: Cell, here: _Sides | None, place: int) -> _Sides | None:
    """What ``cell`` tells its argument at ``place``."""
    argument, operation = cell.arguments[place], cell.step.operation
    shape = argument.step.shape
    if operation in OPERATIONS and OPERATIONS[operation].logical:
        return _lost(cell, here, place, shape)
    if here is None or (operation == "where" and not place):
        return None
    if operation in VIEWS:
        shapes, labels = [part.step.shape for part in cell.arguments], walk.labels.get(cell.place, ())
        return here.mapped(lambda part, empty: unview(cell.step, part, shapes, empty, labels)[place])
    if operation == "where":
        chosen = chosen_branch(cell, place)
        return _back(here.mapped(lambda part, empty: np.where(chosen, part, empty)), cell.step.shape, shape)
    if operation == "_top":
        return None
    if operation in REDUCTIONS:
        return _reduced(cell, here)
    if operation == "matmul":
        return _multiplied(cell, here, place)
    if operation == "cumsum":
        return _run(cell, here)
    return _chained(cell, here, place)


def _lost(cell: Cell, here: _Sides | None, place: int, shape: Shape) -> _Sides:
    """A condition that stands on its edge: what it hangs on can't be told."""
    lost = np.zeros(cell.step.shape, dtype=np.bool_) if here is None else here.lost
    for stake in cell.stakes:
        lost = lost | (stake.where & cell.needed)
    even = _Sides.even(np.full(shape, ZERO, dtype=np.object_))
    even.lost = np.broadcast_to(flow(cell, place, np.broadcast_to(lost, cell.step.shape), ()), shape)
    return even


def _turned(here: _Sides, right: Numbers, left: Numbers) -> tuple[Numbers, Numbers]:
    """The slopes times those of a step, which are ``right`` and ``left``; a negative one exchanges the sides."""
    return (
        boxed(np.where(sign(right) >= 0, here.right, here.left) * right),
        boxed(np.where(sign(left) >= 0, here.left, here.right) * left),
    )


def _numbered(cell: Cell, made: _Sides) -> _Sides:
    """``made`` with the ids of this step's own entries where the sides differ."""
    ids = ((np.int64(cell.place) << 32) + np.arange(made.right.size)).reshape(made.right.shape)
    differ = sign(boxed(made.right - made.left)) != 0
    made.first = np.where(differ, np.minimum(made.first, ids), FAR)
    made.last = np.where(differ, np.maximum(made.last, ids), -FAR)
    return made


def _chained(cell: Cell, here: _Sides, place: int) -> _Sides:
    argument = cell.arguments[place]
    functions = row(cell.step.operation)
    values = [part.value for part in cell.arguments]
    local = cell.locals[place] if place < len(cell.locals) else None
    shape = cell.step.shape
    local = np.broadcast_to(boxed(ZERO) if local is None else local, shape)
    right, left, lost = local, local, here.lost
    corner = np.zeros(shape, dtype=np.bool_)
    for stake in cell.stakes:
        if place not in stake.places:
            continue
        if stake.singular or cell.step.operation not in CONTINUOUS:
            lost = lost | stake.where
        else:
            corner = corner | stake.where
    if corner.any():
        step = arb(2) ** -(ctx.prec // 2)
        beside = []
        for way in (step, -step):
            moved = boxed(values[place] + np.where(corner, way * _scale(values[place]), ZERO))
            slopes = functions.derivatives[place](*values[:place], moved, *values[place + 1 :])
            beside.append(np.where(corner, slopes, local))
        right, left = beside
    made = _Sides(*_turned(here, right, left), here.first, here.last, lost)
    differ = sign(boxed(made.right - made.left)) != 0
    if corner.any():
        own = _numbered(cell, _Sides(made.right, made.left, made.first, made.last, lost))
        made.first, made.last = np.where(corner, own.first, made.first), np.where(corner, own.last, made.last)
    made.first, made.last = np.where(differ, made.first, FAR), np.where(differ, made.last, -FAR)
    return _back(made, shape, argument.step.shape)


def _scale(values: Numbers) -> Numbers:
    return boxed(abs(values) + ONE)  # type: ignore[no-any-return]


def _back(made: _Sides, whole: Shape, shape: Shape) -> _Sides:
    """Brought back to an argument that was stretched; entries of several ways to one kink are lost."""
    made = made.mapped(lambda part, _: np.broadcast_to(part, whole))
    new = len(whole) - len(shape)
    axes = (*range(new), *(new + axis for axis, length in enumerate(shape) if length == 1 != whole[new + axis]))
    if not axes:
        return made
    return _Sides(
        collected(made.right, shape, np.add.reduce),
        collected(made.left, shape, np.add.reduce),
        collected(made.first, shape, np.minimum.reduce),
        collected(made.last, shape, np.maximum.reduce),
        collected(made.lost, shape, np.logical_or.reduce) | _overlapping(made, axes).reshape(shape),
    )


def _overlapping(made: _Sides, axes: tuple[int, ...]) -> Mask:
    """Whether two entries along ``axes`` hang on the same kink: sorted by their first, one begins before one ends."""
    first, last = lines(made.first, axes), lines(made.last, axes)
    order = first.argsort(axis=-1)
    first, last = np.take_along_axis(first, order, -1), np.take_along_axis(last, order, -1)
    reach = np.maximum.accumulate(last, axis=-1)
    return np.asarray((first[..., 1:] <= reach[..., :-1]).any(axis=-1))


def _reduced(cell: Cell, here: _Sides) -> _Sides:
    """A sum hands its slopes on; of an extreme, an entry that ties for it takes part on one side only."""
    (argument,), axes = cell.arguments, axes_of(cell)
    whole = argument.step.shape
    if cell.step.operation == "sum":
        return here.mapped(lambda part, _: stretched(part, axes, whole))
    here = _numbered_lines(cell, here)
    spread = here.mapped(lambda part, _: stretched(part, axes, whole))
    local = np.where(first_extremes(cell), ONE, ZERO)
    right, left = local, local
    for stake in cell.stakes:
        grows = cell.step.operation == "amax"
        right = np.where(stake.where, ONE if grows else ZERO, right)
        left = np.where(stake.where, ZERO if grows else ONE, left)
    made = _Sides(*_turned(spread, right, left), spread.first, spread.last, spread.lost)
    differ = sign(boxed(made.right - made.left)) != 0
    made.first, made.last = np.where(differ, made.first, FAR), np.where(differ, made.last, -FAR)
    return made


def _numbered_lines(cell: Cell, here: _Sides) -> _Sides:
    """All entries that tie in one line share one id."""
    ids = ((np.int64(cell.place) << 32) + np.arange(here.right.size)).reshape(here.right.shape)
    return _Sides(here.right, here.left, np.minimum(here.first, ids), np.maximum(here.last, ids), here.lost)


def _multiplied(cell: Cell, here: _Sides, place: int) -> _Sides:
    """Through a matrix product: positive and negative factors apart, because the latter exchange the sides."""
    left, right = (matrices(part.value, side) for side, part in enumerate(cell.arguments))
    batch = np.broadcast_shapes(left.shape[:-2], right.shape[:-2])
    shape = (*batch, left.shape[-2], right.shape[-1])
    wide = here.mapped(lambda part, _: part.reshape(shape))
    factor = np.swapaxes(left if place else right, -1, -2)
    ways = sign(factor)
    up, down = np.where(ways >= 0, factor, ZERO), np.where(ways < 0, factor, ZERO)

    def product(one: Numbers, other: Numbers) -> Numbers:
        made = [
            multiplied(part, side) if place else multiplied(side, part) for side, part in ((one, up), (other, down))
        ]
        return boxed(made[0] + made[1])  # type: ignore[no-any-return]

    axis = -2 if place else -1
    whole = product(wide.right, wide.left)
    uneven = wide.first <= wide.last
    several = uneven.sum(axis=axis, keepdims=True) > 1
    made = _Sides(
        whole,
        product(wide.left, wide.right),
        np.broadcast_to(wide.first.min(axis=axis, keepdims=True), whole.shape),
        np.broadcast_to(wide.last.max(axis=axis, keepdims=True), whole.shape),
        np.broadcast_to(wide.lost.any(axis=axis, keepdims=True) | several, whole.shape),
    )
    argument = cell.arguments[place]
    matrix = (right if place else left).shape
    return _back(made, whole.shape, matrix).mapped(lambda part, _: part.reshape(argument.step.shape))


def _run(cell: Cell, here: _Sides) -> _Sides:
    axis: Any = cell.options("axis")

    def from_the_end(part: Any, function: Any) -> Any:
        return np.flip(function.accumulate(np.flip(part, axis), axis=axis), axis)

    uneven = (here.first <= here.last).astype(np.int64)
    return _Sides(
        from_the_end(here.right, np.add),
        from_the_end(here.left, np.add),
        from_the_end(here.first, np.minimum),
        from_the_end(here.last, np.maximum),
        from_the_end(here.lost, np.logical_or) | (from_the_end(uneven, np.add) > 1),
    )
