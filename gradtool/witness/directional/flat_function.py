"""A function of several tensors as a function of one long vector, in the arithmetic of a dtype.

What is told about a whole gradient is told along directions: signs drawn at random, and sizes between a half and once
the tensor's own unit, so that no entry is unseen, none drowns, and two errors of one size (a pair of entries swapped)
do not cancel. Points are rounded to the dtype before anything is computed from them, and what is computed afterwards
uses the points as they were rounded.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gradtool.target.dtype import FORMATS
from gradtool.witness.rounding import nearest

__all__ = ["STRIDES", "Array", "Both", "FlatFunction", "Gradient", "Point", "Strides", "Value", "left_over"]

Array = NDArray[np.float64]
Point = Mapping[str, Array]
Value = Callable[[dict[str, Array]], float]
"""The framework's own forward function; its result may be a float32 in a float."""
Gradient = Callable[[dict[str, Array]], Mapping[str, Array | None]]
"""The gradient that is being checked; None, or a tensor left out, counts as 0."""

Both = Callable[[dict[str, Array]], tuple[float, Mapping[str, Array | None]]]
"""Value and gradient in one call, where a backward pass has gone forward anyway."""


def _zero(_: dict[str, Array]) -> dict[str, Array | None]:
    return {}


@dataclass(frozen=True, slots=True)
class Strides:
    """How far a point can be moved in a dtype.

    ``least`` is the least step unit of an entry, relative to it, and ``smallest`` the least part of a unit that is
    gone: with less of either, rounding would hold the entry where it is. ``first`` is the part of a unit to begin with.
    """

    least: float
    smallest: float
    first: float


STRIDES = {
    "float64": Strides(2.0**-12, 2.0**-40, 0.25),
    "float32": Strides(2.0**-8, 2.0**-15, 0.25),
    "float16": Strides(2.0**-4, 2.0**-6, 0.5),
    "bfloat16": Strides(2.0**-3, 2.0**-4, 0.5),
}
"""``least`` times ``smallest`` is the distance from 1 to the next number."""
_ONE_SIGNED = 2.0**-10
"""The least step unit of an entry in a tensor of one sign, relative to the tensor's."""


@dataclass(slots=True)
class FlatFunction:
    """``forward`` of the tensors in ``point`` as a function of one vector.

    ``backward`` is the gradient that is being checked, ``both`` value and gradient in one call. ``evaluations`` counts
    the calls of all three, ``gradients`` those of the last two.
    """

    forward: Value
    point: Point
    dtype: str
    backward: Gradient = _zero
    both: Both | None = None
    evaluations: int = 0
    gradients: int = 0

    @property
    def unit(self) -> float:
        """Half the distance from 1 to the next number: the relative error of one rounding."""
        return FORMATS[self.dtype].unit

    @property
    def strides(self) -> Strides:
        """How far the point can be moved."""
        return STRIDES[self.dtype]

    def start(self) -> Array:
        """The point as a vector."""
        return self.vector(self.point)

    def vector(self, tensors: Mapping[str, Array | None]) -> Array:
        """``tensors`` in the order of the point, end to end; zeros for one that is None or left out."""
        parts = [np.zeros(0)]
        for name, at in self.point.items():
            tensor = tensors.get(name)
            parts.append(np.zeros(at.size) if tensor is None else np.asarray(tensor, dtype=np.float64).ravel())
        return np.concatenate(parts)

    def tensors(self, vector: Array) -> dict[str, Array]:
        """The vector cut into tensors again; copies, in case the function writes to what it is given."""
        pieces = np.split(vector, np.cumsum([at.size for at in self.point.values()], dtype=int))[:-1]
        items = zip(self.point.items(), pieces, strict=True)
        return {name: piece.reshape(at.shape).copy() for (name, at), piece in items}

    def value(self, vector: Array) -> float:
        """The function there."""
        self.evaluations += 1
        return float(self.forward(self.tensors(vector)))

    def slopes(self, vector: Array) -> Array:
        """What the gradient says there, as a vector."""
        self.evaluations += 1
        self.gradients += 1
        return self.vector(self.backward(self.tensors(vector)))

    def value_and_slopes(self, vector: Array) -> tuple[float, Array]:
        """The function there, and what the gradient says."""
        if self.both is None:
            return self.value(vector), self.slopes(vector)
        self.evaluations += 1
        self.gradients += 1
        value, gradient = self.both(self.tensors(vector))
        return float(value), self.vector(gradient)

    def rounded(self, vector: Array) -> Array:
        """The nearest point whose coordinates are numbers of the dtype."""
        return nearest(vector, self.dtype)

    def units(self) -> Array:
        """The step unit of every entry."""
        return self.vector({name: _units(at, self.strides.least) for name, at in self.point.items()})

    def direction(self, draw: np.random.Generator) -> Array:
        """A direction through every entry: random signs times 1/2 to 1 times its unit."""
        units = self.units()
        signs = draw.integers(0, 2, size=units.size) * 2.0 - 1.0
        steps: Array = signs * draw.uniform(0.5, 1.0, size=units.size) * units
        return steps


def _units(tensor: Array, least: float) -> Array:
    """The power of two at or below the median magnitude of the tensor's entries that are not 0; 1 where all are.

    An entry too large to move by that has more; and where all entries have one sign, as probabilities and variances
    have, a smaller one has less, for the function may end at 0.
    """
    magnitudes = np.abs(tensor)
    usual = magnitudes[np.isfinite(tensor) & (tensor != 0)]
    unit = 2.0 ** math.floor(math.log2(float(np.median(usual)))) if usual.size else 1.0
    one_signed = np.all(tensor > 0) or np.all(tensor < 0)
    units = np.clip(magnitudes, unit * _ONE_SIGNED, unit) if one_signed else np.full(tensor.shape, unit)
    enough: Array = np.maximum(units, magnitudes * least)
    return enough


def left_over(places: Array, degree: int) -> Array:
    """The matrix that takes values at ``places`` in [-1, 1] to what a least-squares polynomial leaves of them.

    Divided by the root of the degrees of freedom, so that the length of the result is the standard deviation of the
    noise in the values, whatever polynomial of that degree they lie on.
    """
    basis, _ = np.linalg.qr(np.polynomial.legendre.legvander(places, degree))
    matrix: Array = (np.eye(len(places)) - basis @ basis.T) / math.sqrt(len(places) - degree - 1)
    return matrix
