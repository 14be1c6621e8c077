"""Arrays rounded to the numbers of a dtype, which NumPy has of its own for all but bfloat16."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from gradtool.target.dtype import FORMATS, Format

__all__ = ["nearest"]

Array = NDArray[np.float64]
_NATIVE = {"float32": np.float32, "float16": np.float16}


def nearest(values: Array, dtype: str) -> Array:
    """The nearest numbers of ``dtype``, halves to even, infinite beyond the largest."""
    if dtype == "float64":
        return values
    if dtype in _NATIVE:
        return values.astype(_NATIVE[dtype]).astype(np.float64)
    return _in_bits(values, FORMATS[dtype])


def _in_bits(values: Array, form: Format) -> Array:
    last = np.maximum(np.frexp(values)[1] - 1, form.low) - form.precision + 1
    near = np.ldexp(np.rint(np.ldexp(values, -last)), last)
    return np.where(np.abs(near) <= form.largest, near, np.copysign(np.inf, values))
