"""Which finders are needed, and what they say: they look at a second pass, and only where the first went wrong."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from gradtool.evidence import Cause, ModelEvidence, Parameter

__all__ = ["FATES", "UNLIKE", "Finders", "Wanted", "causes", "wanted", "wanted_of"]

FATES = ("none", "cut", "zero", "nonfinite")
"""What a finder is for; ``cut`` is a path that is missing from a gradient that is there."""

UNLIKE = "the second pass, in which the causes were looked for, did not end as the first did"
"""The note where nothing can be told."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """The names of the trainable parameters without a gradient, with one of zeros, and with one that is not finite."""

    none: Sequence[str] = ()
    zero: Sequence[str] = ()
    nonfinite: Sequence[str] = ()
    loss: bool = False
    """Whether the loss itself is not finite."""
    cut: bool = False
    """Whether something on the way was cut, although every parameter has a gradient."""

    def fates(self) -> list[str]:
        """The finders that are needed, as in ``FATES``."""
        nonfinite = bool(self.nonfinite) or self.loss
        there = (bool(self.none), self.cut, bool(self.zero), nonfinite)
        return [fate for fate, needed in zip(FATES, there, strict=True) if needed]


class Finders(Protocol):
    """A framework's finders: each runs the same pass again, from the same random numbers, and leaves nothing behind."""

    def none(self, asked: Wanted) -> list[Cause]:
        """Why parameters have no gradient, and which paths are missing from those that are there."""

    def zero(self, asked: Wanted) -> list[Cause]:
        """Where gradients became exactly zero."""

    def nonfinite(self, asked: Wanted) -> list[Cause]:
        """Where the first NaN or infinity was born."""


def wanted(evidence: ModelEvidence, *, cut: bool = False) -> Wanted:
    """What one pass left unexplained."""
    return wanted_of(evidence.parameters, evidence.loss.value, cut=cut or evidence.cut)


def wanted_of(parameters: Sequence[Parameter], loss: float, *, cut: bool = False) -> Wanted:
    """The same of the parameters and the value of the loss; where nothing is trainable, all of them are asked about."""
    own = [parameter for parameter in parameters if parameter.trainable and not parameter.late] or parameters
    seen = [(parameter.name, parameter.gradient) for parameter in own]
    return Wanted(
        [name for name, gradient in seen if gradient is None],
        [name for name, gradient in seen if gradient and 0 < gradient.count == gradient.zeros],
        [name for name, gradient in seen if gradient and not math.isfinite(gradient.norm)],
        loss=not math.isfinite(loss),
        cut=cut,
    )


def causes(asked: Wanted, finders: Finders) -> Iterator[Cause]:
    """What the finders that are needed say."""
    fates = asked.fates()
    if "none" in fates or "cut" in fates:
        yield from finders.none(asked)
    if "nonfinite" in fates:
        yield from finders.nonfinite(asked)
    elif "zero" in fates:  # beside a NaN a zero says nothing
        yield from finders.zero(asked)
