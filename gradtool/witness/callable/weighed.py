"""A subject with weights for its outputs: a function to a single number, whose gradient is to be checked."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from gradtool.evidence import Survey
from gradtool.witness.callable.subject import Floats, Gradients, Point, Subject
from gradtool.witness.directional.survey import surveyed

__all__ = ["Weighed", "together"]


class Weighed:
    """The sum of ``upstream`` times the outputs of ``subject``; ``values`` and ``gradients`` count what it was asked.

    The sum is taken in float64 and hardly rounded, so the noise of the whole is that of the outputs.
    """

    def __init__(self, subject: Subject, upstream: Sequence[Floats]) -> None:
        self.subject, self.upstream = subject, list(upstream)
        self.values = self.gradients = 0

    @property
    def evaluations(self) -> int:
        """Values and gradients together."""
        return self.values + self.gradients

    def both(self, at: Point) -> tuple[list[Floats], Gradients]:
        """The outputs and the gradient; None counts as None."""
        self.gradients += 1
        return self.subject.gradient(at, self.upstream)

    def value(self, at: Point) -> float:
        """The weighed sum; NaN where the callable refuses the point."""
        self.values += 1
        try:
            return self.total(self.subject.outputs(at))
        except Exception:  # noqa: BLE001  # at a point that the callable is not made for, it may raise anything
            return math.nan

    def gradient(self, at: Point) -> Gradients:
        """Its gradient; NaN where the callable refuses the point."""
        try:
            return self.both(at)[1]
        except Exception:  # noqa: BLE001  # at a point that the callable is not made for, it may raise anything
            return {name: np.full_like(array, np.nan) for name, array in at.items()}

    def value_and_gradient(self, at: Point) -> tuple[float, Gradients]:
        """Both in one call."""
        try:
            outputs, gradients = self.both(at)
        except Exception:  # noqa: BLE001  # at a point that the callable is not made for, it may raise anything
            return math.nan, {name: np.full_like(array, np.nan) for name, array in at.items()}
        return self.total(outputs), gradients

    def total(self, outputs: Sequence[Floats]) -> float:
        """The outputs weighed; a weight of 0 silences even what is not finite."""
        parts = [np.where(w == 0, 0, w * output).ravel() for w, output in zip(self.upstream, outputs, strict=True)]
        try:
            return math.fsum(np.concatenate(parts).tolist())
        except (ValueError, OverflowError):
            return math.nan

    def surveyed(self, claims: Gradients, at: Point, seed: int) -> Survey:
        """The whole gradient against the path integral near ``at``; see ``directional.survey``."""
        return surveyed(self.value, self.gradient, claims, at, self.subject.dtype, seed, self.value_and_gradient)


def together(sums: Sequence[Weighed], at: Point) -> list[float]:
    """The values of several weighed sums of the same outputs, for one evaluation."""
    sums[0].values += 1
    try:
        outputs = sums[0].subject.outputs(at)
    except Exception:  # noqa: BLE001  # likewise
        return [math.nan] * len(sums)
    return [one.total(outputs) for one in sums]
