"""What an operation was given, and how bad its numbers are; the numbers come as NumPy arrays."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradtool.evidence import Operand
from gradtool.values import Shape
from gradtool.witness.causes.lines import Spot

__all__ = ["FINITE", "INFINITE", "NAN", "Array", "Call", "Given", "level_of", "number", "operand"]

Array = NDArray[Any]

FINITE, INFINITE, NAN = range(3)
"""How bad a tensor is: all its numbers are finite, one is infinite, one is NaN."""


@dataclass(slots=True)
class Given:
    """A tensor, or a plain number, that an operation takes or gives; ``numbers`` is called only where all is lost.

    ``key`` stands for the memory that holds it: two tensors that share it have the same key, and no later tensor
    ever gets that of an earlier one. A plain number has none.
    """

    key: Hashable
    level: int
    numbers: Callable[[], Array]
    dtype: str = ""
    shape: Shape = ()


@dataclass(slots=True)
class Call:
    """One operation as it ran. ``operation`` is a word of ``patterns``, or the framework's own where that has none.

    ``inputs`` stand in mathematical order: a - b has a first, however the framework has them. In the backward phase
    ``of`` is the operation of the forward pass whose slope this belongs to; ``place`` is the line of that.
    """

    operation: str
    place: Spot
    inputs: Sequence[Given]
    outputs: Sequence[Given]
    phase: str = "forward"
    of: str = ""
    partial: bool = False
    """Whether the output is written into a part of memory whose rest stays as it was."""


def number(value: complex) -> Given:
    """A plain number as an operand."""
    array = np.asarray(value)
    return Given(None, level_of(array), lambda: array, "", ())


def level_of(array: Array) -> int:
    """FINITE, INFINITE or NAN; integers are finite."""
    if array.dtype.kind not in "fc":
        return FINITE
    if np.isnan(array).any():
        return NAN
    return INFINITE if np.isinf(array).any() else FINITE


def operand(given: Given, name: str = "") -> Operand:
    """The record of it; of complex numbers the range is that of their sizes."""
    array = given.numbers()
    sizes = np.abs(array) if array.dtype.kind == "c" else array
    nan, inf = (int(test(sizes).sum()) if sizes.dtype.kind == "f" else 0 for test in (np.isnan, np.isinf))
    # 0.0 is added to make 0 of -0.
    finite = sizes[np.isfinite(sizes)] if nan or inf else sizes
    least, largest = (float(finite.min()) + 0.0, float(finite.max()) + 0.0) if finite.size else (None, None)
    zeros = sizes.size - int(np.count_nonzero(sizes))
    dtype = given.dtype or str(array.dtype)
    return Operand(tuple(array.shape), dtype, least, largest, int(sizes.size), zeros, nan, inf, name)
