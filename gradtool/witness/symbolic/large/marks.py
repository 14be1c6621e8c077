"""Which entries a kink or a doubtful condition concerns, on the way back from the value to the variables."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from gradtool.target.operations import OPERATIONS
from gradtool.witness.symbolic.large.cell import Cell
from gradtool.witness.symbolic.large.flow import flow
from gradtool.witness.symbolic.large.gathered import axes_of
from gradtool.witness.symbolic.large.numbers import Mask
from gradtool.witness.symbolic.large.shapes import REDUCTIONS, stretched

__all__ = ["mark"]


def mark(cell: Cell, labels: Sequence[int]) -> None:
    """Tell the arguments whether a kink or a doubtful condition lies on their way to the value."""
    logical = cell.step.operation in OPERATIONS and OPERATIONS[cell.step.operation].logical
    joined = cell.step.operation.startswith("logical_")
    if cell.step.operation == "where":
        cell.doubtful = cell.doubtful | _undecided(cell.arguments[0])
    doubtful: Mask = cell.doubtful & cell.needed
    concerned = (cell.needed if logical else cell.matters & cell.needed) | (cell.touched > 0)
    for place, argument in enumerate(cell.arguments):
        if joined or (cell.step.operation == "where" and not place):
            continue
        codes = cell.touched
        for stake in sorted(cell.stakes, key=lambda stake: not stake.singular):
            if place in stake.places and cell.step.operation not in REDUCTIONS:
                on = stake.where & (cell.needed if stake.singular else concerned)
                codes = np.where((codes == 0) & on, np.int32(cell.place + 1), codes)
        if codes.any():
            argument.touched = _first(argument.touched, flow(cell, place, codes, labels))
        if cell.step.operation in REDUCTIONS:
            _mark_ties(cell, concerned)
        if doubtful.any() or cell.doubtful.any():
            argument.doubtful = argument.doubtful | flow(cell, place, doubtful, labels)


def _mark_ties(cell: Cell, concerned: Mask) -> None:
    (argument,) = cell.arguments
    for stake in cell.stakes:
        asked = stretched(np.broadcast_to(concerned, cell.step.shape), axes_of(cell), argument.step.shape)
        codes = np.where(stake.where & asked, np.int32(cell.place + 1), np.int32(0))
        argument.touched = _first(argument.touched, codes)


def _undecided(condition: Cell) -> Mask:
    """Where rounding decides the condition, or one that it is joined from."""
    found = condition.doubtful
    if condition.step.operation.startswith("logical_"):
        for part in condition.arguments:
            found = found | _undecided(part)
    return found


def _first(known: Any, other: Any) -> Any:
    return np.where(known > 0, known, other)
