"""The exact walk over large arrays, backward: adjoints with their error bounds, from a step to its arguments.

The mathematics is that of ``exact.py``. An adjoint that gathers n paths, because an array was stretched or multiplied
by a matrix, is a sum of n terms and rounds as one (``gathered.sum_units``).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from gradtool.witness.symbolic.large.bounds import beyond, faint
from gradtool.witness.symbolic.large.cell import NOTHING, Cell, Losses, relative, times, worse
from gradtool.witness.symbolic.large.chain import chained
from gradtool.witness.symbolic.large.flow import chosen_branch, flow_losses
from gradtool.witness.symbolic.large.gathered import axes_of, factor_of, first_extremes
from gradtool.witness.symbolic.large.marks import mark
from gradtool.witness.symbolic.large.numbers import ZERO, Floats, Numbers, boxed, finite, sizes
from gradtool.witness.symbolic.large.products import Factor, matrices, multiplied, product_bounds
from gradtool.witness.symbolic.large.shapes import (
    REDUCTIONS,
    VIEWS,
    collected,
    stretched,
    unview,
)
from gradtool.witness.symbolic.large.share import Share, add, gathered
from gradtool.witness.symbolic.large.walk import Forward

__all__ = ["spread"]


def spread(walk: Forward, seed: Numbers, units: Floats) -> None:
    """Hand the adjoint ``seed`` of the last step, off by ``units``, back to every step, and every mark with it."""
    root = walk.cells[-1]
    root.adjoint, root.adjoint_units = seed, units
    with np.errstate(over="ignore", invalid="ignore", under="ignore", divide="ignore"):
        for cell in reversed(walk.cells):
            _Spreader(walk, cell).run()


class _Spreader:
    """One step on the way back."""

    def __init__(self, walk: Forward, cell: Cell) -> None:
        self.walk, self.cell, self.bounds = walk, cell, walk.bounds
        self.unit, self.tiny, self.arithmetic = walk.unit, walk.tiny, walk.arithmetic
        self.labels = walk.labels.get(cell.place, ())
        self.size: Floats = NOTHING

    def run(self) -> None:
        cell = self.cell
        if cell.adjoint is not None:
            if self.bounds:
                self.size = sizes(cell.adjoint)
                self._note_cancellation()
            self._hand_back()
        if self.bounds:
            mark(cell, self.labels)
        if cell.step.operation != "variable":
            cell.adjoint = None
            cell.adjoint_units = cell.adjoint_excess = cell.best = NOTHING

    def _note_cancellation(self) -> None:
        """Where several paths met with opposite signs."""
        cell = self.cell
        cell.matters = (self.size > 0) | (cell.adjoint_units > 0) | (cell.adjoint_excess > 0)
        after = relative(self.unit, cell.adjoint_units, cell.adjoint_excess, self.size)
        factor = after / np.maximum(cell.best, self.unit)
        cell.blame = Losses.offer(cell.blame, factor, (self.size > 0) & (cell.best > 0), cell.place, "adjoint")

    def _hand_back(self) -> None:
        cell = self.cell
        operation = cell.step.operation
        if not cell.active or not cell.arguments:
            return
        if operation in VIEWS:
            self._unview()
        elif operation == "matmul":
            self._unmultiply()
        elif operation == "where":
            for place in (1, 2):
                self._give(cell.arguments[place], self._choice(place))
        elif operation == "cumsum":
            self._give(cell.arguments[0], self._unrun())
        elif operation in REDUCTIONS:
            self._give(cell.arguments[0], self._unreduce())
        else:
            for place, argument in enumerate(cell.arguments):
                if argument.active:
                    self._give(argument, chained(self.walk, cell, place, self.size), stretched_too=True)

    # ---- steps that move entries or gather them

    def _whole(self, bound: Any) -> Any:
        return np.broadcast_to(bound, self.cell.step.shape)

    def _unview(self) -> None:
        cell, labels = self.cell, self.labels
        shapes = [argument.step.shape for argument in cell.arguments]
        adjoints = unview(cell.step, self._whole(cell.adjoint), shapes, ZERO, labels)
        units = unview(cell.step, self._whole(cell.adjoint_units), shapes, 0.0, labels)
        excess = unview(cell.step, self._whole(cell.adjoint_excess), shapes, 0.0, labels)
        for place, argument in enumerate(cell.arguments):
            losses = flow_losses(cell, place, cell.blame, labels)
            self._give(argument, Share(adjoints[place], units[place], excess[place], losses), plain=True)

    def _choice(self, place: int) -> Share:
        cell, here = self.cell, chosen_branch(self.cell, place)
        losses = worse(cell.blame, cell.loss)
        return Share(
            np.where(here, cell.adjoint, ZERO),
            np.where(here, cell.adjoint_units, 0.0),
            np.where(here, cell.adjoint_excess, 0.0),
            losses and Losses(np.where(here, losses.factor, 0.0), np.where(here, losses.codes, np.int32(0))),
        )

    def _unreduce(self) -> Share:
        cell, (argument,) = self.cell, self.cell.arguments
        axes, whole = axes_of(cell), argument.step.shape
        product, units, excess = (
            stretched(np.asarray(self._whole(part)), axes, whole)
            for part in (cell.adjoint, cell.adjoint_units, cell.adjoint_excess)
        )
        if cell.step.operation == "sum":
            return Share(product, units, excess, flow_losses(cell, 0, cell.blame, ()))
        first = first_extremes(cell)
        losses = flow_losses(cell, 0, worse(cell.blame, cell.loss), ())
        return Share(
            np.where(first, product, ZERO), np.where(first, units, 0.0), np.where(first, excess, 0.0), losses
        )  # fmt: skip

    def _unrun(self) -> Share:
        """The adjoint of a running sum is the running sum of the adjoints from the end."""
        cell = self.cell
        axis: Any = cell.options("axis")
        if not cell.step.shape:
            return Share(boxed(cell.adjoint), cell.adjoint_units, cell.adjoint_excess, cell.blame)

        def from_the_end(part: Any) -> Any:
            return np.flip(np.add.accumulate(np.flip(self._whole(part), axis), axis=axis), axis)

        product = from_the_end(cell.adjoint)
        rounds = sizes(product)
        np.moveaxis(rounds, axis, 0)[-1:] = 0.0
        units = from_the_end(self._whole(cell.adjoint_units) + rounds)
        return Share(product, units, from_the_end(cell.adjoint_excess), flow_losses(cell, 0, cell.blame, ()))

    def _unmultiply(self) -> None:
        """DL = A R^T and dR = L^T A, each with its bound."""
        cell = self.cell
        left, right = (factor_of(argument, place) for place, argument in enumerate(cell.arguments))
        batch = np.broadcast_shapes(left.value.shape[:-2], right.value.shape[:-2])
        shape = (*batch, left.value.shape[-2], right.value.shape[-1])
        adjoint = Factor(
            *(
                np.asarray(self._whole(part)).reshape(shape)
                for part in (cell.adjoint, self.size, cell.adjoint_units, cell.adjoint_excess)
            )
        )
        for place, (one, other) in enumerate(((adjoint, right.turned), (adjoint.turned, left))):
            argument = cell.arguments[place]
            if not argument.active:
                continue
            share = Share(multiplied(one.value, other.value), NOTHING, NOTHING, None)
            if self.bounds:
                share.units, share.excess = product_bounds(one, other, self.arithmetic, exact=False)
                losses = worse(flow_losses(cell, place, cell.blame, ()), _through(cell, place))
                share.losses = losses
            self._give(argument, self._turned_back(share, argument, place), plain=True)

    def _turned_back(self, share: Share, argument: Cell, place: int) -> Share:
        """A share of one side of a product, as matrices, in the shape of the argument."""
        whole, shape = matrices(argument.value, place).shape, argument.step.shape

        def moved(part: Any) -> Any:
            part = np.broadcast_to(part, share.product.shape)
            return np.swapaxes(part, -1, -2) if place else part

        parts = moved(share.product), moved(share.units), moved(share.excess)
        back = gathered(Share(*parts, None), whole)
        units, excess = (np.broadcast_to(part, whole).reshape(shape) for part in (back.units, back.excess))
        return Share(back.product.reshape(shape), units, excess, share.losses)

    # ---- gathering

    def _give(self, argument: Cell, share: Share, *, plain: bool = False, stretched_too: bool = False) -> None:
        """Add a share to the adjoint of ``argument``; a ``plain`` one only moves, and neither under- nor overflows."""
        if not argument.active:
            return
        if not self.bounds:
            product = collected(self._whole(share.product), argument.step.shape, np.add.reduce) if stretched_too else (
                collected(share.product, argument.step.shape, np.add.reduce)
            )  # fmt: skip
            argument.adjoint = product if argument.adjoint is None else boxed(argument.adjoint + product)
            return
        if not plain:
            self._judge_range(share)
        if stretched_too or share.product.shape != argument.step.shape:
            shape = np.broadcast_shapes(share.product.shape, self.cell.step.shape)
            share.product = np.broadcast_to(share.product, shape)
            share = gathered(share, argument.step.shape)
        add(argument, share, self.unit)

    def _judge_range(self, share: Share) -> None:
        """Products below and beyond the numbers of the dtype."""
        size = sizes(share.product)
        if (small := faint(size, self.tiny)).any():
            share.excess = share.excess + np.where(small, self.tiny * np.maximum(1.0, self._scale(size.shape)), 0.0)
            factor = times(np.asarray(self.tiny), size * self.unit)
            share.losses = Losses.offer(share.losses, factor, small, self.cell.place, "underflow")
        if (large := beyond(size, self.arithmetic) & finite(share.product)).any():
            share.excess = np.where(large, np.inf, share.excess)
            infinite = np.asarray(np.inf)
            share.losses = Losses.offer(share.losses, infinite, large, self.cell.place, "backward_overflow")

    def _scale(self, shape: tuple[int, ...]) -> Floats:
        """The magnitudes of this step's adjoint beside a share of ``shape``."""
        try:
            return np.broadcast_to(self.size, shape)
        except ValueError:  # a reduction: of another shape
            return np.asarray(self.size.max(initial=0.0))


def _through(cell: Cell, place: int) -> Losses | None:
    """The losses of the other side of a matrix product, for all that it was multiplied with."""
    other = cell.arguments[1 - place].loss
    if other is None or not other.factor.size:
        return None
    worst = other.factor.argmax()
    factor, codes = other.factor.ravel()[worst], other.codes.ravel()[worst]
    return Losses(np.asarray(factor), np.asarray(codes))
