"""Shares of adjoints: how they are gathered where an entry was stretched, and added where several paths meet."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gradtool.values import Shape
from gradtool.witness.symbolic.large.cell import NOTHING, Cell, Losses, relative, worse
from gradtool.witness.symbolic.large.numbers import Floats, Numbers, boxed, sizes
from gradtool.witness.symbolic.large.shapes import collected, collected_losses, rounding_of_sums

__all__ = ["Share", "add", "gathered"]


@dataclass(slots=True)
class Share:
    """What a step hands back to one argument."""

    product: Numbers
    units: Floats
    excess: Floats
    losses: Losses | None


def gathered(share: Share, shape: Shape) -> Share:
    """A share brought back to the argument's shape: a sum of as many terms as the entry was stretched to."""
    whole = share.product.shape
    if whole == shape:
        return share
    size = sizes(share.product)
    count = collected((size > 0).astype(np.float64), shape, np.add.reduce)
    total = collected(size, shape, np.add.reduce)
    units, excess = (
        collected(np.broadcast_to(part, whole), shape, np.add.reduce) if part.any() else NOTHING
        for part in (share.units, share.excess)
    )
    losses = share.losses and collected_losses(share.losses.lined(whole), shape)
    product = collected(share.product, shape, np.add.reduce)
    return Share(product, units + rounding_of_sums(count, total), excess, losses)


def add(argument: Cell, share: Share, unit: float) -> None:
    """Add a share to the adjoint of ``argument``; the sum of two paths rounds."""
    size = sizes(share.product)
    best = np.where(size > 0, relative(unit, share.units, share.excess, size), 0.0)
    argument.best = np.maximum(argument.best, best)
    argument.blame = worse(argument.blame, share.losses)
    if argument.adjoint is None:
        argument.adjoint, rounds = share.product, NOTHING
    else:
        before = sizes(argument.adjoint) > 0
        argument.adjoint = boxed(argument.adjoint + share.product)
        both = before & (size > 0)
        rounds = np.where(both, sizes(argument.adjoint), 0.0)
    argument.adjoint_units = argument.adjoint_units + share.units + rounds
    argument.adjoint_excess = argument.adjoint_excess + share.excess
