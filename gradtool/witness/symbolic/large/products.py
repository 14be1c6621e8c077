"""Matrix products of large arrays: exact values by FLINT's block multiplication, bounds by products of magnitudes.

An entry c = sum_k a_k b_k and its bound need three sums over k, each of them a matrix product:

    delta(c) = sum_k |a_k| delta(b_k) + sum_k delta(a_k) |b_k| + u (1 + n - 1) sum_k |a_k b_k|

Underflow and overflow of single products are judged by the extremes of a row and a column, which may only add to the
bound.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from flint import arb_mat
from numpy.typing import NDArray

from gradtool.target.dtype import Format
from gradtool.witness.symbolic.large.cell import Cell, Losses, worse
from gradtool.witness.symbolic.large.numbers import NAN, ZERO, Floats, Mask, Numbers, bits, finite, floats, is_exact
from gradtool.witness.symbolic.large.shapes import rounding_of_sums, worst_of_lines

__all__ = ["Factor", "exact_bits", "lowest_bits", "matrices", "multiplied", "product_bounds", "product_losses", "times"]

INEXACT = 1 << 20
"""Stands for the bits of a number that no float can hold."""


@dataclass(frozen=True, slots=True)
class Factor:
    """One side of a product: matrices of balls, their magnitudes and bounds, all of one shape."""

    value: Numbers
    size: Floats
    units: Floats
    excess: Floats

    @property
    def turned(self) -> Factor:
        """Rows and columns exchanged."""
        bounds = (np.swapaxes(part, -1, -2) for part in (self.size, self.units, self.excess))
        return Factor(np.swapaxes(self.value, -1, -2), *bounds)


def matrices(array: NDArray[Any], place: int) -> NDArray[Any]:
    """A vector as a matrix of one row (on the left) or of one column (on the right)."""
    return array if array.ndim > 1 else array[None, :] if place == 0 else array[:, None]


def multiplied(left: Numbers, right: Numbers) -> Numbers:
    """The product of stacks of matrices of balls; NaN where an entry is hit that is no number."""
    batch = np.broadcast_shapes(left.shape[:-2], right.shape[:-2])
    rows, inner, columns = left.shape[-2], left.shape[-1], right.shape[-1]
    left = np.broadcast_to(left, batch + left.shape[-2:])
    right = np.broadcast_to(right, batch + right.shape[-2:])
    sound = [np.asarray(finite(side)) for side in (left, right)]
    left, right = (
        side if good.all() else np.where(good, side, ZERO) for side, good in zip((left, right), sound, strict=True)
    )
    found = np.empty((*batch, rows, columns), dtype=np.object_)
    for index in np.ndindex(*batch):
        factors = (
            arb_mat(rows, inner, left[index].ravel().tolist()),
            arb_mat(inner, columns, right[index].ravel().tolist()),
        )
        found[index] = np.array((factors[0] * factors[1]).entries(), dtype=np.object_).reshape(rows, columns)
    rows_bad, columns_bad = np.asarray(~sound[0].all(axis=-1)), np.asarray(~sound[1].all(axis=-2))
    bad = rows_bad[..., :, None] | columns_bad[..., None, :]
    return np.where(bad, NAN, found) if bad.any() else found


def times(left: Floats, right: Floats) -> Floats:
    """A matrix product of bounds, in which nothing times infinity is nothing."""
    with np.errstate(over="ignore", invalid="ignore"):
        if np.isfinite(left).all() and np.isfinite(right).all():
            return np.asarray(left @ right)
        plain = [np.where(np.isfinite(side), side, 0.0) for side in (left, right)]
        endless = [(~np.isfinite(side)).astype(np.float64) for side in (left, right)]
        hit = endless[0] @ (right != 0).astype(np.float64) + (left != 0).astype(np.float64) @ endless[1]
        return np.where(hit > 0, np.inf, plain[0] @ plain[1])


def product_bounds(left: Factor, right: Factor, arithmetic: Format, *, exact: bool = True) -> tuple[Floats, Floats]:
    """The bound of the product as (units, excess); ``exact`` lets products and sums that round nothing count so."""
    total = times(left.size, right.size)
    count = (left.size != 0).astype(np.float64) @ (right.size != 0).astype(np.float64)
    units = times(left.size, right.units) + times(left.units, right.size)
    own, sums = total, rounding_of_sums(left.value.shape[-1] if exact else count, total)
    if exact:
        fits, whole = _fitting(left, right, total, arithmetic)
        own, sums = np.where(fits, 0.0, own), np.where(whole, 0.0, sums)
    excess = times(left.size, right.excess) + times(left.excess, right.size)
    low = _extremes(left.size, right.size, smallest=True)
    high = _extremes(left.size, right.size, smallest=False)
    tiny = 2.0**arithmetic.low
    scale = np.maximum(1.0, left.size.max(axis=-1, initial=0.0))[..., :, None]
    excess = excess + np.where((low < tiny) & (count > 0), count * tiny * scale, 0.0)
    return units + own + sums, np.where(high > arithmetic.largest, np.inf, excess)


def _extremes(left: Floats, right: Floats, *, smallest: bool) -> Floats:
    """The smallest nonzero or the largest product of an entry of each row and one of each column."""
    with np.errstate(over="ignore", invalid="ignore", under="ignore"):
        if smallest:
            rows = np.where(left == 0, np.inf, left).min(axis=-1, initial=np.inf)
            columns = np.where(right == 0, np.inf, right).min(axis=-2, initial=np.inf)
            return np.asarray(rows[..., :, None] * columns[..., None, :])
        rows, columns = left.max(axis=-1, initial=0.0), right.max(axis=-2, initial=0.0)
        return np.asarray(np.nan_to_num(rows[..., :, None] * columns[..., None, :], posinf=np.inf))


def exact_bits(values: Numbers) -> NDArray[np.int64]:
    """How many bits each number has; INEXACT where it is not known exactly."""
    return np.where(is_exact(values), bits(values), INEXACT)


def lowest_bits(values: Numbers, width: NDArray[np.int64], precision: int) -> NDArray[np.int64]:
    """The exponent of the last bit of each number of at most ``precision`` bits; very low for others, high for 0."""
    fraction, exponent = np.frexp(floats(values))
    whole = np.nan_to_num(fraction * 2.0**53, posinf=0.0, neginf=0.0).astype(np.int64)
    last = whole & -whole
    place = np.log2(np.where(last > 0, last, 1).astype(np.float64)).astype(np.int64)
    found = np.where(whole == 0, INEXACT, exponent.astype(np.int64) - 53 + place)
    return np.where(width > precision, -INEXACT, found)


def _fitting(left: Factor, right: Factor, total: Floats, arithmetic: Format) -> tuple[Mask, Mask]:
    """Where every product, and where every partial sum too, is a number of the dtype."""
    wide = [exact_bits(side.value) for side in (left, right)]
    if min(part.min(initial=INEXACT) for part in wide) > arithmetic.precision:
        none = np.zeros(total.shape, dtype=np.bool_)
        return none, none
    widest = [wide[0].max(axis=-1, initial=0), wide[1].max(axis=-2, initial=0)]
    fits = widest[0][..., :, None] + widest[1][..., None, :] <= arithmetic.precision
    low = [lowest_bits(side.value, width, 53) for side, width in zip((left, right), wide, strict=True)]
    lowest = low[0].min(axis=-1, initial=INEXACT)[..., :, None] + low[1].min(axis=-2, initial=INEXACT)[..., None, :]
    return fits, fits & (np.frexp(total)[1] - lowest <= arithmetic.precision)


def product_losses(cells: tuple[Cell, Cell]) -> Losses | None:
    """The worst losses in the row and the column that each entry of a product is made of."""
    found: Losses | None = None
    for place, cell in enumerate(cells):
        if cell.loss is not None:
            losses = cell.loss.lined(cell.value.shape)
            factor, codes = matrices(losses.factor, place), matrices(losses.codes, place)
            axis = factor.ndim - 1 - place
            kept = tuple(1 if other == axis else length for other, length in enumerate(factor.shape))
            part = worst_of_lines(Losses(factor, codes), (axis,), factor.shape, kept)
            found = part if found is None or part is None else worse(found, part)
    return found
