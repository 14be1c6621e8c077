"""Verdicts on the many entries of a large gradient: the ordinary ones at once, the others one by one.

An entry is ordinary if autodiff and the exact derivative are normal numbers of the dtype and agree to half the digits
and within the rounding bound. Then it is verified, and nothing more is asked.
"""

from __future__ import annotations

import math

from gradtool.evidence import ExactEntry, Grid
from gradtool.target.dtype import FORMATS, ulp
from gradtool.values import decimal_text, pair_text

__all__ = ["entry_of", "ordinary_error", "symbolic_text"]


def ordinary_error(grid: Grid, place: int, claimed: float, dtype: str, safety: int) -> float | None:
    """The error of ``claimed`` in ulp if the entry is ordinary; None if it has to be looked at more closely."""
    high, form = grid.high.data[place], FORMATS[dtype]
    size = abs(high)
    if not (2.0**form.low < size <= form.largest and math.isfinite(claimed)):
        return None
    error = abs((claimed - high) - grid.low.data[place])
    if error > size * 2.0 ** (-form.precision // 2) or error > safety * grid.bound.data[place]:
        return None
    return error / ulp(high, dtype)


def symbolic_text(grid: Grid, place: int) -> str:
    """The exact derivative as decimal text of 34 digits."""
    return pair_text(grid.high.data[place], grid.low.data[place])


def entry_of(grid: Grid, place: int, index: tuple[int, ...]) -> ExactEntry:
    """The entry as the record that a verdict is given on one by one."""
    where, cause = grid.losses[int(grid.loss.data[place]) - 1] if grid.loss.data[place] else (None, "")
    return ExactEntry(
        grid.variable,
        "smooth",
        symbolic_text(grid, place),
        bound=decimal_text(grid.bound.data[place]),
        sensitivity=decimal_text(grid.sensitivity.data[place]),
        loss=where,
        cause=cause,
        index=index,
    )
