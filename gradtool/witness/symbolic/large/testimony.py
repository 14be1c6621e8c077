"""What the walk on whole arrays has found, as testimony: grids of ordinary entries, and the special ones one by one."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from gradtool.evidence import Exact, ExactEntry, Grid, Request
from gradtool.values import Array, Index, decimal_text, pair_text
from gradtool.witness.symbolic.large import gradient as large
from gradtool.witness.symbolic.told import place_if
from gradtool.witness.walk import Step

__all__ = ["UnknownEntriesError", "derive_grids"]


class UnknownEntriesError(ArithmeticError):
    """The walk on whole arrays can't judge some entries."""


def derive_grids(request: Request, steps: Sequence[Step]) -> Exact:
    """The testimony on a gradient of many entries.

    Raises UnknownEntriesError where a walk number by number might know more, or TooLargeError.
    """
    try:
        found = large.derive_large(request, steps)
    except large.LargeUndefinedError as error:
        raise UnknownEntriesError from error
    if any(grid.unknown.any() for grid in found.grids):
        raise UnknownEntriesError
    special = [entry for grid in found.grids for entry in _special(found, grid)]
    value, bound = None, "0"
    if not np.ndim(found.value.high) and np.isfinite(found.value.high):  # that of an array is not told
        value, bound = (
            pair_text(float(found.value.high), float(found.value.low)),
            decimal_text(float(found.value.bound)),
        )
    grids = [_grid(found, grid) for grid in found.grids]
    digits = int(found.bits * math.log10(2))
    return Exact(request.key, "defined", value, special, value_bound=bound, digits=digits, grids=grids)


def _grid(found: large.LargeGradient, grid: large.Grid) -> Grid:
    pairs = np.stack([grid.loss.ravel(), grid.cause.ravel()], axis=1)
    kinds, codes = np.unique(pairs, axis=0, return_inverse=True)
    losses = [(place_if(found.step(int(step))), found.cause(int(cause))) for step, cause in kinds]
    known = [(place, cause) for place, cause in losses if place is not None]
    numbering = [known.index((place, cause)) + 1 if place is not None else 0 for place, cause in losses]
    parts = (grid.high, grid.low, grid.bound, grid.sensitivity, np.array(numbering)[codes.ravel()])
    high, low, bound, sensitivity, loss = (_array(part, grid.high.shape) for part in parts)
    return Grid(grid.variable, high, low, bound, sensitivity, loss, known)


def _special(found: large.LargeGradient, grid: large.Grid) -> list[ExactEntry]:
    """The entries that stand on a kink, or in which rounding decides a condition."""
    places = np.argwhere((grid.touched > 0) | grid.doubtful)
    return [_entry(found, grid, tuple(int(part) for part in place)) for place in places]


def _entry(found: large.LargeGradient, grid: large.Grid, index: Index) -> ExactEntry:
    high, low = float(grid.high[index]), float(grid.low[index])
    left, right = float(grid.left[index]), float(grid.right[index])
    touched = place_if(found.step(int(grid.touched[index])))
    kinked = touched is not None and not math.isfinite(high)
    return ExactEntry(
        grid.variable,
        "kink" if kinked else "smooth",
        None if kinked else pair_text(high, low),
        bound=decimal_text(float(grid.bound[index])),
        sensitivity=decimal_text(float(grid.sensitivity[index])),
        left=None if math.isnan(left) else decimal_text(left),
        right=None if math.isnan(right) else decimal_text(right),
        loss=place_if(found.step(int(grid.loss[index]))),
        cause=found.cause(int(grid.cause[index])),
        touched=touched,
        doubtful=bool(grid.doubtful[index]),
        index=index,
    )


def _array(part: np.ndarray, shape: tuple[int, ...]) -> Array:
    return Array.of(shape, np.asarray(part, dtype=np.float64).ravel().tolist())
