"""What the large exact walk tells: arrays of derivatives, and what is to be said about each entry."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from gradtool.values import Index
from gradtool.witness.symbolic.large.cell import CAUSES, Codes
from gradtool.witness.symbolic.large.numbers import Floats, Mask
from gradtool.witness.walk import Step

__all__ = ["Grid", "LargeGradient", "LargeUndefinedError", "Result"]


class LargeUndefinedError(ArithmeticError):
    """An entry of ``step`` is outside the operation's domain: at ``index`` of its result, for ``arguments``."""

    def __init__(self, step: Step, index: Index, arguments: Sequence[float]) -> None:
        super().__init__(step.operation)
        self.step, self.index, self.arguments = step, index, list(arguments)


@dataclass(frozen=True, slots=True)
class Result:
    """The value: ``high`` is the nearest float64, ``low`` the rest, ``bound`` the rounding error of its evaluation."""

    high: Floats
    low: Floats
    bound: Floats


@dataclass(frozen=True, slots=True)
class Grid:
    """The derivatives by one variable, entry by entry.

    ``high`` + ``low`` is the exact derivative, NaN where there is none or it is unknown; ``bound`` and ``sensitivity``
    are as in ``evidence.ExactEntry``. ``touched`` and ``loss`` are places in the steps of the LargeGradient plus 1,
    0 for none; ``cause`` is a place in CAUSES. ``left`` and ``right`` are the one-sided derivatives of touched entries
    where they follow from those of the single steps, else NaN. ``unknown`` entries can't be judged.
    """

    variable: str
    high: Floats
    low: Floats
    bound: Floats
    sensitivity: Floats
    touched: Codes
    doubtful: Mask
    unknown: Mask
    left: Floats
    right: Floats
    loss: Codes
    cause: Codes


@dataclass(frozen=True, slots=True)
class LargeGradient:
    """Value and gradient of an expression over large arrays; ``steps`` are those that the grids' codes count."""

    value: Result
    grids: tuple[Grid, ...]
    steps: tuple[Step, ...]
    bits: int

    def step(self, code: int) -> Step | None:
        """The step that a code of ``touched`` or ``loss`` names."""
        return self.steps[code - 1] if code else None

    @staticmethod
    def cause(code: int) -> str:
        """The word that a code of ``cause`` stands for, as in ``evidence.ExactEntry``."""
        return CAUSES[code]
