"""What a framework's room makes of a callable, so that what is asked of it is the same for both.

Numbers pass as float64 arrays whatever the dtype of the arithmetic; a complex tensor is its real and imaginary parts,
on a last axis of two.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from gradtool.evidence import Slot

__all__ = ["Floats", "Gradients", "Origin", "Point", "Subject", "UnavailableError", "coarsest"]

Floats = NDArray[np.float64]
Point = Mapping[str, Floats]
Gradients = dict[str, Floats | None]
"""By the names of the point; None where the framework returned None."""

_FINENESS = ("float64", "float32", "float16", "bfloat16")


class UnavailableError(Exception):
    """The framework, or the operation, does not offer this kind of derivative; the text says why."""


@dataclass(frozen=True, slots=True)
class Origin:
    """What a callable is called, what it is (``autograd function``), and where it stands (``ops.py:12``)."""

    name: str
    kind: str
    source: str = ""


class Subject(Protocol):
    """A callable as a function of the tensors that are differentiated; everything else stays as it was given.

    Whatever is asked leaves the given tensors, the random state and the parameters of a module as they were. What the
    callable raises is passed on.
    """

    origin: Origin
    point: Point
    """The differentiated inputs as they were given."""
    inputs: Sequence[Slot]
    results: Sequence[Slot]
    """The outputs, as the first call gave them; those that are not differentiated are left out of what follows."""
    fixed: Mapping[str, object]
    """Arguments that are no tensors, which are passed as they are."""
    held: Sequence[str]
    """Buffers that the forward pass writes to past autograd: every call writes what the first one wrote."""
    seed: int
    """Of the random numbers, the same for every call."""
    backward_seed: int | None
    """Of those that the backward pass of ``gradient`` draws; None for the same as ever."""
    drew: bool
    """Whether the backward pass of the last ``gradient`` drew random numbers, and did not put the generator back."""

    @property
    def dtype(self) -> str:
        """The coarsest floating-point dtype among the differentiated inputs and outputs."""

    def outputs(self, at: Point) -> list[Floats]:
        """Every differentiated output."""

    def gradient(self, at: Point, upstream: Sequence[Floats]) -> tuple[list[Floats], Gradients]:
        """The outputs, and the gradient of the sum of ``upstream`` times them: one forward and one backward pass."""

    def twice(self, at: Point, upstream: Sequence[Floats], along: Point) -> tuple[float, Gradients]:
        """The gradient's slope along ``along``, <gradient, along>, and its own gradient. Raises UnavailableError."""

    def pushed(self, at: Point, upstream: Sequence[Floats], along: Point) -> list[Floats]:
        """The derivative of <gradient, along> by ``upstream``: J along, by way of two backward passes.

        Raises UnavailableError.
        """

    def forward(self, at: Point, along: Point) -> list[Floats]:
        """By how much the outputs move along ``along``, by forward mode. Raises UnavailableError."""

    def batched(self, at: Point, upstreams: Sequence[Sequence[Floats]]) -> list[Gradients]:
        """A vector-Jacobian product for each of ``upstreams``, all at once. Raises UnavailableError."""


def coarsest(dtypes: Sequence[str]) -> str:
    """The dtype with the fewest digits; ``complex64`` counts as two of float32."""
    real = [
        {"complex32": "float16", "complex64": "float32", "complex128": "float64"}.get(dtype, dtype) for dtype in dtypes
    ]
    return max((dtype for dtype in real if dtype in _FINENESS), key=_FINENESS.index, default="float64")
