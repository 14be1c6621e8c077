"""A step of the large exact walk: arrays of exact values, of error bounds, and of what is to be said about them.

Bounds are pairs as in ``node.py``, here of float64 arrays: ``units``, to be multiplied by the unit roundoff, and
``excess``, an amount. An array of bounds or marks may have any shape that stretches to that of the step.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradtool.witness.symbolic.large.numbers import Floats, Mask, Numbers
from gradtool.witness.walk import Step

__all__ = [
    "CAUSES",
    "NONE",
    "NOTHING",
    "Cell",
    "Codes",
    "Losses",
    "Stake",
    "any_of",
    "relative",
    "scaled",
    "times",
    "unstretched",
    "worse",
]

Codes = NDArray[np.int32]
"""Places of steps in the program plus 1; 0 for none."""

CAUSES = (
    "", "overflow", "underflow", "backward_overflow", "flushed", "cancellation", "adjoint", "backward",
    "amplification", "branch", "edge",
)  # fmt: skip

_BRANCH, _EDGE = CAUSES.index("branch"), CAUSES.index("edge")
_GRADUAL = ("cancellation", "adjoint", "backward", "amplification")
_KINDS = 16
_MOST = float(np.finfo(np.float64).max)

NOTHING: Floats = np.zeros(())
"""A bound of 0."""

NONE: Mask = np.zeros((), dtype=np.bool_)
"""A mask of nothing."""


@dataclass(frozen=True, slots=True)
class Losses:
    """Where most digits go, entry by entry: by which factor, and ``codes`` of the step and the cause, of one shape."""

    factor: Floats
    codes: Codes

    def lined(self, shape: tuple[int, ...]) -> Losses:
        """Stretched to ``shape``."""
        return Losses(np.broadcast_to(self.factor, shape), np.broadcast_to(self.codes, shape))

    @staticmethod
    def offer(known: Losses | None, factor: Floats, where: Mask, place: int, cause: str) -> Losses | None:
        """``known``, or the loss by ``factor`` at ``place`` at entries ``where`` that is worse."""
        if cause in _GRADUAL:  # a bound beyond the largest float is no overflow of the dtype
            factor = np.minimum(factor, _MOST)
        offered = np.where(where & (factor > 100), factor, 0.0)
        if not offered.any():
            return known
        codes = np.where(offered > 0, np.int32(place * _KINDS + CAUSES.index(cause)), np.int32(0))
        return worse(known, Losses(offered, codes))

    def place(self) -> Codes:
        """The places of the steps, plus 1; 0 where nothing is lost."""
        return np.where(self.codes > 0, self.codes // _KINDS + 1, 0).astype(np.int32)

    def cause(self) -> Codes:
        """The causes, as places in CAUSES."""
        return (self.codes % _KINDS).astype(np.int32)


def worse(known: Losses | None, other: Losses | None) -> Losses | None:
    """The worse of two losses, entry by entry; an edge tells more than a branch."""
    if known is None or other is None or known is other:
        return known or other
    tells = (other.codes % _KINDS == _EDGE) & (known.codes % _KINDS == _BRANCH)
    yields = (other.factor > known.factor) | tells
    return Losses(np.where(yields, other.factor, known.factor), np.where(yields, other.codes, known.codes))


@dataclass(frozen=True, slots=True)
class Stake:
    """Entries at which the point stands on a kink, or has no finite local derivative, by the arguments ``places``."""

    where: Mask
    places: tuple[int, ...]
    singular: bool


@dataclass(slots=True, eq=False)
class Cell:
    """One step with its values, their bounds, its local derivatives and, on the way back, its adjoints.

    ``slopes`` are the magnitudes of ``locals``, infinite where there is none. ``vague`` entries hang on something that
    more digits may decide otherwise, ``undefined`` ones are outside the domain of the step, and what is not
    ``needed`` stands in a branch that is not taken.
    """

    step: Step
    place: int
    arguments: tuple[Cell, ...]
    value: Numbers
    active: bool
    size: Floats = field(default_factory=lambda: NOTHING)
    units: Floats = field(default_factory=lambda: NOTHING)
    excess: Floats = field(default_factory=lambda: NOTHING)
    locals: list[Numbers | None] = field(default_factory=list)
    slopes: list[Floats] = field(default_factory=list)
    stakes: list[Stake] = field(default_factory=list)
    vague: Mask = field(default_factory=lambda: NONE)
    undefined: Mask = field(default_factory=lambda: NONE)
    doubtful: Mask = field(default_factory=lambda: NONE)
    loss: Losses | None = None
    needed: Mask = field(default_factory=lambda: NONE)
    adjoint: Any = None
    adjoint_units: Floats = field(default_factory=lambda: NOTHING)
    adjoint_excess: Floats = field(default_factory=lambda: NOTHING)
    best: Floats = field(default_factory=lambda: NOTHING)
    blame: Losses | None = None
    matters: Mask = field(default_factory=lambda: NONE)
    touched: Codes = field(default_factory=lambda: np.zeros((), dtype=np.int32))

    @property
    def inexact(self) -> bool:
        """Whether any entry may be off."""
        return bool(self.units.any() or self.excess.any())

    def offer(self, factor: Floats, where: Mask, cause: str) -> None:
        """Take this loss of digits in the value where it is worse than the worst so far."""
        self.loss = Losses.offer(self.loss, factor, where, self.place, cause)

    def options(self, name: str) -> object:
        """The setting called ``name`` of the step."""
        return dict(self.step.options)[name]


def scaled(factor: Floats, error: Floats) -> Floats:
    """A product in which nothing times infinity is nothing."""
    if not error.any():
        return NOTHING
    with np.errstate(invalid="ignore", over="ignore", under="ignore"):
        product: Floats = np.asarray(factor * error)
    return np.where((factor == 0) | (error == 0), 0.0, product) if np.isnan(product).any() else product


def times(over: Floats, under: Floats) -> Floats:
    """How many times ``under`` is in ``over``: the largest float where the quotient of finite numbers is beyond it.

    Infinite is what overflows. Beside that an underflow by whatever factor is the lesser loss.
    """
    with np.errstate(divide="ignore", invalid="ignore", over="ignore", under="ignore"):
        quotient = np.asarray(over / under)
    return np.where(np.isinf(quotient) & np.isfinite(over), _MOST, quotient)


def relative(unit: float, units: Floats, excess: Floats, size: Floats) -> Floats:
    """The bound as a share of the magnitude; 0 where that is 0."""
    with np.errstate(over="ignore"):
        share = times(np.asarray(unit * units + excess), size)
    return np.where((size == 0) | np.isnan(share), 0.0, share)


def any_of(masks: Sequence[Mask]) -> Mask:
    """Where any of the masks holds."""
    found = NONE
    for mask in masks:
        found = found | mask if mask.any() else found
    return found


def unstretched(shape: tuple[int, ...], wanted: tuple[int, ...]) -> tuple[int, ...]:
    """The axes of ``shape`` along which an array of shape ``wanted`` was stretched; new leading ones first."""
    new = len(shape) - len(wanted)
    return (*range(new), *(new + axis for axis, length in enumerate(wanted) if length == 1 != shape[new + axis]))
