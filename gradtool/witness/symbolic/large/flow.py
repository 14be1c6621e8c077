"""Which entries of an argument the entries of a step hang on: the way back for marks and for losses of digits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradtool.witness.symbolic.large.cell import Cell, Losses
from gradtool.witness.symbolic.large.numbers import Mask
from gradtool.witness.symbolic.large.shapes import REDUCTIONS, VIEWS, collected, stretched, unview

__all__ = ["chosen_branch", "flow", "flow_losses", "need"]


def chosen_branch(cell: Cell, place: int) -> Mask:
    """Where a ``where`` takes the branch at ``place``."""
    condition = np.asarray(cell.arguments[0].value, dtype=np.bool_)
    return condition if place == 1 else ~condition


def flow(cell: Cell, place: int, marks: NDArray[Any], labels: Sequence[int]) -> NDArray[Any]:
    """``marks`` of the entries of ``cell`` as the largest mark that meets each entry of the argument at ``place``."""
    operation, argument = cell.step.operation, cell.arguments[place]
    if not marks.any():
        return np.zeros((), dtype=marks.dtype)
    marks = np.broadcast_to(marks, cell.step.shape)
    if operation in VIEWS:
        shapes = [part.step.shape for part in cell.arguments]
        return unview(cell.step, marks, shapes, 0, labels)[place]
    if operation in REDUCTIONS:
        axes: Any = cell.options("axis")
        return np.asarray(stretched(marks, tuple(axes), argument.step.shape))
    if operation == "cumsum" and cell.step.shape:
        axis: Any = cell.options("axis")
        return np.flip(np.maximum.accumulate(np.flip(marks, axis), axis=axis), axis)
    if operation == "matmul":
        return _through_product(cell, place, marks)
    if operation == "where" and place:
        marks = np.where(chosen_branch(cell, place), marks, np.zeros((), dtype=marks.dtype))
    return collected(marks, argument.step.shape, np.maximum.reduce)


def _through_product(cell: Cell, place: int, marks: NDArray[Any]) -> NDArray[Any]:
    """Every entry of the row (or of the column) of an entry of a matrix product."""
    left, right = (argument.step.shape for argument in cell.arguments)
    rows, columns = len(left) > 1, len(right) > 1
    whole = marks if rows else np.expand_dims(marks, marks.ndim - columns)
    whole = whole if columns else whole[..., None]
    shape = cell.arguments[place].step.shape
    matrix = shape if len(shape) > 1 else (1, *shape) if place == 0 else (*shape, 1)
    if place == 0:
        met = whole.max(axis=-1, keepdims=True)
        met = np.broadcast_to(met, (*met.shape[:-1], matrix[-1]))
    else:
        met = whole.max(axis=-2, keepdims=True)
        met = np.broadcast_to(met, (*met.shape[:-2], matrix[-2], met.shape[-1]))
    return np.asarray(collected(met, matrix, np.maximum.reduce)).reshape(shape)


def flow_losses(cell: Cell, place: int, losses: Losses | None, labels: Sequence[int]) -> Losses | None:
    """The losses of the entries of ``cell`` as what meets the argument at ``place``: the worst, where many do."""
    if losses is None:
        return None
    factor = flow(cell, place, losses.factor, labels)
    if cell.step.operation in ("matmul", "cumsum"):
        worst = losses.factor.argmax()
        return Losses(factor, np.full(factor.shape, losses.codes.ravel()[worst]))
    return Losses(factor, flow(cell, place, losses.codes, labels))


def need(cells: Sequence[Cell], wanted: Mask, labels: Mapping[int, Sequence[int]]) -> None:
    """Mark which entries of every step the ``wanted`` entries of the last one are computed from."""
    cells[-1].needed = wanted
    for cell in reversed(cells):
        for place, argument in enumerate(cell.arguments):
            marks = cell.needed
            if cell.step.operation in ("logical_and", "logical_or") and place:
                decided = np.asarray(cell.arguments[0].value) == (cell.step.operation == "logical_or")
                marks = marks & ~decided
            argument.needed = argument.needed | flow(cell, place, marks, labels.get(cell.place, ()))
